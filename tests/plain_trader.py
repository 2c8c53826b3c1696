"""A trader's own script on the unmodified SDK, beside which our gateway has to do better.

It does what the SDK's examples do: log in, make a realtime client, connect, subscribe, and leave
the rest to the SDK. Only waiting times that are the SDK's configuration are ever shortened.
"""

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Self

from project_x_py import EventBus, ProjectX, ProjectXConfig, ProjectXRealtimeClient
from project_x_py.order_manager import OrderManager
from project_x_py.position_manager import PositionManager

from risk_actors.simulator.thread import SimulatorThread

_CALL_S = 20.0
_STREAMS = (
    "account_update",
    "position_update",
    "order_update",
    "trade_execution",
    "quote_update",
    "market_trade",
)
NEVER_S = 1e9


class PlainTrader:
    """The SDK on a loop of its own; every method may be called from the test's thread."""

    def __init__(
        self,
        simulator: SimulatorThread,
        account_id: int = 101,
        *,
        stale_feed_seconds: float = NEVER_S,
        **config: Any,
    ) -> None:
        self.simulator = simulator
        self.account_id = account_id
        self.config = ProjectXConfig(
            api_url=simulator.api_url,
            user_hub_url=simulator.user_hub_url,
            market_hub_url=simulator.market_hub_url,
            **config,
        )
        self.sdk = ProjectX("sim-trader", "sim-api-key", config=self.config)
        self.realtime: Any = None
        self.heard: dict[str, list[Any]] = {name: [] for name in _STREAMS}
        self._stale_feed_seconds = stale_feed_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="plain sdk")

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self.sdk.authenticate())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.do(self._leave())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            # The SDK leaves its sockets to the garbage collector.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._loop.close()
                gc.collect()

    def begin[T](self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start something on the trader's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def do[T](self, coroutine: Coroutine[Any, Any, T], within_s: float = _CALL_S) -> T:
        """Run something on the trader's loop to its end."""
        return self.begin(coroutine).result(within_s)

    def stream(self, *contract_ids: str) -> Self:
        """Connect and subscribe, as the examples do; return when the broker knows of it.

        The SDK itself asks for no answer. Nothing is waited for where the broker refuses.
        """
        is_known = self.account_id in self.simulator.gateway.exchange.accounts
        before = subscribers(self.simulator, "Trades", self.account_id)
        self.do(self._stream(contract_ids))
        deadline_s = time.monotonic() + _CALL_S
        pause = threading.Event()
        while is_known and subscribers(self.simulator, "Trades", self.account_id) == before:
            assert time.monotonic() < deadline_s, "the script's subscriptions never arrived"
            pause.wait(0.005)
        return self

    def managers(self) -> tuple[PositionManager, OrderManager]:
        """Return the SDK's managers, in real-time mode."""
        return self.do(self._managers())

    def post(self, endpoint: str, **body: Any) -> Any:
        """Send one request as the SDK sends all of its own."""
        return self.do(self.sdk._make_request("POST", endpoint, data=body))

    @property
    def is_connected(self) -> bool:
        """What the SDK says."""
        return bool(self.realtime.is_connected())

    def hub_is_dead(self, name: str = "user") -> bool:
        """What is true: nothing runs any more that could bring the hub back."""
        hub = getattr(self.realtime, f"{name}_connection")
        return hub._run_task is None or hub._run_task.done()

    async def _stream(self, contract_ids: tuple[str, ...]) -> None:
        self.realtime = ProjectXRealtimeClient(
            self.sdk.get_session_token(), str(self.account_id), config=self.config
        )
        self.realtime.stale_feed_seconds = self._stale_feed_seconds
        for name in _STREAMS:
            await self.realtime.add_callback(name, self._keeper(name))
        assert await self.realtime.connect()
        assert await self.realtime.subscribe_user_updates()
        if contract_ids:
            assert await self.realtime.subscribe_market_data(list(contract_ids))

    def _keeper(self, name: str) -> Callable[[Any], Coroutine[Any, Any, None]]:
        async def keep(data: Any) -> None:
            self.heard[name].append(data)

        return keep

    async def _managers(self) -> tuple[PositionManager, OrderManager]:
        bus = EventBus()
        positions, orders = PositionManager(self.sdk, bus), OrderManager(self.sdk, bus)
        await positions.initialize(self.realtime)
        await orders.initialize(self.realtime)
        return positions, orders

    async def _leave(self) -> None:
        if self.realtime is not None:
            await asyncio.wait_for(self.realtime.cleanup(), _CALL_S)
        await self.sdk.__aexit__(None, None, None)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def subscribers(simulator: SimulatorThread, topic: str = "Positions", account_id: int = 101) -> int:
    """Return how many connections the broker would send an account's events to."""
    hub = simulator.gateway.user_hub
    return simulator.call(lambda: hub.subscriber_count((topic, account_id)))


def send_frame(simulator: SimulatorThread, text: str, hub: str = "user") -> None:
    """Send one frame, as it is, to everyone on a hub."""
    target = simulator.gateway.user_hub if hub == "user" else simulator.gateway.market_hub
    simulator.call(lambda: [connection.send(text) for connection in target._connections])


def revoke_all(simulator: SimulatorThread) -> None:
    """End every session there is, as a broker's restart does."""
    mint = simulator.gateway._mint
    tokens = {record.token_id for record in simulator.requests() if record.token_id}
    simulator.call(lambda: [mint.revoke(token) for token in tokens])
