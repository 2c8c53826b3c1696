"""Holds a specification against the rule itself: its words, and every key of its settings."""

from collections.abc import Iterator
from difflib import get_close_matches
from enum import Enum
from typing import Any, NamedTuple, TypeAliasType, get_args, get_type_hints

import msgspec

from promotion.spec_file import Key, Parameter, Problem, SpecFile
from risk_actors.core.rules import Rule, RuleSettings, catalogue
from risk_actors.core.rules.reference import kind_of

NOT_SET = "not set"
"""Stands for a key that may be left out and then is not there, which TOML cannot write."""


class OwnKey(NamedTuple):
    """One key of a rule's settings struct, as the code has it."""

    name: str
    """With the keys of tables before it: `windows.start`."""
    type: str
    unit: str | None
    required: bool
    default: Any


def own_keys(struct: type[msgspec.Struct], before: str = "") -> Iterator[OwnKey]:
    """Yield every key of a settings struct, those in its tables after the table's own."""
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        if not before and field.name in RuleSettings.__struct_fields__:
            continue
        hint, name = hints[field.name], field.encode_name
        kind = kind_of(hint)
        with_unit, plain = kind_of(hint, name).split(", ")[0], kind.split(", ")[0]
        yield OwnKey(
            name=f"{before}{name}",
            type=kind,
            unit=with_unit if with_unit != plain else None,
            required=field.required,
            default=None if field.required else _default_of(field),
        )
        inner = _struct_in(hint)
        if inner is not None:
            yield from own_keys(inner, f"{before}{name}.")


def problems(file: SpecFile, rule_type: str) -> list[Problem]:
    """Return where a specification and the rule of this type differ."""
    spec, lines = file.spec, file.lines
    if spec.rule != rule_type:
        return [
            Problem(
                lines.of("rule"),
                f"it specifies `{spec.rule}`, and you asked for `{rule_type}`; change `rule`,"
                f" or give --rule {spec.rule}",
            )
        ]
    rule = catalogue().get(rule_type)
    if rule is None:
        near = get_close_matches(rule_type, catalogue(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return [
            Problem(
                lines.of("rule"),
                f"there is no rule of type `{rule_type}` in risk_actors/core/rules{hint}",
            )
        ]
    return [*_words(file, rule), *_parameters(file, rule)]


def _words(file: SpecFile, rule: type[Rule[Any, Any]]) -> Iterator[Problem]:
    for key in ("breaks_when", "response"):
        said, own = _flat(getattr(file.spec, key)), _flat(getattr(rule, key))
        if said != own:
            yield Problem(
                file.lines.of(key),
                f"`{key}` differs from the rule's: the code has {own!r}; change the one that is"
                " wrong",
            )


def _parameters(file: SpecFile, rule: type[Rule[Any, Any]]) -> Iterator[Problem]:
    own = {key.name: key for key in own_keys(rule.Settings)}
    for name, said in file.spec.parameters.items():
        known = own.get(name)
        if known is None:
            near = get_close_matches(name, own, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield Problem(file.lines.of("parameters", name), f"the rule has no key `{name}`{hint}")
        else:
            yield from _parameter(file, said, known)
    for name in own.keys() - file.spec.parameters.keys():
        yield Problem(
            file.lines.of("parameters"),
            f"the rule has a key `{name}` that is not specified; add [parameters.{name}]"
            if "." not in name
            else f'the rule has a key `{name}` that is not specified; add [parameters."{name}"]',
        )


def _parameter(file: SpecFile, said: Parameter, own: OwnKey) -> Iterator[Problem]:
    def at(*key: Key) -> int:
        return file.lines.of("parameters", own.name, *key)

    if _flat(said.type) != own.type:
        yield Problem(at("type"), f"`{own.name}` is of type {own.type!r}, not {said.type!r}")
    if own.unit is not None and said.unit != own.unit:
        yield Problem(at("unit"), f"`{own.name}` counts {own.unit!r}: unit = {own.unit!r}")
    if own.unit is None and said.unit in _UNITS_BY_ENDING:
        yield Problem(
            at("unit"),
            f"`{own.name}` does not end as keys that count {said.unit!r} do; leave the unit out,"
            " or name what it counts",
        )
    if own.required != said.required:
        wanted = "required = true" if own.required else f"default = {_written(own.default)}"
        yield Problem(at("required"), f"`{own.name}` should have {wanted}")
    elif not own.required and not _is_default(said.default, own.default):
        yield Problem(
            at("default"),
            f"the default of `{own.name}` is {_written(own.default)},"
            f" not {_written(msgspec.to_builtins(said.default))}",
        )


_UNITS_BY_ENDING = frozenset(
    kind_of(float, name).split(", ")[0] for name in ("a_usd", "a_pct", "a_ticks", "a_s")
)


def _is_default(said: Any, own: Any) -> bool:
    if own is None:
        return bool(said == NOT_SET)
    return (
        said is not None and bool(said == own) and isinstance(said, bool) == isinstance(own, bool)
    )


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    default = (
        field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    )
    if isinstance(default, Enum):
        return default.value
    plain = msgspec.to_builtins(default)
    return list(plain) if isinstance(plain, tuple) else plain


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """Return the struct of the tables that a type holds."""
    if isinstance(hint, TypeAliasType):
        return _struct_in(hint.__value__)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    for inner in get_args(hint):
        found = _struct_in(inner)
        if found is not None:
            return found
    return None


def _written(value: Any) -> str:
    if value is None:
        return f'"{NOT_SET}"'
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _flat(text: str) -> str:
    return " ".join(text.split())
