"""A storm of quotes at the gateway's boundary, with fills among them.

20,000 quotes a second over ten contracts go through the price line. Nothing may grow,
and a fill must still come through.
"""

from pathlib import Path
from time import monotonic, sleep

from risk_actors.runtime import interpreter

from .figures import Figure, Part, Terms, median, percentile
from .rig import CONTRACTS, Rig

QUOTES_PER_S = 20_000
LENGTH_S, QUICK_LENGTH_S = 30.0, 3.0
P99_MS = 5.0
HIGH_WATER = 1_000
"""A mailbox that is worked off stays far below it; one that is not is past it within a second."""
GROWTH_MIB = 20.0
_PAGE_KIB = 4


def run(terms: Terms) -> Part:
    """Measure."""
    interpreter.share_out()
    length_s = QUICK_LENGTH_S if terms.is_quick else LENGTH_S
    took_us: list[float] = []
    memory_mib: list[float] = []
    with Rig(3) as rig:
        rig.call(rig.broker.trade, 3, 1)
        for _ in range(10):
            rig.breach(1)
        interpreter.settle()
        began_s, quotes = monotonic(), rig.broker.quotes
        with rig.flood(QUOTES_PER_S, CONTRACTS):
            while monotonic() - began_s < length_s:
                took_us.append(rig.breach(1 + len(took_us) % 2))
                memory_mib.append(_memory_mib())
                sleep(0.03)
            told_per_s = (rig.broker.quotes - quotes) / (monotonic() - began_s)
        stats = rig.supervisor.stats()
    deepest = max(stats, key=lambda each: each.high_water)
    conflated = sum(each.conflated for each in stats)
    third = len(memory_mib) // 3
    grown_mib = median(memory_mib[-third:]) - median(memory_mib[third : 2 * third])
    short = "" if told_per_s > 0.9 * QUOTES_PER_S else f"; only {told_per_s:.0f} a second were told"
    return Part(
        "storm",
        (
            Figure(
                "fill to command in the storm, p99",
                percentile(took_us, 0.99) / 1000,
                "ms",
                P99_MS,
                note=f"{len(took_us)} fills among {QUOTES_PER_S} quotes a second{short}",
            ),
            Figure(
                "fill to command in the storm, median",
                median(took_us) / 1000,
                "ms",
                note="beside the 99th percentile",
            ),
            Figure(
                "most messages that waited in one mailbox",
                deepest.high_water,
                "messages",
                HIGH_WATER,
                note=f"{deepest.address}; {conflated} quotes conflated",
            ),
            Figure(
                "memory in the last third against the second",
                grown_mib,
                "MiB",
                GROWTH_MIB,
                note=f"{length_s:.0f} s; {memory_mib[-1]:.0f} MiB at the end",
            ),
        ),
        {
            "quotes_per_s": told_per_s,
            "conflated": conflated,
            "high_water": {each.address: each.high_water for each in stats},
            "memory_mib": [round(each, 1) for each in memory_mib],
        },
    )


def _memory_mib() -> float:
    """Return the memory of this process; 0 where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * _PAGE_KIB / 1024
