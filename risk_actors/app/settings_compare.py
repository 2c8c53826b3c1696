"""What differs between the settings in force and those wanted, and which way each change goes."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from risk_actors.app.settings import Preset, Settings
from risk_actors.core.direction import FREE, Effect, directions_of
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.news import NewsEvent
from risk_actors.core.rules import Mode, RuleSettings

_FILES = {"armed": "app.toml", "holidays": "holidays.toml", "preset": "risk.toml"}
"""Where a key stands that is in no table; `news.toml` for the notes on the news."""
_EACH = ("rules", "news")
"""What is matched and judged one by one."""
_LONGEST_BLACKOUT_NS = 86_400 * NS_PER_S
"""No news keeps from trading for longer, by its own figures or by a rule's."""
_LONGEST_SHOWN = 80
"""Characters of a value that are still read in a sentence."""


class Change(NamedTuple):
    """One setting that differs."""

    where: str
    """The rule's id, the table such as `[gateway]`, or the file."""
    key: str
    """Empty where a rule or a piece of news is there as a whole, or is not."""
    old: Any
    new: Any
    effect: Effect
    until: str | None = None
    """When it takes effect, in words; None for one that does so at once."""
    reason: str = ""
    """Why it waits, where that is not that it loosens."""

    def sentence(self) -> str:
        """Return the change in words, such as `daily-loss: limit_usd 500 -> 800`."""
        reason = self.reason and f" ({self.reason})"
        if self.until is None:
            return f"{self.where}: {self._words()}{reason}"
        return f"Waits until {self.until}: {self.where} {self._words()}{reason}"

    def _words(self) -> str:
        if self.key:
            old, new = shown(self.old), shown(self.new)
            return f"{self.key} {old} -> {new}" if _can_tell(old, new) else f"{self.key} changed"
        if self.old is None or self.new is None:
            return "removed" if self.new is None else "added"
        return f"{self.old.type} -> {self.new.type}"


def _can_tell(*values: str) -> bool:
    """Tell whether a sentence with these values would say how they differ."""
    return len(set(values)) == len(values) and max(map(len, values)) <= _LONGEST_SHOWN


def compare(in_force: Settings, wanted: Settings, *, now_ns: int = 0) -> tuple[Change, ...]:
    """Return every setting that differs, with what that does to the protection.

    Rules are the same when their id and type are, whichever file they come from.

    Args:
        in_force: what holds.
        wanted: what the files say.
        now_ns: news that is over by then protects no more.
    """
    return (
        *changes_of_keys(in_force, wanted),
        *(
            change
            for name in Settings.__struct_fields__
            if is_table(old := getattr(in_force, name))
            for change in changes_of_field(name, old, getattr(wanted, name))
        ),
        *changes_of_rules(in_force.rules, wanted.rules),
        *changes_of_news(in_force.news, wanted.news, now_ns),
    )


def changes_of_keys(in_force: Settings, wanted: Settings) -> Iterator[Change]:
    """Yield what differs of that which is in no table, and is neither rule nor news."""
    for name, direction in directions_of(Settings).items():
        old, new = getattr(in_force, name), getattr(wanted, name)
        if old == new or name in _EACH or is_table(old):
            continue
        # One that says nothing waits; a test sees to it that there is none.
        effect = Effect.UNCLEAR if direction is None else direction.judge(old, new)
        yield Change(_FILES.get(name, "news.toml"), name, old, new, effect)


def changes_of_field(name: str, old: msgspec.Struct, new: msgspec.Struct) -> Iterator[Change]:
    """Yield what differs between two values of the table that a field of the settings is."""
    is_free = directions_of(Settings)[name] is FREE
    return changes_of_table(old, new, f"[{name}]", is_free=is_free)


def is_table(value: Any) -> bool:
    """Tell whether a field of the settings is a table that always stands."""
    return isinstance(value, msgspec.Struct) and not isinstance(value, Preset)


