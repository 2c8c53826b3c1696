"""What the working stops would make of the open positions."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import PROTECTIVE_STOP_TYPES, Order, OrderStatus
from risk_actors.core.instruments import catalogued_instrument
from risk_actors.core.money import ZERO
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_math import profit_usd


class StopOut(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the day if every working stop fills now, at its own price."""

    day_usd: Decimal | None
    """The day's P&L then, fees of the exits left out; None where it is unknown, or where no stop
    works at all."""
    unprotected: Mapping[str, int] = {}
    """Contracts by symbol that no stop covers: what they may lose has no bound."""


def stop_out(pnl: PnlState) -> StopOut | None:
    """Return what the working stops would make of the open positions; None while flat.

    Every stop fills at its own price; in a fast market it fills beyond.
    """
    account = pnl.account
    if account is None or not account.positions:
        return None
    stopped_usd, covered = ZERO, 0
    unprotected: dict[str, int] = {}
    for position in account.positions:
        size = position.counted_size
        instrument = catalogued_instrument(position.contract_id)
        left = abs(size)
        for order in _stops(account, position.contract_id, size):
            taken = min(order.open_size, left)
            if instrument is None or order.stop_price is None or taken <= 0:
                continue
            left -= taken
            covered += taken
            stopped_usd += profit_usd(
                size=taken if size > 0 else -taken,
                entry_price=position.fills_average_price,
                exit_price=order.stop_price,
                instrument=instrument,
            )
        if left:
            unprotected[position.symbol] = unprotected.get(position.symbol, 0) + left
    is_known = covered and pnl.realized_usd is not None
    return StopOut(
        day_usd=(pnl.realized_usd or ZERO) + stopped_usd if is_known else None,
        unprotected=unprotected,
    )


def _stops(account: AccountState, contract_id: str, size: int) -> Iterator[Order]:
    """Yield the stops that would close a position, the one that fills first before the others."""
    stops = [
        order
        for order in account.orders
        if order.contract_id == contract_id
        and order.type in PROTECTIVE_STOP_TYPES
        and order.status is OrderStatus.OPEN
        and order.side.sign * size < 0
        and order.stop_price is not None
    ]
    yield from sorted(stops, key=lambda o: (o.side.sign * (o.stop_price or ZERO), o.id))
