"""The gateway actor: commands and requests for a snapshot leave by it.

It is two nodes of the message graph. `gateway.in` is a source: the session's own thread translates
what the broker says and sends it on. `gateway.out` is a sink: this actor's mailbox. Only the
broker closes the circle between them.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from risk_actors import messages as m
from risk_actors.core.commands import Command
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Resync

INBOUND = "gateway.in"
OUTBOUND = "gateway.out"

INBOUND_SENDS: frozenset[type] = frozenset(
    {
        m.AccountReported,
        m.PositionReported,
        m.OrderReported,
        m.FillReported,
        m.QuoteReported,
        m.InstrumentResolved,
        m.AccountSnapshot,
        m.SnapshotFailed,
        m.CommandAnswered,
        m.ConnectionChanged,
        m.PayloadRejected,
        m.LocksNoted,
        m.BarsReported,
    }
)


class BrokerSession(Protocol):
    """The session with the broker. Every method returns at once and may be called by any thread."""

    def submit(self, command: Command) -> None:
        """Send a command now; the answer comes as `CommandAnswered`."""

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Read an account over REST; it comes as `AccountSnapshot`."""

    def request_bars(self, wanted: m.RequestBars) -> None:
        """Read bars over REST; they come as `BarsReported`."""

    def note_locks(self, note: m.NoteLocks) -> None:
        """Keep the note that the broker cannot; it comes as `LocksNoted`."""


class GatewayActor(Actor):
    """Hands commands to the session."""

    kind = OUTBOUND
    receives = frozenset(
        {
            m.SendClose,
            m.SendCancel,
            m.SendMoveStop,
            m.RequestSnapshot,
            m.RequestBars,
            m.NoteLocks,
        }
    )
    sends = frozenset()

    def __init__(
        self, context: ActorContext, *, session: BrokerSession, account_ids: Iterable[int]
    ) -> None:
        """Take the session, which outlives this actor: a restart here tears no stream down."""
        super().__init__(context)
        self._session = session
        self._account_ids = tuple(account_ids)

    def handle(self, message: Any) -> None:
        """Send a command or ask for a snapshot."""
        match message:
            case m.SendClose() | m.SendCancel() | m.SendMoveStop():
                self._session.submit(message.command)
            case m.RequestSnapshot():
                self._session.request_snapshot(
                    message.account_id, message.reason, message.correlation_id
                )
            case m.RequestBars():
                self._session.request_bars(message)
            case m.NoteLocks():
                self._session.note_locks(message)

    def handle_control(self, message: Control) -> None:
        """Read every account anew, so that a restarted actor learns what is true."""
        if isinstance(message, Resync):
            for account_id in self._account_ids:
                self._session.request_snapshot(
                    account_id, message.reason, f"resync-{self.clock.now_ns() // 1_000_000}"
                )
