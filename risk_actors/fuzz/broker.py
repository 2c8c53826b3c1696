"""The simulator's exchange in memory, on a virtual clock, behind the session's interface.

Payloads are the simulator's and are decoded by the gateway adapter's own translation, so the
stepped runs meet the same ugliness as the sockets do. Faults are drawn from the seed: events lost,
late and out of order, answers lost, commands not carried out, refusals.
"""

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from risk_actors import messages as m
from risk_actors.core.broker import Bar, Quote
from risk_actors.core.commands import (
    Answer,
    CloseContract,
    Command,
    MoveStop,
    Outcome,
    Refusal,
)
from risk_actors.fuzz.close_watch import CloseWatches
from risk_actors.fuzz.random_trader import trade_at_random
from risk_actors.projectx import translation
from risk_actors.runtime.clock import Clock, VirtualClock
from risk_actors.simulator import payloads
from risk_actors.simulator.contracts import front_contract
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.faults import Faults as InjectedFaults
from risk_actors.simulator.prices import PriceWalk
from risk_actors.simulator.records import (
    Account,
    JournalEntry,
    OrderStatus,
)
from risk_actors.simulator.records import Quote as BrokerQuote
from risk_actors.simulator.refusals import Reason, RefusedError
from risk_actors.simulator.settings import Ugliness
from risk_actors.simulator.wire import UserEvent, user_events

MS = 1_000_000
S = 1000 * MS


def _sent(row: Any) -> Any:
    """Return a row as it comes off the wire."""
    return json.loads(payloads.to_json(row))


@dataclass
class Faults:
    """How often what goes wrong, each a probability; all zero is a broker at its best."""

    lose_event: float = 0.0
    repeat_event: float = 0.0
    late_event: float = 0.0
    lose_answer: float = 0.0
    """Carried out, but no answer comes."""
    not_done: float = 0.0
    """Not carried out, and no answer comes."""
    refuse: float = 0.0
    fail_snapshot: float = 0.0


SNAPSHOT_ENDPOINTS = ("Account/search", "Position/searchOpen", "Order/searchOpen")
"""What a snapshot cannot do without."""

_ENDPOINTS = {
    "CloseContract": "Position/closeContract",
    "CancelOrder": "Order/cancel",
    "MoveStop": "Order/modify",
}


def endpoint_of(command: Command) -> str:
    """Return where the gateway adapter sends a command."""
    if isinstance(command, CloseContract) and command.size is not None:
        return "Position/partialCloseContract"
    return _ENDPOINTS[type(command).__name__]


