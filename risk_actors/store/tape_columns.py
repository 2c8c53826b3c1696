"""Columns of whole numbers as few bytes: what a tape consists of.

Numbers are kept in as many bytes as the largest of a column needs, all lowest bytes first, then all
second ones, and so on. The high bytes of instants and prices hardly differ, so in this order they
all but vanish when the row is compressed.
"""

import sys
from array import array
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

_TYPES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_ALL_ALIKE = 0
_LARGEST = 1 << 63


def pack_ints(values: Sequence[int]) -> bytes:
    """Return whole numbers of at most 64 bits, sign included, as bytes.

    Raises:
        OverflowError: one of them is larger.
    """
    if not values:
        return b""
    lowest, highest = min(values), max(values)
    if lowest < -_LARGEST or highest >= _LARGEST:
        raise OverflowError("a number on the tape has more than 64 bits")
    if lowest == highest:
        count = len(values).to_bytes(4, "little")
        return (
            bytes((_ALL_ALIKE,)) + count + lowest.to_bytes(8, "little", signed=True).rstrip(b"\0")
        )
    # The sign goes into the lowest bit, so that a small negative number is small too.
    folded = [value << 1 if value >= 0 else (~value << 1) | 1 for value in values]
    largest = max(folded)
    width = next(width for width in _TYPES if largest < 1 << (8 * width))
    numbers = array(_TYPES[width], folded)
    if sys.byteorder == "big":
        numbers.byteswap()
    data = numbers.tobytes()
    return bytes((width,)) + b"".join(data[plane::width] for plane in range(width))


def unpack_ints(data: bytes) -> list[int]:
    """Return the numbers that `pack_ints` was given.

    Raises:
        ValueError: these bytes are not from there.
    """
    if not data:
        return []
    width, rest = data[0], data[1:]
    if width == _ALL_ALIKE:
        value = int.from_bytes(rest[4:].ljust(8, b"\0"), "little", signed=True)
        return [value] * int.from_bytes(rest[:4], "little")
    if width not in _TYPES or len(rest) % width:
        raise ValueError("a column of the tape is damaged")
    count = len(rest) // width
    mixed = bytearray(len(rest))
    for plane in range(width):
        mixed[plane::width] = rest[plane * count : (plane + 1) * count]
    numbers = array(_TYPES[width])
    numbers.frombytes(bytes(mixed))
    if sys.byteorder == "big":
        numbers.byteswap()
    return [~(value >> 1) if value & 1 else value >> 1 for value in numbers]


class Scaled(NamedTuple):
    """A price as digits and exponent: 5000.25 is 500025 and -2."""

    digits: int
    exponent: int


_MOST_DIGITS = 17
_LARGEST_EXPONENT = 100


def scaled(price: Decimal) -> Scaled | None:
    """Return the digits and the exponent, exactly; None where they do not say all."""
    sign, digits, exponent = price.as_tuple()
    if not isinstance(exponent, int) or len(digits) > _MOST_DIGITS:
        return None
    if not -_LARGEST_EXPONENT < exponent < _LARGEST_EXPONENT:
        return None
    number = int("".join(map(str, digits)) or "0")
    if sign and not number:
        return None
    return Scaled(-number if sign else number, exponent)


def unscaled(price: Scaled) -> Decimal:
    """Return the price that was scaled, with the same exponent."""
    return Decimal((int(price.digits < 0), tuple(map(int, str(abs(price.digits)))), price.exponent))
