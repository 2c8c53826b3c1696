"""What settings mean to the actors: whether others make other actors, and which rules there are."""

import msgspec

from risk_actors.app.settings import LogSettings, PaperSettings, Settings, WebSettings
from risk_actors.app.settings_keeper import InForce
from risk_actors.core.rules import Mode
from risk_actors.projectx.settings import GatewaySettings


def say_rules(settings: Settings, *, armed: bool) -> str:
    """Return each rule with the mode that holds while armed or not."""
    modes = [
        "shadow" if rule.mode is Mode.ENFORCE and not armed else rule.mode.value
        for rule in settings.rules
    ]
    return ", ".join(
        f"{rule.id} ({mode})" for rule, mode in zip(settings.rules, modes, strict=True)
    )


def rule_types(settings: Settings) -> dict[str, str]:
    """Return the type of each rule by its id."""
    return {rule.id: rule.type for rule in settings.rules}


def are_alike(one: InForce, other: InForce) -> bool:
    """Tell whether the actors that run with one would be the same with the other."""
    return (_of_actors(one.settings), one.armed_by_command) == (
        _of_actors(other.settings),
        other.armed_by_command,
    )


def _of_actors(settings: Settings) -> Settings:
    """Return settings without what no actor has to do with."""
    return msgspec.structs.replace(
        settings,
        gateway=GatewaySettings(brake_after_commands=settings.gateway.brake_after_commands),
        log=LogSettings(),
        web=WebSettings(),
        simulator=PaperSettings(),
        preset=None,
        news_notes=(),
    )
