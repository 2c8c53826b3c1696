"""Requests for snapshots: one read per account at a time, waiting requests answered together.

A request that comes while a read runs gets another read: what it wants to know may have happened
after that read began. One of an enforcement does not wait for the end of one that is in no hurry.
"""

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import NamedTuple

from loguru import logger

from risk_actors.core.broker_looks import CONFIRM_FLAT
from risk_actors.messages import AccountSnapshot, SnapshotFailed
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.ports import Clock, Emit
from risk_actors.projectx.snapshots import SnapshotReader

_RETRY_AFTER_S = 1.0
_LONGEST_RETRY_S = 8.0
_LONGEST_BUSY_RETRY_S = 4.0
"""The same after a 429: the budget has the reads pause anyway, and knows when one may be tried."""
_MAX_REASONS = 3
_REASONS_OF_ENFORCEMENT = frozenset(
    {"uncertain answer", "confirm flat", "enforcement before the first snapshot"}
)
"""Why the enforcer asks for a snapshot (`core.enforcement`)."""
_QUIET_S = 2.5
"""After a light reading, the fills are read once no other has come for so long: what a close has
changed is seen by then."""
_WHOLE_AGAIN_AFTER_S = 10.0
_BETWEEN_WHOLE_S = 2.0
"""Whoever is enforced on again and again is read whole no more often than that; and of many, one
after the other, so that there is room for what is urgent."""
_JUST_READ_NS = 1_000_000_000
"""What was observed in a reading so young needs no other to confirm it."""
_FILLS_LATER = "to know the P&L again"
_LIGHT = frozenset({Urgency.ENFORCEMENT, Urgency.CHANGED})
"""What is read without fills while many reads may be needed: fills enforce nothing at once."""
PERIODIC = "periodic"
"""Why an account is read although nothing seems amiss."""


class _End(Enum):
    """What came of a request."""

    DONE = auto()
    GIVEN_UP = auto()
    """For a more urgent one, which it was joined with."""
    BUSY = auto()
    """There were too many requests."""
    FAILED = auto()


class _Request(NamedTuple):
    reasons: tuple[str, ...]
    correlation_id: str | None
    """None for our own requests; another's id stands when they are answered together."""
    urgency: Urgency

    def joined(self, other: "_Request") -> "_Request":
        """Return both as one; another's id stands, and the greater urgency."""
        reasons = tuple(dict.fromkeys((*self.reasons, *other.reasons)))[:_MAX_REASONS]
        urgency = min(self.urgency, other.urgency, key=lambda each: each.value)
        return _Request(reasons, self.correlation_id or other.correlation_id, urgency)


def urgency_of(reason: str) -> Urgency:
    """Return how urgent a request is, by its reason."""
    if reason in _REASONS_OF_ENFORCEMENT:
        return Urgency.ENFORCEMENT
    return Urgency.BACKGROUND if reason == PERIODIC else Urgency.NORMAL


