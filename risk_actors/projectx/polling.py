"""Looks at the accounts over REST: a little while the user hub is up, in its place while not.

While it is up, one request every few seconds asks for the balances of all accounts: a fill that
the stream does not tell of is found in time for a rule to be enforced, and so is the end of the
broker's REST service. While it is down, or not trusted, or REST is down, that request is sent as
often as the budget allows, with light reads of single accounts in between.
"""

import asyncio
from collections.abc import Callable

from loguru import logger

from risk_actors.core.broker import Account
from risk_actors.messages import AccountReported, AccountSnapshot, Message
from risk_actors.projectx.connection import POLLING, ConnectionBoard
from risk_actors.projectx.errors import PayloadError, ReadFailed
from risk_actors.projectx.poll_plan import PollPlan, What
from risk_actors.projectx.snapshot_desk import SnapshotDesk
from risk_actors.projectx.snapshots import REQUESTS_PER_SNAPSHOT, SnapshotReader

REST_BACK = "REST answers again"
_LOOK_EVERY_S = 0.1
_SHARE = 0.75
"""Part of the reads' budget that polling may use, so that other reads get through."""
_ACCOUNTS_EVERY_S = 1.0
"""How often all balances are read while polling; with half of polling's share, at 200 a minute."""
_WATCH_EVERY_S = 2.5
"""How often they are read while the user hub is up: within 5 s of a fill that the stream did not
tell of, the account must be flat."""
_WATCH_SHARE = 0.15
"""Part of the reads' budget that the watch may use."""
_STREAM_MAY_TELL_S = 0.5
"""A balance that was read may be told by the stream a moment later."""
_PROBE_EVERY_S = 1.0
_LONGEST_PROBE_S = 8.0
_PROBE_TIMEOUT_S = 2.0
"""REST that is down is asked so often, one light request at a time."""
_STEADY_AFTER_S = 10.0
"""REST that stayed up for so long was really back; until then it is believed more slowly: one
endpoint may work while the others do not."""
_MOST_SAVED = 12.0
"""Requests that may be sent at once after a quiet time."""
_S_PER_MINUTE = 60.0


