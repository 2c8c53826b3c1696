"""Reading one account whole over REST, so that local state can be put right (I8).

The broker has no consistent snapshot, so fills are read first and again last: when they are the
same, nothing was filled in between and the rest belongs together.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec.structs
from loguru import logger

from risk_actors.core.broker import Account, Fill, Order, OrderStatus, Position
from risk_actors.messages import AccountSnapshot
from risk_actors.projectx import translation
from risk_actors.projectx.account_list import AccountList
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.errors import PayloadError, ReadFailed, ReadProblem
from risk_actors.projectx.fill_reader import ENDPOINT as FILLS
from risk_actors.projectx.fill_reader import FillReader
from risk_actors.projectx.known_fills import BELIEVED_AFTER_NS, KnownFills
from risk_actors.projectx.ports import Clock, FillsSince
from risk_actors.projectx.read_queue import together
from risk_actors.projectx.reads import RestReader
from risk_actors.projectx.say import Repeats

MAX_ATTEMPTS = 3
REQUESTS_PER_SNAPSHOT = 6
"""Of one account by itself; accounts that are read together share one of them."""
_LOOKS_AT_OLD = 2
"""What the stream tells, the answers may show a moment later; beyond that they are old."""
UNSTABLE = " (fills kept changing while it was read)"
"""What the reason of a snapshot ends in that is not known to be consistent."""
WITHOUT_FILLS = " (without fills, which could not be read)"
FILLS_LATER = " (fills are read later)"
REQUESTS_PER_LIGHT_SNAPSHOT = 2

_WORKING_STATUSES = (
    OrderStatus.OPEN,
    OrderStatus.PENDING,
    OrderStatus.PENDING_CANCELLATION,
    OrderStatus.SUSPENDED,
)


class SnapshotReader:
    """Reads accounts. Use it on its event loop only."""

    def __init__(self, reader: RestReader, clock: Clock, fills_since_ns: FillsSince) -> None:
        self._reader = reader
        self._clock = clock
        self._fills = FillReader(reader)
        self._known_fills = KnownFills()
        self._list = AccountList(reader)
        self._fills_since_ns = fills_since_ns
        self._has_order_query = True
        self._accounts: dict[int, Account] = {}
        self._told_ns: dict[int, int] = {}
        """When the stream last told a fill of each account."""
        self._repeats = Repeats()

    async def read(
        self,
        account_id: int,
        reason: str,
        correlation_id: str,
        *,
        urgency: Urgency = Urgency.NORMAL,
    ) -> AccountSnapshot:
        """Read one account; again, at most three times, while its fills change meanwhile.

        Raises:
            ReadFailed: a read gave nothing, or the account is not listed.
            PayloadError: something in it made no sense.
        """
        with together():
            return await self._read(account_id, reason, correlation_id, urgency)

    async def read_light(
        self,
        account_id: int,
        reason: str,
        correlation_id: str,
        *,
        urgency: Urgency = Urgency.NORMAL,
    ) -> AccountSnapshot:
        """Read what an enforcement needs: positions and open orders, and no fills.

        Raises:
            ReadFailed: a read gave nothing.
            PayloadError: something in it made no sense.
        """
        asked_ns = self._clock.now_ns()
        with together():
            is_one_of_many = len(self._accounts) > 1
            if urgency is Urgency.ENFORCEMENT and is_one_of_many and not self.must_wait:
                # One for all who are enforced on together, so that nobody has to look what their
                # closes have changed. Before the rest: what changes from here on is news.
                await self._account(account_id, urgency)
            account = self._accounts.get(account_id)
            positions, orders = await _all_of(
                self.positions(account_id, urgency=urgency),
                self.open_orders(account_id, urgency=urgency),
            )
            if account is None:
                account, _ = await self._account(account_id, urgency)
        return AccountSnapshot(
            correlation_id=correlation_id,
            at_ns=self._clock.now_ns(),
            account=account,
            account_read=False,
            positions=positions,
            orders=tuple(_working(order) for order in orders),
            covers_suspended=False,
            fills=None,
            fills_since_ns=self._fills_since_ns(asked_ns),
            asked_ns=asked_ns,
            reason=reason + FILLS_LATER,
        )

    @property
    def must_wait(self) -> bool:
        """Whether reads wait for the budget, so that one less is worth more than what it tells."""
        return self._reader.waiting > 0

    def may_read_light(self, account_id: int) -> bool:
        """Tell whether fills are not needed to know an old answer from a new one.

        They are where the stream has told one of late: an answer without it is an old one.
        """
        told_ns = self._told_ns.get(account_id)
        return told_ns is None or self._clock.now_ns() - told_ns >= BELIEVED_AFTER_NS

    async def _read(
        self, account_id: int, reason: str, correlation_id: str, urgency: Urgency
    ) -> AccountSnapshot:
        asked_ns = self._clock.now_ns()
        since_ns = self._fills_since_ns(asked_ns)
        if "fill" in reason:
            # Whoever asks doubts the fills, so what is known of them is not read on from.
            self._fills.distrust(account_id)
        fills = await self._if_any(
            account_id, self._fills.read(account_id, since_ns, urgency=urgency)
        )
        if fills is None:
            reason += WITHOUT_FILLS
        for attempt in range(MAX_ATTEMPTS):
            (account, account_read), positions, (orders, covers_suspended) = await _all_of(
                self._account(account_id, urgency),
                self.positions(account_id, urgency=urgency),
                self._orders(account_id, urgency),
            )
            if fills is None:
                break
            fills_before, fills = (
                fills,
                await self._if_any(
                    account_id,
                    self._fills.read_again(account_id, since_ns, fills, urgency=urgency),
                ),
            )
            is_old = fills is not None and self._is_old(account_id, fills, since_ns)
            if is_old and attempt + 1 >= _LOOKS_AT_OLD:
                raise ReadFailed(
                    FILLS, ReadProblem.SERVER_FAULT, "the answer is older than what is known"
                )
            if fills == fills_before and not is_old:
                break
            logger.debug("Account {}: fills changed during read {}", account_id, attempt + 1)
        else:
            reason += UNSTABLE
            account_read = False
        self._known_fills.take(account_id, fills or ())
        return AccountSnapshot(
            correlation_id=correlation_id,
            at_ns=self._clock.now_ns(),
            account=account,
            account_read=account_read,
            positions=positions,
            orders=orders,
            covers_suspended=covers_suspended,
            fills=fills,
            fills_since_ns=since_ns,
            asked_ns=asked_ns,
            reason=reason,
        )

    def fill_told(self, fill: Fill) -> None:
        """Take a fill's row as the stream told it; see `FillReader.told`."""
        self._fills.told(fill)
        self._told_ns[fill.account_id] = self._clock.now_ns()
        self._known_fills.take(fill.account_id, (fill,))

    def distrust_fills(self, account_id: int) -> None:
        """Have all fills of an account read next time, also those that are known."""
        self._fills.distrust(account_id)

    async def _if_any(
        self, account_id: int, reading: Coroutine[Any, Any, tuple[Fill, ...]]
    ) -> tuple[Fill, ...] | None:
        """Return the fills, or None when there is no reading them: locks need none."""
        try:
            return await reading
        except (ReadFailed, PayloadError) as error:
            if isinstance(error, ReadFailed) and error.is_unsent:
                raise
            if self._repeats.is_due((account_id, str(error))):
                logger.warning("Account {}: the fills cannot be read: {}", account_id, error)
            return None

    def _is_old(self, account_id: int, fills: tuple[Fill, ...], since_ns: int) -> bool:
        return self._known_fills.is_old(account_id, fills, since_ns, self._clock.now_ns())

    async def accounts(
        self, *, urgency: Urgency = Urgency.NORMAL, gather: bool = False
    ) -> tuple[Account, ...]:
        """Return all accounts of the login; see `AccountList.read`.

        Raises:
            ReadFailed: the read gave nothing.
            PayloadError: something in it made no sense.
        """
        accounts = await self._list.read(urgency, gather=gather)
        self._accounts = {account.id: account for account in accounts}
        return accounts

    async def _account(self, account_id: int, urgency: Urgency) -> tuple[Account, bool]:
        """Return the account's row and True, or the row read last and False.

        Positions and orders are worth reading while the list of accounts cannot be read.
        """
        try:
            accounts = await self.accounts(urgency=urgency, gather=True)
        except (ReadFailed, PayloadError):
            if account_id not in self._accounts:
                raise
            return self._accounts[account_id], False
        for account in accounts:
            if account.id == account_id:
                return account, True
        raise ReadFailed(
            "/Account/search", ReadProblem.REFUSED, f"account {account_id} is not listed any more"
        )

    async def positions(
        self, account_id: int, *, urgency: Urgency = Urgency.NORMAL
    ) -> tuple[Position, ...]:
        """Return an account's open positions.

        Raises:
            ReadFailed: the read gave nothing.
            PayloadError: something in it made no sense.
        """
        endpoint = "/Position/searchOpen"
        answer = await self._reader.post(endpoint, {"accountId": account_id}, urgency=urgency)
        rows = translation.rows_from(answer, "positions", translation.position_from, endpoint)
        return tuple(position for position in rows if position.size)

    async def open_orders(
        self, account_id: int, *, urgency: Urgency = Urgency.NORMAL
    ) -> tuple[Order, ...]:
        """Return the orders that the broker lists as open; suspended ones are not among them.

        Raises:
            ReadFailed: the read gave nothing.
            PayloadError: something in it made no sense.
        """
        endpoint = "/Order/searchOpen"
        answer = await self._reader.post(endpoint, {"accountId": account_id}, urgency=urgency)
        return translation.rows_from(answer, "orders", translation.order_from, endpoint)

    async def _orders(self, account_id: int, urgency: Urgency) -> tuple[tuple[Order, ...], bool]:
        """Return the working orders, and whether suspended bracket children are among them."""
        (rows, (queried, covers_suspended)) = await _all_of(
            self.open_orders(account_id, urgency=urgency),
            self._query_orders(account_id, urgency),
        )
        by_id = {order.id: order for order in rows}
        for order in queried:
            known = by_id.get(order.id)
            if known is None or order.updated_ns >= known.updated_ns:
                by_id[order.id] = order
        return tuple(_working(order) for order in by_id.values()), covers_suspended

    async def _query_orders(
        self, account_id: int, urgency: Urgency
    ) -> tuple[tuple[Order, ...], bool]:
        """Ask for orders by status: the only endpoint that lists suspended bracket children."""
        if not self._has_order_query:
            return (), False
        endpoint = "/Order/v2/query"
        statuses = [int(status) for status in _WORKING_STATUSES]
        body = {
            "filter": {"accountId": account_id, "statuses": statuses},
            "includeTotalCount": True,
        }
        try:
            answer = await self._reader.post(endpoint, body, urgency=urgency)
        except ReadFailed as failed:
            self._has_order_query = failed.problem is not ReadProblem.UNSUPPORTED
            if self._repeats.is_due(str(failed)):
                logger.warning("Suspended orders cannot be listed: {}", failed)
            return (), False
        orders = translation.rows_from(answer, "orders", translation.order_from, endpoint)
        total = answer.get("totalCount")
        is_complete = not isinstance(total, int) or total <= len(orders)
        return orders, is_complete


async def _all_of(*reads: Any) -> list[Any]:
    """Run reads at the same time; raise the first failure once all have ended."""
    results = await asyncio.gather(*reads, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _working(order: Order) -> Order:
    """Return an order; listed as open with a status that is new to us, it counts as open."""
    if order.status is not OrderStatus.NONE:
        return order
    return msgspec.structs.replace(order, status=OrderStatus.OPEN)
