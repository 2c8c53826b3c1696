"""Reading single fields out of the broker's JSON, liberally, and never letting nonsense through.

Seen in live payloads: ids as strings or as numbers, null fields left out, timestamps with seven
fractional digits or a `Z`. So every field is looked for, converted, bounded, and otherwise refused
with a `PayloadError` that names it.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

from risk_actors.core.money import decimal_from
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.secrets import scrub

EXCERPT_LENGTH = 300
MAX_AMOUNT = Decimal(10) ** 12
"""Beyond any price or balance."""
MIN_AMOUNT = Decimal(10) ** -12
"""Below any price or balance that is not zero."""
MAX_CONTRACTS = 1_000_000
_MAX_ID = 2**63 - 1
_MAX_DIGITS = 64
_MAX_TEXT = 256

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_TIMESTAMP = re.compile(
    r"(?P<whole>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)"
    r"(?:\.(?P<fraction>\d{1,20}))?"
    r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS_PER_S = 1_000_000_000
_S_PER_DAY = 86_400
EARLIEST_NS = (datetime(2000, 1, 1, tzinfo=UTC) - _EPOCH).days * _S_PER_DAY * _NS_PER_S
LATEST_NS = (datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH).days * _S_PER_DAY * _NS_PER_S
"""Between these two lies any time that is meant as one."""


def excerpt(payload: object) -> str:
    """Return the start of a payload for people to read, without credentials."""
    try:
        text = repr(payload)
    except (ValueError, RecursionError):  # a number or a nesting too large to print
        text = f"<unprintable {type(payload).__name__}>"
    # Cut generously first (a large payload is slow to scrub), and again after hiding.
    return scrub(text[: 4 * EXCERPT_LENGTH])[:EXCERPT_LENGTH]


class Row:
    """One JSON object from the broker, read field by field.

    Every method raises `PayloadError` where the field is there but makes no sense, and where it is
    absent or null unless a default is given.
    """

    def __init__(self, source: str, payload: object) -> None:
        if not isinstance(payload, dict):
            raise PayloadError(source, "not an object", excerpt(payload))
        self._source = source
        self._payload: dict[Any, Any] = payload

    def fail(self, detail: str) -> PayloadError:
        """Return the error to raise for this row."""
        return PayloadError(self._source, detail, excerpt(self._payload))

    def has(self, name: str) -> bool:
        """Tell whether the field was sent at all, be it as null."""
        return name in self._payload

    def raw(self, name: str) -> object:
        """Return the field as it came; None where it is absent."""
        return self._payload.get(name)

    def integer(self, name: str, *, default: int | None = None) -> int:
        """Return a whole number; ids come as numbers or as text."""
        value = self._payload.get(name)
        if value is None and default is not None:
            return default
        number = _as_integer(value)
        if number is None:
            raise self.fail(f"{name} is no whole number")
        return number

    def optional_id(self, name: str) -> int | None:
        """Return an id, or None where it is absent, null or 0."""
        return self.integer(name, default=0) or None

    def contracts(self, name: str, *, default: int | None = None) -> int:
        """Return an unsigned number of contracts."""
        number = self.integer(name, default=default)
        if not 0 <= number <= MAX_CONTRACTS:
            raise self.fail(f"{name} is no number of contracts")
        return number

    def decimal(self, name: str) -> Decimal:
        """Return an exact, finite number of a plausible magnitude."""
        number = self.optional_decimal(name)
        if number is None:
            raise self.fail(f"{name} is missing")
        return number

    def optional_decimal(self, name: str) -> Decimal | None:
        """Return an exact, finite number, or None where it is absent or null."""
        value = self._payload.get(name)
        if value is None:
            return None
        number = _as_decimal(value)
        if number is None:
            raise self.fail(f"{name} is no plausible number")
        return number

    def text(self, name: str, *, default: str | None = None) -> str:
        """Return a non-empty text."""
        value = self._payload.get(name)
        if (value is None or value == "") and default is not None:
            return default
        if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
            raise self.fail(f"{name} is no text")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Return a truth value."""
        value = self._payload.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower(), value)
        if value is True or value is False:
            return value
        raise self.fail(f"{name} is neither true nor false")

    def code[E: IntEnum](self, name: str, kind: type[E], *, unknown: E | None = None) -> E:
        """Return an enum's member; a code it lacks gives `unknown`, or fails without one."""
        number = self.integer(name)
        try:
            return kind(number)
        except ValueError:
            if unknown is not None:
                return unknown
            raise self.fail(f"{name} {number} is unknown") from None

    def instant_ns(self, name: str) -> int:
        """Return an instant, ns of UTC; 0 where it is absent, null or no time of our days.

        The server's platform writes an unset time as year 1, and "never" as the end of 9999. No
        calendar reckons with such times, and no column of 64 bits holds those after 2262.
        """
        value = self._payload.get(name)
        if value is None:
            return 0
        instant_ns = parse_instant_ns(value) if isinstance(value, str) else None
        if instant_ns is None:
            raise self.fail(f"{name} is no time")
        return instant_ns if EARLIEST_NS <= instant_ns < LATEST_NS else 0


def parse_instant_ns(text: str) -> int | None:
    """Return an ISO 8601 instant as ns of UTC, or None where the text is none.

    Digits beyond nanoseconds are cut off; a time without zone is UTC.
    """
    match = _TIMESTAMP.fullmatch(text.strip())
    if match is None:
        return None
    zone = match["zone"] or "Z"
    try:
        whole = datetime.fromisoformat(match["whole"] + zone.upper())
        since = whole - _EPOCH
    except (ValueError, OverflowError):
        return None
    fraction_ns = int((match["fraction"] or "0")[:9].ljust(9, "0"))
    return (since.days * _S_PER_DAY + since.seconds) * _NS_PER_S + fraction_ns


def _as_integer(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if _INTEGER.fullmatch(text) else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or abs(value) > _MAX_ID:
        return None
    return value


def _as_decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        value = value.strip()
        if len(value) > _MAX_DIGITS:
            return None
    try:
        number = decimal_from(value)
    except (ValueError, ArithmeticError):
        return None
    if not number.is_finite() or abs(number) > MAX_AMOUNT:
        return None
    if number and abs(number) < MIN_AMOUNT:
        return None
    return number
