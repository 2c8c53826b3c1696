"""Settings as text for `risk.db`, and back: nothing is lost, and equal settings are equal text."""

from functools import cache
from typing import Any, Union

import msgspec

from risk_actors.app.settings import Preset, SessionSettings, Settings
from risk_actors.core.rules import catalogue

_ENCODER = msgspec.json.Encoder(order="sorted")


def encode_settings(settings: Settings) -> str:
    """Return settings as JSON, every key written out and in order."""
    # Read back first: a whole number where a fraction may stand is then written as one.
    return _text(decode_settings(_text(settings)))


def decode_settings(text: str) -> Settings:
    """Return the settings that were encoded; keys that are newer take their defaults.

    Raises:
        msgspec.ValidationError: this version would not accept such settings.
        msgspec.DecodeError: the text is no JSON.
    """
    stored: Any = msgspec.json.decode(text, type=_stored_settings())
    fields = msgspec.structs.asdict(stored)
    if stored.preset is not None:
        preset = msgspec.structs.asdict(stored.preset)
        session = msgspec.convert(preset["session"], SessionSettings)
        preset["session"] = {key: getattr(session, key) for key in preset["session"]}
        fields["preset"] = Preset(**preset)
    return Settings(**fields)


def _text(settings: Settings) -> str:
    return _ENCODER.encode(settings).decode()


@cache
def _stored_settings() -> type[msgspec.Struct]:
    """Return `Settings` with the rules as what they are: the struct of each one's type."""
    any_rule: Any = Union[tuple(rule.Settings for rule in catalogue().values())]  # noqa: UP007
    rules: Any = tuple[any_rule, ...]
    preset = msgspec.defstruct(
        "StoredPreset", [("rules", rules)], bases=(Preset,), frozen=True, kw_only=True
    )
    return msgspec.defstruct(
        "StoredSettings",
        [("rules", rules), ("preset", preset | None, None)],
        bases=(Settings,),
        frozen=True,
        kw_only=True,
    )