class SnapshotDesk:
    """Takes requests and emits snapshots. Use it on its event loop only."""

    def __init__(
        self,
        account_ids: Iterable[int],
        reader: SnapshotReader,
        inbound: Inbound,
        clock: Clock,
        ids: CorrelationIds,
        emit: Emit,
        is_rest_up: Callable[[], bool] = lambda: True,
        is_saving: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take what reads and who hears of it.

        Args:
            account_ids: the accounts that are read.
            reader: reads them.
            inbound: is told of contracts, and of what made no sense.
            clock: the present.
            ids: gives each message its id.
            emit: takes the snapshots.
            is_rest_up: whether REST answers; while it does not, another asks for its first sign of
                life, and then for every account.
            is_saving: whether reads are what all depends on, so that what is urgent is read light,
                and the fills after it.
        """
        self._is_saving = is_saving
        self._is_rest_up = is_rest_up
        self.account_ids = tuple(account_ids)
        self._reader = reader
        self._inbound = inbound
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self._waiting: dict[int, _Request] = {}
        self._wake = {account_id: asyncio.Event() for account_id in self.account_ids}
        self._hurry = {account_id: asyncio.Event() for account_id in self.account_ids}
        self._running = dict.fromkeys(self.account_ids, Urgency.ENFORCEMENT)
        """How urgent what is being read is; nothing hurries one who is not reading."""
        self._owed: dict[int, asyncio.TimerHandle] = {}
        """What has accounts read whole that were read light."""
        self._next_whole_s = 0.0
        self._whole_s: dict[int, float] = {}
        """When those were that were read whole, by the loop's clock."""
        self._light_ns: dict[int, int] = {}
        """When those were asked for that were read light last."""
        self._began_ns: dict[int, int] = {}
        """When the reading of an account began that is going on."""

    def request(
        self,
        account_id: int | None,
        reason: str,
        correlation_id: str | None = None,
        *,
        urgency: Urgency | None = None,
    ) -> None:
        """Ask for a snapshot of an account (None: of each); returns at once.

        How urgent it is follows from the reason, unless it is told.
        """
        if account_id is None:
            for each in self.account_ids:
                self.request(each, reason, correlation_id, urgency=urgency)
            return
        if reason == CONFIRM_FLAT and self._was_just_read(account_id):
            return
        if account_id not in self._wake:
            logger.warning("A snapshot of account {} was asked, which is not guarded", account_id)
            return
        request = _Request((reason,), correlation_id, urgency or urgency_of(reason))
        waiting = self._waiting.get(account_id)
        self._waiting[account_id] = request if waiting is None else waiting.joined(request)
        self._wake[account_id].set()
        if request.urgency.value < self._running[account_id].value:
            self._hurry[account_id].set()

    def _was_just_read(self, account_id: int) -> bool:
        """Tell whether what is to be confirmed was itself observed in a reading, just now."""
        light_ns = self._light_ns.get(account_id)
        return light_ns is not None and 0 <= self._clock.now_ns() - light_ns < _JUST_READ_NS

    def reads_since(self, account_id: int, seen_ns: int) -> bool:
        """Tell whether an account is being read, asked for after an instant (ns of UTC).

        What is in no hurry may wait for room for long, and does not count.
        """
        began_ns = self._began_ns.get(account_id)
        is_urgent = self._running[account_id] in _LIGHT
        return is_urgent and began_ns is not None and began_ns > seen_ns

    def is_enforcing(self, account_id: int) -> bool:
        """Tell whether an account is being read whole for an enforcement."""
        is_reading = account_id in self._began_ns
        return is_reading and self._running[account_id] is Urgency.ENFORCEMENT

    def retry_now(self) -> None:
        """Have what failed read again at once, as when the broker has shown a sign of life."""
        for wake in self._wake.values():
            wake.set()

    async def serve(self, account_id: int) -> None:
        """Answer the requests for one account; runs until cancelled."""
        wake = self._wake[account_id]
        retry_after_s = _RETRY_AFTER_S
        while True:
            await wake.wait()
            wake.clear()
            self._hurry[account_id].clear()
            request = self._waiting.pop(account_id, None)
            if request is None:
                continue
            self._running[account_id] = request.urgency
            self._began_ns[account_id] = self._clock.now_ns()
            end = await self._answer_or_hurry(account_id, request)
            self._running[account_id] = Urgency.ENFORCEMENT
            del self._began_ns[account_id]
            if end is _End.GIVEN_UP:
                wake.set()
                continue
            if end is _End.DONE:
                retry_after_s = _RETRY_AFTER_S
                continue
            longest_s = _LONGEST_BUSY_RETRY_S if end is _End.BUSY else _LONGEST_RETRY_S
            wait_s = min(retry_after_s, longest_s) if self._is_rest_up() else _LONGEST_RETRY_S
            # Whoever asked may be gone, and without a snapshot we are blind: so ask again.
            await _wait_for(wake, wait_s)
            retry_after_s = min(retry_after_s * 2, _LONGEST_RETRY_S)
            # Also where another has asked meanwhile: what was urgent still is.
            waiting = self._waiting.get(account_id)
            self._waiting[account_id] = request if waiting is None else waiting.joined(request)
            wake.set()

    async def _answer_or_hurry(self, account_id: int, request: _Request) -> _End:
        """Answer a request, unless it is given up for a more urgent one, joined with it."""
        if request.urgency is Urgency.ENFORCEMENT:
            return await self._answer(account_id, request)
        answering = asyncio.create_task(self._answer(account_id, request))
        hurried = asyncio.create_task(self._hurry[account_id].wait())
        try:
            await asyncio.wait({answering, hurried}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
            waiting = self._waiting.get(account_id)
            self._waiting[account_id] = request if waiting is None else request.joined(waiting)
            return _End.GIVEN_UP
        finally:
            hurried.cancel()
            answering.cancel()
            await asyncio.wait({answering, hurried})

    async def _answer(self, account_id: int, request: _Request) -> _End:
        """Read and emit."""
        correlation_id = request.correlation_id or self._ids.next()
        reason = "; ".join(request.reasons)
        is_light = self._is_light(account_id, request.urgency)
        read = self._reader.read_light if is_light else self._reader.read
        try:
            snapshot = await read(account_id, reason, correlation_id, urgency=request.urgency)
        except ReadFailed as failed:
            self._failed(account_id, correlation_id, str(failed))
            if failed.problem is ReadProblem.BUSY:
                return _End.BUSY
            # A refusal stays one; the next reading on the timer is soon enough.
            return _End.DONE if failed.problem is ReadProblem.REFUSED else _End.FAILED
        except PayloadError as error:
            self._inbound.reject(error, correlation_id)
            self._failed(account_id, correlation_id, str(error))
            return _End.FAILED
        self._mention_contracts(snapshot)
        if is_light:
            self._light_ns[account_id] = snapshot.asked_ns
        self._note_fills_owed(account_id, is_owed=is_light)
        self._emit(snapshot)
        if is_light:
            return _End.DONE
        # Good enough to enforce on; the fills are wanted soon all the same.
        return _End.FAILED if snapshot.fills is None else _End.DONE

    def _is_light(self, account_id: int, urgency: Urgency) -> bool:
        is_urgent = urgency in _LIGHT and self._is_saving()
        return is_urgent and self._reader.may_read_light(account_id)

    def _note_fills_owed(self, account_id: int, *, is_owed: bool) -> None:
        """Have the account read whole, in less of a hurry, after it was read without its fills."""
        timer = self._owed.pop(account_id, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        if not is_owed:
            self._whole_s[account_id] = loop.time()
            return
        again_s = self._whole_s.get(account_id, 0.0) + _WHOLE_AGAIN_AFTER_S
        due_s = max(loop.time() + _QUIET_S, again_s, self._next_whole_s)
        self._next_whole_s = due_s + _BETWEEN_WHOLE_S
        self._owed[account_id] = loop.call_at(due_s, self.request, account_id, _FILLS_LATER)

    def _mention_contracts(self, snapshot: AccountSnapshot) -> None:
        """Mention those of fills as well: what was held in a gap may be flat by now."""
        mentioned = [position.contract_id for position in snapshot.positions]
        mentioned += [order.contract_id for order in snapshot.orders]
        mentioned += [fill.contract_id for fill in snapshot.fills or ()]
        for contract_id in dict.fromkeys(mentioned):
            self._inbound.mention(contract_id)

    def _failed(self, account_id: int, correlation_id: str, detail: str) -> None:
        self._emit(
            SnapshotFailed(
                correlation_id=correlation_id,
                at_ns=self._clock.now_ns(),
                account_id=account_id,
                detail=detail,
            )
        )


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
