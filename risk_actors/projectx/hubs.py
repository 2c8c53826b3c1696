"""Both hubs of the SDK's realtime client, for all accounts."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

from loguru import logger

from risk_actors.projectx.hub_link import HubLink
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.realtime import MARKET, USER, RealtimeClients
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import GatewayEndpoints
from risk_actors.projectx.subscriptions import AccountSubscriptions, ContractSubscriptions


class Hubs:
    """The user hub and the market hub. Use it on its event loop only."""

    def __init__(
        self,
        session: Session,
        endpoints: GatewayEndpoints,
        account_ids: Iterable[int],
        on_user_hub: Callable[[bool, str | None], None],
        on_market_hub: Callable[[bool, str | None], None],
        on_user_opening: Callable[[], None] = lambda: None,
    ) -> None:
        self._session = session
        self._account_ids = tuple(account_ids)
        self._contracts = ContractSubscriptions()
        self.clients = RealtimeClients(session, self._account_ids[0])
        self._inbound: Inbound | None = None
        self.user = HubLink(
            USER,
            AccountSubscriptions(self._account_ids, on_user_opening),
            lambda: _with_token(endpoints.user_hub_url, session.token),
            on_user_hub,
            self._doubt_token,
            partial(self._make_hub, USER),
            needs_all=True,
        )
        self.market = HubLink(
            MARKET,
            self._contracts,
            lambda: _with_token(endpoints.market_hub_url, session.token),
            on_market_hub,
            self._doubt_token,
            partial(self._make_hub, MARKET),
            # One contract that cannot be had must not cost the prices of the others.
            needs_all=False,
        )

    def listen(self, inbound: Inbound) -> None:
        """Take what hears the events; the links' `tend` make and keep the connections."""
        self._inbound = inbound

    def nudge(self) -> None:
        """Try again now whatever is down: the broker has shown a sign of life."""
        self.user.nudge()
        self.market.nudge()

    def want(self, contract_id: str) -> bool:
        """Have a contract's quotes and trades sent; false when they are already."""
        if not self._contracts.want(contract_id):
            return False
        self.market.wake()
        return True

    def rest_market(self, *, is_resting: bool, but: Collection[str] = ()) -> None:
        """Have the market hub send nothing, while another line tells prices, or all again.

        Args:
            is_resting: whether another line tells them.
            but: the contracts that it does not tell, which are sent all the same.
        """
        self._contracts.rest(is_resting=is_resting, but=but)
        self.market.wake()

    def logged_out(self, hub: str) -> None:
        """Handle the broker's `GatewayLogout`: new token, new connection of that hub."""
        logger.warning("The broker ended the session on the {} hub", hub)
        self._doubt_token()
        link = self.user if hub == USER else self.market
        link.kick("the broker ended the session")

    async def close(self) -> None:
        """Disconnect both hubs for good."""
        await asyncio.gather(self.user.stop(), self.market.stop())
        await self.clients.close()

    async def _make_hub(self, name: str) -> Any:
        hub = await self.clients.new_hub(name)
        if self._inbound is not None:
            link = self.user if name == USER else self.market
            attach = self._inbound.attach_user if name == USER else self._inbound.attach_market
            attach(hub, partial(link.is_present, hub))
        return hub

    def _doubt_token(self) -> None:
        self._session.relogin_soon(self._session.token)


def _with_token(url: str, token: str) -> str:
    """Return a hub's address as the Gateway wants it: with the token in the query."""
    return f"{url}?access_token={token}"
