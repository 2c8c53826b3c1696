"""One program under one load: what was measured of it."""

import asyncio
import time
from typing import NamedTuple

from .broker import Broker
from .figures import median, percentile
from .programs import cpu_s

SETTLE_S = 1.0
"""How long a load lasts before the first sample."""
TAIL = 0.99


class Run(NamedTuple):
    """One program at one load in one round."""

    median_ms: float
    p99_ms: float
    to_position_ms: float
    """Median from the first proof to the position's event, which sdk waits for."""
    events_per_s: float
    """What the broker wrote on the market hub meanwhile."""
    late_ms: float
    """The longest that the flood was late: what the machine kept the broker from."""
    behind_bytes: int
    """The most that waited in the broker's socket: how far the program was behind."""
    broker_cpu: float
    """Share of a core that the broker used."""
    program_cpu: float | None
    """Share of a core that the program used; None where the system does not tell."""


async def measure(broker: Broker, pid: int, count: int, warm_up: int) -> Run:
    """Take samples after those that do not count, under the load that the broker has now."""
    await asyncio.sleep(SETTLE_S)
    broker.flood.forget_extremes()
    before_s, sent = time.monotonic(), broker.flood.sent
    broker_s, program_s = time.process_time(), cpu_s(pid)
    samples = await broker.samples(count, warm_up=warm_up)
    took_s, now_s = time.monotonic() - before_s, cpu_s(pid)
    times_ms = [sample.ms for sample in samples]
    return Run(
        median_ms=median(times_ms),
        p99_ms=percentile(times_ms, TAIL),
        to_position_ms=median([sample.to_position_ms for sample in samples]),
        events_per_s=(broker.flood.sent - sent) / took_s,
        late_ms=broker.flood.latest_s * 1000,
        behind_bytes=broker.flood.behind_bytes,
        broker_cpu=(time.process_time() - broker_s) / took_s,
        program_cpu=None if program_s is None or now_s is None else (now_s - program_s) / took_s,
    )
