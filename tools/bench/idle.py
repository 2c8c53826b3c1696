"""The first close after idle minutes, with 80 ms of network round trip and TLS, beside the second.

A connection that went cold costs a handshake, which with TLS is two round trips more. Ten minutes
with `--full`; a minute and a half else; some seconds with `--quick`.
"""

import asyncio
import tempfile
from pathlib import Path

from .broker import Broker
from .figures import Figure, Part, Terms, median
from .idle_proxy import far_away, make_certificate
from .programs import PROGRAMS

ONE_WAY_S = 0.04
FULL_IDLE_S, IDLE_S, QUICK_IDLE_S = 600.0, 90.0, 5.0
QUOTES_PER_S = 20
"""A quiet market: some quotes, and nothing of the trader's own."""
_CYCLES = 3
_FULL_CYCLES = 1
_WARM_UP = 5
_TARGET = 1.15
_FOLLOWING = 4
"""Closes after the second, to show what is usual."""


def run(terms: Terms) -> Part:
    """Measure ours."""
    idle_s = QUICK_IDLE_S if terms.is_quick else FULL_IDLE_S if terms.is_full else IDLE_S
    cycles = asyncio.run(_cycles(idle_s, _FULL_CYCLES if terms.is_full else _CYCLES))
    first = median([cycle[0] for cycle in cycles])
    second = median([cycle[1] for cycle in cycles])
    usual = median([each for cycle in cycles for each in cycle[2:]])
    note = (
        f"first {first:.1f}, second {second:.1f}, those after {usual:.1f} ms, of which the wire"
        f" takes {2000 * ONE_WAY_S:.0f}; medians of {len(cycles)} after {idle_s:g} s idle each, TLS"
    )
    figure = Figure(
        "close after idle time, first / second", first / second, "x", _TARGET, note=note
    )
    return Part("idle", (figure,), {"idle_s": idle_s, "cycles_ms": cycles})


async def _cycles(idle_s: float, count: int) -> list[list[float]]:
    broker = Broker()
    broker.flood.quotes_per_s = QUOTES_PER_S
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        trusted, context = make_certificate(directory)
        own = directory / "ours"
        own.mkdir()
        async with (
            broker.running(),
            far_away(broker.gateway.port, ONE_WAY_S, context) as port,
            PROGRAMS["ours"](broker, own, _far_environment(port, trusted)),
        ):
            await broker.samples(0, warm_up=_WARM_UP)
            cycles = []
            for _ in range(count):
                await asyncio.sleep(idle_s)
                samples = await broker.samples(2 + _FOLLOWING, warm_up=0)
                cycles.append([sample.ms for sample in samples])
            return cycles


def _far_environment(port: int, trusted: Path) -> dict[str, str]:
    """Return what leads a program through the proxy, and what lets it trust who is there.

    Python's default TLS context takes `SSL_CERT_FILE`: the SDK and our lane check as ever.
    """
    host = f"https://127.0.0.1:{port}"
    return {
        "PROJECTX_API_URL": f"{host}/api",
        "PROJECTX_USER_HUB_URL": f"{host}/hubs/user",
        "PROJECTX_MARKET_HUB_URL": f"{host}/hubs/market",
        "SSL_CERT_FILE": str(trusted),
    }
