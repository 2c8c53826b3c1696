"""Quotes on a tape: columns of differences, because they are most of what the broker says."""

from decimal import Decimal

import msgspec

from risk_actors.core.broker import Quote
from risk_actors.messages import QuoteReported
from risk_actors.store.tape_columns import Scaled, pack_ints, scaled, unpack_ints, unscaled
from risk_actors.store.tape_names import Names, split_counter

_AS_BEFORE = 0
"""The exponent is that of the contract's last price on this side; else comes its difference."""
_MISSING = 1
_FIRST_EXPONENT = 2


class QuoteColumns(msgspec.Struct, frozen=True, array_like=True):
    """The quotes of one row of the tape."""

    contracts: bytes
    prefixes: bytes
    counters: bytes
    instants: bytes
    ages: bytes
    exponents: tuple[bytes, bytes, bytes]
    digits: tuple[bytes, bytes, bytes]


class _Before:
    """What differences are taken from: the same in writer and reader."""

    def __init__(self) -> None:
        self.counter = 0
        self.at_ns = 0
        self.prices: dict[tuple[int, int], Scaled] = {}


class QuotePacker:
    """Collects the quotes of a row."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._before = _Before()
        self._begin()

    def _begin(self) -> None:
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._codes: tuple[list[int], ...] = ([], [], [])
        self._digits: tuple[list[int], ...] = ([], [], [])

    def add(self, message: QuoteReported) -> bool:
        """Take a quote; return False where it is too strange for columns."""
        quote, before = message.quote, self._before
        counted = split_counter(message.correlation_id)
        prices = [
            None if price is None else scaled(price) for price in (quote.bid, quote.ask, quote.last)
        ]
        is_exact = all(
            price is None or digits is not None
            for price, digits in zip((quote.bid, quote.ask, quote.last), prices, strict=True)
        )
        is_plain = message.correlation_id.isascii() and quote.contract_id.isascii()
        if counted is None or not is_exact or not is_plain:
            return False
        prefix, counter = counted
        contract = self._names.number(quote.contract_id)
        self._rows.append(
            (
                contract,
                self._names.number(prefix),
                counter - before.counter,
                message.at_ns - before.at_ns,
                message.at_ns - quote.at_ns,
            )
        )
        before.counter, before.at_ns = counter, message.at_ns
        for side, price in enumerate(prices):
            code, digits = _told(before.prices, (contract, side), price)
            self._codes[side].append(code)
            self._digits[side].append(digits)
        return True

    def take(self) -> QuoteColumns | None:
        """Return the quotes since the last time, None where there were none."""
        if not self._rows:
            return None
        contracts, prefixes, counters, instants, ages = zip(*self._rows, strict=True)
        codes, digits = self._codes, self._digits
        taken = QuoteColumns(
            contracts=pack_ints(contracts),
            prefixes=pack_ints(prefixes),
            counters=pack_ints(counters),
            instants=pack_ints(instants),
            ages=pack_ints(ages),
            exponents=(pack_ints(codes[0]), pack_ints(codes[1]), pack_ints(codes[2])),
            digits=(pack_ints(digits[0]), pack_ints(digits[1]), pack_ints(digits[2])),
        )
        self._begin()
        return taken


class QuoteUnpacker:
    """Makes the quotes of each row again, row after row."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._before = _Before()

    def take(self, columns: QuoteColumns) -> list[QuoteReported]:
        """Return the quotes of the next row."""
        before = self._before
        rows = zip(
            unpack_ints(columns.contracts),
            unpack_ints(columns.prefixes),
            unpack_ints(columns.counters),
            unpack_ints(columns.instants),
            unpack_ints(columns.ages),
            strict=True,
        )
        codes = [unpack_ints(each) for each in columns.exponents]
        digits = [unpack_ints(each) for each in columns.digits]
        quotes = []
        for index, (contract, prefix, counter, elapsed_ns, age_ns) in enumerate(rows):
            before.counter += counter
            before.at_ns += elapsed_ns
            bid, ask, last = (
                _price(before.prices, (contract, side), codes[side][index], digits[side][index])
                for side in range(3)
            )
            quotes.append(
                QuoteReported(
                    correlation_id=f"{self._names.text(prefix)}{before.counter}",
                    at_ns=before.at_ns,
                    quote=Quote(
                        contract_id=self._names.text(contract),
                        bid=bid,
                        ask=ask,
                        last=last,
                        at_ns=before.at_ns - age_ns,
                    ),
                )
            )
        return quotes


def _told(
    prices: dict[tuple[int, int], Scaled], key: tuple[int, int], price: Scaled | None
) -> tuple[int, int]:
    """Return how a price differs from the last one of its contract and side."""
    if price is None:
        return _MISSING, 0
    last = prices.get(key)
    prices[key] = price
    if last is not None and last.exponent == price.exponent:
        return _AS_BEFORE, price.digits - last.digits
    sign_lowest = price.exponent << 1 if price.exponent >= 0 else (~price.exponent << 1) | 1
    return _FIRST_EXPONENT + sign_lowest, price.digits


def _price(
    prices: dict[tuple[int, int], Scaled], key: tuple[int, int], code: int, digits: int
) -> Decimal | None:
    if code == _MISSING:
        return None
    if code == _AS_BEFORE:
        last = prices[key]
        price = Scaled(last.digits + digits, last.exponent)
    else:
        folded = code - _FIRST_EXPONENT
        price = Scaled(digits, ~(folded >> 1) if folded & 1 else folded >> 1)
    prices[key] = price
    return unscaled(price)
