"""The simulated gateway as a program of its own: it serves until it is told to stop."""

import asyncio
import contextlib
import signal
import sys

from loguru import logger

from risk_actors.simulator.gateway import SimulatedGateway
from risk_actors.simulator.settings import SimulatorSettings
from risk_actors.simulator.thread import environment


def serve(settings: SimulatorSettings) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code (0 ended well, 1 could not listen).

    One line on standard output gives the address and, after it, the environment variables that
    point the SDK and the daemon at it.
    """
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        logger.error("the simulated gateway cannot listen: {}", error)
        return 1
    return 0


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
        variables = " ".join(f"{k}={v}" for k, v in environment(gateway).items())
        sys.stdout.write(f"simulated gateway at {gateway.api_url} : export {variables}\n")
        sys.stdout.flush()
        await _wait(leave)
    finally:
        await gateway.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


async def _wait(leave: asyncio.Event) -> None:
    """Wait for the event, waking now and then so that Windows delivers signals."""
    while not leave.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await leave.wait()
