"""The guard with real threads, store and log, on a session that only pretends to be the broker.

What comes in passes the gateway's own callbacks: fills and positions `Inbound`, in a thread that
runs an asyncio loop as the SDK's hubs do, and quotes the price line, in one of its own. What goes
out ends in `submit`, which notes the instant. Between them all is as shipped: every rule, the
actors, supervision, journal, view and headroom.
"""

import asyncio
import itertools
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import msgspec
from loguru import logger

from risk_actors import messages as m
from risk_actors.actors.picture import Picture
from risk_actors.actors.timer import TICK_EVERY_S
from risk_actors.actors.view import PictureFrame
from risk_actors.app.actor_set import ActorSet
from risk_actors.app.assembly import Surroundings, assemble
from risk_actors.app.logs import Logs
from risk_actors.app.pulse import PulseThread
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_load import load_settings
from risk_actors.app.supervision import RESYNC
from risk_actors.core.broker import Account, Fill, Position, Side
from risk_actors.core.commands import Answer, CloseContract, Command, Outcome
from risk_actors.core.instruments import Instrument
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.lean_frames import Invoked
from risk_actors.projectx.price_line import PriceLine, PriceListener
from risk_actors.runtime.clock import Reference, SystemClock
from risk_actors.runtime.right_of_way import CourteousSelector
from risk_actors.runtime.supervisor import Supervisor
from risk_actors.store.recovery import open_or_recover

from .rig_rules import BREAKING_SIZE, RULES

CONTRACTS = tuple(
    f"CON.F.US.{root}.Z26"
    for root in ("MNQ", "MES", "MYM", "M2K", "MCLE", "ENQ", "EP", "YM", "RTY", "CLE")
)
"""The first is the one that is traded."""
TRADED = CONTRACTS[0]
TUESDAY_NS = 1_794_931_200 * 1_000_000_000
"""2026-11-17 16:00 UTC, 10:00 in Chicago: the market is open."""
PRICE = Decimal(20_000)
_TICKS = 8
"""Prices that a contract goes through, again and again."""
ANSWERED_WITHIN_S = 5.0
SETTLED_AFTER_S = 0.02
"""Between two breaches of one account: what the first brought has been worked off."""


class NoCommandError(Exception):
    """A breach brought no close in time."""


