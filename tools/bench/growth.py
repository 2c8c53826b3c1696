"""How the cost grows with quotes and with rules; accounts are the part `accounts`.

Quotes: how much of a core the daemon uses with all rules on, a position open in one of five quoted
contracts, and so many quotes a second over real sockets. Rules: the pure core, with the first so
many of the catalogue.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from .broker import Broker
from .core_engine import CoreEngine
from .core_stream import Tick, busy_session
from .figures import Figure, Part, Terms, median
from .programs import PROGRAMS, cpu_s
from .sampling import measure

RATES_PER_S = (0, 250, 500, 1_000)
RULES = (1, 6, 12, 23)
LOAD_S = 10.0
QUICK_LOAD_S = 2.0
_US_PER_S = 1_000_000
_NS_PER_US = 1_000


def run(terms: Terms) -> Part:
    """Measure both."""
    shares = asyncio.run(_shares(QUICK_LOAD_S if terms.is_quick else LOAD_S))
    costs = _rule_costs(terms)
    return Part("growth", (*_of_quotes(shares), *_of_rules(costs)), _detail(shares, costs))


async def _shares(load_s: float) -> dict[int, float | None]:
    """Return by rate the share of a core that the daemon uses while nothing is broken."""
    broker = Broker(seed=1)
    shares: dict[int, float | None] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        async with broker.running(), PROGRAMS["ours"](broker, Path(directory), {}) as pid:
            # What is loaded with the first breach is not what quotes cost.
            await measure(broker, pid, 2, 2)
            for rate in RATES_PER_S:
                broker.flood.quotes_per_s = rate
                await asyncio.sleep(1)
                before_s, began_s = cpu_s(pid), time.monotonic()
                await asyncio.sleep(load_s)
                used_s, took_s = cpu_s(pid), time.monotonic() - began_s
                if used_s is None or before_s is None:
                    shares[rate] = None
                else:
                    shares[rate] = (used_s - before_s) / took_s
    return shares


def _rule_costs(terms: Terms) -> dict[int, float]:
    """Return by number of rules what one event of the broker costs the pure core, in us."""
    session = busy_session(2 if terms.is_quick else 10)
    events = sum(not isinstance(event, Tick) for _, event in session)
    costs: dict[int, list[float]] = {count: [] for count in RULES}
    for _ in range(max(terms.rounds, 1)):
        for count in RULES:
            engine = CoreEngine(rules_at_most=count)
            since_ns = time.thread_time_ns()
            for at_ns, event in session:
                engine.take(event, at_ns)
            costs[count].append((time.thread_time_ns() - since_ns) / events / _NS_PER_US)
    return {count: median(each) for count, each in costs.items()}


def _of_quotes(shares: dict[int, float | None]) -> list[Figure]:
    least, most = shares[RATES_PER_S[0]], shares[RATES_PER_S[-1]]
    if least is None or most is None:
        why = "the system does not tell how much processor time a process uses"
        return [Figure("what a quote costs the daemon", None, "us", note=why)]
    told = ", ".join(f"{rate}: {share:.0%}" for rate, share in shares.items() if share is not None)
    each_us = (most - least) * _US_PER_S / (RATES_PER_S[-1] - RATES_PER_S[0])
    note = f"of a core used, by quotes a second: {told}"
    return [Figure("what a quote costs the daemon", each_us, "us", note=note)]


def _of_rules(costs: dict[int, float]) -> list[Figure]:
    told = ", ".join(f"{count}: {cost:.1f}" for count, cost in costs.items())
    each_us = (costs[RULES[-1]] - costs[RULES[0]]) / (RULES[-1] - RULES[0])
    note = f"us for an event of the broker, by rules: {told}"
    return [Figure("what a rule more costs the core for one event", each_us, "us", note=note)]


def _detail(
    shares: dict[int, float | None], costs: dict[int, float]
) -> dict[str, dict[str, float | None]]:
    return {
        "share_of_a_core_by_quotes_per_s": {f"{rate}": share for rate, share in shares.items()},
        "core_us_by_rules": {f"{count}": cost for count, cost in costs.items()},
    }
