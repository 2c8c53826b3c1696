"""The SDK's realtime clients: made, and thrown away when in doubt.

One client holds both hubs. A hub that does not come back gets a new client with the present token,
and uses its own hub of it only: the other hub lives on undisturbed with the client that it has.
What came out of an old client's hub is no longer heard.
"""

import asyncio
from typing import Any

from loguru import logger
from project_x_py import ProjectXRealtimeClient

from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.session import Session

NEVER_S = 1e9
"""For the SDK's stale-feed watchdog: it would reconnect both hubs every 5 s in a quiet market."""
USER, MARKET = "user", "market"
_CLOSE_S = 5.0


class RealtimeClients:
    """Makes clients, and closes those that no hub uses any more. Use it on its event loop only."""

    def __init__(self, session: Session, account_id: int) -> None:
        self._session = session
        self._account_id = account_id
        self._used: dict[str, Any] = {}
        """By hub, the client that it belongs to."""
        self._closing: set[asyncio.Task[None]] = set()
        self.made = 0
        """Clients made so far."""

    async def new_hub(self, name: str) -> Any:
        """Return one hub of a new client, not started; the hub of that name before is done with."""
        old = self._used.get(name)
        # Both hubs share the first client; from then on each has its own.
        client = None if old is not None else next(iter(self._used.values()), None)
        if client is None:
            client = ProjectXRealtimeClient(
                self._session.token, str(self._account_id), config=self._session.config
            )
            self.made += 1
            client.stale_feed_seconds = NEVER_S
            # Its heartbeat is a hub method the Gateway does not know, and a failed one makes the
            # SDK reconnect both hubs behind our back. The links watch instead.
            client._health_monitoring_enabled = False  # noqa: SLF001
            # What its `connect` sets, which is not used: it waits up to 10 s for both hubs, gives
            # no reason when it fails, and starts the watchdog.
            client._loop = asyncio.get_running_loop()  # noqa: SLF001
            await client.setup_connections()
        self._used[name] = client
        if old is not None and old not in self._used.values():
            self._close_soon(old)
        return client.user_connection if name == USER else client.market_connection

    async def close(self) -> None:
        """Close all clients, within a bound; idempotent."""
        for client in set(self._used.values()):
            self._close_soon(client)
        self._used.clear()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_S)
        for task in self._closing:
            task.cancel()

    def _close_soon(self, client: Any) -> None:
        task = asyncio.create_task(_close(client), name="close realtime client")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(client: Any) -> None:
    try:
        await asyncio.wait_for(client.cleanup(), _CLOSE_S)
    except Exception as error:  # noqa: BLE001 -- it is being thrown away
        logger.debug("Closing a realtime client: {}", scrub(repr(error)))
