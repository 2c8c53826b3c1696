"""The three programs that are compared, each started as a process of its own against the broker."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from risk_actors.cli.simulate_guard import Guard

from .broker import LIMIT, Broker
from .parts import ROOT, tools_environment
from .wire_settings import write_settings

READY_WITHIN_S = 30.0
_END_WITHIN_S = 5.0
_USER_TICKS = 11
"""Where the processor time begins in what follows the name in /proc/PID/stat."""


class Program(Protocol):
    """Starts a program that guards the broker's accounts, and ends it."""

    def __call__(
        self, broker: Broker, directory: Path, more: Mapping[str, str]
    ) -> AbstractAsyncContextManager[int]:
        """Run it and hand over its process id.

        `directory` is empty and its own, `more` goes on top of its environment.
        """
        ...


@asynccontextmanager
async def ours(broker: Broker, directory: Path, more: Mapping[str, str]) -> AsyncIterator[int]:
    """Run the daemon as shipped: all rules, store, audit and dashboard."""
    guard = Guard(directory, {**broker.environment, **more})
    write_settings(guard.settings_dir, LIMIT)
    with guard:
        await asyncio.to_thread(guard.start)
        await broker.wait_for_guard(READY_WITHIN_S)
        address = json.loads((guard.data_dir / "daemon.json").read_text(encoding="utf-8"))
        yield int(address["pid"])


@asynccontextmanager
async def _script(
    module: str, broker: Broker, directory: Path, more: Mapping[str, str]
) -> AsyncIterator[int]:
    work = {"accounts": broker.account_ids, "contracts": broker.contract_ids, "limit": LIMIT}
    kept = {k: v for k, v in tools_environment().items() if not k.startswith("PROJECT")}
    output = directory / "output.txt"
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", f"bench.{module}", json.dumps(work)),
            cwd=ROOT,
            env={**kept, "NO_PROXY": "127.0.0.1", **broker.environment, **more},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        await broker.wait_for_guard(READY_WITHIN_S)
        yield process.pid
    except Exception as error:
        error.add_note(f"{module} said: {output.read_text(errors='replace')[-2000:]}")
        raise
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END_WITHIN_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def raw(
    broker: Broker, directory: Path, more: Mapping[str, str]
) -> AbstractAsyncContextManager[int]:
    """Run the bare client."""
    return _script("wire_raw", broker, directory, more)


def sdk(
    broker: Broker, directory: Path, more: Mapping[str, str]
) -> AbstractAsyncContextManager[int]:
    """Run the plain script on the SDK."""
    return _script("wire_sdk", broker, directory, more)


PROGRAMS: dict[str, Program] = {"raw": raw, "sdk": sdk, "ours": ours}
"""By the names that figures have."""


def cpu_s(pid: int) -> float | None:
    """Return how much processor time a process has used; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    user, system = int(fields[_USER_TICKS]), int(fields[_USER_TICKS + 1])
    return (user + system) / os.sysconf("SC_CLK_TCK")
