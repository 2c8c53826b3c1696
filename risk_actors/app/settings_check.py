"""Settings tables against their structs, field by field, so that no error hides another."""

import difflib
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from enum import Enum
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from risk_actors.app.plain_text import has_control
from risk_actors.app.settings_places import belongs_elsewhere
from risk_actors.app.settings_toml import Path
from risk_actors.core.direction import without_direction

type Report = Callable[[Path, str], None]
"""Takes what is wrong: the path of the key and a sentence."""

_KINDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list in [brackets]",
    "object": "a table",
    "null": "nothing",
}
_SECRET_KEYS = ("url", "heartbeat_url")
"""Their values are credentials, whatever is wrong with them."""
_EXAMPLES = {
    datetime: "an instant such as 2026-12-10T13:00:00-06:00",
    date: "a date such as 2026-12-25",
}
_CONTROL = "holds a control character, which a terminal would obey instead of showing it"
_KIND_NAME = re.compile(r"`([^`]+)`")
_AT_PATH = re.compile(r" - at `.*`$")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` for the nearest known word, else what is known (if short)."""
    options = list(known)
    near = difflib.get_close_matches(word.lower(), options, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known are {', '.join(options)}" if options else ""


def check_table[T: msgspec.Struct](
    struct: type[T], table: dict[str, Any], path: Path, report: Report
) -> T | None:
    """Return the table as a struct, or None after every error in it was reported.

    Args:
        struct: what the table should be; its tag field, where it has one, is not checked.
        table: the parsed TOML.
        path: where the table stands in its file.
        report: called once per error.
    """
    faults: list[str] = []

    def note(at: Path, message: str) -> None:
        faults.append(message)
        report(at, message)

    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    hints = {
        name: without_direction(hint)
        for name, hint in get_type_hints(struct, include_extras=True).items()
    }
    tag_field = struct.__struct_config__.tag_field
    unknown = [key for key in table if key not in fields and key != tag_field]
    for key, value in table.items():
        if key in unknown:
            hint = belongs_elsewhere(key, struct) or did_you_mean(key, fields)
            note((*path, key), f"unknown key `{key}`{hint}")
        elif key != tag_field:
            check_value(hints[fields[key].name], value, (*path, key), note)
    missing = [name for name, field in fields.items() if field.required and name not in table]
    for name in missing:
        note(path, f"missing key `{name}`")
    if not faults:
        return _convert(struct, table, path, report)
    if len(faults) == len(unknown) + len(missing):
        # All values are sound, so a misspelt key need not hide that they contradict each other.
        meant = _as_meant(
            table, unknown, {name: hints[field.name] for name, field in fields.items()}
        )
        if meant is not None and meant.keys() >= set(missing):
            _convert(struct, meant, path, report)
    return None


def _convert[T: msgspec.Struct](
    struct: type[T], table: dict[str, Any], path: Path, report: Report
) -> T | None:
    try:
        return msgspec.convert(table, struct)
    except (msgspec.ValidationError, ValueError) as error:
        report(path, _AT_PATH.sub("", str(error)))
        return None


def _as_meant(
    table: dict[str, Any], unknown: list[str], hints: dict[str, Any]
) -> dict[str, Any] | None:
    """Return a table with its misspelt keys put right; None where a value does not fit its key."""
    meant = {key: value for key, value in table.items() if key not in unknown}
    faults: list[str] = []
    for key in unknown:
        left = sorted(hints.keys() - meant.keys())
        for name in difflib.get_close_matches(key.lower(), left, n=1):
            check_value(hints[name], table[key], (key,), lambda _, fault: faults.append(fault))
            meant[name] = table[key]
    return None if faults else meant


def check_value(hint: Any, value: Any, path: Path, report: Report) -> None:
    """Report what is wrong with one value; inside lists and tables, each of its parts."""
    plain = _without_none(hint)
    faults: list[str] = []

    def note(at: Path, message: str) -> None:
        faults.append(message)
        report(at, message)

    for key, part_hint, part in _parts(plain, value):
        if isinstance(key, str) and has_control(key):
            note((*path, key), f"the key `{key}` {_CONTROL}")
        check_value(part_hint, part, (*path, key), note)
    if faults:
        return
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct) and isinstance(value, dict):
        check_table(plain, value, path, report)
        return
    if isinstance(value, str) and has_control(value):
        shown = "" if path[-1] in _SECRET_KEYS else f' = "{value}"'
        report(path, f"{_name(path)}{shown}: the text {_CONTROL}")
        return
    if isinstance(value, float) and not math.isfinite(value):
        report(path, f"{_name(path)} = {value}: expected a finite number")
        return
    try:
        msgspec.convert(value, plain)
    except msgspec.ValidationError as error:
        shown = "[hidden]" if path[-1] in _SECRET_KEYS else _shown(value)
        report(path, f"{_name(path)} = {shown}: {_explain(error, plain, value)}")


def _parts(hint: Any, value: Any) -> Iterable[tuple[str | int, Any, Any]]:
    """Yield key, type and value of what lies inside a list or a table of like things."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _parts(arguments[0], value)
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield key, arguments[1], item
    elif origin in (tuple, list) and isinstance(value, list):
        for index, item in enumerate(value):
            yield index, arguments[0], item


def _without_none(hint: Any) -> Any:
    """Return X for `X | None`: TOML has no null, so only X can be meant."""
    if isinstance(hint, TypeAliasType):
        return _without_none(hint.__value__)
    if get_origin(hint) in (Union, UnionType):
        others = [option for option in get_args(hint) if option is not type(None)]
        if len(others) == 1:
            return others[0]
    return hint


def _explain(error: msgspec.ValidationError, hint: Any, value: Any) -> str:
    if options := _options(hint):
        return f"expected one of {', '.join(options)}{_nearest(value, options)}"
    if isinstance(hint, type) and hint in _EXAMPLES:
        return f"write {_EXAMPLES[hint]}"
    text = _AT_PATH.sub("", str(error)).split(", got ")[0]
    text = text.replace(" of length >= 1", " that is not empty")
    text = _KIND_NAME.sub(lambda kind: _KINDS.get(kind[1], kind[1]), text)
    return text[:1].lower() + text[1:]


def _options(hint: Any) -> list[str]:
    """Return the words that may stand here, if only certain ones may."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [str(option.value) for option in hint]
    if get_origin(hint) is Literal:
        return [str(option) for option in get_args(hint)]
    return []


def _nearest(value: Any, options: list[str]) -> str:
    near = difflib.get_close_matches(str(value).lower(), options, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _name(path: Path) -> str:
    """Return the key as the trader wrote it: `limits.MNQ`, `warn_at[1]`."""
    names: list[str] = []
    for part in path:
        if isinstance(part, int):
            names[-1:] = [f"{names[-1]}[{part}]"] if names else [f"[{part}]"]
        else:
            names.append(part)
    while names and names[0].startswith("rules["):
        del names[0]
    return ".".join(names)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ ... }" if value else "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)
