"""The pure core alone: books, P&L and all rules on one account, on one core, without actors.

What is measured is the processor time of the one thread, so that another program on the machine
does not count. The mix of events is that of `core_stream`, ten times as many rows of orders and
fills among the quotes as an active trader makes.
"""

from __future__ import annotations

import gc
import time
from typing import Any, NamedTuple

from .core_engine import CoreEngine
from .core_peers import peer_figures
from .core_stream import NOON, Event, Tick, busy_session, trading_days
from .figures import Figure, Part, Terms, median, percentile

TARGET_EVENTS_PER_S = 100_000
TARGET_P99_US = 100
P99 = 0.99
DAYS_A_YEAR = 250
TRIPS_A_DAY = 20
YEAR_TARGET_S = 10
"""`A year of fills replays in seconds.`"""
NS_PER_US = 1_000
NS_PER_S = 1_000_000_000

type Session = list[tuple[int, Event]]


class _Run(NamedTuple):
    """One session through all rules."""

    events: int
    """The broker's; the timer's beats cost time and do not count."""
    spent_ns: int
    changed: int
    """Verdicts that were other than the one before."""


def run(terms: Terms) -> Part:
    """Measure throughput, the cost of one event by its kind, a year of fills, and peers."""
    session = busy_session(2 if terms.is_quick else 40)
    days = list(trading_days(5 if terms.is_quick else DAYS_A_YEAR, TRIPS_A_DAY))
    gc.collect()
    # What was made for the measurement is not what the core works with.
    gc.freeze()
    try:
        runs = [_timed(session) for _ in range(max(terms.rounds, 1))]
        by_kind = _by_kind(session)
        year_ns = _year(days)
    finally:
        gc.unfreeze()
    rates = [each.events * NS_PER_S / each.spent_ns for each in runs]
    broker = [us for kind, costs in by_kind.items() if kind != Tick.__name__ for us in costs]
    shown, per_event = _kinds(by_kind), percentile(broker, P99)
    rows = sum(map(len, days))
    figures = [
        Figure(
            name="pure core, 23 rules, events a second",
            value=median(rates),
            unit="events/s",
            target=TARGET_EVENTS_PER_S,
            is_at_most=False,
            note=_mix_words(by_kind),
        ),
        Figure(
            name="pure core, one event through all rules, 99th percentile",
            value=per_event,
            unit="us",
            target=TARGET_P99_US,
            note="; ".join(f"{kind} {p50:.0f}/{p99:.0f}" for kind, (p50, p99) in shown.items())
            + " (median/p99 us by kind)",
        ),
        Figure(
            name="pure core, a year of fills",
            value=year_ns / NS_PER_S * DAYS_A_YEAR / len(days),
            unit="s",
            target=YEAR_TARGET_S,
            note=f"{len(days)} days of {TRIPS_A_DAY} round trips, {rows} events",
        ),
    ]
    detail: dict[str, Any] = {
        "events_per_s": rates,
        "changed_verdicts": runs[0].changed,
        "events": runs[0].events,
        "kinds_us": {
            kind: {"count": len(by_kind[kind]), "median": p50, "p99": p99}
            for kind, (p50, p99) in shown.items()
        },
        "verdicts": _ended(session).counts(),
    }
    return Part("core", (*figures, *peer_figures(terms)), detail)


def _timed(session: Session) -> _Run:
    engine = CoreEngine()
    take, since_ns = engine.take, time.thread_time_ns()
    for at_ns, event in session:
        take(event, at_ns)
    spent_ns = time.thread_time_ns() - since_ns
    events = sum(not isinstance(event, Tick) for _, event in session)
    return _Run(events, spent_ns, engine.changed)


def _ended(session: Session) -> CoreEngine:
    engine = CoreEngine()
    for at_ns, event in session:
        engine.take(event, at_ns)
    return engine


def _by_kind(session: Session) -> dict[str, list[float]]:
    """Return what each event cost, in microseconds, by its kind."""
    engine, clock = CoreEngine(), time.thread_time_ns
    costs: dict[str, list[float]] = {}
    for at_ns, event in session:
        changed, since_ns = engine.changed, clock()
        engine.take(event, at_ns)
        spent_ns = clock() - since_ns
        kind = type(event).__name__
        if kind == "Quote" and engine.changed != changed:
            kind = "Quote that moves P&L"
        costs.setdefault(kind, []).append(spent_ns / NS_PER_US)
    return costs


def _kinds(by_kind: dict[str, list[float]]) -> dict[str, tuple[float, float]]:
    return {
        kind: (median(costs), percentile(costs, P99)) for kind, costs in sorted(by_kind.items())
    }


def _year(days: list[Session]) -> int:
    """Return how long the rows of all those days take, each begun by its daily reset."""
    engine = CoreEngine(min(NOON, days[0][0][0]))
    since_ns = time.thread_time_ns()
    for day in days:
        engine.begin_day(day[0][0])
        for at_ns, event in day:
            engine.take(event, at_ns)
    return time.thread_time_ns() - since_ns


def _mix_words(by_kind: dict[str, list[float]]) -> str:
    counts = {kind: len(costs) for kind, costs in by_kind.items() if kind != Tick.__name__}
    whole = sum(counts.values())
    return ", ".join(f"{count / whole:.1%} {kind}" for kind, count in sorted(counts.items()))
