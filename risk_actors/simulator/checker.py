"""Checks of what a client did to the exchange, from the server's own records.

I1 reduce-only: no command of the client opened or increased exposure. I2: per account and
contract at most one close outstanding, from its arrival until its effect was sent or a later
snapshot was asked for, or until it was refused. Pure: records in, violations out.
"""

from collections.abc import Iterable, Sequence

import msgspec

from risk_actors.simulator.history import RequestRecord, StreamRecord
from risk_actors.simulator.records import (
    Filled,
    JournalEntry,
    Order,
    OrderChanged,
    OrderStatus,
    OrderType,
)

_CLIENT = "client"
_CLOSES = frozenset({"Position/closeContract", "Position/partialCloseContract"})
_SNAPSHOT = "Position/searchOpen"
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_ORDER = "GatewayUserOrder"
_POSITION = "GatewayUserPosition"
_FINAL = frozenset(status for status in OrderStatus if status.is_final)
_NOT_EXECUTED = frozenset({401, 429})


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One broken invariant, with the record that shows it."""

    invariant: str
    """`I1` or `I2`."""
    reason: str
    evidence: object


def check(
    journal: Iterable[JournalEntry],
    requests: Sequence[RequestRecord],
    events: Sequence[StreamRecord],
    *,
    client: str = _CLIENT,
) -> list[Violation]:
    """Return every violation of I1 and I2 by `client` (the source of REST commands)."""
    return [*reduce_only(journal, requests, client=client), *one_close_in_flight(requests, events)]


def reduce_only(
    journal: Iterable[JournalEntry], requests: Iterable[RequestRecord], *, client: str = _CLIENT
) -> list[Violation]:
    """Return what breaks I1: orders placed, fills that increase, modifications that add risk."""
    found = [
        Violation(invariant="I1", reason="an order was placed", evidence=request)
        for request in requests
        if request.endpoint == "Order/place"
    ]
    for entry in journal:
        reason = _increase(entry, client)
        if reason is not None:
            found.append(Violation(invariant="I1", reason=reason, evidence=entry))
    return found


def one_close_in_flight(
    requests: Sequence[RequestRecord], events: Sequence[StreamRecord]
) -> list[Violation]:
    """Return every close that arrived while an earlier one of its contract was outstanding."""
    found: list[Violation] = []
    earlier: dict[tuple[int, str], RequestRecord] = {}
    for request in requests:
        if request.endpoint not in _CLOSES:
            continue
        key = _key(request)
        before = earlier.get(key)
        if before is not None and request.arrived_ns < _settled_ns(before, requests, events):
            found.append(
                Violation(
                    invariant="I2",
                    reason=f"close {request.seq} arrived while close {before.seq} was outstanding",
                    evidence=(before, request),
                )
            )
        earlier[key] = request
    return found


def _increase(entry: JournalEntry, client: str) -> str | None:
    if isinstance(entry, Filled) and entry.order.source == client:
        after, before = entry.position.signed_size, entry.size_before
        if abs(after) > abs(before) or after * before < 0:
            return f"a fill of the client took the position from {before} to {after}"
    if isinstance(entry, OrderChanged) and entry.by == client and entry.before is not None:
        return _riskier(entry.before, entry.order)
    return None


def _riskier(before: Order, after: Order) -> str | None:
    if after.status is OrderStatus.CANCELLED:
        return None
    if after.size > before.size:
        return "a modification made an order bigger"
    if after.type not in _STOPS:
        return "an order that is no stop was modified"
    if before.stop_price is None or after.stop_price is None:
        return None
    # A sell stop protects a long: less risk is higher; a buy stop mirrors it.
    if (after.stop_price - before.stop_price) * after.side.sign > 0:
        return "a stop was moved toward more risk"
    return None


def _key(request: RequestRecord) -> tuple[int, str]:
    return int(request.body.get("accountId", 0)), str(request.body.get("contractId"))


def _settled_ns(
    close: RequestRecord, requests: Sequence[RequestRecord], events: Sequence[StreamRecord]
) -> float:
    """Return when the close stopped being outstanding, on the monotonic clock."""
    ends = [float("inf")]
    refused = not close.executed and (close.success is False or close.status in _NOT_EXECUTED)
    if refused and close.answered_ns is not None:
        ends.append(close.answered_ns)
    account_id, _ = _key(close)
    ends += [
        later.arrived_ns
        for later in requests
        if later.endpoint == _SNAPSHOT
        and later.arrived_ns > close.arrived_ns
        and int(later.body.get("accountId", 0)) == account_id
    ]
    ends += [
        event.sent_ns
        for event in events
        if event.order_id == close.order_id
        and event.order_id is not None
        and event.target == _ORDER
        and event.data["data"].get("status") in _FINAL
    ]
    # Once the contract is flat there is nothing left that the close could do.
    ends += [
        event.sent_ns
        for event in events
        if event.target == _POSITION
        and event.sent_ns > close.arrived_ns
        and (event.account_id, event.contract_id) == _key(close)
        and event.data["data"].get("size") == 0
    ]
    return min(ends)
