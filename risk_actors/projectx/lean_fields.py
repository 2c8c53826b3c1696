"""The usual forms of a number and of a time in the broker's JSON, read quickly.

What has another form is left to `fields`, which is thorough; both give the same for the same bytes.
"""

from decimal import Decimal
from functools import lru_cache

from risk_actors.core.money import decimal_from
from risk_actors.projectx.fields import EARLIEST_NS, LATEST_NS, parse_instant_ns

_LARGEST, _SMALLEST = 1e11, 1e-11
"""Amounts well inside of what is plausible; others are left to `fields`."""
_DIGITS = 20

type Number = int | float


class Unusual(Exception):  # noqa: N818 -- the name says what happened
    """Not the usual form: the thorough way decides."""


def quick_decimal(number: Number) -> Decimal:
    """Return the decimal that a number was written as.

    Raises:
        Unusual: it may be implausible.
    """
    if number and not _SMALLEST < abs(number) < _LARGEST:
        raise Unusual
    return decimal_from(number)


def quick_optional(number: Number | None) -> Decimal | None:
    """Return the same; None for none."""
    return None if number is None else quick_decimal(number)


def quick_instant_ns(text: str | None) -> int:
    """Return an instant, ns of UTC; 0 where it is absent or no time of our days.

    Raises:
        Unusual: it may be no time at all.
    """
    if text is None:
        return 0
    whole, _, rest = text.partition(".")
    fraction = rest[:-1] if rest.endswith("Z") else rest.removesuffix("+00:00")
    if not (fraction.isascii() and fraction.isdigit() and len(fraction) <= _DIGITS):
        instant_ns = parse_instant_ns(text)
    else:
        second_ns = _second_ns(whole)
        instant_ns = None if second_ns is None else second_ns + int(fraction[:9].ljust(9, "0"))
    if instant_ns is None:
        raise Unusual
    return instant_ns if EARLIEST_NS <= instant_ns < LATEST_NS else 0


@lru_cache(maxsize=64)
def _second_ns(whole: str) -> int | None:
    """Return a whole second: most rows of a moment share it."""
    return parse_instant_ns(f"{whole}Z")
