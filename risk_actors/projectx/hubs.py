"""Both hubs of the SDK's realtime client, for all accounts."""

import asyncio
from collections.abc import Callable, Iterable

from loguru import logger
from project_x_py import ProjectXRealtimeClient

from risk_actors.projectx.hub_link import HubLink
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import GatewayEndpoints
from risk_actors.projectx.subscriptions import AccountSubscriptions, ContractSubscriptions

NEVER_S = 1e9
"""For the SDK's stale-feed watchdog: it would reconnect both hubs every 5 s in a quiet market."""


class Hubs:
    """One realtime client with both its hubs. Use it on its event loop only."""

    def __init__(
        self,
        session: Session,
        endpoints: GatewayEndpoints,
        account_ids: Iterable[int],
        on_user_hub: Callable[[bool, str | None], None],
        on_market_hub: Callable[[bool, str | None], None],
    ) -> None:
        self._session = session
        self._account_ids = tuple(account_ids)
        self._contracts = ContractSubscriptions()
        self.user = HubLink(
            "user",
            AccountSubscriptions(self._account_ids),
            lambda: _with_token(endpoints.user_hub_url, session.token),
            on_user_hub,
            self._doubt_token,
            needs_all=True,
        )
        self.market = HubLink(
            "market",
            self._contracts,
            lambda: _with_token(endpoints.market_hub_url, session.token),
            on_market_hub,
            self._doubt_token,
            # One contract that cannot be had must not cost the prices of the others.
            needs_all=False,
        )
        self._realtime = ProjectXRealtimeClient(
            session.token, str(self._account_ids[0]), config=session.config
        )
        self._realtime.stale_feed_seconds = NEVER_S
        # Its heartbeat is a hub method the Gateway does not know, and a failed one makes the SDK
        # reconnect both hubs behind our back. The links watch instead.
        self._realtime._health_monitoring_enabled = False  # noqa: SLF001
        self._connecting: asyncio.Task[None] | None = None

    async def open(self, inbound: Inbound) -> None:
        """Set up and start connecting; the links' `tend` take it from there."""
        await self._realtime.setup_connections()
        user_hub, market_hub = self._realtime.user_connection, self._realtime.market_connection
        inbound.attach(user_hub, market_hub)
        self.user.attach(user_hub)
        self.market.attach(market_hub)
        # It waits up to 10 s for both hubs and gives no reason when it fails: not waited for.
        self._connecting = asyncio.create_task(self._connect(), name="realtime connect")

    def want(self, contract_id: str) -> bool:
        """Have a contract's quotes and trades sent; false when they are already."""
        if not self._contracts.want(contract_id):
            return False
        self.market.wake()
        return True

    def logged_out(self, hub: str) -> None:
        """Handle the broker's `GatewayLogout`: new token, new connection of that hub."""
        logger.warning("The broker ended the session on the {} hub", hub)
        self._doubt_token()
        link = self.user if hub == "user" else self.market
        link.kick("the broker ended the session")

    async def close(self) -> None:
        """Disconnect both hubs for good."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        await asyncio.gather(self.user.stop(), self.market.stop())
        await self._realtime.cleanup()

    async def _connect(self) -> None:
        try:
            await self._realtime.connect()
        except Exception as error:  # noqa: BLE001 -- the links connect by themselves if need be
            logger.warning("The first connection failed: {}", scrub(repr(error)))

    def _doubt_token(self) -> None:
        self._session.relogin_soon(self._session.token)


def _with_token(url: str, token: str) -> str:
    """Return a hub's address as the Gateway wants it: with the token in the query."""
    return f"{url}?access_token={token}"
