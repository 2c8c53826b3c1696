"""The second line (B): the lean reader of the user hub, on a thread of its own.

Its thread has nothing else to do, so that no flood of quotes on the gateway's loop stands before a
fill. What is new goes straight to the actors; all that has to happen on the gateway's loop is
handed over to it.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from loguru import logger

from risk_actors.core.broker import Account, Order, OrderStatus
from risk_actors.messages import Message
from risk_actors.projectx import lean_frames as frames
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lean_hub import LeanHub
from risk_actors.projectx.lean_rows import rows_in
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import DISAGREE, BrokerRow, LineGate
from risk_actors.projectx.loop_thread import LoopThread
from risk_actors.projectx.subscriptions import AccountSubscriptions
from risk_actors.projectx.supervision import keep_running
from risk_actors.runtime.right_of_way import THE_WAY, HurriedSelector

THREAD = "gateway line B"
LOGGED_OUT = "the broker ended the session"
_STOP_S = 2.0


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
        self._home = asyncio.get_running_loop()
        self._thread = LoopThread(THREAD, HurriedSelector)
        self._is_over = False
        self._handed: list[Callable[[], None]] = []
        """What the gateway's loop is to be told with the next turn of this line's own."""
        self._hub: LeanHub | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def attempts(self) -> int:
        """Connections tried so far."""
        return 0 if self._hub is None else self._hub.attempts

    def start(self) -> None:
        """Start its thread, which connects."""
        self._thread.start()
        self._thread.call(self._begin)

    def nudge(self) -> None:
        """Try again now if it is down."""
        if self._hub is not None:
            self._thread.call(self._hub.nudge)

    def kick(self, detail: str) -> None:
        """Connect anew, for a reason in words."""
        if self._hub is not None:
            self._thread.call(partial(self._hub.kick, detail))

    def rest(self, seconds: float, detail: str) -> None:
        """Stay away for so many seconds, for a reason in words; none ends an earlier rest."""
        if self._hub is not None:
            self._thread.call(partial(self._hub.rest, seconds, detail))

    async def stop(self) -> None:
        """Say goodbye and end the thread; nothing is told afterwards."""
        self._is_over = True
        THE_WAY.is_read_first = False
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        try:
            self._thread.run(self._end(), _STOP_S)
        except TimeoutError:
            logger.debug("The second line did not close in time")
        self._thread.stop(_STOP_S)

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _begin(self) -> None:
        self._hub = LeanHub(
            self._url,
            self._token,
            self._subscriptions,
            self._heard,
            lambda: self._gate.opening(Line.B),
            self._changed,
            lambda: self._hand_over(self._listener.token_doubt),
            self._may_rest,
        )
        body = keep_running(
            "second line",
            self._hub.tend,
            lambda words: self._hand_over(self._listener.fault, words),
        )
        self._task = asyncio.get_running_loop().create_task(body, name="second line")

    def _changed(self, up: bool, detail: str | None) -> None:
        THE_WAY.is_read_first = up
        self._gate.set_line(Line.B, up=up)
        self._hand_over(self._listener.changed, up, detail)

    def _heard(self, event: frames.Invoked | frames.Unread) -> None:
        if self._is_over:
            return
        if isinstance(event, frames.Unread):
            self._reject(PayloadError("GatewayUserHub", event.detail, event.payload_excerpt))
        elif event.target == "GatewayLogout":
            self._hand_over(self._listener.token_doubt)
            if self._hub is not None:
                self._hub.kick(LOGGED_OUT)
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
        if self._is_over:
            return
        try:
            self._home.call_soon_threadsafe(self._take_over, handed)
        except RuntimeError:  # that loop has ended: nobody is there to hear
            logger.debug("The second line outlives the gateway")

    def _take_over(self, handed: list[Callable[[], None]]) -> None:
        """Have each called by itself, on the gateway's loop."""
        for function in handed:
            self._home.call_soon(function)


def is_unclear(row: BrokerRow) -> bool:
    """Tell whether a row says of an order only that it is there."""
    return isinstance(row, Order) and row.status is OrderStatus.NONE
