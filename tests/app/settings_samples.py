"""Settings made up at random: every struct that they are made of, by what its types allow."""

import tomllib
from datetime import time
from typing import Any, get_type_hints

import msgspec
from hypothesis import HealthCheck
from hypothesis import settings as trials
from hypothesis import strategies as st
from msgspec import inspect as types

from risk_actors.app.settings import Preset, PresetHeader, Settings
from risk_actors.core.rules import RuleSettings, catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.core.rules.lock_settings import LockSettings

SYMBOLS = ("ES", "NQ", "MES", "MNQ", "CL", "MBT")
_WORDS = {
    "symbols": SYMBOLS,
    "blocked": SYMBOLS,
    "allowed": SYMBOLS,
    "bounds": SYMBOLS,
    "limits": SYMBOLS,
    "days": ("Mon", "Mon-Fri", "Sun-Thu", "Fri-Sun"),
    "start": ("08:30", "17:00", "00:00"),
    "end": ("15:10", "16:00:30", "17:00"),
    "zone": ("America/Chicago", "Europe/Berlin"),
    "timezone": ("America/Chicago", "Europe/Berlin", "UTC"),
    "daily_reset": ("0 17 * * *", "30 22 * * *"),
    "weekly_reset": ("0 17 * * SUN", "0 8 * * MON"),
    "accounts": ("*", "50KTC*", "50KTC-SIM-101"),
}
"""Texts that a type cannot tell from any other, by the name of the key."""

TRIALS = trials(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""Always the same examples, so a failure is nobody's bad luck."""

_LEAST = {LockSettings: {"existing": "keep"}}
"""What a struct without required fields must say all the same."""


def example_rule(kind: str) -> RuleSettings:
    """Return the settings of a rule's own example."""
    (table,) = tomllib.loads(example_of(kind))["rules"]
    return msgspec.convert(table, catalogue()[kind].Settings)


def values(kind: types.Type, name: str = "") -> st.SearchStrategy[Any]:
    """Return a strategy for what a field of a struct may hold, in the types of JSON."""
    match kind:
        case types.Metadata(type=inner):
            return values(inner, name)
        case types.UnionType(types=each):
            return st.one_of(*(values(one, name) for one in each))
        case types.EnumType(cls=enum):
            return st.sampled_from([member.value for member in enum])
        case types.LiteralType(values=each):
            return st.sampled_from(each)
        case types.VarTupleType(item_type=item, min_length=least):
            return st.lists(values(item, name), min_size=least or 0, max_size=3)
        case types.DictType(value_type=item):
            return st.dictionaries(st.sampled_from(_WORDS[name]), values(item), max_size=3)
        case types.StructType(cls=struct):
            return structs(struct).map(msgspec.to_builtins)
    return _plain(kind, name)


def _plain(kind: types.Type, name: str) -> st.SearchStrategy[Any]:
    match kind:
        case types.NoneType():
            return st.none()
        case types.BoolType():
            return st.booleans()
        case types.IntType(gt=above, ge=least, le=most):
            lowest = least if least is not None else above + 1 if above is not None else -(2**40)
            return st.integers(lowest, most if most is not None else 2**40)
        case types.FloatType(gt=above, ge=least, le=most, lt=below):
            lowest, highest = (above if least is None else least), (below if most is None else most)
            return st.floats(
                -1e9 if lowest is None else lowest,
                1e9 if highest is None else highest,
                exclude_min=above is not None,
                exclude_max=below is not None,
            )
        case types.StrType():
            return st.sampled_from(_WORDS.get(name, ("word", "another", "ä \u2028 \"'")))
        case types.DateType():
            return st.dates().map(str)
        case types.TimeType():
            return st.times(min_value=time(0, 0)).map(lambda at: at.isoformat())
    raise NotImplementedError(kind)


@st.composite
def structs(draw: st.DrawFn, struct: type[msgspec.Struct]) -> Any:
    """Draw a struct; where what was drawn contradicts itself, fewer of its fields are set."""
    fields = _fields_of(struct)
    found = dict(_LEAST.get(struct, {}))
    if issubclass(struct, RuleSettings):
        found = msgspec.to_builtins(example_rule(str(struct.__struct_config__.tag)))
    found |= {
        field.name: draw(values(field.type, field.name))
        for field in fields
        if field.required and field.name not in found
    }
    for name in sorted(draw(st.sets(st.sampled_from([field.name for field in fields])))):
        (kind,) = (field.type for field in fields if field.name == name)
        drawn = {**found, name: draw(values(kind, name))}
        if _is_valid(struct, drawn):
            found = drawn
    return msgspec.convert(found, struct)


def _fields_of(struct: type[msgspec.Struct]) -> tuple[types.Field, ...]:
    kind = types.type_info(struct)
    assert isinstance(kind, types.StructType)
    return kind.fields


def _is_valid(struct: type[msgspec.Struct], fields: dict[str, Any]) -> bool:
    try:
        msgspec.convert(fields, struct)
    except msgspec.ValidationError:
        return False
    return True


@st.composite
def rules(draw: st.DrawFn) -> tuple[RuleSettings, ...]:
    """Draw some rules of any type, each with an id of its own."""
    kinds = draw(st.lists(st.sampled_from(sorted(catalogue())), max_size=4))
    return tuple(
        msgspec.structs.replace(draw(structs(catalogue()[kind].Settings)), id=f"rule-{number}")
        for number, kind in enumerate(kinds)
    )


@st.composite
def settings(draw: st.DrawFn) -> Settings:
    """Draw settings as they are after their files were read."""
    preset = None
    if draw(st.booleans()):
        preset = Preset(
            header=draw(structs(PresetHeader)),
            file="presets/word.toml",
            rules=draw(rules()),
            session=draw(st.sampled_from([{}, {"timezone": "UTC", "unlock_delay_s": 120}])),
        )
    hints = get_type_hints(Settings, include_extras=True)
    drawn = {
        field.name: msgspec.convert(draw(values(field.type, field.name)), hints[field.name])
        for field in _fields_of(Settings)
        if field.name not in ("rules", "preset")
    }
    return Settings(rules=draw(rules()), preset=preset, **drawn)


@st.composite
def pairs_of_settings(draw: st.DrawFn) -> tuple[Settings, Settings]:
    """Draw settings, and others that differ in a few of their fields and rules."""
    one, other = draw(settings()), draw(settings())
    names = draw(st.sets(st.sampled_from(Settings.__struct_fields__)))
    taken = {name: getattr(other, name) for name in names}
    if "rules" in names:
        taken["rules"] = tuple(draw(_edited(rule)) for rule in one.rules) + other.rules[:1]
        taken["rules"] = tuple({rule.id: rule for rule in taken["rules"]}.values())
    return one, msgspec.structs.replace(one, **taken)


@st.composite
def _edited(draw: st.DrawFn, rule: RuleSettings) -> RuleSettings:
    """Draw the same rule with another value here and there, or another rule of the same id."""
    other = draw(structs(type(rule)))
    taken = draw(st.sets(st.sampled_from(rule.__struct_fields__)))
    fields = msgspec.to_builtins(rule) | {
        name: value for name, value in msgspec.to_builtins(other).items() if name in taken
    }
    edited = msgspec.convert(fields, type(rule)) if _is_valid(type(rule), fields) else other
    return msgspec.structs.replace(edited, id=rule.id)
