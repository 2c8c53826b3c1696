"""A specification as a file: front matter in TOML between two lines `+++`, then prose.

What is wrong with one is said with its line and what to do about it.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

FENCE = "+++"
_AT_LINE = re.compile(r" ?\(at line (?P<line>\d+), column \d+\)")
_AT_KEY = re.compile(r" - at `\$\.?(?P<path>[^`]*)`")
_UNKNOWN_KEY = re.compile(r"unknown field `(?P<key>[^`]+)`")
_HEADER = re.compile(r"^\s*(?P<open>\[\[?)(?P<name>[^\[\]]+)\]\]?\s*(#.*)?$")

type Text = Annotated[str, msgspec.Meta(min_length=1)]
type Key = str | int
"""A key of a table, or the place of an item in a list, counted from 0."""


class Problem(NamedTuple):
    """Something that is wrong with a specification."""

    line: int
    """Of the file, counted from 1."""
    text: str
    """What is wrong, and what to do."""


class WrongSpecError(Exception):
    """A specification cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"line {problem.line}: {problem.text}")
        self.problem = problem


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the specification says of one key of the rule's settings."""

    type: Text
    """In the words of `risk-actors rules --explain`, without the unit: `number, at least 0.01`."""
    means: Text
    unit: str | None = None
    """What a number counts; needed where the key's ending says one, such as `_usd`."""
    default: Any = None
    """As it would stand in risk.toml, or `not set`."""
    required: bool = False
    """In place of a default."""


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings, what happens, and what the rule must say of it."""

    say: Text
    settings: dict[str, Any]
    steps: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1)]
    """As in tests/conformance/README.md: `at`, what happens, `expect`."""
    session: str = "chicago"
    balance_usd: Decimal = Decimal(50_000)


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter."""

    rule: Text
    """The type that settings name it with."""
    purpose: Text
    """Which loss or habit it is against, and for whom."""
    breaks_when: Text
    """As the rule's class says it."""
    response: Text
    """As the rule's class says it."""
    parameters: dict[str, Parameter]
    examples: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]
    soak: tuple[dict[str, Any], ...] = ()
    """Settings that staging plays days with; those of the examples where there are none."""


class SpecFile(NamedTuple):
    """A specification and where its parts stand."""

    path: Path
    spec: Spec
    lines: "Lines"

    @property
    def name(self) -> str:
        """Return what its results are kept under."""
        return self.path.stem


