"""Where a key belongs that stands in the wrong table."""

from functools import cache
from typing import get_type_hints

import msgspec

from risk_actors.app.settings import AppFile, SessionSettings
from risk_actors.core.direction import without_direction
from risk_actors.core.rules import RuleSettings


def belongs_elsewhere(key: str, struct: type[msgspec.Struct] | None = None) -> str:
    """Return `; it belongs in [session] of risk.toml`; empty for a key that is known nowhere.

    Args:
        key: what stands where it is not known.
        struct: the table in which it stands, which is then not where it belongs.
    """
    places = [place for place, home in _places().get(key, ()) if home is not struct]
    return f"; it belongs in {' or '.join(places)}" if places else ""


@cache
def _places() -> dict[str, list[tuple[str, type[msgspec.Struct]]]]:
    tables: list[tuple[str, type[msgspec.Struct]]] = [
        ("`[session]` of risk.toml", SessionSettings),
        ("`[[rules]]` of risk.toml", RuleSettings),
        ("app.toml, above its tables", AppFile),
    ]
    for name, hint in get_type_hints(AppFile, include_extras=True).items():
        table = without_direction(hint)
        if isinstance(table, type) and issubclass(table, msgspec.Struct):
            tables.append((f"`[{name}]` of app.toml", table))
    places: dict[str, list[tuple[str, type[msgspec.Struct]]]] = {}
    for place, struct in tables:
        for field in msgspec.structs.fields(struct):
            places.setdefault(field.encode_name, []).append((place, struct))
    return places
