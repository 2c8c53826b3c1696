"""Why a rule decided: a sentence kept as template and figures, put into words only when shown.

Rules run on the path from broker event to command, where nothing is formatted; so a verdict
carries its figures, and the log, the store and the screens make the sentence.
"""

import string
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from risk_actors.core.money import to_cents

NS_PER_S = 1_000_000_000

type Figure = Decimal | int | str | None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence with named figures, such as `Day P&L {pnl:usd} reached {limit:usd}`.

    Formats: `usd` (dollars and cents), `time` (an instant in ns shown in the trader's zone),
    none (as it is).
    """

    template: str
    figures: dict[str, Figure] = {}

    def sentence(self, zone: tzinfo = UTC) -> str:
        """Return the sentence in plain words, instants in the given time zone."""
        return _SentenceFormatter(zone).vformat(self.template, (), self.figures)


def format_usd(amount_usd: Decimal) -> str:
    """Return dollars with cents and thousands separators: -1,234.50.

    Rounded as amounts are compared, so that what is shown agrees with what was decided.
    """
    return f"{Decimal(to_cents(amount_usd)).scaleb(-2):,.2f}"


def format_instant(at_ns: int, zone: tzinfo) -> str:
    """Return hour, minute, second and zone of an instant: 10:31:07 CST."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, zone).strftime("%H:%M:%S %Z")


def format_day_and_instant(at_ns: int, zone: tzinfo) -> str:
    """Return an instant that may lie on another day: Sat 17:00:00 CST."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, zone).strftime("%a %H:%M:%S %Z")


def format_instant_from(at_ns: int, now_ns: int, zone: tzinfo) -> str:
    """Return an instant as seen from another: with its weekday where it lies on another day."""
    day, today = (datetime.fromtimestamp(each // NS_PER_S, zone).date() for each in (at_ns, now_ns))
    return format_instant(at_ns, zone) if day == today else format_day_and_instant(at_ns, zone)


def iso_utc(at_ns: int) -> str:
    """Return an instant as ISO 8601 text in UTC with milliseconds."""
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC).isoformat(timespec="milliseconds")


class _SentenceFormatter(string.Formatter):
    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return "unknown"
        if format_spec == "usd":
            return format_usd(value)
        if format_spec == "time":
            return format_instant(value, self._zone)
        return str(value)
