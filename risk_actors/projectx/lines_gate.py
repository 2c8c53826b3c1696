"""Where both lines' rows become messages: each once, in one order, from either line's thread."""

import threading
from collections.abc import Hashable

from risk_actors.core.broker import Account, Fill, Order, Position
from risk_actors.messages import (
    AccountReported,
    FillReported,
    Message,
    OrderReported,
    PayloadRejected,
    PositionReported,
)
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lines import Arbiter, Line, Verdict
from risk_actors.projectx.ports import Clock, Emit

DISAGREE = "the two lines disagree"
"""Why an account is read: a row came on one line that does not fit what the other told."""

type BrokerRow = Account | Position | Order | Fill


class LineGate:
    """Lets what is new pass. Any thread may call; nothing waits in here but for the other line."""

    def __init__(self, clock: Clock, ids: CorrelationIds, emit: Emit) -> None:
        """Take the present, what gives ids, and who takes the messages (on the line's thread).

        `emit` is called with the lock held: else a state could be overtaken on its way out by the
        next one, which the other line has told.
        """
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self._lock = threading.Lock()
        self._arbiter = Arbiter()

    def tell(self, line: Line, row: BrokerRow) -> tuple[Message | None, Verdict]:
        """Emit a row's message if it is new; return the message (None: dropped) and the verdict."""
        key = _key_of(row)
        with self._lock:
            now_ns = self._clock.now_ns()
            verdict = self._arbiter.take(line, key, row, now_ns)
            if not verdict.is_told:
                return None, verdict
            message = _message_of(row, self._ids.next(), now_ns)
            self._emit(message)
        return message, verdict

    def reject(self, line: Line, error: PayloadError) -> PayloadRejected | None:
        """Emit that something made no sense, once for both lines; None when the other has told."""
        key = ("rejected", error.source, error.payload_excerpt)
        with self._lock:
            now_ns = self._clock.now_ns()
            if not self._arbiter.take(line, key, error.detail, now_ns).is_told:
                return None
            message = PayloadRejected(
                correlation_id=self._ids.next(),
                at_ns=now_ns,
                source=error.source,
                detail=error.detail,
                payload=error.payload_excerpt,
            )
            self._emit(message)
        return message

    def opening(self, line: Line) -> None:
        """Take that a line is about to subscribe."""
        with self._lock:
            self._arbiter.opening(line)

    def set_line(self, line: Line, *, up: bool) -> None:
        """Take that a line is subscribed, or down."""
        with self._lock:
            (self._arbiter.opened if up else self._arbiter.closed)(line)

    def missed(self) -> dict[Line, int]:
        """Return by line how many rows it has failed to tell that the other told."""
        with self._lock:
            return self._arbiter.missed(self._clock.now_ns())

    def counts(self) -> dict[Line, dict[Verdict, int]]:
        """Return by line how many rows got which verdict so far."""
        with self._lock:
            return {line: dict(counts) for line, counts in self._arbiter.counts.items()}


def _key_of(row: BrokerRow) -> Hashable:
    """Return what a row is about; positions have no lasting id but their contract."""
    match row:
        case Position():
            return "position", row.account_id, row.contract_id
        case Fill():
            return "fill", row.account_id, row.id
        case Order():
            return "order", row.account_id, row.id
        case Account():
            return "account", row.id


def _message_of(row: BrokerRow, correlation_id: str, now_ns: int) -> Message:
    match row:
        case Position():
            return PositionReported(correlation_id=correlation_id, at_ns=now_ns, position=row)
        case Fill():
            return FillReported(correlation_id=correlation_id, at_ns=now_ns, fill=row)
        case Order():
            return OrderReported(correlation_id=correlation_id, at_ns=now_ns, order=row)
        case Account():
            return AccountReported(correlation_id=correlation_id, at_ns=now_ns, account=row)