class Lines:
    """Finds the line of a key in a file's front matter, near enough for a person."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()

    def of(self, *path: Key) -> int:
        """Return the line of a key; where it is not written, the nearest that holds it."""
        begin, end, rest = self._section(path)
        line = begin
        for key in rest:
            if isinstance(key, int):
                continue
            wanted = re.compile(rf'(^|[\s{{,])"?{re.escape(key)}"?\s*=')
            found = next((n for n in range(line, end) if wanted.search(self._lines[n])), None)
            if found is None:
                break
            line = found
        return line + 1

    def of_text(self, text: str, begin: int) -> int:
        """Return the first line from one on that holds a text, else that line."""
        found = (n for n in range(begin - 1, len(self._lines)) if text in self._lines[n])
        return next(found, begin - 1) + 1

    def _section(self, path: tuple[Key, ...]) -> tuple[int, int, tuple[Key, ...]]:
        """Return from where to where the longest table that is written with a header goes."""
        best: tuple[int, int, tuple[Key, ...]] = (0, len(self._lines), path)
        counts: dict[str, int] = {}
        headers = [(n, m) for n, line in enumerate(self._lines) if (m := _HEADER.match(line))]
        for place, (number, match) in enumerate(headers):
            name = match["name"].replace('"', "").strip()
            parts: tuple[Key, ...] = tuple(name.split("."))
            if match["open"] == "[[":
                counts[name] = counts.get(name, -1) + 1
                parts = (*parts, counts[name])
            is_longer = len(path) - len(best[2]) < len(parts)
            if path[: len(parts)] == parts and is_longer:
                end = headers[place + 1][0] if place + 1 < len(headers) else len(self._lines)
                best = (number, end, path[len(parts) :])
        return best


def read_spec(path: Path) -> SpecFile:
    """Read a specification.

    Raises:
        WrongSpecError: it is none.
        OSError: the file cannot be read.
    """
    try:
        # Some editors put a mark before UTF-8.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongSpecError(Problem(1, "it is not UTF-8 text; save it as UTF-8")) from error
    lines = text.splitlines()
    if not lines or lines[0].strip() != FENCE:
        raise WrongSpecError(
            Problem(1, f"the front matter is missing; begin the file with a line `{FENCE}` (TOML)")
        )
    ends = [n for n, line in enumerate(lines) if line.strip() == FENCE]
    if len(ends) < 2:  # noqa: PLR2004 - one to begin, one to end
        raise WrongSpecError(
            Problem(len(lines), f"the front matter does not end; put a line `{FENCE}` after it")
        )
    # Without its first line the numbers of the others would be those of another file.
    matter = "\n".join(["", *lines[1 : ends[1]]])
    try:
        raw = tomllib.loads(matter, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        told = _AT_LINE.search(str(error))
        line = int(told["line"]) if told else ends[1] + 1
        raise WrongSpecError(
            Problem(line, f"not valid TOML: {_AT_LINE.sub('', str(error))}; see specs/README.md")
        ) from error
    where = Lines(matter)
    _refuse_no_numbers(raw, where)
    try:
        spec = msgspec.convert(raw, Spec)
    except msgspec.ValidationError as error:
        raise WrongSpecError(_readable(str(error), where, raw)) from error
    return SpecFile(path, spec, where)


def _refuse_no_numbers(value: Any, where: Lines, path: tuple[Key, ...] = ()) -> None:
    """Refuse `nan` and `inf` wherever they stand: no comparison with them means anything."""
    if isinstance(value, Decimal) and not value.is_finite():
        named = next(key for key in reversed(path) if isinstance(key, str))
        raise WrongSpecError(
            Problem(where.of(*path), f"`{named}`: {value} is no amount; write a number")
        )
    inner: Iterable[tuple[Key, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        _refuse_no_numbers(item, where, (*path, key))


def _readable(told: str, where: Lines, raw: Any) -> Problem:
    """Return what the decoder said in the words of the file."""
    at = _AT_KEY.search(told)
    path = _walked(raw, at["path"] if at else "", told)
    text = _AT_KEY.sub("", told)
    unknown = _UNKNOWN_KEY.search(text)
    if unknown:
        key = unknown["key"]
        # The first of several tables of that name: `[[name]]` is where it is written.
        path = (*path, key, 0) if isinstance(_at(raw, path)[key], list) else (*path, key)
        text = f"`{unknown['key']}` is not known here; take it out, or see specs/README.md"
    elif "missing required field" in text:
        key = text.rpartition("field ")[2]
        text = f"{key} is missing; add it, as specs/README.md shows"
    else:
        text = f"`{'.'.join(map(str, path))}`: {text[:1].lower()}{text[1:]}"
    return Problem(where.of(*path), text)


def _walked(raw: Any, told: str, error: str) -> tuple[Key, ...]:
    """Return the keys of a path that names lists and free keys by `[...]` alone."""
    path: list[Key] = []
    for part in re.findall(r"\[(\d+)\]|(\[\.\.\.\])|([^.\[\]]+)", told):
        index, any_key, name = part
        if index:
            path.append(int(index))
        elif any_key:
            path.append(_guilty(_at(raw, path), error))
        else:
            path.append(name)
    return tuple(path)


def _at(raw: Any, path: Sequence[Key]) -> Any:
    for key in path:
        raw = raw[key]
    return raw


def _guilty(table: Any, error: str) -> str:
    """Return which item of a table of parameters is meant by an error."""
    for key, item in table.items():
        try:
            msgspec.convert(item, Parameter)
        except msgspec.ValidationError as found:
            if str(found).split(" - at ")[0] == error.split(" - at ", maxsplit=1)[0]:
                return str(key)
    return next(iter(table), "")