def changes_of_table(
    old: msgspec.Struct, new: msgspec.Struct, where: str, *, is_free: bool = False
) -> Iterator[Change]:
    """Yield what differs between two tables of one type.

    Args:
        old: what holds.
        new: what is wanted.
        where: what to call the table.
        is_free: whether nothing in it has a bearing on protection.
    """
    for name, direction in directions_of(type(old)).items():
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        pair = (old, new) if direction is not None and direction.is_joint else (before, after)
        # One that says nothing waits; a test sees to it that there is none.
        effect = Effect.UNCLEAR if direction is None else direction.judge(*pair)
        # Written otherwise and meaning the same has no bearing.
        is_idle = is_free or effect is Effect.SAME
        yield Change(where, name, before, after, Effect.FREE if is_idle else effect)


def changes_of_rules(old: Iterable[RuleSettings], new: Iterable[RuleSettings]) -> Iterator[Change]:
    """Yield what differs between the rules; their order does not matter."""
    before = {rule.id: rule for rule in old}
    after = {rule.id: rule for rule in new}
    for rule_id in (*after, *(each for each in before if each not in after)):
        was, is_now = before.get(rule_id), after.get(rule_id)
        if was is not None and is_now is not None:
            yield from changes_of_rule(was, is_now)
        else:
            whole, effect = (was, Effect.LOOSENS) if was else (is_now, Effect.TIGHTENS)
            is_off = whole is not None and whole.mode is Mode.OFF
            yield Change(rule_id, "", was, is_now, Effect.FREE if is_off else effect)


def changes_of_rule(old: RuleSettings, new: RuleSettings) -> Iterator[Change]:
    """Yield what differs between two rules of one id."""
    if type(old) is not type(new):
        yield Change(old.id, "", old, new, Effect.UNCLEAR)
        return
    is_off = old.mode is Mode.OFF
    for change in changes_of_table(old, new, old.id):
        # While a rule is off its figures do nothing, and switching it on waits.
        is_free = is_off and change.key != "mode"
        yield change._replace(effect=Effect.FREE) if is_free else change


def changes_of_news(
    old: Iterable[NewsEvent], new: Iterable[NewsEvent], now_ns: int
) -> Iterator[Change]:
    """Yield the news that one calendar has and the other does not make up for."""
    before, after = _by_instant(old), _by_instant(new)
    for at_ns in sorted(before.keys() | after.keys()):
        was, is_now = before.get(at_ns, []), after.get(at_ns, [])
        for event in is_now:
            if not any(other.covers(event) for other in was):
                yield _change_of_news(event, Effect.TIGHTENS, now_ns)
        for event in was:
            if not any(other.covers(event) for other in is_now):
                yield _change_of_news(event, Effect.LOOSENS, now_ns)


def _by_instant(events: Iterable[NewsEvent]) -> dict[int, list[NewsEvent]]:
    found: dict[int, list[NewsEvent]] = {}
    for event in dict.fromkeys(events):
        found.setdefault(event.at_ns, []).append(event)
    return found


def _change_of_news(event: NewsEvent, effect: Effect, now_ns: int) -> Change:
    at = datetime.fromtimestamp(event.at_ns // NS_PER_S, UTC)
    where = f"news.toml: {event.name} at {at:%Y-%m-%d %H:%M} UTC"
    is_over = event.at_ns + _LONGEST_BLACKOUT_NS <= now_ns
    is_new = effect is Effect.TIGHTENS
    return Change(
        where=where,
        key="",
        old=None if is_new else event,
        new=event if is_new else None,
        effect=Effect.FREE if is_over else effect,
    )


def shown(value: Any) -> str:
    """Return a value as a settings file has it; `not set` for None."""
    if isinstance(value, Enum):
        return str(value.value)
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {shown(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return _shown_struct(value) if isinstance(value, msgspec.Struct) else str(value)


def _shown_struct(value: msgspec.Struct) -> str:
    if isinstance(value, Preset):
        return shown(value.header.name)
    return shown(
        {
            field.encode_name: item
            for field in msgspec.structs.fields(value)
            if (item := getattr(value, field.name)) != field.default and item not in ((), "")
        }
    )
