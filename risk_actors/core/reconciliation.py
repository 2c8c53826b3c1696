"""What the broker's account, read over REST, says differently from what is known here (I8)."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from risk_actors.core.broker import Account, Fill, Order, Position
from risk_actors.core.position_math import Holding

NOT_KNOWN = "not known"
NOT_LISTED = "not listed"
NOT_WORKING = "not working"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that local state and the broker's snapshot did not agree on."""

    subject: str
    """What it is about, and which figure of it where it is known to both: `order 7 size`."""
    local: str
    broker: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The broker's account as read over REST; see `messages.AccountSnapshot`."""

    account: Account
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    covers_suspended: bool
    fills: tuple[Fill, ...] | None
    """None when they could not be read; positions and orders count all the same."""
    asked_ns: int
    fills_since_ns: int = 0
    """Broker time from which on `fills` are all of them."""
    account_read: bool = True
    """Whether `account` belongs to this moment; an older row must move nothing."""


def account_differences(known: Account, told: Account) -> Iterator[Difference]:
    """Yield what the broker says differently of the account itself."""
    yield from _differing(
        ("balance", known.balance_usd, told.balance_usd),
        ("can trade", known.can_trade, told.can_trade),
    )


def position_differences(
    contract_id: str, known: Holding, told: Holding, opened_ns: tuple[int, int]
) -> Iterator[Difference]:
    """Yield what the broker says differently of a position.

    Args:
        contract_id: its contract.
        known: what was reported of it so far; flat where nothing was.
        told: what the broker says now.
        opened_ns: when it was opened, as known and as told; only a position that is the same one
            still can have been opened at another time.
    """
    name = f"position {contract_id}"
    if known.size != told.size:
        yield Difference(subject=name, local=str(known.size), broker=str(told.size))
    if known.size and told.size:
        yield from _differing((f"{name} average price", known.average_price, told.average_price))
    if known.size * told.size > 0:
        yield from _differing((f"{name} opened", *opened_ns))


def order_differences(known: Order | None, told: Order) -> Iterator[Difference]:
    """Yield what the broker says differently of an order that works."""
    name = f"order {told.id}"
    if known is None:
        yield Difference(subject=name, local=NOT_KNOWN, broker=_words_of(told))
        return
    yield from _differing(
        (f"{name} status", known.status.name, told.status.name),
        (f"{name} type", known.type.name, told.type.name),
        (f"{name} side", known.side.name, told.side.name),
        (f"{name} size", known.size, told.size),
        (f"{name} filled", known.filled_size, told.filled_size),
        (f"{name} limit price", known.limit_price, told.limit_price),
        (f"{name} stop price", known.stop_price, told.stop_price),
        (f"{name} parent", known.parent_order_id, told.parent_order_id),
    )


def order_not_working(known: Order) -> Difference:
    """Return the difference of an order that the broker does not list any more."""
    return Difference(subject=f"order {known.id}", local=_words_of(known), broker=NOT_WORKING)


def fill_not_known(told: Fill) -> Difference:
    """Return the difference of a fill that was missed."""
    return Difference(subject=f"fill {told.id}", local=NOT_KNOWN, broker=_words_of_fill(told))


def fill_not_listed(known: Fill) -> Difference:
    """Return the difference of a fill that the broker lists no longer."""
    return Difference(subject=f"fill {known.id}", local=_words_of_fill(known), broker=NOT_LISTED)


def fill_differences(known: Fill, told: Fill) -> Iterator[Difference]:
    """Yield what the broker says differently of a fill; one that is void counts for nothing."""
    name = f"fill {told.id}"
    if known.voided or told.voided:
        yield from _differing((f"{name} voided", known.voided, told.voided))
        return
    yield from _differing(
        (f"{name} profit", known.profit_usd, told.profit_usd),
        (f"{name} costs", known.costs_usd, told.costs_usd),
        (f"{name} size", known.signed_size, told.signed_size),
        (f"{name} price", known.price, told.price),
        (f"{name} time", known.at_ns, told.at_ns),
    )


def completed(known: Fill, told: Fill) -> Fill:
    """Return a fill pushed lately, with what only an older row of it says."""
    return msgspec.structs.replace(
        known,
        profit_usd=told.profit_usd if known.profit_usd is None else known.profit_usd,
        voided=known.voided or told.voided,
    )


def unlisted(known: Iterable[tuple[Fill, int]], snapshot: Snapshot) -> Iterator[Fill]:
    """Yield known fills (with when they were told last) that the broker should list and does not.

    What was pushed after the snapshot was asked for may be newer than it; what is older than its
    beginning is not asked for; a voided one counts for nothing, listed or not.
    """
    if snapshot.fills is None:
        return
    listed = {fill.id for fill in snapshot.fills}
    for fill, told_ns in known:
        is_due = told_ns < snapshot.asked_ns and fill.at_ns >= snapshot.fills_since_ns
        if is_due and fill.id not in listed and not fill.voided:
            yield fill


type _Figure = Decimal | int | str | bool | None


def _differing(*figures: tuple[str, _Figure, _Figure]) -> Iterator[Difference]:
    for subject, known, told in figures:
        if known != told:
            yield Difference(subject=subject, local=_shown(known), broker=_shown(told))


def _shown(figure: _Figure) -> str:
    return "none" if figure is None else str(figure)


def _words_of(order: Order) -> str:
    prices = [
        f"{name} {price}"
        for name, price in (("limit", order.limit_price), ("stop", order.stop_price))
        if price is not None
    ]
    sign = order.side.sign
    return " ".join(
        [order.status.name, f"{sign * order.open_size:+d} {order.contract_id}", *prices]
    )


def _words_of_fill(fill: Fill) -> str:
    return f"{fill.signed_size:+d} {fill.contract_id} at {fill.price}"
