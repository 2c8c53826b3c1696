"""The second line (B): the lean reader of the user hub, on a thread of its own.

Its thread has nothing else to do, so that no flood of quotes on the gateway's loop stands before a
fill. What is new goes straight to the actors; all that has to happen on the gateway's loop is
handed over to it.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from risk_actors.core.broker import Account, Order, OrderStatus
from risk_actors.messages import Message
from risk_actors.projectx import lean_frames as frames
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lean_hub import LeanHub
from risk_actors.projectx.lean_rows import rows_in
from risk_actors.projectx.lean_thread import LeanThread
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import DISAGREE, BrokerRow, LineGate
from risk_actors.projectx.subscriptions import AccountSubscriptions
from risk_actors.runtime.right_of_way import THE_WAY, HurriedSelector

THREAD = "gateway line B"
LOGGED_OUT = "the broker ended the session"


class Listener(NamedTuple):
    """Who hears of the second line; each is called on the gateway's loop."""

    told: Callable[[Message], None]
    """A message was emitted."""
    contract: Callable[[str], None]
    """An account has to do with a contract."""
    doubt: Callable[[int | None, str, str], None]
    """An account (None: each) is to be read, for a reason, with a correlation id."""
    stranger: Callable[[Account], None]
    """A row of an account came that is not guarded."""
    changed: Callable[[bool, str | None], None]
    """The line is up, or down and why."""
    token_doubt: Callable[[], None]
    """The broker may want a new token."""
    fault: Callable[[str], None]
    """The line itself failed, and begins anew."""


class SecondLine:
    """Reads the user hub a second time. Make and use it on the gateway's loop."""

    def __init__(
        self,
        account_ids: Iterable[int],
        url: str,
        token: Callable[[], str],
        gate: LineGate,
        listener: Listener,
        may_rest: Callable[[], bool],
    ) -> None:
        """Take what to read and who hears of it.

        Args:
            account_ids: the accounts whose rows count.
            url: the user hub's address.
            token: gives the session's present token; called on this line's thread.
            gate: lets new rows pass.
            listener: hears of it.
            may_rest: tells whether line A is up; called on this line's thread.
        """
        self._account_ids = frozenset(account_ids)
        self._subscriptions = AccountSubscriptions(sorted(self._account_ids))
        self._url = url
        self._token = token
        self._gate = gate
        self._listener = listener
        self._may_rest = may_rest
        self.thread = LeanThread(THREAD, HurriedSelector)
        """Where it is read, and told what to do."""
        self._handed: list[Callable[[], None]] = []
        """What the gateway's loop is to be told with the next turn of this line's own."""

    def start(self) -> None:
        """Start its thread, which connects."""
        self.thread.start(self._make_hub, self._listener.fault)

    async def stop(self) -> None:
        """Say goodbye and end the thread; nothing is told afterwards."""
        THE_WAY.is_read_first = False
        await self.thread.stop()

    def _make_hub(self) -> LeanHub:
        return LeanHub(
            self._url,
            self._token,
            self._subscriptions,
            self._heard,
            lambda: self._gate.opening(Line.B),
            self._changed,
            lambda: self._hand_over(self._listener.token_doubt),
            self._may_rest,
        )

    def _changed(self, up: bool, detail: str | None) -> None:
        THE_WAY.is_read_first = up
        self._gate.set_line(Line.B, up=up)
        self._hand_over(self._listener.changed, up, detail)

    def _heard(self, event: frames.Invoked | frames.Unread) -> None:
        if self.thread.is_over:
            return
        if isinstance(event, frames.Unread):
            self._reject(PayloadError("GatewayUserHub", event.detail, event.payload_excerpt))
        elif event.target == "GatewayLogout":
            self._hand_over(self._listener.token_doubt)
            self.thread.kick(LOGGED_OUT)
        else:
            for row in rows_in(event.target, event.arguments):
                if isinstance(row, PayloadError):
                    self._reject(row)
                else:
                    self._tell(row)

    def _tell(self, row: BrokerRow) -> None:
        if isinstance(row, Account):
            if row.id not in self._account_ids:
                self._hand_over(self._listener.stranger, row)
                return
        elif row.account_id not in self._account_ids:
            return
        message, verdict = self._gate.tell(Line.B, row)
        if message is not None:
            self._hand_over(self._listener.told, message)
            if not isinstance(row, Account):
                self._hand_over(self._listener.contract, row.contract_id)
        account_id = row.id if isinstance(row, Account) else row.account_id
        correlation_id = "" if message is None else message.correlation_id
        if verdict.is_doubtful:
            self._hand_over(self._listener.doubt, account_id, DISAGREE, correlation_id)
        elif message is not None and is_unclear(row):
            reason = "order status unknown"
            self._hand_over(self._listener.doubt, account_id, reason, correlation_id)

    def _reject(self, error: PayloadError) -> None:
        rejected = self._gate.reject(Line.B, error)
        if rejected is not None:
            self._hand_over(self._listener.told, rejected)
            reason = f"{error.source} not understood"
            self._hand_over(self._listener.doubt, None, reason, rejected.correlation_id)

    def _hand_over(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have a function called on the gateway's loop, after all that is being read now.

        To wake that loop for each row would have it compete with whoever acts on the first.
        """
        if not self._handed:
            asyncio.get_running_loop().call_soon(self._pass_on)
        self._handed.append(partial(function, *arguments))

    def _pass_on(self) -> None:
        handed, self._handed = self._handed, []
        self.thread.tell_home(handed)


def is_unclear(row: BrokerRow) -> bool:
    """Tell whether a row says of an order only that it is there."""
    return isinstance(row, Order) and row.status is OrderStatus.NONE
