"""The contracts the simulated gateway lists: today's front month of every catalogued product.

Tick sizes and values come from the catalogue. Costs per half-turn are the figures seen on live
accounts for MYM (0.37 + 0.25) and ZB (0.89 + 0.50) and plausible neighbours of them for the rest;
starting prices and step sizes only have to look like the product.
"""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from risk_actors.core.instruments import CATALOGUE, Listing

_MONTH_CODES = "FGHJKMNQUVXZ"
_MONTHS_PER_YEAR = 12
_MONTH_NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One listed contract with what trading it costs and how its price moves."""

    contract_id: str
    name: str
    symbol: str
    symbol_id: str
    description: str
    tick_size: Decimal
    tick_value_usd: Decimal
    fees_usd: Decimal
    """Exchange and clearing fees of one contract and one half-turn."""
    commission_usd: Decimal
    """Commission of one contract and one half-turn."""
    start_price: Decimal
    step_ticks: float
    """Standard deviation, in ticks, of one step of the price process."""


class _Cycle(NamedTuple):
    """Listed months, and the day a month stops being the front one."""

    months: str
    roll_months_before: int
    roll_day: int


_QUARTERLY = _Cycle("HMUZ", 0, 11)
_RATES = _Cycle("HMUZ", 1, 26)
_GOLD = _Cycle("GJMQVZ", 1, 26)
_METALS = _Cycle("HKNUZ", 1, 26)
_ENERGY = _Cycle(_MONTH_CODES, 1, 17)
_CRYPTO = _Cycle(_MONTH_CODES, 0, 25)


class _Product(NamedTuple):
    description: str
    cycle: _Cycle
    fees_usd: str
    commission_usd: str
    start_price: str
    step_ticks: float


_PRODUCTS: dict[str, _Product] = {
    "MNQ": _Product("Micro E-mini Nasdaq-100", _QUARTERLY, "0.37", "0.25", "25000", 3.0),
    "NQ": _Product("E-mini Nasdaq-100", _QUARTERLY, "1.40", "0.50", "25000", 3.0),
    "MES": _Product("Micro E-mini S&P 500", _QUARTERLY, "0.37", "0.25", "6800", 1.0),
    "ES": _Product("E-mini S&P 500", _QUARTERLY, "1.40", "0.50", "6800", 1.0),
    "MYM": _Product("Micro E-mini Dow Jones", _QUARTERLY, "0.37", "0.25", "48000", 2.0),
    "YM": _Product("E-mini Dow Jones", _QUARTERLY, "1.40", "0.50", "48000", 2.0),
    "M2K": _Product("Micro E-mini Russell 2000", _QUARTERLY, "0.37", "0.25", "2450", 1.5),
    "RTY": _Product("E-mini Russell 2000", _QUARTERLY, "1.40", "0.50", "2450", 1.5),
    "NKD": _Product("Nikkei 225", _QUARTERLY, "1.73", "0.50", "50000", 0.8),
    "MCL": _Product("Micro Crude Oil", _ENERGY, "0.52", "0.25", "60.00", 0.8),
    "CL": _Product("Crude Oil", _ENERGY, "1.52", "0.50", "60.00", 0.8),
    "QM": _Product("E-mini Crude Oil", _ENERGY, "1.22", "0.50", "60.000", 0.4),
    "NG": _Product("Natural Gas", _ENERGY, "1.62", "0.50", "4.200", 0.8),
    "QG": _Product("E-mini Natural Gas", _ENERGY, "0.52", "0.50", "4.200", 0.3),
    "MGC": _Product("Micro Gold", _GOLD, "0.62", "0.25", "4100.0", 1.5),
    "GC": _Product("Gold", _GOLD, "1.62", "0.50", "4100.0", 1.5),
    "SI": _Product("Silver", _METALS, "1.62", "0.50", "50.000", 1.0),
    "SIL": _Product("Micro Silver", _METALS, "1.02", "0.25", "50.000", 1.0),
    "HG": _Product("Copper", _METALS, "1.62", "0.50", "5.0000", 0.6),
    "MHG": _Product("Micro Copper", _METALS, "0.62", "0.25", "5.0000", 0.6),
    "6E": _Product("Euro FX", _QUARTERLY, "1.62", "0.50", "1.16000", 0.5),
    "M6E": _Product("Micro Euro FX", _QUARTERLY, "0.26", "0.25", "1.1600", 0.3),
    "E7": _Product("E-mini Euro FX", _QUARTERLY, "0.87", "0.50", "1.1600", 0.3),
    "6B": _Product("British Pound", _QUARTERLY, "1.62", "0.50", "1.3200", 0.4),
    "6A": _Product("Australian Dollar", _QUARTERLY, "1.62", "0.50", "0.65500", 0.4),
    "6C": _Product("Canadian Dollar", _QUARTERLY, "1.62", "0.50", "0.71500", 0.4),
    "6J": _Product("Japanese Yen", _QUARTERLY, "1.62", "0.50", "0.0065000", 0.5),
    "ZT": _Product("2-Year Note", _RATES, "0.67", "0.50", "104.125", 0.3),
    "ZF": _Product("5-Year Note", _RATES, "0.67", "0.50", "109.5", 0.3),
    "ZN": _Product("10-Year Note", _RATES, "0.82", "0.50", "113.0", 0.3),
    "TN": _Product("Ultra 10-Year Note", _RATES, "0.82", "0.50", "116.0", 0.3),
    "ZB": _Product("30-Year Bond", _RATES, "0.89", "0.50", "117.0", 0.3),
    "UB": _Product("Ultra Bond", _RATES, "0.97", "0.50", "121.0", 0.3),
    "MBT": _Product("Micro Bitcoin", _CRYPTO, "1.02", "0.25", "95000", 2.0),
    "MET": _Product("Micro Ether", _CRYPTO, "0.22", "0.25", "3200.0", 1.5),
}


def front_contract(symbol: str, today: date) -> Contract:
    """Return the front-month contract of a catalogued exchange symbol (`MNQ`) on that date.

    Raises:
        KeyError: the symbol is not in the catalogue.
    """
    for listing in CATALOGUE:
        if listing.symbol == symbol:
            return _front(listing, today)
    raise KeyError(symbol)


def front_contracts(today: date) -> tuple[Contract, ...]:
    """Return the front month of every product of the catalogue on that date."""
    return tuple(_front(listing, today) for listing in CATALOGUE)


def _front(listing: Listing, today: date) -> Contract:
    product = _PRODUCTS[listing.symbol]
    year, month = _front_month(product.cycle, today)
    code = _MONTH_CODES[month - 1]
    return Contract(
        contract_id=f"CON.F.US.{listing.root}.{code}{year % 100:02d}",
        name=f"{listing.symbol}{code}{year % 10}",
        symbol=listing.symbol,
        symbol_id=f"F.US.{listing.root}",
        description=f"{product.description}: {_MONTH_NAMES[month - 1]} {year}",
        tick_size=listing.tick_size,
        tick_value_usd=listing.tick_value_usd,
        fees_usd=Decimal(product.fees_usd),
        commission_usd=Decimal(product.commission_usd),
        start_price=Decimal(product.start_price),
        step_ticks=product.step_ticks,
    )


def _front_month(cycle: _Cycle, today: date) -> tuple[int, int]:
    """Return year and month of the first listed month that has not rolled yet."""
    first = today.year * _MONTHS_PER_YEAR + today.month - 1
    index = first
    while True:
        year, month = divmod(index, _MONTHS_PER_YEAR)
        roll_year, roll_month = divmod(index - cycle.roll_months_before, _MONTHS_PER_YEAR)
        rolls_on = date(roll_year, roll_month + 1, cycle.roll_day)
        if _MONTH_CODES[month] in cycle.months and rolls_on > today:
            return year, month + 1
        index += 1
