"""Looks at the accounts over REST: a little while the user hub is up, in its place while not.

While it is up, one request every few seconds asks for the balances of all accounts: a fill that
the stream does not tell of is found in time for a rule to be enforced, and so is the end of the
broker's REST service. While it is down, or not trusted, or REST is down, that request is sent as
often as the budget allows, with light reads of single accounts in between.

When the hub, or REST, is back, something may have been missed: every account is looked at, lightly
and at once, and read whole only where something differs. Until then the hub does not stand for
what it tells.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from loguru import logger

from risk_actors.core.broker import Account
from risk_actors.messages import (
    AccountReported,
    AccountSnapshot,
    LocksNoted,
    Message,
    OrderReported,
    PositionReported,
)
from risk_actors.projectx.budget import RequestBudget, Urgency
from risk_actors.projectx.connection import POLLING, ConnectionBoard
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.poll_plan import PollPlan, What
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.read_queue import first_in_line
from risk_actors.projectx.snapshot_desk import PERIODIC, SnapshotDesk
from risk_actors.projectx.snapshots import REQUESTS_PER_SNAPSHOT, SnapshotReader

HUB_BACK = "user hub connected"
OVERDUE = "periodic, and overdue"
_LOOK_EVERY_S = 0.1
_ACCOUNTS_EVERY_S = 1.5
_LOOKS_PER_MINUTE = 60
_LEAST_LOOKS_PER_MINUTE = 40
"""How often all balances are read while polling, and how many looks there are in all, with and
without room to spare: fewer than always fit, so that what has changed can be read whole."""
_WATCH_EVERY_S = 2.5
"""How often they are read while the user hub is up: within 5 s of a fill that the stream did not
tell of, the account must be flat."""
_WATCH_SHARE = 0.15
"""Part of the reads' budget that the watch may use."""
_JUST_READ_NS = 3_000_000_000
"""While polling, an account that was read so shortly before its balance changed is looked at first:
reading it again would mostly show the same."""
_STREAM_MAY_TELL_S = 0.5
"""A balance that was read may be told by the stream a moment later."""
_PROBE_EVERY_S = 1.0
_LONGEST_PROBE_S = 8.0
_PROBE_TIMEOUT_S = 2.0
"""REST that is down is asked so often, one light request at a time."""
_STEADY_AFTER_S = 10.0
"""REST that stayed up for so long was really back; until then it is believed more slowly: one
endpoint may work while the others do not."""
_MOST_SAVED = 6.0
"""Looks that may be sent at once after a quiet time."""
_LOOKS_AT_ONCE = 6
"""Of the accounts, after a gap."""
_SPARED_SHARE = 0.15
"""Part of the reads' budget that looks at idle accounts after a gap leave to others."""
_PERIODIC_SHARE = 0.5
"""Part of the reads' budget that reading every account by the clock may use."""
_PERIODIC_ROOM = 3 / 8
"""Part of the reads' budget that must be free for it; an overdue reading does not ask."""
_OVERDUE_PERIODS = 3
_S_PER_MINUTE = 60.0


