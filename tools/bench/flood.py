"""The flood over the wire: ten contracts at ten times the rate that one was recorded at live.

A live feed of one contract had 42 quotes and 20 trades a second (and 62 changes of depth, which
nobody here subscribes). All three programs bear it in turn, so that it shows who is limited by
what. The time begins when the broker writes the event, which is earlier than its arrival in our
process: stricter than the target asks for.
"""

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path

from .broker import SYMBOLS, Broker, NotGuardedError
from .figures import Figure, Part, Terms, median
from .programs import PROGRAMS
from .sampling import Run, measure

CONTRACTS = 10
QUOTES_PER_S = 42 * 10 * CONTRACTS
TRADES_PER_S = 20 * 10 * CONTRACTS
SAMPLES = 100
QUICK_SAMPLES = 20
WARM_UP = 8
_P99_MS = 5.0
_KEPT_UP = 0.95
"""Below this share of the rate that is wanted the broker was what limited."""


def run(terms: Terms) -> Part:
    """Measure all programs in turn, round after round."""
    runs, failures = asyncio.run(_rounds(terms))
    figures = [_tail(name, runs[name], failures.get(name, "")) for name in ("ours", "sdk", "raw")]
    figures.append(_broker([each for results in runs.values() for each in results]))
    detail = {
        "quotes_per_s": QUOTES_PER_S,
        "trades_per_s": TRADES_PER_S,
        "runs": {name: [each._asdict() for each in results] for name, results in runs.items()},
        "failures": failures,
    }
    return Part("flood", tuple(figures), detail)


async def _rounds(terms: Terms) -> tuple[dict[str, list[Run]], dict[str, str]]:
    runs: dict[str, list[Run]] = defaultdict(list)
    failures: dict[str, str] = {}
    for number in range(terms.rounds):
        for name in PROGRAMS:
            try:
                runs[name].append(await _run_program(name, terms, number))
            except NotGuardedError as error:
                failures[name] = f"{error}, with {QUOTES_PER_S + TRADES_PER_S} events/s"
    return runs, failures


async def _run_program(name: str, terms: Terms, seed: int) -> Run:
    broker = Broker(SYMBOLS[:CONTRACTS], seed=seed)
    count = QUICK_SAMPLES if terms.is_quick else SAMPLES
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        async with broker.running(), PROGRAMS[name](broker, Path(directory), {}) as pid:
            # It comes once all are subscribed, as a fast market does.
            broker.flood.quotes_per_s, broker.flood.trades_per_s = QUOTES_PER_S, TRADES_PER_S
            return await measure(broker, pid, count, WARM_UP)


def _tail(name: str, results: list[Run], failure: str) -> Figure:
    what = f"breach to close in a flood, {name}, p99"
    target = _P99_MS if name == "ours" else None
    if failure or not results:
        return Figure(what, None, "ms", target, note=failure)
    middle = median([each.median_ms for each in results])
    shares = [each.program_cpu for each in results if each.program_cpu is not None]
    cpu = f", {median(shares):.0%} of a core used" if shares else ""
    waiting = max(each.behind_bytes for each in results)
    behind = f", up to {waiting:,} bytes not yet read" if waiting else ""
    return Figure(
        what,
        median([each.p99_ms for each in results]),
        "ms",
        target,
        note=f"median {middle:.2f} ms{cpu}{behind}",
    )


def _broker(results: list[Run]) -> Figure:
    what = "the broker's own writing in the flood"
    if not results:
        return Figure(what, None, "events/s", note="no program could be measured")
    wrote = median([each.events_per_s for each in results])
    wanted = QUOTES_PER_S + TRADES_PER_S
    share = median([each.broker_cpu for each in results])
    note = f"{share:.0%} of a core, so about {wrote / share:,.0f} a second at most"
    if wrote < wanted * _KEPT_UP:
        note += f"; it did not keep up with {wanted:,}"
    return Figure(what, wrote, "events/s", note=note, is_saved=False)
