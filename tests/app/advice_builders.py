"""Settings and situations from a few lines of TOML, for the tests of advice."""

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from risk_actors.app.settings import (
    Preset,
    PresetHeader,
    SessionSettings,
    Settings,
    TradingMode,
)
from risk_actors.app.settings_advice_words import Advice, Situation
from risk_actors.core.rules import RuleSettings, catalogue

A_TUESDAY = datetime(2026, 11, 17, 18, tzinfo=UTC)


def rules_from(text: str) -> tuple[RuleSettings, ...]:
    """Return the rules of a TOML text; what is left out of `id` is the type."""
    tables = tomllib.loads(text)["rules"]
    return tuple(
        msgspec.convert({"id": table["type"]} | table, catalogue()[table["type"]].Settings)
        for table in tables
    )


def preset_from(text: str, as_of: date = date(2026, 9, 30), **session: Any) -> Preset:
    """Return a preset with these rules."""
    header = PresetHeader(
        name="a-50k", firm="A Firm", title="A 50K", source="its page", as_of=as_of
    )
    return Preset(header=header, file="a-50k.toml", rules=rules_from(text), session=session)


def situation_of(
    text: str,
    *,
    now: datetime = A_TUESDAY,
    mode: TradingMode = TradingMode.PAPER,
    account_name: str | None = None,
    preset: Preset | None = None,
    **more: Any,
) -> Situation:
    """Return a situation with the rules of a TOML text over those of a preset."""
    own = rules_from(text) if text else ()
    own_ids = {rule.id for rule in own}
    under = () if preset is None else preset.rules
    session = SessionSettings(**({} if preset is None else preset.session))
    settings = Settings(
        **({"session": session} | more),
        rules=(*(rule for rule in under if rule.id not in own_ids), *own),
        preset=preset,
    )
    return Situation(
        settings=settings,
        mode=mode,
        now_ns=int(now.timestamp()) * 1_000_000_000,
        account_name=account_name,
    )


def rule_of_type(kind: str, **keys: Any) -> str:
    """Return a `[[rules]]` table as TOML; tables inside it come as TOML text already."""
    lines = [f"{key} = {_written(value)}" for key, value in keys.items()]
    return "\n".join(["[[rules]]", f'type = "{kind}"', *lines, ""])


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if value.startswith(("[", "{")) else f'"{value}"'
    return str(value)


def said(advice: Any) -> list[tuple[str | None, str]]:
    """Return rule and text of each piece of advice."""
    found: list[Advice] = list(advice)
    return [(each.rule, each.text) for each in found]
