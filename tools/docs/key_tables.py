"""Tables of the keys of a settings table: kind with its unit, default, meaning, what is tighter."""

from collections.abc import Iterable, Iterator, Mapping

from risk_actors.core.rules.reference import Parameter

_UNITS = {"_ms": "milliseconds", "_mb": "megabytes", "_days": "days", "pace": "times"}
"""What a number counts, by how its key ends, where its kind does not say so already."""
_DATES = {"date": "date", "as_of": "date", "at": "date and time"}
"""The kinds of the keys that hold one."""
_NUMBERS = ("whole number", "number")
_TITLES = ("key", "what may stand there", "default", "meaning", "what is tighter")


def table_of_keys(
    keys: Iterable[Parameter],
    tightening: Mapping[str, str],
) -> str:
    """Return the keys as Markdown.

    Args:
        keys: of one settings table; those of tables inside it follow each key.
        tightening: what is tighter, by key.
    """
    lines = [f"| {' | '.join(_TITLES)} |", "|" + "---|" * len(_TITLES)]
    for key in keys:
        lines += _rows(key, tightening.get(key.name, ""))
    return "\n".join(lines)


def kind_with_unit(key: Parameter) -> str:
    """Return what may stand for a key, a number with its unit."""
    if key.kind == "value":
        return _DATES[key.name]
    unit = next((_UNITS[end] for end in _UNITS if key.name.endswith(end)), None)
    first, comma, bounds = key.kind.partition(",")
    return f"{unit}{comma}{bounds}" if unit and first in _NUMBERS else key.kind


def _rows(key: Parameter, tighter: str, inside: str = "") -> Iterator[str]:
    name = f"{inside}{key.name}"
    words = [part for part in key.parts if not part.kind]
    meaning = key.meaning
    if not meaning:
        raise ValueError(f"the struct does not say what `{name}` means")
    known = [word for word in words if f"`{_bare(word)}`" not in meaning]
    told = [meaning, *(f"`{word.name}`: {word.meaning}" for word in known)]
    yield _row(f"`{name}`", kind_with_unit(key), _default_of(key), " ".join(told), tighter)
    for part in key.parts:
        if part.kind:
            yield from _rows(part, f"see `{name}`" if tighter else "", f"{name}: ")


def _default_of(key: Parameter) -> str:
    if key.is_required:
        return "required"
    if key.default is None or key.default == "not set":
        return "not set"
    # A file takes numbers without separators.
    bare = key.default.replace(",", "")
    return f"`{bare if bare.isdecimal() else key.default}`"


def _bare(word: Parameter) -> str:
    return word.name.strip('"')


def _row(*cells: str) -> str:
    flat = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(flat)} |"
