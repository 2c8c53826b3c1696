"""An instant of the record as a person reads it."""

from datetime import datetime, tzinfo

from risk_actors.core.evidence import NS_PER_S


def in_words(at_ns: object, zone: tzinfo) -> str:
    """Return day, time and zone: Tue 2026-11-17 12:00:00.000 CST; empty when it is no instant."""
    if not isinstance(at_ns, int):
        return ""
    try:
        at = datetime.fromtimestamp(at_ns // NS_PER_S, zone)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{at:%a %Y-%m-%d %H:%M:%S}.{at_ns // 1_000_000 % 1000:03} {at:%Z}"
