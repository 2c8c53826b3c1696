"""The broker in memory on a day on which things go wrong: faults that begin and end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from risk_actors import messages as m
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Command, Refusal
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.broker import MS, Broker, S
from risk_actors.fuzz.day import Fault
from risk_actors.simulator.records import JournalEntry, Quote
from risk_actors.simulator.refusals import RefusedError
from risk_actors.simulator.settings import Ugliness
from risk_actors.simulator.wire import UserEvent, user_events

ANSWER_TIMEOUT_NS = 3 * S
"""The adapter gives up waiting for an answer after this long."""
STALE_FOR_NS = 1500 * MS
"""REST that is stale tells what was true at most so long ago."""
LATE_AT_MOST_NS = 2 * S
"""An event that is late comes at most so much later."""


@dataclass
class HostileBroker(Broker):
    """Does wrong what the faults that are on say; with none it is a broker at its best."""

    on: list[Fault] = field(default_factory=list)
    """The faults that are on."""
    heard_since_ns: int = 0
    """When the guard's present process began: what an earlier one asked for tells it nothing."""
    on_entry: Callable[[JournalEntry], None] = lambda _entry: None
    """Told of all that happens at the exchange, in its order."""
    on_told: Callable[[m.Message], None] = lambda _message: None
    """Shown all that is told to the guard."""
    snapshots_failed: set[int] = field(default_factory=set)
    """Accounts whose last snapshot could not be read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._kept: dict[int, tuple[int, dict[str, Any]]] = {}
        self.hear: Callable[[m.Message], None] = lambda _message: None
        """The guard's ear, deaf while there is no guard."""
        self.emit = self._emit

    def _emit(self, message: m.Message) -> None:
        self.on_told(message)
        self.hear(message)

    # --- faults -----------------------------------------------------------------------------

    def strikes(self, kind: str, account: int | None = None, symbol: str | None = None) -> bool:
        """Tell whether something goes wrong this time."""
        for fault in self.on:
            if fault.kind != kind or (account and fault.account not in (None, account)):
                continue
            if symbol and fault.symbol not in (None, symbol):
                continue
            if fault.chance >= 1 or self.rng.random() < fault.chance:
                return True
        return False

    def _reason(self) -> Refusal:
        for fault in self.on:
            if fault.kind == k.REFUSED and fault.reason is not None:
                return Refusal(fault.reason)
        return Refusal.OTHER

    # --- commands ---------------------------------------------------------------------------

    def _deal_with(self, command: Command, sent_ns: int) -> None:
        account, shortly_ns = command.account_id, self.rng.randint(MS, 20 * MS)
        if self._turns_away(command, sent_ns, shortly_ns):
            return
        if self.strikes(k.NO_EFFECT, account):
            self.later(shortly_ns, lambda: self._answer(command, sent_ns, Answer.ACCEPTED))
            return
        is_late = self.strikes(k.EXECUTED_LATE, account)
        if is_late or self.strikes(k.ANSWERS_LOST, account):
            after_ns = self.rng.randint(S // 2, 4 * S) if is_late else shortly_ns
            self.later(after_ns, lambda: self._execute_unheard(command))
            self._gives_no_answer(command, sent_ns)
        elif isinstance(command, CloseContract) and self.strikes(k.FILLS_IN_PARTS, account):
            self.later(shortly_ns, lambda: self._close_in_part(command, sent_ns))
        else:
            self.later(shortly_ns, lambda: self._execute(command, sent_ns, loses=False))

    def _gives_no_answer(self, command: Command, sent_ns: int) -> None:
        self.later(
            ANSWER_TIMEOUT_NS,
            lambda: self._answer(command, sent_ns, Answer.UNCERTAIN, "no answer"),
        )

    def _turns_away(self, command: Command, sent_ns: int, shortly_ns: int) -> bool:
        """Tell whether a command is not carried out, and have that answered, or not."""
        account = command.account_id

        def answer(what: Answer, detail: str, reason: Refusal | None = None) -> bool:
            is_undone = reason is Refusal.BUSY and what is Answer.UNCERTAIN
            self.later(
                shortly_ns,
                lambda: self._answer(
                    command, sent_ns, what, detail, reason=reason, is_undone=is_undone
                ),
            )
            return True

        if self.strikes(k.REST_DOWN) and self.rng.random() < 0.5:
            return answer(Answer.UNCERTAIN, "no connection")
        if self.is_on(k.REST_DOWN) or self.strikes(k.NOT_DONE, account):
            self._gives_no_answer(command, sent_ns)
            return True
        if self.strikes(k.TOO_MANY_REQUESTS, account):
            return answer(Answer.UNCERTAIN, "HTTP 429", Refusal.BUSY)
        if self.strikes(k.REFUSED, account):
            return answer(Answer.REFUSED, "refused", self._reason())
        if isinstance(command, CancelOrder) and self.strikes(k.CANCELS_REFUSED, account):
            return answer(Answer.REFUSED, "cannot be cancelled", Refusal.OTHER)
        return False

    def _execute_unheard(self, command: Command) -> None:
        """Carry a command out; whoever sent it hears nothing of it."""
        self._muted = True
        try:
            self._execute(command, 0, loses=True)
        finally:
            self._muted = False

    _muted = False

    def _close_in_part(self, command: CloseContract, sent_ns: int) -> None:
        """Fill a part of a close; the exchange cancels the rest of the order."""
        key = (command.account_id, command.contract_id)
        wanted = command.size or abs(self.exchange.signed_size(*key))
        if wanted <= 1:
            self._execute(command, sent_ns, loses=False)
            return
        answer, detail = Answer.ACCEPTED, ""
        try:
            part = self.rng.randint(1, wanted - 1)
            order = self.exchange.close(*key, self.clock.now_ns(), size=part, source="client")
            self.closes.ordered(command, order.id)
        except RefusedError as error:
            answer, detail = Answer.REFUSED, str(error)
        self.publish()
        self.later(5 * MS, lambda: self._answer(command, sent_ns, answer, detail))

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
        if sent_ns >= self.heard_since_ns:
            super()._answer(command, sent_ns, answer, detail, reason=reason, is_undone=is_undone)

    def later(self, after_ns: int, action: Callable[[], None]) -> None:
        """Do something after a while, unless it is the answer to a command that gets none."""
        if not self._muted:
            super().later(after_ns, action)

    # --- the stream -------------------------------------------------------------------------

    def publish(self) -> None:
        """Tell what happened at the exchange, as far as it is heard and understood."""
        muted, self._muted = self._muted, False
        try:
            self._publish()
        finally:
            self._muted = muted

    def _publish(self) -> None:
        rng, delay_ns = self.rng, 0
        for entry in self.exchange.take_journal():
            self.journal.append(entry)
            self.on_entry(entry)
            for event in user_events(entry, self.exchange.contracts, Ugliness(), rng):
                delay_ns += event.delay_ns + rng.randint(0, 2 * MS)
                self._send(event, delay_ns)

    def _send(self, event: UserEvent, delay_ns: int) -> None:
        account = event.account_id
        if not self.hears_user_hub or self.strikes(k.EVENTS_LOST, account):
            return
        if self.strikes(k.EVENTS_REJECTED, account):
            self.later(delay_ns, lambda: self._reject(event))
            return
        if self.strikes(k.EVENTS_LATE, account):
            delay_ns += self.rng.randint(0, LATE_AT_MOST_NS)
        self.later(delay_ns, self._push(event))
        if self.strikes(k.EVENTS_REPEATED, account):
            self.later(delay_ns + self.rng.randint(0, S), self._push(event))

    def _push(self, event: UserEvent) -> Callable[[], None]:
        push = super()._push(event)

        def push_if_heard() -> None:
            if self.hears_user_hub:
                push()

        return push_if_heard

    def _reject(self, event: UserEvent) -> None:
        """A payload that cannot be understood is told as such, and everything is read anew."""
        if not self.hears_user_hub:
            return
        cid = f"e-{next(self._ids)}"
        self._tell(m.PayloadRejected, cid, source=event.target, detail="no number", payload="{")
        for account_id in self.accounts:
            self.request_snapshot(account_id, "not understood", cid)

    def show_price(self, contract_id: str, quote: Quote) -> None:
        """Tell a quote, unless nobody hears it."""
        symbol = self.exchange.contracts[contract_id].symbol
        if not (self.is_on(k.MARKET_HUB_DOWN) or self.is_on(k.SILENT, symbol)):
            super().show_price(contract_id, quote)

    def is_on(self, kind: str, symbol: str | None = None) -> bool:
        """Tell whether a fault is on that is a state, whatever its chance."""
        return any(
            fault.kind == kind and (symbol is None or fault.symbol in (None, symbol))
            for fault in self.on
        )

    # --- reads ------------------------------------------------------------------------------

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Read an account, or fail to."""
        asked_ns = self.clock.now_ns()
        fails = self.is_on(k.REST_DOWN) or any(
            self.strikes(kind, account_id) for kind in (k.SNAPSHOTS_FAIL, k.TOO_MANY_REQUESTS)
        )
        if not fails:
            self.later(
                self.rng.randint(2 * MS, 30 * MS),
                lambda: self._read(account_id, reason, correlation_id, asked_ns),
            )
            return

        def fail() -> None:
            if asked_ns >= self.heard_since_ns:
                self.snapshots_failed.add(account_id)
                self._tell(
                    m.SnapshotFailed, correlation_id, account_id=account_id, detail="HTTP 500"
                )

        self.later(self.rng.choice((10 * MS, S)), fail)

    def _read(self, account_id: int, reason: str, correlation_id: str, asked_ns: int) -> None:
        if asked_ns >= self.heard_since_ns:
            self.snapshots_failed.discard(account_id)
            super()._read(account_id, reason, correlation_id, asked_ns)

    def _tell(self, kind: Callable[..., m.Message], cid: str | None = None, **content: Any) -> None:
        # A snapshot on its way when the process died is heard by nobody.
        asked_ns = content.get("asked_ns")
        if asked_ns is None or asked_ns >= self._at_guard(self.heard_since_ns):
            super()._tell(kind, cid, **content)

    def _listing(self, account_id: int) -> dict[str, Any]:
        now_ns = self.clock.now_ns()
        listing = super()._listing(account_id)
        if self.is_on(k.SNAPSHOTS_STALE):
            kept = self._kept.get(account_id)
            if kept is not None and now_ns - kept[0] <= STALE_FOR_NS:
                listing = kept[1]
            else:
                self._kept[account_id] = (now_ns, listing)
        else:
            self._kept.pop(account_id, None)
        if self.strikes(k.SNAPSHOTS_WITHOUT_FILLS, account_id):
            listing = {**listing, "fills": None}
        if self.strikes(k.SUSPENDED_HIDDEN, account_id):
            seen = tuple(order for order in listing["orders"] if order.status.name != "SUSPENDED")
            listing = {**listing, "orders": seen, "covers_suspended": False}
        return listing

    def request_bars(self, wanted: m.RequestBars) -> None:
        """Read bars, or fail to."""
        if self.is_on(k.REST_DOWN):
            self.later(
                10 * MS,
                lambda: self._tell(
                    m.BarsReported,
                    wanted.correlation_id,
                    account_id=wanted.account_id,
                    contract_id=wanted.contract_id,
                    since_ns=wanted.since_ns,
                    until_ns=wanted.until_ns,
                    bars=None,
                ),
            )
            return
        super().request_bars(wanted)

    def bad_quote(self, contract_id: str, kind: str, ticks: int) -> Quote:
        """Return a quote that is wrong."""
        quote = self.exchange.quotes[contract_id]
        tick = self.exchange.contracts[contract_id].tick_size
        match kind:
            case "zero":
                return Quote(Decimal(0), Decimal(0), Decimal(0))
            case "off_grid":
                third = tick / 3
                return Quote(quote.bid + third, quote.ask + third, quote.last + third)
            case "crossed":
                return Quote(quote.ask + 2 * tick, quote.bid - 2 * tick, quote.last)
        away = max(ticks * tick, tick - quote.bid)
        return Quote(quote.bid + away, quote.ask + away, quote.last + away)
