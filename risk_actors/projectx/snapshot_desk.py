"""Requests for snapshots: one read per account at a time, waiting requests answered together.

A request that comes while a read runs gets another read: what it wants to know may have happened
after that read began.
"""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from loguru import logger

from risk_actors.messages import AccountSnapshot, SnapshotFailed
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.ports import Clock, Emit
from risk_actors.projectx.snapshots import SnapshotReader

_RETRY_AFTER_S = 1.0
_LONGEST_RETRY_S = 8.0
_MAX_REASONS = 3


class _Request(NamedTuple):
    reasons: tuple[str, ...]
    correlation_id: str | None
    """None for our own requests; another's id stands when they are answered together."""


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
    ) -> None:
        self.account_ids = tuple(account_ids)
        self._reader = reader
        self._inbound = inbound
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self._waiting: dict[int, _Request] = {}
        self._wake = {account_id: asyncio.Event() for account_id in self.account_ids}

    def request(
        self, account_id: int | None, reason: str, correlation_id: str | None = None
    ) -> None:
        """Ask for a snapshot of an account (None: of each); returns at once."""
        if account_id is None:
            for each in self.account_ids:
                self.request(each, reason, correlation_id)
            return
        if account_id not in self._wake:
            logger.warning("A snapshot of account {} was asked, which is not guarded", account_id)
            return
        waiting = self._waiting.get(account_id)
        if waiting is not None:
            reasons = waiting.reasons
            if reason not in reasons and len(reasons) < _MAX_REASONS:
                reasons = (*reasons, reason)
            self._waiting[account_id] = _Request(reasons, waiting.correlation_id or correlation_id)
        else:
            self._waiting[account_id] = _Request((reason,), correlation_id)
        self._wake[account_id].set()

    async def serve(self, account_id: int) -> None:
        """Answer the requests for one account; runs until cancelled."""
        wake = self._wake[account_id]
        retry_after_s = _RETRY_AFTER_S
        while True:
            await wake.wait()
            wake.clear()
            request = self._waiting.pop(account_id, None)
            if request is None:
                continue
            if await self._answer(account_id, request):
                retry_after_s = _RETRY_AFTER_S
                continue
            # Whoever asked may be gone, and without a snapshot we are blind: so ask again.
            await _wait_for(wake, retry_after_s)
            retry_after_s = min(retry_after_s * 2, _LONGEST_RETRY_S)
            if account_id not in self._waiting:
                self.request(account_id, request.reasons[0], request.correlation_id)

    async def _answer(self, account_id: int, request: _Request) -> bool:
        """Read and emit; false when it failed and should be tried again soon."""
        correlation_id = request.correlation_id or self._ids.next()
        reason = "; ".join(request.reasons)
        try:
            snapshot = await self._reader.read(account_id, reason, correlation_id)
        except ReadFailed as failed:
            self._failed(account_id, correlation_id, str(failed))
            # A refusal stays one; the next reading on the timer is soon enough.
            return failed.problem is ReadProblem.REFUSED
        except PayloadError as error:
            self._inbound.reject(error, correlation_id)
            self._failed(account_id, correlation_id, str(error))
            return False
        self._mention_contracts(snapshot)
        self._emit(snapshot)
        # Good enough to enforce on; the fills are wanted soon all the same.
        return snapshot.fills is not None

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