class Poller:
    """Asks for what the user hub does not tell. Use it on its event loop only."""

    def __init__(
        self,
        snapshots: SnapshotReader,
        desk: SnapshotDesk,
        board: ConnectionBoard,
        budget: RequestBudget,
        clock: Clock,
        reconcile_every_s: float,
        on_agreed: Callable[[int], None] = lambda _account_id: None,
    ) -> None:
        """Take who reads and who needs to know.

        Args:
            snapshots: reads what is light.
            desk: has accounts read whole.
            board: says which ways are up.
            budget: says how much may be read now.
            clock: the present.
            reconcile_every_s: how often every account is read although nothing seems amiss.
            on_agreed: hears which account was found as it was known before a gap.
        """
        self._snapshots = snapshots
        self._desk = desk
        self._board = board
        self._budget = budget
        self._clock = clock
        self._plan = PollPlan(desk.account_ids)
        self._reconcile_every_s = reconcile_every_s
        self._on_agreed = on_agreed
        self._saved = _MOST_SAVED
        self._probe_every_s = _PROBE_EVERY_S
        self._now_s = self._accounts_s = self._whole_s = self._rest_back_s = 0.0
        self._was_rest = True
        self._has_failed = False
        self._looking: asyncio.Task[None] | None = None
        self._catching_up: dict[tuple[int, What], asyncio.Task[None]] = {}

    @property
    def accounts_every_s(self) -> float:
        """How often the balances of all accounts are asked for now."""
        if not self._board.rest:
            return self._probe_every_s
        if self._board.is_polling:
            return max(_ACCOUNTS_EVERY_S, 1.4 / self._rate_per_s)
        watch_per_s = self._budget.reads_per_minute * _WATCH_SHARE / _S_PER_MINUTE
        return max(_WATCH_EVERY_S, 1 / watch_per_s)

    @property
    def _rate_per_s(self) -> float:
        wanted = _LOOKS_PER_MINUTE if self._budget.room else _LEAST_LOOKS_PER_MINUTE
        return min(self._budget.looks_per_minute, wanted) / _S_PER_MINUTE

    @property
    def _looks_at_once(self) -> int:
        """How many accounts are looked at together; REST that did not last is tried with one."""
        return _LOOKS_AT_ONCE if self._probe_every_s == _PROBE_EVERY_S else 1

    @property
    def _whole_every_s(self) -> float:
        """How long after one account the next is read by the clock."""
        reads_per_s = self._budget.reads_per_minute * _PERIODIC_SHARE / _S_PER_MINUTE
        accounts = len(self._desk.account_ids)
        return max(self._reconcile_every_s / accounts, REQUESTS_PER_SNAPSHOT / reads_per_s)

    def take(self, message: Message) -> None:
        """Take what is told to the actors: it is known from here on."""
        match message:
            case AccountSnapshot():
                self._plan.on_snapshot(message)
            case AccountReported():
                self._plan.on_account(message.account)
            case PositionReported():
                self._plan.on_told(message.position, message.at_ns)
            case OrderReported():
                self._plan.on_told(message.order, message.at_ns)
            case LocksNoted():
                is_locked = any(span.until_ns is None for span in message.spans)
                self._plan.on_locks(message.account_id, is_locked=is_locked)

    def catch_up(self) -> None:
        """Look at every account, as after a gap in what the user hub or REST tells."""
        self._plan.on_gap(self._clock.now_ns())
        self._board.set_user_behind(behind=True)

    async def serve(self) -> None:
        """Look and ask; runs until cancelled."""
        self._now_s = self._accounts_s = self._whole_s = asyncio.get_running_loop().time()
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY_S)
                self._turn()
        finally:
            tasks = [*self._catching_up.values()] + [self._looking] * (self._looking is not None)
            for task in filter(None, tasks):
                task.cancel()
            await asyncio.gather(*filter(None, tasks), return_exceptions=True)

    def _turn(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._save(now_s)
        self._watch_rest(now_s)
        self._say_pauses()
        self._read_by_the_clock(now_s)
        self._catch_up_on()
        if self._looking is not None and not self._looking.done():
            return
        is_due = now_s - self._accounts_s >= self.accounts_every_s
        if is_due or (self._plan.is_list_unread and self._board.rest and self._saved >= 1):
            self._accounts_s = now_s
            self._looking = asyncio.create_task(self._read_accounts(), name="poll")
        elif self._board.rest and self._board.is_polling and self._saved >= 1:
            self._looking = asyncio.create_task(self._read_one(), name="poll")

    def _save(self, now_s: float) -> None:
        """Add what may be sent since the last turn."""
        earned = (now_s - self._now_s) * self._rate_per_s
        self._saved = min(self._saved + earned, _MOST_SAVED)
        self._now_s = now_s

    def _say_pauses(self) -> None:
        """Tell when nothing is read because the broker does not let requests pass."""
        now_ns = self._clock.now_ns()
        until_ns = self._budget.state(now_ns).paused_until_ns
        if self._budget.is_refused:
            self._board.set_paused(until_ns or now_ns)
        else:
            self._board.set_paused(None)

    def _read_by_the_clock(self, now_s: float) -> None:
        """Have the account read whole that was read longest ago, if it is time."""
        waited_s = now_s - self._whole_s
        if not self._board.rest or self._board.is_polling or waited_s < self._whole_every_s:
            return
        is_overdue = waited_s >= self._whole_every_s * _OVERDUE_PERIODS
        if not is_overdue and self._budget.room < self._budget.reads_per_minute * _PERIODIC_ROOM:
            return
        self._whole_s = now_s
        self._desk.request(self._plan.next_whole(), OVERDUE if is_overdue else PERIODIC)

    def _watch_rest(self, now_s: float) -> None:
        """Have what failed read again once REST is back; more slowly if that did not last."""
        if self._board.rest == self._was_rest:
            return
        self._was_rest = self._board.rest
        if self._was_rest:
            self._rest_back_s = self._whole_s = now_s
            self._desk.retry_now()
        elif now_s - self._rest_back_s < _STEADY_AFTER_S and self._rest_back_s:
            self._probe_every_s = min(self._probe_every_s * 2, _LONGEST_PROBE_S)
        else:
            self._probe_every_s = _PROBE_EVERY_S

    # --- after a gap ----------------------------------------------------------------------------

    def _catch_up_on(self) -> None:
        """Look at what was not looked at since the last gap, several accounts at a time."""
        if not self._plan.is_behind:
            self._board.set_user_behind(behind=False)
            return
        if not self._board.rest:
            return
        has_room = self._budget.room > self._budget.reads_per_minute * _SPARED_SHARE
        for account_id, what in self._plan.unread():
            if len(self._catching_up) >= self._looks_at_once:
                return
            # Idle ones may wait for their turn in the round: the balances tell of their fills.
            if has_room or not self._plan.is_idle(account_id):
                self._catch_up(account_id, what)

    def _catch_up(self, account_id: int, what: What, urgency: Urgency = Urgency.LOOK) -> None:
        """Look at an account beside the round, unless that is going on."""
        key = (account_id, what)
        if key in self._catching_up:
            return
        looking = self._catch_up_with(account_id, what, urgency)
        task = asyncio.create_task(looking, name="catch up")
        self._catching_up[key] = task
        task.add_done_callback(partial(self._caught_up, key))

    def _caught_up(self, key: tuple[int, What], task: "asyncio.Task[None]") -> None:
        del self._catching_up[key]
        if not task.cancelled() and task.exception() is None:
            self._catch_up_on()

    async def _catch_up_with(self, account_id: int, what: What, urgency: Urgency) -> None:
        if not await self._look_at(account_id, what, urgency=urgency):
            await asyncio.sleep(_PROBE_EVERY_S)

    async def _look_at(
        self, account_id: int, what: What, *, urgency: Urgency = Urgency.LOOK
    ) -> bool:
        """Look at an account, and have it read whole if something is new; false if that failed."""
        asked_ns = self._clock.now_ns()
        is_news = await self._look(account_id, what, urgency)
        if is_news is None:
            return False
        was_behind = not self._plan.agrees(account_id)
        self._plan.looked(account_id, what, asked_ns, is_news=is_news)
        if is_news:
            self._request(account_id, self._why, asked_ns)
        elif was_behind and self._plan.agrees(account_id):
            self._on_agreed(account_id)
        return True

    # --- in the user hub's place ----------------------------------------------------------------

    async def _read_accounts(self) -> None:
        self._saved -= 1
        asked_ns = self._clock.now_ns()
        try:
            async with asyncio.timeout(None if self._board.rest else _PROBE_TIMEOUT_S):
                # One request that tells of all accounts comes before those that tell of one.
                with first_in_line():
                    rows = await self._snapshots.accounts(urgency=Urgency.LOOK)
        except (ReadFailed, PayloadError, TimeoutError) as error:
            logger.debug("The accounts cannot be read: {}", error)
            return
        self._plan.on_list(asked_ns)
        if not self._changed(rows):
            return
        is_polling = self._board.is_polling
        if not is_polling:
            await asyncio.sleep(_STREAM_MAY_TELL_S)
        for account_id in self._changed(rows):
            if self._desk.is_enforcing(account_id) and not self._snapshots.must_wait:
                continue  # Its own close has changed it; if there was more, the next look shows it.
            self._plan.noted(account_id, rows)
            if not is_polling:
                self._request(account_id, "the balance differs", asked_ns)
            elif self._plan.read_since(account_id, asked_ns - _JUST_READ_NS):
                # Most likely what its own close has changed, and has been seen by then.
                self._catch_up(account_id, What.POSITIONS, Urgency.CHANGED)
            else:
                self._request(account_id, self._why, asked_ns)

    def _changed(self, rows: tuple[Account, ...]) -> tuple[int, ...]:
        changed = self._plan.changed(rows)
        return tuple(each for each in changed if each in self._desk.account_ids)

    async def _read_one(self) -> None:
        """Take the next turn of the round."""
        unread = () if self._has_failed else self._plan.unread()
        account_id, what = unread[0] if unread else self._plan.next_turn()
        if what is What.WHOLE:
            # Not in the name of polling: what has changed comes before what may have.
            self._desk.request(account_id, PERIODIC)
            return
        self._saved -= 1
        # What cannot be read must not keep the others from their turn.
        self._has_failed = not await self._look_at(account_id, what)

    @property
    def _why(self) -> str:
        """Why an account that has changed is read whole."""
        board = self._board
        return HUB_BACK if board.user_hub and board.user_behind else POLLING

    async def _look(self, account_id: int, what: What, urgency: Urgency) -> bool | None:
        """Look at an account and tell whether something is new; None if that failed."""
        look, plan = self._snapshots, self._plan
        try:
            if what is What.POSITIONS:
                positions = await look.positions(account_id, urgency=urgency)
                return plan.has_news_of_positions(account_id, positions)
            orders = await look.open_orders(account_id, urgency=urgency)
            return plan.has_news_of_orders(account_id, orders)
        except (ReadFailed, PayloadError) as error:
            logger.debug("Account {} cannot be looked at: {}", account_id, error)
            # A refusal stays one: such an account is not listed any more, which is news by itself.
            is_refused = isinstance(error, ReadFailed) and error.problem is ReadProblem.REFUSED
            return False if is_refused else None

    def _request(self, account_id: int, reason: str, seen_ns: int) -> None:
        """Have an account read whole, unless that has begun since the change was seen."""
        if not self._desk.reads_since(account_id, seen_ns):
            self._desk.request(account_id, reason, urgency=Urgency.CHANGED)
