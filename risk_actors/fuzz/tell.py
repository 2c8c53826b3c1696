"""A day and what broke in it, in words."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.fuzz.day import Day
from risk_actors.fuzz.findings import Finding

_CHICAGO = ZoneInfo("America/Chicago")
_QUIET = {"type", "at_s", "kind", "begin_s", "end_s"}


def told_day(day: Day) -> Iterator[str]:
    """Yield the day line by line, in the order in which things happen."""
    begins = datetime.fromtimestamp(day.start_ns // 1_000_000_000, UTC).astimezone(_CHICAGO)
    yield f"seed {day.seed}: {begins:%A %Y-%m-%d %H:%M:%S} in Chicago, {day.length_s:.0f} s"
    accounts = ", ".join(str(account.id) for account in day.accounts)
    yield f"  accounts {accounts}; symbols {', '.join(day.symbols)}; unlock {day.unlock.value}"
    if day.pc_ahead_s is not None:
        yield f"  the PC's clock is {day.pc_ahead_s:+g} s wrong"
    for rule in day.rules:
        others = {key: value for key, value in rule.items() if key not in ("id", "type")}
        yield f"  rule {rule['id']}: {_words(others)}"
    lines = [(news.at_s, f"news {_words(msgspec.to_builtins(news))}") for news in day.news]
    for deed in day.deeds:
        parts = msgspec.to_builtins(deed)
        lines.append((deed.at_s, f"{parts['type'].lower()} {_words(parts)}"))
    for fault in day.faults:
        words = _words(msgspec.to_builtins(fault))
        lines.append((fault.begin_s, f"fault {fault.kind} begins: {words}"))
        lines.append((fault.end_s, f"fault {fault.kind} ends"))
    for at_s, line in sorted(lines):
        yield f"  {at_s:10.3f}  {line}"


def told_findings(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield what broke."""
    for finding in findings:
        yield f"  {finding.invariant} at {finding.at_s:.3f} s: {finding.what}"


def _words(parts: dict[str, object]) -> str:
    return ", ".join(
        f"{key} {value}"
        for key, value in parts.items()
        if key not in _QUIET and value is not None and value != ()
    )
