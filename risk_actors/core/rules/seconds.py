"""Spans of time from settings, where they are seconds that may have a fraction."""

from decimal import Decimal

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.money import decimal_from


def shown_seconds(seconds: float) -> Decimal:
    """Return seconds as people write them: 90, not 90.0."""
    return Decimal(int(seconds)) if seconds == int(seconds) else decimal_from(seconds)


def span_ns(seconds: float) -> int:
    """Return a span in whole nanoseconds."""
    return round(seconds * NS_PER_S)