class Poller:
    """Asks for what the user hub does not tell. Use it on its event loop only."""

    def __init__(
        self,
        snapshots: SnapshotReader,
        desk: SnapshotDesk,
        board: ConnectionBoard,
        reads_per_minute: Callable[[], int],
        reconcile_every_s: float,
    ) -> None:
        """Take who reads and who needs to know.

        Args:
            snapshots: reads what is light.
            desk: has accounts read whole.
            board: says which ways are up.
            reads_per_minute: how many reads the budget allows now.
            reconcile_every_s: how often every account is read although nothing seems amiss.
        """
        self._snapshots = snapshots
        self._desk = desk
        self._board = board
        self._plan = PollPlan(desk.account_ids)
        self._reads_per_minute = reads_per_minute
        self._reconcile_every_s = reconcile_every_s
        self._saved = _MOST_SAVED
        self._probe_every_s = _PROBE_EVERY_S
        self._now_s = self._accounts_s = self._whole_s = self._rest_back_s = 0.0
        self._was_rest = True
        self._looking: asyncio.Task[None] | None = None

    @property
    def accounts_every_s(self) -> float:
        """How often the balances of all accounts are asked for now."""
        if not self._board.rest:
            return self._probe_every_s
        if self._board.is_polling:
            return max(_ACCOUNTS_EVERY_S, 2 / self._rate_per_s)
        watch_per_s = self._reads_per_minute() * _WATCH_SHARE / _S_PER_MINUTE
        return max(_WATCH_EVERY_S, 1 / watch_per_s)

    @property
    def _rate_per_s(self) -> float:
        return self._reads_per_minute() * _SHARE / _S_PER_MINUTE

    @property
    def _whole_every_s(self) -> float:
        everything_s = len(self._desk.account_ids) * REQUESTS_PER_SNAPSHOT / self._rate_per_s
        return max(self._reconcile_every_s, everything_s)

    def take(self, message: Message) -> None:
        """Take what is told to the actors: it is known from here on."""
        match message:
            case AccountSnapshot():
                self._plan.on_snapshot(message)
            case AccountReported():
                self._plan.on_account(message.account)

    async def serve(self) -> None:
        """Look and ask; runs until cancelled."""
        self._now_s = self._accounts_s = self._whole_s = asyncio.get_running_loop().time()
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY_S)
                self._turn()
        finally:
            if self._looking is not None:
                self._looking.cancel()
                await asyncio.gather(self._looking, return_exceptions=True)

    def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._save(now_s)
        self._watch_rest(now_s)
        board = self._board
        if board.rest and not board.is_polling and now_s - self._whole_s >= self._whole_every_s:
            self._whole_s = now_s
            self._desk.request(None, "periodic")
        if self._looking is not None and not self._looking.done():
            return
        if now_s - self._accounts_s >= self.accounts_every_s:
            self._accounts_s = now_s
            self._looking = asyncio.create_task(self._read_accounts(), name="poll")
        elif board.rest and board.is_polling and self._saved >= 1:
            self._looking = asyncio.create_task(self._read_one(), name="poll")

    def _save(self, now_s: float) -> None:
        """Add what may be sent since the last turn."""
        earned = (now_s - self._now_s) * self._rate_per_s
        self._saved = min(self._saved + earned, _MOST_SAVED)
        self._now_s = now_s

    def _watch_rest(self, now_s: float) -> None:
        """Have everything read once REST is back; more slowly if that did not last."""
        if self._board.rest == self._was_rest:
            return
        self._was_rest = self._board.rest
        if self._was_rest:
            self._rest_back_s = self._whole_s = now_s
            self._desk.request(None, REST_BACK)
        elif now_s - self._rest_back_s < _STEADY_AFTER_S and self._rest_back_s:
            self._probe_every_s = min(self._probe_every_s * 2, _LONGEST_PROBE_S)
        else:
            self._probe_every_s = _PROBE_EVERY_S

    async def _read_accounts(self) -> None:
        self._saved -= 1
        try:
            async with asyncio.timeout(None if self._board.rest else _PROBE_TIMEOUT_S):
                rows = await self._snapshots.accounts()
        except (ReadFailed, PayloadError, TimeoutError) as error:
            logger.debug("The accounts cannot be read: {}", error)
            return
        if not self._changed(rows):
            return
        is_polling = self._board.is_polling
        if not is_polling:
            await asyncio.sleep(_STREAM_MAY_TELL_S)
        for account_id in self._changed(rows):
            self._plan.noted(account_id, rows)
            self._request(account_id, POLLING if is_polling else "the balance differs")

    def _changed(self, rows: tuple[Account, ...]) -> tuple[int, ...]:
        changed = self._plan.changed(rows)
        return tuple(each for each in changed if each in self._desk.account_ids)

    async def _read_one(self) -> None:
        """Take the next turn of the round."""
        account_id, what = self._plan.next_turn()
        if what is What.WHOLE:
            self._request(account_id, POLLING)
            return
        self._saved -= 1
        try:
            if what is What.POSITIONS:
                positions = await self._snapshots.positions(account_id)
                is_news = self._plan.has_news_of_positions(account_id, positions)
            else:
                orders = await self._snapshots.open_orders(account_id)
                is_news = self._plan.has_news_of_orders(account_id, orders)
        except (ReadFailed, PayloadError) as error:
            logger.debug("Account {} cannot be polled: {}", account_id, error)
            return
        if is_news:
            self._request(account_id, POLLING)

    def _request(self, account_id: int, reason: str) -> None:
        # It may go into debt: a change is worth more than the next looks.
        self._saved -= REQUESTS_PER_SNAPSHOT
        self._desk.request(account_id, reason)
