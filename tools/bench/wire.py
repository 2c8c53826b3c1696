"""The comparison over the wire: from the broker's event to the close, for raw, sdk and ours."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .broker import Broker
from .figures import Figure, Part, Terms, median
from .programs import PROGRAMS
from .sampling import Run, measure

RATES_PER_S = (500, 1_000)
"""Quotes a second in the background, over five contracts."""
SAMPLES = 100
QUICK_SAMPLES = 25
WARM_UP = 8
"""The first samples of each program and rate, which do not count."""
_SDK_MEDIAN, _SDK_TAIL, _RAW_MEDIAN = 0.6, 0.8, 2.0


type Runs = dict[tuple[str, int], list[Run]]
"""By program and rate, one of each round."""


def run(terms: Terms) -> Part:
    """Measure all programs in turn, round after round."""
    rates = RATES_PER_S[-1:] if terms.is_quick else RATES_PER_S
    runs = asyncio.run(_rounds(terms, rates))
    figures = [figure for rate in rates for figure in _figures(runs, rate, terms)]
    return Part("wire", tuple(figures), _detail(runs, terms))


async def _rounds(terms: Terms, rates: tuple[int, ...]) -> Runs:
    runs: Runs = defaultdict(list)
    names = list(PROGRAMS)
    for number in range(terms.rounds):
        # Who comes first changes, so that no program always has the machine of the same moment.
        for name in (*names[number % len(names) :], *names[: number % len(names)]):
            for rate, result in (await _run_program(name, rates, terms, number)).items():
                runs[name, rate].append(result)
    return runs


async def _run_program(
    name: str, rates: tuple[int, ...], terms: Terms, seed: int
) -> Mapping[int, Run]:
    broker = Broker(seed=seed)
    broker.flood.quotes_per_s = rates[0]
    results = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        async with broker.running(), PROGRAMS[name](broker, Path(directory), {}) as pid:
            for rate in rates:
                broker.flood.quotes_per_s = rate
                results[rate] = await measure(broker, pid, _count(terms), WARM_UP)
    return results


def _count(terms: Terms) -> int:
    return QUICK_SAMPLES if terms.is_quick else SAMPLES


def _figures(runs: Runs, rate: int, terms: Terms) -> list[Figure]:
    at = {name: runs[name, rate] for name in PROGRAMS}
    middle = {name: median([each.median_ms for each in at[name]]) for name in at}
    tail = {name: median([each.p99_ms for each in at[name]]) for name in at}
    where = f"at {rate} quotes/s"
    how = f"{terms.rounds} rounds of {_count(terms)} samples, {WARM_UP} before them dropped"
    medians = ", ".join(f"{name} {middle[name]:.2f}" for name in at)
    tails = ", ".join(f"{name} {tail[name]:.2f}" for name in at)
    return [
        Figure(
            f"breach to close, ours / sdk, median, {where}",
            middle["ours"] / middle["sdk"],
            "x",
            _SDK_MEDIAN,
            note=f"medians {medians} ms; {how}",
        ),
        Figure(
            f"breach to close, ours / sdk, p99, {where}",
            tail["ours"] / tail["sdk"],
            "x",
            _SDK_TAIL,
            note=f"p99 {tails} ms",
        ),
        Figure(
            f"breach to close, ours / raw, median, {where}",
            middle["ours"] / middle["raw"],
            "x",
            _RAW_MEDIAN,
            note=f"of a core used: {', '.join(f'{name} {_cpu(at[name])}' for name in at)}",
        ),
    ]


def _cpu(results: list[Run]) -> str:
    shares = [each.program_cpu for each in results if each.program_cpu is not None]
    return f"{median(shares):.0%}" if shares else "unknown"


def _detail(runs: Runs, terms: Terms) -> dict[str, Any]:
    return {
        "rounds": terms.rounds,
        "samples": _count(terms),
        "warm_up": WARM_UP,
        "runs": {
            f"{name} at {rate} quotes/s": [each._asdict() for each in results]
            for (name, rate), results in runs.items()
        },
    }
