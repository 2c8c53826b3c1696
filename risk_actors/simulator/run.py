"""The simulated gateway as a program of its own: it serves until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

from loguru import logger

from risk_actors.simulator.gateway import SimulatedGateway
from risk_actors.simulator.settings import SimulatorSettings
from risk_actors.simulator.thread import environment


def serve(settings: SimulatorSettings) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code (0 ended well, 1 could not listen).

    Standard output gives the address, the environment variables that point the SDK and the daemon
    at it as lines to copy, and where faults are asked for if they can be.
    """
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        logger.error("the simulated gateway cannot listen: {}", error)
        return 1
    return 0


_OWN_DATA = "data-simulated"
"""A data directory belongs to one broker; the usual one is for the real one, or paper's."""


async def _serve(settings: SimulatorSettings) -> None:
    gateway = SimulatedGateway(settings)
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        # The plain handler, unlike the loop's own, exists on Windows too.
        before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(leave.set))
    try:
        await gateway.start()
        sys.stdout.write("".join(f"{line}\n" for line in _told(gateway)))
        sys.stdout.flush()
        await _wait(leave)
    finally:
        await gateway.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(gateway: SimulatedGateway) -> Iterator[str]:
    """Yield how to reach it, line by line."""
    yield f"Simulated gateway at {gateway.api_url} (Ctrl+C stops)"
    yield ""
    yield "In another terminal, in the same directory:"
    yield ""
    word = "set" if sys.platform == "win32" else "export"
    for name, value in environment(gateway).items():
        yield f"{word} {name}={value}"
    yield f"risk-actors run --live --data {_OWN_DATA}"
    yield ""
    yield "It is live to the daemon, so it begins NOT ARMED. To have rules enforced, in a third:"
    yield ""
    yield f"risk-actors arm --data {_OWN_DATA}"
    if gateway.settings.control:
        yield ""
        yield f"Faults: {gateway.api_url.removesuffix('/api')}/control/faults (docs/faults.md)"


async def _wait(leave: asyncio.Event) -> None:
    """Wait for the event, waking now and then so that Windows delivers signals."""
    while not leave.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await leave.wait()
