"""Cuts a failing day down to what it takes to fail, by leaving things out (delta debugging).

Dropping one thing shifts what chance decides about the others, so a smaller day may fail
elsewhere; it counts as failing while it breaks the same invariant.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.fuzz import day as d

_PARTS = ("deeds", "faults", "rules", "news")
_CLEARED_S = (120.0, 1_200.0, 7_200.0)
"""A day is tried to end so long after the last thing that happens in it."""


def shrink(
    day: d.Day,
    fails: Callable[[d.Day], bool],
    *,
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> d.Day:
    """Return a smaller day that still fails, as small as could be found in the time given."""
    ends = clock() + budget_s

    def still_fails(smaller: d.Day) -> bool:
        return clock() < ends and fails(smaller)

    before = None
    while day != before and clock() < ends:
        before = day
        for part in _PARTS:
            day = _fewer(day, part, still_fails)
        for simpler in _simpler(day):
            if simpler != day and still_fails(simpler):
                day = simpler
                break
    return day


def _fewer(day: d.Day, part: str, fails: Callable[[d.Day], bool]) -> d.Day:
    """Leave out ever smaller runs of one part of the day, as long as it fails without them."""
    items: Sequence[Any] = getattr(day, part)
    size = len(items)
    while size >= 1:
        start = 0
        while start < len(items):
            rest = (*items[:start], *items[start + size :])
            smaller = msgspec.structs.replace(day, **{part: rest})
            if fails(smaller):
                day, items = smaller, rest
            else:
                start += size
        size //= 2
    return day


def _simpler(day: d.Day) -> Iterator[d.Day]:
    """Yield the day with one circumstance less, the most telling first."""
    used = {deed.account for deed in day.deeds if isinstance(deed, _BY_ACCOUNT)}
    accounts = tuple(account for account in day.accounts if account.id in used)
    symbols = tuple(
        symbol
        for symbol in day.symbols
        if any(getattr(deed, "symbol", None) == symbol for deed in day.deeds)
    )
    if accounts:
        yield msgspec.structs.replace(day, accounts=accounts)
    if symbols:
        yield msgspec.structs.replace(day, symbols=symbols)
    for change in (
        {"pc_ahead_s": None},
        {"partial_fills": False},
        {"unlock": UnlockPolicy.NEVER},
    ):
        yield msgspec.structs.replace(day, **change)
    for index, fault in enumerate(day.faults):
        if fault.chance < 1:
            sure = msgspec.structs.replace(fault, chance=1.0)
            faults = (*day.faults[:index], sure, *day.faults[index + 1 :])
            yield msgspec.structs.replace(day, faults=faults)
    for index, rule in enumerate(day.rules):
        for key in set(rule) & {"warn_at", "accounts", "on_unknown", "lock"}:
            plain = {name: value for name, value in rule.items() if name != key}
            rules = (*day.rules[:index], plain, *day.rules[index + 1 :])
            yield msgspec.structs.replace(day, rules=rules)
    last_s = max(
        [deed.at_s for deed in day.deeds] + [fault.end_s for fault in day.faults], default=0.0
    )
    for more_s in _CLEARED_S:
        if last_s + more_s < day.length_s:
            yield msgspec.structs.replace(day, length_s=last_s + more_s)


_BY_ACCOUNT = (
    d.Enter,
    d.Exit,
    d.Reverse,
    d.Protect,
    d.Shift,
    d.CancelAll,
    d.Panic,
    d.Unlock,
    d.Withdraw,
)