class Hub:
    """Keeps the callbacks that `Inbound` registers, as the SDK's hub object would."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callable[..., None]] = {}

    def on(self, event: str, callback: Callable[..., None]) -> None:
        """Register a callback."""
        self.callbacks[event] = callback


class Broker:
    """The broker behind the session: accounts, positions and fills; lives in the loop's thread."""

    def __init__(self, account_ids: Sequence[int], clock: SystemClock) -> None:
        self.account_ids = account_ids
        self.clock = clock
        self.loop = asyncio.new_event_loop()
        self.emit: Callable[[m.Message], None] = lambda _message: None
        self.price_loop = asyncio.SelectorEventLoop(CourteousSelector(head_start_s=0.0))
        """Where the price line reads."""
        self.user = Hub()
        self.hear_price: Callable[[Invoked], None] = lambda _event: None
        self._quotes = {
            contract_id: [_quote_of(contract_id, step) for step in range(_TICKS)]
            for contract_id in CONTRACTS
        }
        self.submitted_ns: dict[int, int] = {}
        """By account, when its last close was handed over (`time.perf_counter_ns`)."""
        self.submitted: dict[int, threading.Event] = defaultdict(threading.Event)
        self.commands = 0
        self.quotes = 0
        """Quotes told so far."""
        self._fills: dict[int, list[Fill]] = {account_id: [] for account_id in account_ids}
        self._sizes: dict[tuple[int, str], int] = {}
        self._ids = itertools.count(1)

    # --- what the actors ask of a session (any thread) -------------------------------------

    def submit(self, command: Command) -> None:
        """Note the instant, and answer as a broker at once would."""
        at_ns = time.perf_counter_ns()
        self.commands += 1
        if isinstance(command, CloseContract):
            self.submitted_ns[command.account_id] = at_ns
            self.submitted[command.account_id].set()
        self.loop.call_soon_threadsafe(self._carry_out, command)

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Answer with the account as it is."""
        self.loop.call_soon_threadsafe(self._snapshot, account_id, reason, correlation_id)

    def request_bars(self, wanted: m.RequestBars) -> None:
        """Have no bars."""
        self.loop.call_soon_threadsafe(
            self.emit,
            m.BarsReported(
                correlation_id=wanted.correlation_id,
                at_ns=self.clock.now_ns(),
                account_id=wanted.account_id,
                contract_id=wanted.contract_id,
                since_ns=wanted.since_ns,
                until_ns=wanted.until_ns,
                bars=(),
            ),
        )

    def note_locks(self, note: m.NoteLocks) -> None:
        """Keep no note."""

    # --- the loop's thread -------------------------------------------------------------------

    def begin(self) -> None:
        """Tell the contracts and every account."""
        now_ns = self.clock.now_ns()
        for contract_id in CONTRACTS:
            instrument = Instrument(
                contract_id=contract_id,
                symbol=contract_id.split(".")[3],
                tick_size=Decimal("0.25"),
                tick_value_usd=Decimal("0.50"),
            )
            self.emit(
                m.InstrumentResolved(correlation_id="begin", at_ns=now_ns, instrument=instrument)
            )
        self.emit(
            m.ConnectionChanged(
                correlation_id="begin", at_ns=now_ns, user_hub=True, market_hub=True, rest=True
            )
        )
        for account_id in self.account_ids:
            self._snapshot(account_id, "begin", f"begin-{account_id}")

    def quote(self, contract_id: str) -> None:
        """Tell the next price of a contract; in the price line's thread."""
        self.quotes += 1
        self.hear_price(self._quotes[contract_id][self.quotes // len(CONTRACTS) % _TICKS])

    def trade(self, account_id: int, size: int, contract_id: str = TRADED) -> int:
        """Fill an order of a signed size; return when the event's callback was called."""
        self._sizes[account_id, contract_id] = self._sizes.get((account_id, contract_id), 0) + size
        number, at = next(self._ids), self._iso()
        fill = {
            "id": number,
            "accountId": account_id,
            "contractId": contract_id,
            "creationTimestamp": at,
            "price": float(PRICE),
            "profitAndLoss": None if self._sizes[account_id, contract_id] else 0.0,
            "fees": 0.0,
            "side": 0 if size > 0 else 1,
            "size": abs(size),
            "voided": False,
            "orderId": number,
        }
        self._fills[account_id].append(
            Fill(
                id=number,
                account_id=account_id,
                contract_id=contract_id,
                order_id=number,
                side=Side.BUY if size > 0 else Side.SELL,
                size=abs(size),
                price=PRICE,
                at_ns=self.clock.now_ns(),
                profit_usd=None if self._sizes[account_id, contract_id] else Decimal(0),
            )
        )
        began_ns = time.perf_counter_ns()
        self.user.callbacks["GatewayUserTrade"]({"action": 1, "data": fill})
        self._tell_position(account_id, contract_id, at)
        return began_ns

    def _tell_position(self, account_id: int, contract_id: str, at: str) -> None:
        size = self._sizes[account_id, contract_id]
        self.user.callbacks["GatewayUserPosition"](
            {
                "action": 1,
                "data": {
                    "id": 1,
                    "accountId": account_id,
                    "contractId": contract_id,
                    "creationTimestamp": at,
                    "type": 0 if not size else 1 if size > 0 else 2,
                    "size": abs(size),
                    "averagePrice": float(PRICE),
                },
            }
        )

    def _carry_out(self, command: Command) -> None:
        outcome = Outcome(
            command_id=command.id, account_id=command.account_id, answer=Answer.ACCEPTED
        )
        now_ns = self.clock.now_ns()
        self.emit(
            m.CommandAnswered(
                correlation_id=command.correlation_id, at_ns=now_ns, outcome=outcome, sent_ns=now_ns
            )
        )
        if isinstance(command, CloseContract):
            size = self._sizes.get((command.account_id, command.contract_id), 0)
            if size:
                self.trade(command.account_id, -size, command.contract_id)

    def _snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        now_ns = self.clock.now_ns()
        self.emit(
            m.AccountSnapshot(
                correlation_id=correlation_id,
                at_ns=now_ns,
                account=Account(
                    id=account_id,
                    name=f"BENCH-{account_id}",
                    balance_usd=Decimal(50_000),
                    can_trade=True,
                ),
                positions=tuple(
                    Position(
                        account_id=account_id,
                        contract_id=contract_id,
                        size=size,
                        average_price=PRICE,
                        opened_ns=now_ns,
                    )
                    for (holder, contract_id), size in self._sizes.items()
                    if holder == account_id and size
                ),
                orders=(),
                covers_suspended=True,
                fills=tuple(self._fills[account_id]),
                fills_since_ns=TUESDAY_NS - 7 * 86_400 * 1_000_000_000,
                asked_ns=now_ns,
                reason=reason,
            )
        )

    def _iso(self) -> str:
        at = datetime.fromtimestamp(self.clock.now_ns() / 1e9, UTC)
        return at.isoformat().replace("+00:00", "Z")


def _quote_of(contract_id: str, step: int) -> Invoked:
    bid = float(PRICE) + step * 0.25
    row = {"symbol": contract_id, "bestBid": bid, "bestAsk": bid + 0.25, "lastPrice": bid}
    return Invoked("GatewayQuote", msgspec.Raw(msgspec.json.encode([contract_id, row])))


class Rig:
    """A running guard of some accounts; used as a context."""

    def __init__(self, accounts: int = 3) -> None:
        self.account_ids = tuple(range(1, accounts + 1))
        ahead_ns = TUESDAY_NS - time.time_ns()
        self.clock = SystemClock(lambda: time.time_ns() + ahead_ns)
        now_ns = self.clock.now_ns()
        self.clock.set_reference(
            Reference(self.clock.monotonic_ns(), now_ns, now_ns), is_start=True
        )
        self.broker = Broker(self.account_ids, self.clock)
        self._stack = ExitStack()
        loops = (self.broker.loop, self.broker.price_loop)
        self._loop_threads = [
            threading.Thread(target=loop.run_forever, daemon=True) for loop in loops
        ]

    def __enter__(self) -> Self:
        """Start everything; return when every account has been read."""
        directory = Path(
            self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="risk-bench-", ignore_cleanup_errors=True)
            )
        )
        (directory / "risk.toml").write_text(RULES, encoding="utf-8")
        settings = load_settings(directory)
        data_dir = directory / "data"
        data_dir.mkdir()
        self._stack.callback(logger.remove)
        logs = Logs(
            data_dir=data_dir, settings=settings.log, console=(data_dir / "console").open("w")
        )
        logs.start()
        self._stack.callback(logs.stop)
        zone = ZoneInfo(settings.session.timezone)
        open_or_recover(data_dir, self.clock.now_ns(), zone)
        frame = PictureFrame(Picture(version="bench", mode="paper", armed=True, phase="starting"))
        assembly = assemble(
            settings,
            rule_context(settings),
            [
                Account(
                    id=account_id,
                    name=f"BENCH-{account_id}",
                    balance_usd=Decimal(50_000),
                    can_trade=True,
                )
                for account_id in self.account_ids
            ],
            Surroundings(
                session=self.broker,
                frame=frame,
                data_dir=data_dir,
                clock=self.clock,
                mode=TradingMode.PAPER,
                armed=True,
            ),
        )
        self.frame, self.system = frame, assembly.system
        supervisor = Supervisor(self.clock, outbox=self.system.supervisor_outbox, resync=RESYNC)
        self.supervisor = supervisor
        supervisor.start(self.system.specs)
        running = ActorSet(
            assembly, supervisor, PulseThread(self.system.timer_mailbox, TICK_EVERY_S)
        )
        for thread in self._loop_threads:
            thread.start()
        self._stack.callback(self._end_loops)
        self.call(self._attach)
        self._stack.callback(running.stop)
        running.pulse.start()
        assembly.desk.start()
        self.call(self.broker.begin)
        self._until_known()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        self._stack.__exit__(kind, error, trace)

    def _attach(self) -> None:
        ids, emit = CorrelationIds(self.clock.now_ns()), self.system.inbound.send
        inbound = Inbound(
            frozenset(self.account_ids),
            self.clock,
            ids,
            emit,
            on_contract=lambda _contract_id: None,
            on_doubt=lambda _account_id, _reason, _correlation_id: None,
            on_logout=lambda _hub: None,
        )
        inbound.attach_user(self.broker.user, lambda: True)
        listener = PriceListener(
            emit=emit,
            heard=lambda _quote: None,
            changed=lambda _up, _detail: None,
            refused=lambda _contract_ids: None,
            token_doubt=lambda: None,
            fault=lambda _detail: None,
        )
        line = PriceLine("", str, self.clock, ids, listener, lambda: True)
        line.begin_to_tell({})
        self.broker.hear_price = line.hear
        self.broker.emit = emit

    def _end_loops(self) -> None:
        for loop in (self.broker.loop, self.broker.price_loop):
            loop.call_soon_threadsafe(loop.stop)
        for thread in self._loop_threads:
            thread.join(5)

    def _until_known(self) -> None:
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s:
            accounts = self.frame.picture.accounts
            if len(accounts) == len(self.account_ids) and all(a.balance for a in accounts):
                return
            time.sleep(0.05)
        raise TimeoutError("The accounts did not come to be known")

    def call[T](self, function: Callable[..., T], *arguments: Any) -> T:
        """Run something in the loop's thread and return what it returns."""

        async def run() -> T:
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(run(), self.broker.loop).result(60)

    def breach(self, account_id: int) -> float:
        """Break a rule; return the microseconds from the fill's callback to the close.

        Raises:
            NoCommandError: no close came.
        """
        done = self.broker.submitted[account_id]
        done.clear()
        began_ns = self.call(self.broker.trade, account_id, BREAKING_SIZE)
        if not done.wait(ANSWERED_WITHIN_S):
            raise NoCommandError(f"account {account_id}: no close within {ANSWERED_WITHIN_S} s")
        took_ns = self.broker.submitted_ns[account_id] - began_ns
        time.sleep(SETTLED_AFTER_S)
        return took_ns / 1000

    def flood(self, per_s: float, contracts: Sequence[str] = CONTRACTS[:5]) -> "Flood":
        """Return a flood of quotes, to be used as a context."""
        return Flood(self, per_s, contracts)


class Flood:
    """Quotes at a pace, from the price line's thread."""

    STEP_S = 0.001

    def __init__(self, rig: Rig, per_s: float, contracts: Sequence[str]) -> None:
        self._rig = rig
        self._per_s = per_s
        self._contracts = itertools.cycle(contracts)
        self._stop = False
        self._task: Any = None

    def __enter__(self) -> Self:
        """Begin."""
        loop = self._rig.broker.price_loop
        self._task = asyncio.run_coroutine_threadsafe(self._run(), loop)
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop = True
        self._task.result(10)

    async def _run(self) -> None:
        began_s, told = time.perf_counter(), 0
        while not self._stop:
            due = int((time.perf_counter() - began_s) * self._per_s)
            # What was missed while others had the processor comes in bursts, as from a socket.
            for _ in range(min(due - told, 50)):
                self._rig.broker.quote(next(self._contracts))
                told += 1
            await asyncio.sleep(self.STEP_S if due - told < 1 else 0)
