"""The simulated gateway in a thread of its own, for tests and for running beside the daemon."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from types import TracebackType
from typing import Self

import msgspec

from risk_actors.simulator.faults import AnyFault, Faults
from risk_actors.simulator.gateway import SimulatedGateway
from risk_actors.simulator.history import FaultRecord, RequestRecord, StreamRecord
from risk_actors.simulator.records import JournalEntry, Order, Quote, Ticket, Trade
from risk_actors.simulator.settings import SimulatorSettings
from risk_actors.simulator.weather import Weather

type Price = Decimal | int | float | str

_START_S = 10.0
_CALL_S = 10.0


class SimulatorThread:
    """A running simulated gateway that any thread may use.

    Every method runs on the server's loop and returns copies, so nothing read through it changes
    underneath the reader.
    """

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        """Take the settings; `start`, or entering the context, starts the server."""
        self.gateway = SimulatedGateway(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def start(self) -> None:
        """Start the thread and return once the server listens.

        Raises:
            OSError: the port is taken.
        """
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started)), name="simulator", daemon=True
        )
        self._thread.start()
        try:
            started.result(_START_S)
        except OSError:
            self._thread.join()
            self._loop = self._leave = self._thread = None
            raise

    def stop(self) -> None:
        """Stop the server and wait for its thread to end; a second call does nothing."""
        loop, leave, thread = self._loop, self._leave, self._thread
        if loop is not None and leave is not None and thread is not None:
            loop.call_soon_threadsafe(leave.set)
            thread.join()
        self._loop = self._leave = self._thread = None

    def call[T](self, function: Callable[[], T]) -> T:
        """Run a function on the server's loop, send what it caused, and return its result.

        Raises:
            RuntimeError: the server is not running.
        """
        loop = self._loop
        if loop is None:
            raise RuntimeError("the simulator is not running")
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(function())
            except Exception as error:  # noqa: BLE001 - handed to the caller's thread
                outcome.set_exception(error)
            finally:
                self.gateway.publish()

        loop.call_soon_threadsafe(run)
        return outcome.result(_CALL_S)

    @property
    def api_url(self) -> str:
        """Return the REST base, `/api` included."""
        return self.gateway.api_url

    @property
    def user_hub_url(self) -> str:
        """Return the user hub's address."""
        return self.gateway.user_hub_url

    @property
    def market_hub_url(self) -> str:
        """Return the market hub's address."""
        return self.gateway.market_hub_url

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that points the SDK and the daemon at this server."""
        return environment(self.gateway)

    @property
    def faults(self) -> Faults:
        """Return the faults; use it inside `call`, or `inject`."""
        return self.gateway.faults

    def inject(self, *faults: AnyFault) -> list[int]:
        """Ask for faults and return their ids."""
        return self.call(lambda: [self.gateway.faults.inject(fault) for fault in faults])

    def clear_faults(self) -> None:
        """End every fault and the weather; what was broken heals, what was held is sent."""

        def clear() -> None:
            self.gateway.set_weather(None)
            self.gateway.faults.clear()

        self.call(clear)

    def set_weather(self, weather: Weather | None) -> None:
        """Let faults come by chance from now on; None ends that, without healing what there is."""
        self.call(lambda: self.gateway.set_weather(weather))

    def fault_log(self) -> list[FaultRecord]:
        """Return a record of every fault that was asked for, oldest first."""
        log = self.gateway.history.faults
        return self.call(
            lambda: [
                msgspec.structs.replace(record, struck_ns=list(record.struck_ns)) for record in log
            ]
        )

    def cut_hubs(self, hub: str = "*") -> None:
        """Drop the sockets of `user`, `market` or both."""
        self.call(lambda: self.gateway.cut_hubs(hub))

    def contract_id(self, symbol: str) -> str:
        """Return the front-month contract id of an exchange symbol."""
        return self.gateway.contract_ids[symbol]

    def place(self, ticket: Ticket) -> Order:
        """Place an order as the trader.

        Raises:
            RefusedError: the exchange refuses it.
        """
        return self.call(lambda: self.gateway.exchange.place(ticket, self.gateway.clock()))

    def cancel(self, account_id: int, order_id: int) -> None:
        """Cancel an order as the trader."""
        exchange, clock = self.gateway.exchange, self.gateway.clock
        self.call(lambda: exchange.cancel(account_id, order_id, clock()))

    def close(self, account_id: int, contract_id: str, size: int | None = None) -> Order:
        """Close a position, or part of it, as the trader."""
        exchange, clock = self.gateway.exchange, self.gateway.clock
        return self.call(lambda: exchange.close(account_id, contract_id, clock(), size=size))

    def set_price(self, contract_id: str, bid: Price, ask: Price, last: Price) -> None:
        """Move a contract's price; resting orders it reaches trade at once."""
        quote = Quote(*(Decimal(str(price)) for price in (bid, ask, last)))
        self.call(lambda: self.gateway.set_price(contract_id, quote))

    def let_prices_move(self, *, move: bool) -> None:
        """Switch the automatic prices; without them the current quotes are repeated."""
        self.call(lambda: self.gateway.let_prices_move(move=move))

    def silence_quotes(self, *, silent: bool = True) -> None:
        """Stop, or resume, sending quotes; `set_price` still sends its own."""
        self.call(lambda: self.gateway.silence_quotes(silent=silent))

    def set_can_trade(self, account_id: int, *, can_trade: bool) -> None:
        """Change an account's permission to trade."""
        exchange, clock = self.gateway.exchange, self.gateway.clock
        self.call(lambda: exchange.set_can_trade(account_id, clock(), can_trade=can_trade))

    def set_blocked(self, account_id: int, *, blocked: bool) -> None:
        """Switch the platform's block: orders, closes and cancels are all refused."""
        self.call(lambda: self.gateway.exchange.set_blocked(account_id, blocked=blocked))

    def halt(self, contract_id: str, *, halted: bool = True) -> None:
        """Begin or end a trading halt of a contract."""
        self.call(lambda: self.gateway.exchange.set_halted(contract_id, halted=halted))

    def size(self, account_id: int, contract_id: str) -> int:
        """Return the signed open size; 0 is flat."""
        return self.call(lambda: self.gateway.exchange.signed_size(account_id, contract_id))

    def sizes(self, account_id: int) -> dict[str, int]:
        """Return the signed size of every open position by contract id."""
        positions = self.gateway.exchange.positions
        return self.call(
            lambda: {
                contract_id: position.signed_size
                for (owner, contract_id), position in positions.items()
                if owner == account_id
            }
        )

    def average_price(self, account_id: int, contract_id: str) -> Decimal:
        """Return the average entry price of an open position, 0 when flat."""
        positions = self.gateway.exchange.positions

        def average() -> Decimal:
            position = positions.get((account_id, contract_id))
            return position.average_price if position else Decimal(0)

        return self.call(average)

    def orders(self, account_id: int) -> list[Order]:
        """Return the orders that can still trade, suspended bracket legs included."""
        return self.call(lambda: self.gateway.exchange.working_orders(account_id))

    def order(self, order_id: int) -> Order:
        """Return any order, finished ones included."""
        return self.call(lambda: msgspec.structs.replace(self.gateway.exchange.orders[order_id]))

    def trades(self, account_id: int) -> list[Trade]:
        """Return the account's half-turns, oldest first."""
        trades = self.gateway.exchange.trades
        return self.call(lambda: [t for t in trades if t.account_id == account_id])

    def balance_usd(self, account_id: int) -> Decimal:
        """Return the account's balance."""
        return self.call(lambda: self.gateway.exchange.account(account_id).balance_usd)

    def requests(self, endpoint: str | None = None) -> list[RequestRecord]:
        """Return the REST requests so far, of one endpoint or all, oldest first."""
        records = self.gateway.history.requests
        return self.call(
            lambda: [
                msgspec.structs.replace(record)
                for record in records
                if endpoint in (None, record.endpoint)
            ]
        )

    def events(self, target: str | None = None) -> list[StreamRecord]:
        """Return the user hub's events so far, of one target or all, oldest first."""
        events = self.gateway.history.user_events
        return self.call(lambda: [e for e in events if target in (None, e.target)])

    def market_events(self, target: str | None = None) -> list[StreamRecord]:
        """Return the market hub's events that somebody received, oldest first."""
        events = self.gateway.history.market_events
        return self.call(lambda: [e for e in events if target in (None, e.target)])

    def journal(self) -> list[JournalEntry]:
        """Return the exchange's journal so far, oldest first."""
        return self.call(lambda: list(self.gateway.history.journal))

    async def _serve(self, started: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        try:
            await self.gateway.start()
        except Exception as error:  # noqa: BLE001 - handed to the starting thread
            await self.gateway.stop()
            started.set_exception(error)
            return
        started.set_result(None)
        await self._leave.wait()
        await self.gateway.stop()


def environment(gateway: SimulatedGateway) -> dict[str, str]:
    """Return the environment variables that point the SDK and the daemon at a gateway."""
    return {
        "PROJECTX_API_URL": gateway.api_url,
        "PROJECTX_USER_HUB_URL": gateway.user_hub_url,
        "PROJECTX_MARKET_HUB_URL": gateway.market_hub_url,
        "PROJECT_X_USERNAME": gateway.settings.username,
        "PROJECT_X_API_KEY": gateway.settings.api_key,
    }
