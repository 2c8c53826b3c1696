"""The simulated gateway as one server: exchange, REST, both hubs, prices and the trader.

Everything runs on the event loop that called `start`; nothing in it may be touched from another
thread except through `SimulatorThread.call`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from random import Random

from aiohttp import web
from loguru import logger

from risk_actors.simulator import control
from risk_actors.simulator.bars import BarHistory
from risk_actors.simulator.contracts import front_contracts
from risk_actors.simulator.desk import Desk
from risk_actors.simulator.door import Door
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.fault_desk import bind_hubs, bind_market, bind_stream, bind_tokens
from risk_actors.simulator.faults import ClockSkew, Faults, HideSuspended, RefuseConnections
from risk_actors.simulator.feed import Feed
from risk_actors.simulator.history import History, StreamRecord
from risk_actors.simulator.hub import Hub
from risk_actors.simulator.market_wire import MarketEvent
from risk_actors.simulator.records import Quote
from risk_actors.simulator.rest import RestApi
from risk_actors.simulator.settings import SimulatorSettings, opened
from risk_actors.simulator.tokens import TokenMint
from risk_actors.simulator.topics import (
    ACCOUNTS,
    TOPIC_OF_TARGET,
    market_topics,
    user_topics,
)
from risk_actors.simulator.trading_desk import SimulatedTrader
from risk_actors.simulator.weather import Weather, forecast
from risk_actors.simulator.wire import UserEvent, user_events

_NS_PER_S = 1_000_000_000
_BEAT_S = 0.05


class SimulatedGateway:
    """A ProjectX-compatible server on loopback."""

    def __init__(
        self, settings: SimulatorSettings | None = None, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """Build the server, not yet listening; `clock` gives nanoseconds UTC."""
        self.settings = settings = settings or SimulatorSettings()
        self._clock = clock
        self.clock_ahead_s = settings.clock_ahead_s
        """How far the broker's clock is ahead of this machine's; it may be set while running."""
        self.history = History(settings.history_limit)
        self.faults = Faults(rng=self._rng("faults"), log=self.history.faults)
        today = datetime.fromtimestamp(self.clock() / _NS_PER_S, UTC).date()
        contracts = front_contracts(settings.contract_date or today)
        self.exchange = Exchange(
            contracts=contracts,
            accounts=[opened(account) for account in settings.accounts],
            rng=self._rng("fills"),
            partial_fills=settings.ugliness.partial_fills,
            faults=self.faults,
        )
        self.contract_ids = {c.symbol: c.contract_id for c in contracts}
        self._wire_rng = self._rng("wire")
        self._bars = {
            c.contract_id: BarHistory(c, seed=settings.seed, start_ns=self.clock())
            for c in contracts
        }
        self._mint = TokenMint(
            secret=f"simulator {settings.seed}".encode(), lifetime_s=settings.token_lifetime_s
        )
        self.user_hub = self._hub("user", user_topics(self.exchange.accounts))
        self.market_hub = self._hub("market", market_topics(self.exchange.contracts))
        self._feed = Feed(
            settings, contracts, self._rng, take=self._on_quote, current=self.exchange.quotes
        )
        self._stopping: asyncio.Event | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._weather: asyncio.Task[None] | None = None
        self._door = Door(settings.host)
        bind_market(self.faults, self)
        hubs = (self.user_hub, self.market_hub)
        bind_hubs(self.faults, hubs)
        bind_stream(self.faults, hubs)
        bind_tokens(self.faults, hubs, self._mint, settings.token_lifetime_s)
        self.faults.bind(RefuseConnections, self._door.shut, self._door.open_again)
        self.faults.bind(ClockSkew)  # asked for with the time
        self.faults.bind(HideSuspended)  # asked for with the orders

    def clock(self) -> int:
        """Return the broker's time in ns of UTC: of rows, of tokens, and the `Date` of answers."""
        return self._clock() + round(self._ahead_s() * _NS_PER_S)

    def now_ns(self) -> int:
        """Return the broker's time, as `clock` does."""
        return self.clock()

    def contract_of(self, symbol: str) -> str:
        """Return the id of a symbol's front month."""
        return self.contract_ids[symbol]

    @property
    def port(self) -> int:
        """Return the port listened on, once started."""
        return self._door.port or self.settings.port

    @property
    def api_url(self) -> str:
        """Return the REST base, `/api` included."""
        return f"http://{self.settings.host}:{self.port}/api"

    @property
    def user_hub_url(self) -> str:
        """Return the user hub's address."""
        return f"http://{self.settings.host}:{self.port}/hubs/user"

    @property
    def market_hub_url(self) -> str:
        """Return the market hub's address."""
        return f"http://{self.settings.host}:{self.port}/hubs/market"

    async def start(self) -> None:
        """Listen, and let prices and the trader run.

        Raises:
            OSError: the port is taken.
        """
        self._stopping = asyncio.Event()
        app = web.Application()
        app.on_response_prepare.append(self._date)
        app.add_routes(self._rest(self._stopping).routes())
        app.add_routes(self.user_hub.routes())
        app.add_routes(self.market_hub.routes())
        if self.settings.control:
            app.add_routes(control.routes(self.faults, self.set_weather))
        await self._door.listen(app, self.settings.port)
        self.user_hub.start()
        self.market_hub.start()
        self._tasks = [
            asyncio.create_task(self._guard("prices", self._feed.run)),
            asyncio.create_task(self._guard("time", self._pass_time)),
        ]
        self.set_weather(self.settings.weather)
        if self.settings.trader is not None:
            trader = SimulatedTrader(self.settings.trader, self, self._rng("trader"))
            self._tasks.append(asyncio.create_task(self._guard("trader", trader.run)))

    async def stop(self) -> None:
        """End every connection and task; afterwards nothing of the server is left."""
        if self._stopping is not None:
            self._stopping.set()
        self.set_weather(None)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()
        self.user_hub.stop()
        self.market_hub.stop()
        await self._door.close()

    def publish(self) -> None:
        """Send what happened in the exchange since the last call to whoever subscribed."""
        for entry in self.exchange.take_journal():
            self.history.journal.append(entry)
            ugliness = self.settings.ugliness
            for event in user_events(entry, self.exchange.contracts, ugliness, self._wire_rng):
                self._publish_user(event)

    def set_price(self, contract_id: str, quote: Quote) -> None:
        """Move a contract's price and send the quote; the price process goes on from there."""
        self._feed.set_price(contract_id, quote)

    def let_prices_move(self, *, move: bool) -> None:
        """Switch the automatic prices; without them the current quotes are repeated."""
        self._feed.automatic = move

    def silence_quotes(self, *, silent: bool = True) -> None:
        """Stop, or resume, sending quotes; `set_price` still sends its own."""
        self._feed.silent = silent

    def cut_hubs(self, hub: str = "*") -> None:
        """Drop the sockets of `user`, `market`, or both (`*`)."""
        for each in (self.user_hub, self.market_hub):
            if hub in ("*", each.name):
                each.cut()

    def set_weather(self, weather: Weather | None) -> None:
        """Let faults come by chance from now on, in place of those that came before."""
        if self._weather is not None:
            self._weather.cancel()
            self._weather = None
        if weather is not None:
            blow = partial(self._blow, weather)
            self._weather = asyncio.create_task(self._guard("weather", blow))

    async def _blow(self, weather: Weather) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for at_s, fault in forecast(weather):
            await asyncio.sleep(max(0.0, began_s + at_s - loop.time()))
            self.faults.inject(fault)
            self.publish()

    async def _pass_time(self) -> None:
        """End faults whose time is up, and let happen what they have put off."""
        while True:
            await asyncio.sleep(_BEAT_S)
            self.exchange.advance(self.clock())
            self.publish()

    def _ahead_s(self) -> float:
        return self.clock_ahead_s + sum(skew.ahead_s for skew in self.faults.active(ClockSkew))

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        if self._ahead_s():
            response.headers["Date"] = formatdate(self.clock() // _NS_PER_S, usegmt=True)

    def _rng(self, purpose: str) -> Random:
        """Return the generator of one purpose, so that no draw of one shifts another's."""
        return Random(f"{self.settings.seed}:{purpose}")

    def _hub(self, name: str, topic_of: control.TopicOf) -> Hub:
        return Hub(
            name,
            topic_of=topic_of,
            authorised=lambda token: self._mint.session(token, self.clock()) is not None,
            faults=self.faults,
            rng=self._rng(f"hub {name}"),
            keepalive_s=self.settings.keepalive_s,
            client_timeout_s=self.settings.client_timeout_s,
        )

    def _rest(self, stopping: asyncio.Event) -> RestApi:
        desk = Desk(
            exchange=self.exchange,
            bars=self._bars,
            mint=self._mint,
            book=self.exchange,
            hides_suspended=lambda: bool(self.faults.active(HideSuspended)),
            clock=self.clock,
            trade_rows=self.settings.trade_rows,
            trade_rows_kept=self.settings.trade_rows_kept,
            username=self.settings.username,
            api_key=self.settings.api_key,
        )
        return RestApi(
            desk=desk,
            settings=self.settings,
            faults=self.faults,
            history=self.history,
            publish=self.publish,
            stopping=stopping,
        )

    def _publish_user(self, event: UserEvent) -> None:
        name = TOPIC_OF_TARGET[event.target]
        topic = ACCOUNTS if name == ACCOUNTS[0] else (name, event.account_id)
        wrapped = {"action": event.action, "data": event.data}
        receivers = self.user_hub.publish(topic, event.target, [wrapped], delay_ns=event.delay_ns)
        self.history.user_events.append(
            StreamRecord(
                sent_ns=time.monotonic_ns(),
                hub="user",
                target=event.target,
                data=wrapped,
                account_id=event.account_id,
                contract_id=event.contract_id,
                order_id=event.order_id,
                receivers=receivers,
            )
        )

    def _on_quote(self, contract_id: str, quote: Quote, events: list[MarketEvent]) -> None:
        now_ns = self.clock()
        self._bars[contract_id].on_price(quote.last, now_ns)
        for event in events:
            topic = (TOPIC_OF_TARGET[event.target], contract_id)
            receivers = self.market_hub.publish(topic, event.target, [contract_id, event.data])
            if receivers:
                self.history.market_events.append(
                    StreamRecord(
                        sent_ns=time.monotonic_ns(),
                        hub="market",
                        target=event.target,
                        data=event.data,
                        contract_id=contract_id,
                        receivers=receivers,
                    )
                )
        self.exchange.on_quote(contract_id, quote, now_ns)
        self.publish()

    async def _guard(self, what: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except Exception:  # noqa: BLE001 - the server goes on without it, and says so
            logger.exception("simulator: the {} stopped", what)
