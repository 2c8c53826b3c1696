"""What is sent: some alerts in one message, short enough for a phone."""

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.core.evidence import format_instant

MOST_LINES = 10
MOST_CHARS_OF_LINE = 300

_HEADLINES = {
    AlertKind.BREACH: "Rule broken",
    AlertKind.LOCK: "LOCKED",
    AlertKind.UNLOCK: "Unlock",
    AlertKind.WARNING: "Warning",
    AlertKind.UNKNOWN: "Cannot check",
    AlertKind.ENFORCEMENT: "Enforcement",
    AlertKind.REFUSED: "Refused by the broker",
    AlertKind.CONNECTION: "Degraded",
    AlertKind.BLIND: "BLIND",
    AlertKind.NO_DATA: "POSITION OPEN, NO DATA",
    AlertKind.SETTINGS: "Settings",
    AlertKind.ACTOR: "Fault",
    AlertKind.DAEMON: "risk-actors",
    AlertKind.DISARM: "Armed or disarmed",
}
_FIRST = (AlertKind.NO_DATA, AlertKind.BLIND, AlertKind.LOCK)
"""What the headline says first, among what matters equally."""


class Held(NamedTuple):
    """What was held back, in sum."""

    kinds: tuple[tuple[AlertKind, int], ...]
    newest: Alert
    why: str

    @property
    def alerts(self) -> int:
        """How many there were."""
        return sum(count for _, count in self.kinds)


class Letter(NamedTuple):
    """One message."""

    title: str
    body: str
    severity: Severity
    alerts: int
    """How many it tells of."""
    is_urgent: bool = False
    late: int = 0
    """How many of them could not be delivered before."""


def write(
    alerts: Sequence[Alert],
    zone: tzinfo,
    *,
    mode: str = "",
    held: Held | None = None,
    dropped: int = 0,
    were_urgent_dropped: bool = False,
    late: int = 0,
) -> Letter:
    """Put alerts into one message.

    Args:
        alerts: in the order in which they came.
        zone: for the times.
        mode: `paper` or `live`; empty where it does not matter.
        held: what was held back before.
        dropped: how many were dropped because too many waited, or for too long.
        were_urgent_dropped: whether urgent ones are among them.
        late: how many of the alerts could not be delivered before.
    """
    lines = [_line(alert, zone) for alert in _shown(_by_cause(alerts))]
    left = len(alerts) - len(lines)
    if left:
        lines.append(f"and {left} more: see `risk-actors status` and `risk-actors audit`")
    if held is not None:
        kinds = ", ".join(f"{count} {kind}" for kind, count in held.kinds)
        lines.append(f"{held.alerts} held back ({held.why}): {kinds}; the newest of them:")
        lines.append(_line(held.newest, zone))
    if dropped:
        which = "alerts" if were_urgent_dropped else "lesser alerts"
        lines.append(f"{dropped} {which} were dropped: they could not be delivered in time")
    if late:
        lines.insert(0, f"LATE: {late} of these could not be delivered when it happened")
    told = alerts or (() if held is None else (held.newest,))
    return Letter(
        title=f"{f'[{mode}] ' if mode else ''}{_headline(told)}",
        body="\n".join(lines),
        severity=max((alert.severity for alert in told), key=lambda s: s.rank),
        alerts=len(alerts) + (0 if held is None else held.alerts),
        is_urgent=any(alert.is_urgent for alert in alerts),
        late=late,
    )


def sum_up(alerts: Sequence[Alert], why: str) -> Held | None:
    """Return alerts in sum; None for none."""
    if not alerts:
        return None
    counts = Counter(alert.kind for alert in alerts)
    return Held(tuple(counts.most_common()), alerts[-1], why)


def _by_cause(alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts with those of one cause one after the other."""
    first: dict[str, int] = {}
    for number, alert in enumerate(alerts):
        first.setdefault(alert.correlation_id or f" {number}", number)
    places = [first[alert.correlation_id or f" {number}"] for number, alert in enumerate(alerts)]
    order = sorted(range(len(alerts)), key=lambda number: (places[number], number))
    return [alerts[number] for number in order]


def _shown(alerts: Sequence[Alert]) -> list[Alert]:
    """Return as many as fit, in their order; what is urgent goes before the rest."""
    ranked = sorted(range(len(alerts)), key=lambda number: not alerts[number].is_urgent)
    return [alerts[number] for number in sorted(ranked[:MOST_LINES])]


def _line(alert: Alert, zone: tzinfo) -> str:
    whose = f"{alert.account}: " if alert.account else ""
    text = " ".join(f"{whose}{alert.text}".split())
    if len(text) > MOST_CHARS_OF_LINE:
        text = f"{text[: MOST_CHARS_OF_LINE - 1]}…"
    return f"{format_instant(alert.at_ns, zone)} {text}"


def _headline(alerts: Sequence[Alert]) -> str:
    worst = min(alerts, key=lambda a: (-a.severity.rank, a.kind not in _FIRST))
    names = list(dict.fromkeys(a.account for a in alerts if a.kind is worst.kind and a.account))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    whose = f": {names[0]}{more}" if names else ""
    head = _HEADLINES[worst.kind]
    if worst.kind is AlertKind.DAEMON or whose:
        return f"{head}{whose}"
    return head
