"""A seeded day, played twice on a virtual clock: as it is told, and as it was.

The rule is in shadow both times, so nothing is sent and the broker's books are the same in both
worlds; that they are is compared, and a day on which they are not counts for nothing. In one of
the worlds all is told at once to a guard that never fails: what the rule says there is the truth.
In the other what the guard is told is disturbed: events are lost, late, repeated or garbled, hubs
and REST are down, snapshots fail or are stale, bad prices are shown, the guard is killed, its
actors fail. So this measures what faults make of a rule, not whether the rule is right: that is
what examples, scenarios and worked days say, which people wrote.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from risk_actors import messages as m
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.core.verdict import Breached
from risk_actors.fuzz import day as d
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.draw import draw_day
from risk_actors.fuzz.findings import Finding
from risk_actors.fuzz.play import Player

RULE_ID = "promoted"

_OF_SIGHT = frozenset(
    {
        k.USER_HUB_DOWN,
        k.MARKET_HUB_DOWN,
        k.REST_DOWN,
        k.TOO_MANY_REQUESTS,
        k.EVENTS_LOST,
        k.EVENTS_LATE,
        k.EVENTS_REPEATED,
        k.EVENTS_REJECTED,
        k.SNAPSHOTS_FAIL,
        k.SNAPSHOTS_STALE,
        k.SNAPSHOTS_WITHOUT_FILLS,
        k.SUSPENDED_HIDDEN,
        k.SILENT,
    }
)
"""Faults of what is told. Those of what is done would make another world of the second one."""
_OF_SIGHT_DEEDS = (d.BadTick, d.Kill, d.Fail)
_TO_THE_GUARD = (d.Panic, d.Unlock, d.Withdraw, d.ClockSet)
"""Left out of both: they ask the guard to act, or set the clock by which it says when."""
_FAILED_FOR_NS = NS_PER_S
_BAD_FOR_NS = NS_PER_S
"""A bad price is shown for less, and may wait for `confirm_ms`."""


class Span(NamedTuple):
    """From one instant until before another."""

    since_ns: int
    until_ns: int


class Told(NamedTuple):
    """What the rule said of one account in one world."""

    broken: Sequence[Span]
    """When it stood broken."""
    found_ns: Sequence[int]
    """When it would have acted: each `ShadowBreachFound`."""


class World(NamedTuple):
    """One of the two."""

    accounts: Mapping[int, Told]
    fills: Sequence[tuple[Any, ...]]
    """What the exchange traded, to compare the worlds by."""
    findings: Sequence[Finding]
    """What the checks of the invariants found in it."""


class TwinDay(NamedTuple):
    """Both worlds of one seed."""

    seed: int
    start_ns: int
    truth: World
    told: World
    blind: Sequence[Span]
    """When something disturbed what the guard was told in the second."""

    @property
    def is_comparable(self) -> bool:
        """Whether the broker did the same in both."""
        return self.truth.fills == self.told.fills


def play_twins(seed: int, rule_type: str, settings: Mapping[str, Any]) -> TwinDay:
    """Play both worlds of a seed, the rule in shadow with these settings."""
    day = twins_of(draw_day(seed), rule_type, settings)
    true_day = msgspec.structs.replace(
        day,
        faults=(),
        deeds=tuple(deed for deed in day.deeds if not isinstance(deed, _OF_SIGHT_DEEDS)),
    )
    return TwinDay(seed, day.start_ns, _played(true_day), _played(day), _blind(day))


def twins_of(day: d.Day, rule_type: str, settings: Mapping[str, Any]) -> d.Day:
    """Return a day with the rule alone, and with nothing that would part its two worlds."""
    rule = {**settings, "id": RULE_ID, "type": rule_type, "mode": "shadow"}
    return msgspec.structs.replace(
        day,
        rules=(rule,),
        unlock=UnlockPolicy.NEVER,
        pc_ahead_s=None,
        deeds=tuple(deed for deed in day.deeds if not isinstance(deed, _TO_THE_GUARD)),
        faults=tuple(fault for fault in day.faults if fault.kind in _OF_SIGHT),
    )


def _blind(day: d.Day) -> list[Span]:
    """Return when something is wrong with what the guard is told, or with the guard."""

    def at_ns(at_s: float) -> int:
        return day.start_ns + round(at_s * NS_PER_S)

    spans = [Span(at_ns(fault.begin_s), at_ns(fault.end_s)) for fault in day.faults]
    for deed in day.deeds:
        begin_ns = at_ns(deed.at_s)
        if isinstance(deed, d.Kill):
            # It dies a few messages later, which is seen when something is told.
            spans.append(Span(begin_ns, begin_ns + round(deed.down_s * NS_PER_S)))
        elif isinstance(deed, d.Fail):
            spans.append(Span(begin_ns, begin_ns + _FAILED_FOR_NS))
        elif isinstance(deed, d.BadTick):
            spans.append(Span(begin_ns, begin_ns + _BAD_FOR_NS))
    return sorted(spans)


class _DayAlone(Player):
    """Plays the day and is done: whether a restart changes anything is for `risk-actors fuzz`."""

    def _restart(self) -> None:
        """Leave the guard as it is."""


def _played(day: d.Day) -> World:
    player = _DayAlone(day)
    findings = player.run()
    exchange = player.stage.broker.exchange
    last_ns = player.stage.clock.now_ns()
    entries = [entry.message for entry in player.stage.store.entries]
    return World(
        accounts={
            account.id: _told([e for e in entries if _is_of(e, account.id)], last_ns)
            for account in day.accounts
        },
        fills=[
            (trade.account_id, trade.contract_id, trade.price, trade.size, trade.created_ns)
            for trade in exchange.trades
        ],
        findings=findings,
    )


def _is_of(message: m.Message, account_id: int) -> bool:
    return (
        isinstance(message, m.VerdictChanged | m.ShadowBreachFound)
        and message.account_id == account_id
    )


def _told(messages: Sequence[m.Message], last_ns: int) -> Told:
    """Return what the record says of one account, in its order."""
    broken: list[Span] = []
    since_ns: int | None = None
    for message in messages:
        if not isinstance(message, m.VerdictChanged):
            continue
        if isinstance(message.verdict, Breached):
            since_ns = message.at_ns if since_ns is None else since_ns
        elif since_ns is not None:
            broken.append(Span(since_ns, message.at_ns))
            since_ns = None
    if since_ns is not None:
        broken.append(Span(since_ns, last_ns + 1))
    found = [each.at_ns for each in messages if isinstance(each, m.ShadowBreachFound)]
    return Told(broken, found)