@dataclass
class Broker:
    """Implements the gateway actor's `BrokerSession`; `run_due` lets virtual time pass."""

    clock: VirtualClock
    seed: int
    symbols: tuple[str, ...] = ("MNQ", "ES")
    accounts: dict[int, str] = field(default_factory=lambda: {101: "A-101", 102: "B-102"})
    faults: Faults = field(default_factory=Faults)
    balances_usd: dict[int, Decimal] = field(default_factory=dict)
    """50,000 where an account is not named."""
    partial_fills: bool = True
    opened_on: date = date(2026, 11, 17)
    """Decides the front months."""
    injected: InjectedFaults = field(default_factory=InjectedFaults)
    """Faults that a scenario asks for by name, besides those that chance brings."""
    hears_user_hub: bool = True
    """Whether the session's user hub is up; while it is not, events are lost."""

    def __post_init__(self) -> None:
        self.rng = Random(f"broker {self.seed}")
        contracts = [front_contract(symbol, self.opened_on) for symbol in self.symbols]
        self.contract_ids = [contract.contract_id for contract in contracts]
        self.exchange = Exchange(
            contracts=contracts,
            accounts=[
                Account(id=i, name=name, balance_usd=self.balances_usd.get(i, Decimal(50_000)))
                for i, name in self.accounts.items()
            ],
            rng=Random(f"exchange {self.seed}"),
            partial_fills=self.partial_fills,
        )
        self.walks = {
            contract.contract_id: PriceWalk(contract, Random(f"price {self.seed} {i}"))
            for i, contract in enumerate(contracts)
        }
        self.journal: list[JournalEntry] = []
        self.commands: list[tuple[int, Command]] = []
        self.emit: Callable[[m.Message], None] = lambda _message: None
        self.guard_clock: Clock = self.clock
        """What the guard's PC shows; what is told to it is stamped with that."""
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._ids = itertools.count(1)
        self.closes = CloseWatches(self.exchange.orders)
        self._seconds: dict[str, dict[int, tuple[Decimal, Decimal]]] = {}

    @property
    def violations(self) -> list[str]:
        """Return what was done against I2 so far."""
        return self.closes.violations

    # --- time -----------------------------------------------------------------------------

    def later(self, after_ns: int, action: Callable[[], None]) -> None:
        """Do something after a while."""
        at_ns = self.clock.now_ns() + after_ns
        heapq.heappush(self._due, (at_ns, next(self._sequence), action))

    def next_due_ns(self) -> int | None:
        """Return when the next such thing is due."""
        return self._due[0][0] if self._due else None

    def run_due(self) -> None:
        """Do what is due by now."""
        while self._due and self._due[0][0] <= self.clock.now_ns():
            heapq.heappop(self._due)[2]()

    # --- the market and the trader --------------------------------------------------------

    def quote_all(self) -> None:
        """Move every price one step and tell."""
        for contract_id, walk in self.walks.items():
            self.set_price(contract_id, walk.step())
        self.publish()

    def set_price(self, contract_id: str, quote: BrokerQuote) -> None:
        """Move a price, trade what it reaches, and tell the quote."""
        self.exchange.on_quote(contract_id, quote, self.clock.now_ns())
        self._note_price(contract_id, quote)
        self.show_price(contract_id, quote)

    def _note_price(self, contract_id: str, quote: BrokerQuote) -> None:
        now_ns = self.clock.now_ns()
        seconds = self._seconds.setdefault(contract_id, {})
        high, low = seconds.get(now_ns - now_ns % S, (quote.last, quote.last))
        seconds[now_ns - now_ns % S] = (max(high, quote.last), min(low, quote.last))

    def show_price(self, contract_id: str, quote: BrokerQuote) -> None:
        """Tell a quote at which nothing trades."""
        self._tell(
            m.QuoteReported,
            quote=Quote(
                contract_id=contract_id,
                bid=quote.bid,
                ask=quote.ask,
                last=quote.last,
                at_ns=self.guard_clock.now_ns(),
            ),
        )

    def repeat_quotes(self) -> None:
        """Tell every quote again as it stands, so that a quiet market does not look dead."""
        for contract_id, quote in self.exchange.quotes.items():
            self.set_price(contract_id, quote)
        self.publish()

    def trade(self, rng: Random) -> None:
        """Do something that a trader might do."""
        trade_at_random(self.exchange, list(self.accounts), rng, self.clock.now_ns())
        self.publish()

    # --- the stream -----------------------------------------------------------------------

    def publish(self) -> None:
        """Tell what happened at the exchange since the last time."""
        rng, delay_ns = self.rng, 0
        for entry in self.exchange.take_journal():
            self.journal.append(entry)
            for event in user_events(entry, self.exchange.contracts, Ugliness(), rng):
                delay_ns += event.delay_ns + rng.randint(0, 2 * MS)
                if rng.random() < self.faults.lose_event:
                    continue
                if self.injected.take_drop(event.target) or not self.hears_user_hub:
                    continue
                late = rng.random() < self.faults.late_event
                self.later(delay_ns + (rng.randint(0, 2 * S) if late else 0), self._push(event))
                if rng.random() < self.faults.repeat_event:
                    self.later(delay_ns + rng.randint(0, S), self._push(event))

    def _push(self, event: UserEvent) -> Callable[[], None]:
        def push() -> None:
            match event.target:
                case "GatewayUserPosition":
                    position = translation.position_from(_sent(event.data))
                    key = (position.account_id, position.contract_id)
                    if position.size == 0 or self.closes.is_done(*key):
                        self.closes.settle(*key)
                    self._tell(m.PositionReported, position=position)
                case "GatewayUserOrder":
                    order = translation.order_from(_sent(event.data))
                    if not order.is_working:
                        self.closes.settle_order(order.id)
                    self._tell(m.OrderReported, order=order)
                case "GatewayUserTrade":
                    fill = translation.fill_from(_sent(event.data))
                    self.closes.settle_by_fill(fill)
                    self._tell(m.FillReported, fill=fill)
                case "GatewayUserAccount":
                    self._tell(
                        m.AccountReported, account=translation.account_from(_sent(event.data))
                    )

        return push

    def _tell(self, kind: Callable[..., m.Message], cid: str | None = None, **content: Any) -> None:
        self.emit(
            kind(
                correlation_id=cid or f"e-{next(self._ids)}",
                at_ns=self.guard_clock.now_ns(),
                **content,
            )
        )

    # --- the session's interface ----------------------------------------------------------

    def submit(self, command: Command) -> None:
        """Take a command."""
        now_ns = self.clock.now_ns()
        self.commands.append((now_ns, command))
        if isinstance(command, CloseContract):
            size = self.exchange.signed_size(command.account_id, command.contract_id)
            self.closes.sent(command, size, now_ns)
        self._deal_with(command, now_ns)

    def _deal_with(self, command: Command, sent_ns: int) -> None:
        """Carry a command out, or not, and answer, or not."""
        draw = self.rng.random()
        fault = self.injected.take(endpoint_of(command))
        if fault is not None:
            self._go_wrong(fault, command, sent_ns)
            return
        if draw < self.faults.not_done:
            self.later(3 * S, lambda: self._answer(command, sent_ns, Answer.UNCERTAIN))
            return
        if draw < self.faults.not_done + self.faults.refuse:
            self.later(
                self.rng.randint(MS, 20 * MS),
                lambda: self._answer(command, sent_ns, Answer.REFUSED, "market halted"),
            )
            return
        loses = self.rng.random() < self.faults.lose_answer
        self.later(self.rng.randint(MS, 20 * MS), lambda: self._execute(command, sent_ns, loses))

    def _go_wrong(self, fault: Fault, command: Command, sent_ns: int) -> None:
        """Answer a command as the simulator's REST side would with this fault."""
        if fault.kind == "delay":
            self.later(int(fault.delay_s * S), lambda: self._execute(command, sent_ns, loses=False))
            return
        if fault.execute:
            self._execute(command, sent_ns, loses=True)
            return
        if fault.kind == "refuse":
            answer, after_ns = Answer.REFUSED, 5 * MS
        else:
            answer, after_ns = Answer.UNCERTAIN, 3 * S if fault.kind == "hang" else 5 * MS
        detail = f"error code {fault.error_code}"
        self.later(after_ns, lambda: self._answer(command, sent_ns, answer, detail))

    def _execute(self, command: Command, sent_ns: int, loses: bool) -> None:
        now_ns = self.clock.now_ns()
        answer, detail = Answer.ACCEPTED, None
        try:
            if isinstance(command, CloseContract):
                order = self.exchange.close(
                    command.account_id,
                    command.contract_id,
                    now_ns,
                    size=command.size,
                    source="client",
                )
                self.closes.ordered(command, order.id)
            elif isinstance(command, MoveStop):
                self.exchange.modify(
                    command.account_id,
                    command.order_id,
                    now_ns,
                    stop_price=command.stop_price,
                    by="client",
                )
            else:
                self.exchange.cancel(command.account_id, command.order_id, now_ns, by="client")
        except RefusedError as error:
            gone = error.reason in (Reason.POSITION_NOT_FOUND, Reason.ORDER_NOT_FOUND)
            answer, detail = (Answer.GONE if gone else Answer.REFUSED), str(error)
        self.publish()
        if loses:
            self.later(3 * S, lambda: self._answer(command, sent_ns, Answer.UNCERTAIN))
        else:
            self.later(
                self.rng.randint(0, 10 * MS),
                lambda: self._answer(command, sent_ns, answer, detail),
            )

    def _answer(
        self,
        command: Command,
        sent_ns: int,
        answer: Answer,
        detail: str | None = None,
        *,
        reason: Refusal | None = None,
        is_undone: bool = False,
    ) -> None:
        is_settled = is_undone or answer in (Answer.REFUSED, Answer.GONE)
        if isinstance(command, CloseContract) and is_settled:
            self.closes.settle(command.account_id, command.contract_id, since_ns=sent_ns)
        self._tell(
            m.CommandAnswered,
            command.correlation_id,
            outcome=Outcome(
                command_id=command.id,
                account_id=command.account_id,
                answer=answer,
                detail=detail,
                reason=reason,
                is_undone=is_undone,
            ),
            sent_ns=self._at_guard(sent_ns),
        )

    def _at_guard(self, at_ns: int) -> int:
        """Return what the guard's clock showed at a recent instant."""
        return at_ns + self.guard_clock.now_ns() - self.clock.now_ns()

    def note_locks(self, note: m.NoteLocks) -> None:
        """Keep the note, and tell it at once."""
        self._tell(
            m.LocksNoted,
            note.correlation_id,
            account_id=note.account_id,
            spans=note.spans,
            unlocked=note.unlocked,
        )

    def request_bars(self, wanted: m.RequestBars) -> None:
        """Read bars of a second; they fail as snapshots do."""
        fails = self.rng.random() < self.faults.fail_snapshot
        self.later(
            self.rng.randint(2 * MS, 10 * MS),
            lambda: self._tell(
                m.BarsReported,
                wanted.correlation_id,
                account_id=wanted.account_id,
                contract_id=wanted.contract_id,
                since_ns=wanted.since_ns,
                until_ns=wanted.until_ns,
                bars=None if fails else self._bars_of(wanted),
            ),
        )

    def _bars_of(self, wanted: m.RequestBars) -> tuple[Bar, ...]:
        """Return what the market did since the start; nothing is known of before."""
        return tuple(
            Bar(start_ns=start_ns, end_ns=start_ns + S, high=high, low=low)
            for start_ns, (high, low) in self._seconds.get(wanted.contract_id, {}).items()
            if wanted.since_ns - S < start_ns < wanted.until_ns
        )

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Read an account; it fails as faults have it."""
        asked_ns = self.clock.now_ns()
        injected = any(self.injected.take(endpoint) for endpoint in SNAPSHOT_ENDPOINTS)
        if self.rng.random() < self.faults.fail_snapshot or injected:
            self.later(
                S,
                lambda: self._tell(
                    m.SnapshotFailed, correlation_id, account_id=account_id, detail="HTTP 500"
                ),
            )
            return
        self.later(
            self.rng.randint(2 * MS, 10 * MS),
            lambda: self._read(account_id, reason, correlation_id, asked_ns),
        )

    def _read(self, account_id: int, reason: str, correlation_id: str, asked_ns: int) -> None:
        """Read at one instant (the adapter repeats its reads until no fill lies between)."""
        snapshot = self._listing(account_id)

        def deliver() -> None:
            for contract_id in self.contract_ids:
                self.closes.settle(account_id, contract_id, since_ns=asked_ns)
            self._tell(
                m.AccountSnapshot,
                correlation_id,
                **snapshot,
                fills_since_ns=0,
                asked_ns=self._at_guard(asked_ns),
                reason=reason,
            )

        self.later(self.rng.randint(MS, 10 * MS), deliver)

    def _listing(self, account_id: int) -> dict[str, Any]:
        """Return all that REST lists of an account."""
        exchange = self.exchange
        return {
            "account": translation.account_from(
                _sent(payloads.account_row(exchange.account(account_id)))
            ),
            "positions": tuple(
                translation.position_from(_sent(self._position_row(position)))
                for (owner, _), position in exchange.positions.items()
                if owner == account_id and position.signed_size
            ),
            "orders": tuple(
                translation.order_from(
                    _sent(payloads.order_row(order, exchange.contracts[order.contract_id]))
                )
                for order in exchange.working_orders(account_id)
            ),
            "fills": tuple(
                translation.fill_from(_sent(payloads.trade_row(trade)))
                for trade in exchange.trades
                if trade.account_id == account_id
            ),
            "covers_suspended": True,
        }

    @staticmethod
    def _position_row(position: Any) -> dict[str, Any]:
        return {
            "id": position.id,
            "accountId": position.account_id,
            "contractId": position.contract_id,
            "creationTimestamp": payloads.timestamp(position.created_ns),
            "type": 1 if position.signed_size > 0 else 2,
            "size": abs(position.signed_size),
            "averagePrice": position.average_price,
        }

    # --- the truth ------------------------------------------------------------------------

    def open_sizes(self, account_id: int) -> dict[str, int]:
        """Return what is open, by contract."""
        return {
            contract_id: size
            for contract_id in self.contract_ids
            if (size := self.exchange.signed_size(account_id, contract_id))
        }

    def working_ids(self, account_id: int) -> set[int]:
        """Return the orders that work; a market order in the instant before it fills does not."""
        return {
            order.id
            for order in self.exchange.working_orders(account_id)
            if order.status is not OrderStatus.PENDING
        }
