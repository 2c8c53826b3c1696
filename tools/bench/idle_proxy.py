"""A broker that is 40 ms away and speaks TLS: what stands between it and a program.

Bytes are held for so long in each direction before TLS is taken off, so that a handshake costs its
round trips too. (Opening the TCP connection alone costs none here: a real one is slower still.)
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trustme

_HOST = "127.0.0.1"
_CHUNK_BYTES = 1 << 16

type _Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def make_certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate for this machine's loopback address.

    Returns:
        The file that makes a program trust it, and what the server that has it speaks TLS with.
    """
    authority = trustme.CA()
    trusted = directory / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", _HOST).configure_cert(context)
    return trusted, context


@asynccontextmanager
async def far_away(port: int, one_way_s: float, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Stand in front of a port; yield the port at which it is far away and speaks TLS."""
    async with (
        _forwarding(port, 0.0, context) as near,
        _forwarding(near, one_way_s, None) as far,
    ):
        yield far


@asynccontextmanager
async def _forwarding(
    to_port: int, delay_s: float, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server's handler is one
        tasks.add(task)
        try:
            await _join((reader, writer), to_port, delay_s)
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(serve, _HOST, 0, ssl=context)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _join(client: _Streams, to_port: int, delay_s: float) -> None:
    """Pass bytes on in both directions until either side ends."""
    broker = await asyncio.open_connection(_HOST, to_port)
    ways = [
        asyncio.create_task(_pass_on(client[0], broker[1], delay_s)),
        asyncio.create_task(_pass_on(broker[0], client[1], delay_s)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        for _, writer in (client, broker):
            writer.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float
) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(_CHUNK_BYTES):
            if delay_s:
                # Later, and in order: all are held equally long.
                loop.call_later(delay_s, _write(writer), data)
            else:
                writer.write(data)
        await asyncio.sleep(delay_s)


def _write(writer: asyncio.StreamWriter) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        if not writer.is_closing():
            writer.write(data)

    return write
