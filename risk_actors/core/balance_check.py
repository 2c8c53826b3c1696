"""The day's P&L, checked against the change of the balance."""

from decimal import Decimal

import msgspec


class DayOpening(msgspec.Struct, frozen=True, kw_only=True):
    """The balance with which a trading day began."""

    day_start_ns: int
    balance_usd: Decimal
