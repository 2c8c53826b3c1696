"""The parts that speak REST, on the real SDK, without hubs: session, reads and commands."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from risk_actors.core.commands import CloseContract
from risk_actors.projectx.budget import RequestBudget
from risk_actors.projectx.lane import EnforcementLane
from risk_actors.projectx.reads import RestReader
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.projectx.time_desk import TimeDesk


class SystemClock:
    def now_ns(self) -> int:
        return time.time_ns()


class RestRig(NamedTuple):
    """What the daemon has of REST, and the health it was told."""

    session: Session
    budget: RequestBudget
    reader: RestReader
    lane: EnforcementLane
    health: list[tuple[bool, str | None]]


@asynccontextmanager
async def rest_rig(
    api_url: str, *, requests_per_minute: int = 200, command_timeout_s: float = 3.0
) -> AsyncIterator[RestRig]:
    """Make them for an address; nobody is logged in yet."""
    clock = SystemClock()
    settings = GatewaySettings(
        requests_per_minute=requests_per_minute, command_timeout_s=command_timeout_s
    )
    session = Session(
        settings,
        Credentials(username="sim-trader", api_key="sim-api-key"),
        GatewayEndpoints(api_url=api_url),
        clock,
    )
    budget = RequestBudget(requests_per_minute)
    health: list[tuple[bool, str | None]] = []
    reader = RestReader(session, budget, clock, lambda up, why: health.append((up, why)))
    lane = EnforcementLane(api_url, session, budget, clock, command_timeout_s, TimeDesk(clock))
    lane.open()
    try:
        yield RestRig(session, budget, reader, lane, health)
    finally:
        await lane.close()
        await session.close()


type Answering = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request, given its head and its body, in whatever way."""


@asynccontextmanager
async def raw_server(answering: Answering) -> AsyncIterator[str]:
    """Serve bytes, well-formed or not; gives the API's address."""
    tasks: set[asyncio.Task[Any]] = set()
    is_over = False

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        try:
            # One that the SDK had shielded may still come when all is over.
            while not is_over and (head := await reader.readuntil(b"\r\n\r\n")):
                lower = head.lower()
                length = 0
                if b"content-length:" in lower:
                    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                await answering(head, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/api"
    finally:
        is_over = True
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def close_of(contract_id: str, command_id: int = 1, account_id: int = 101) -> CloseContract:
    return CloseContract(
        id=command_id, account_id=account_id, contract_id=contract_id, correlation_id="x"
    )


def http_answer(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    """Return a well-formed answer."""
    lines = [f"HTTP/1.1 {status} Said", "Content-Type: application/json", *headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
