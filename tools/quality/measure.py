"""Measures the pure core in units of a plain calculation; prints the figures as JSON.

    python -m quality.measure [--rounds N]

In each round the calibration and each piece of our work run one after another, in processor time of
the one thread; a figure is the median of the rounds' ratios, so that what else runs on the machine
moves it little: with six times as many programs at work as there are processors it differed by 5 %.
The calibration fills some memory, as our work does, or it would suffer less from crowded caches. A
figure of 20 says that one event costs as much as 20 of the calibration's steps.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable
from decimal import Decimal

import msgspec
from bench.core_engine import CoreEngine
from bench.core_stream import Event, busy_session, trading_days
from bench.figures import median

ROUNDS = 15
_STEPS = 20_000
_TICK = Decimal("0.25")
_TRIPS, _DAYS, _TRIPS_A_DAY = 2, 2, 20


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """Something like a message."""

    number: int
    price: Decimal
    name: str


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    print(json.dumps(figures(parser.parse_args().rounds)))


def figures(rounds: int) -> dict[str, float]:
    """Return the cost of one step of each piece of work, in steps of the calibration."""
    session = busy_session(_TRIPS)
    days = list(trading_days(_DAYS, _TRIPS_A_DAY))
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "core, an event through all rules": (len(session), lambda: _play(session)),
        "core, a row of a recorded day": (sum(map(len, days)), lambda: _replay(days)),
    }
    ratios: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    gc.freeze()
    try:
        for _ in range(max(rounds, 1)):
            step_ns = _spent_ns(_calibrate) / _STEPS
            for name, (count, work) in works.items():
                ratios[name].append(_spent_ns(work) / count / step_ns)
    finally:
        gc.unfreeze()
    return {name: round(median(values), 3) for name, values in ratios.items()}


def _spent_ns(work: Callable[[], object]) -> int:
    since_ns = time.thread_time_ns()
    work()
    return time.thread_time_ns() - since_ns


def _calibrate() -> Decimal:
    """Do what the core does much of: small objects, exact sums, look-ups far apart, comparisons."""
    total, rows, seen = Decimal(0), list[_Row](), dict[int, _Row]()
    for number in range(_STEPS):
        row = _Row(number=number, price=_TICK * (number % 97), name="row")
        rows.append(row)
        before = rows[number * 7_919 % len(rows)]
        if before.price != row.price:
            total += row.price
        seen[number] = before
    return total


def _play(session: list[tuple[int, Event]]) -> None:
    engine = CoreEngine()
    for at_ns, event in session:
        engine.take(event, at_ns)


def _replay(days: list[list[tuple[int, Event]]]) -> None:
    engine = CoreEngine(days[0][0][0])
    for day in days:
        engine.begin_day(day[0][0])
        for at_ns, event in day:
            engine.take(event, at_ns)


if __name__ == "__main__":
    main()
