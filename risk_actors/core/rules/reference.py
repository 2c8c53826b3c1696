"""What a rule's source says of it: the one origin of `rules --explain` and the README's table.

A rule file states its rule in its docstring, and every key in the text under the settings' field.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from enum import Enum
from functools import cache
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from risk_actors.core.rules import Rule, RuleSettings, catalogue

_NUMBERED = re.compile(r"Rule \d{3}: (?P<sentence>.+)", re.DOTALL)
_UNITS = {
    "_usd": "US dollars",
    "_pct": "per cent",
    "_ticks": "ticks",
    "_s": "seconds",
    "seconds": "seconds",
}
"""What a number counts, by how its key ends."""
_KINDS: dict[Any, tuple[str, str]] = {
    bool: ("true or false", "true or false"),
    int: ("whole number", "whole numbers"),
    float: ("number", "numbers"),
    str: ("text", "texts"),
}
"""A type in one word, and of several."""
_BEYOND_ANY_USE = 1_000_000
"""A bound further out than this only keeps sums from overflowing."""


class Parameter(NamedTuple):
    """One key of a settings table, or one of the words that may stand for it."""

    name: str
    kind: str
    """What may stand there, in words: `US dollars, above 0`."""
    meaning: str
    is_required: bool = False
    default: str | None = None
    """As it would be written in the file; None where there is none."""
    parts: tuple["Parameter", ...] = ()
    """The keys of the tables in it, or the words it may be."""


class Reference(NamedTuple):
    """The documentation of one rule."""

    number: int
    type: str
    sentence: str
    detail: str
    breaks_when: str
    response: str
    parameters: tuple[Parameter, ...]
    """Its own keys; those that every rule has are `shared_parameters`."""


def references() -> list[Reference]:
    """Return the documentation of every rule, in the order of their numbers."""
    return sorted(map(reference_of, catalogue().values()), key=lambda each: each.number)


def reference_of(rule: type[Rule[Any, Any]]) -> Reference:
    """Return the documentation of a rule, as its file has it."""
    module = inspect.getmodule(rule)
    said = _flat(getattr(module, "__doc__", None) or "")
    numbered = _NUMBERED.fullmatch(said)
    sentence = numbered["sentence"] if numbered else said
    return Reference(
        number=rule.number,
        type=str(rule.Settings.__struct_config__.tag),
        sentence=sentence[:1].upper() + sentence[1:],
        detail=_detail(rule),
        breaks_when=rule.breaks_when,
        response=rule.response,
        parameters=tuple(
            parameter
            for parameter in parameters_of(rule.Settings)
            if parameter.name not in RuleSettings.__struct_fields__
        ),
    )


def _detail(rule: type[Rule[Any, Any]]) -> str:
    """Return what the class adds, and its settings beyond their first paragraph."""
    _, *of_settings = _flat(rule.Settings.__doc__ or "").split("\n\n")
    return "\n\n".join([_flat(rule.__doc__ or ""), *of_settings])


def shared_parameters() -> tuple[Parameter, ...]:
    """Return the keys that every rule has; `type` goes without saying."""
    return parameters_of(RuleSettings)


@cache
def parameters_of(struct: type[msgspec.Struct]) -> tuple[Parameter, ...]:
    """Return every key of a settings struct, those without a default first."""
    hints = get_type_hints(struct, include_extras=True)
    found = [
        Parameter(
            name=field.encode_name,
            kind=kind_of(hints[field.name], field.encode_name),
            meaning=_meaning(struct, field.name),
            is_required=field.required,
            default=None if field.required else _as_written(_default_of(field)),
            parts=_parts(hints[field.name]),
        )
        for field in msgspec.structs.fields(struct)
    ]
    return tuple(sorted(found, key=lambda parameter: not parameter.is_required))


def kind_of(hint: Any, name: str = "", *, several: bool = False) -> str:
    """Return in words what a type allows, such as `whole number, above 0`.

    Args:
        hint: a type as settings structs have it.
        name: the key, whose ending tells the unit of a number.
        several: whether it stands for the items of a list or of a table.
    """
    hint, bounds = _plain(hint), _bounds(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple or origin is list:
        text = f"list of {kind_of(arguments[0], name, several=True)}"
    elif origin is dict:
        text = f"table of name = {kind_of(arguments[1], name)}"
    elif origin is Literal or (isinstance(hint, type) and issubclass(hint, Enum)):
        text = " or ".join(map(_as_written, _words(hint)))
    elif origin in (Union, UnionType):
        text = " or ".join(kind_of(option, name) for option in arguments)
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        text = "tables" if several else "table"
    else:
        one, more = _KINDS.get(hint, ("value", "values"))
        unit = next((_UNITS[end] for end in _UNITS if name.endswith(end)), None)
        text = unit if unit and hint in (int, float) else more if several else one
    return ", ".join([text, *bounds])


def table_of_rules() -> str:
    """Return the rule table in Markdown."""
    lines = [
        "| no. | type | breaks when | then | keys of its own |",
        "|---|---|---|---|---|",
    ]
    for rule in references():
        keys = ", ".join(f"`{parameter.name}`" for parameter in rule.parameters) or "-"
        lines.append(
            f"| {rule.number:03} | `{rule.type}` | {_cell(rule.breaks_when)}"
            f" | {_cell(rule.response)} | {keys} |"
        )
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _flat(text).replace("|", "\\|")


def _plain(hint: Any) -> Any:
    """Return the type without alias, bounds and `| None`, which settings cannot write."""
    if isinstance(hint, TypeAliasType):
        return _plain(hint.__value__)
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        if len(options) == 1:
            return _plain(options[0])
    return hint


def _bounds(hint: Any) -> list[str]:
    """Return the bounds of a value in words."""
    if isinstance(hint, TypeAliasType):
        return _bounds(hint.__value__)
    if get_origin(hint) in (Union, UnionType):
        return [bound for option in get_args(hint) for bound in _bounds(option)]
    if get_origin(hint) is not Annotated:
        return []
    found: list[str] = []
    inner, *marks = get_args(hint)
    for mark in marks:
        if not isinstance(mark, msgspec.Meta):
            continue
        limits = {"above": mark.gt, "at least": mark.ge, "below": mark.lt, "at most": mark.le}
        found += [
            f"{word} {_as_written(limit)}"
            for word, limit in limits.items()
            if limit is not None and abs(limit) <= _BEYOND_ANY_USE
        ]
        if mark.min_length:
            found.append("not empty")
    return _bounds(inner) + found


def _parts(hint: Any) -> tuple[Parameter, ...]:
    """Return the keys of the tables that a type holds, or the words it may be."""
    hint = _plain(hint)
    if get_origin(hint) in (tuple, list):
        return _parts(get_args(hint)[0])
    if get_origin(hint) is dict:
        return _parts(get_args(hint)[1])
    if not isinstance(hint, type):
        return ()
    if issubclass(hint, msgspec.Struct):
        return parameters_of(hint)
    if issubclass(hint, Enum):
        meanings = _texts_under(hint)
        words = (
            Parameter(name=_as_written(word), kind="", meaning=meanings.get(word.name, ""))
            for word in hint
        )
        known = tuple(words)
        return known if all(word.meaning for word in known) else ()
    return ()


def _words(hint: Any) -> Iterable[Any]:
    return get_args(hint) if get_origin(hint) is Literal else hint


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _as_written(value: Any) -> str:
    """Return a value as a settings file has it; `not set` for None."""
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, int | float):
        return f"{value:,}" if value == int(value) and isinstance(value, int) else f"{value:g}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_as_written, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_as_written(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return _as_written(msgspec.to_builtins(value))


def _meaning(struct: type[msgspec.Struct], name: str) -> str:
    """Return the text under a field, where it was declared last."""
    for owner in struct.__mro__:
        if name in vars(owner).get("__annotations__", {}):
            return _texts_under(owner).get(name, "")
    return ""


@cache
def _texts_under(owner: type) -> dict[str, str]:
    """Return the text under each field of a class, or under each member of an enumeration."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - it is a class's source
    texts: dict[str, str] = {}
    for node, text in zip(tree.body, tree.body[1:], strict=False):
        target: ast.expr | None = None
        if isinstance(node, ast.AnnAssign):
            target = node.target
        elif isinstance(node, ast.Assign):
            target = node.targets[0]
        if isinstance(target, ast.Name) and isinstance(text, ast.Expr):
            said = text.value.value if isinstance(text.value, ast.Constant) else None
            if isinstance(said, str):
                texts[target.id] = _flat(said)
    return texts


def _flat(text: str) -> str:
    """Return a docstring as one line; paragraphs stay apart."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
