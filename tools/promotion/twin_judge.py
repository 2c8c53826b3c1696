"""Judges a day that was played twice: which breaches were missed, and which were false.

**Missed**: the rule stood broken in truth, for longer than it takes to see it while nothing
disturbed the guard's sight, and the guard did not find it by then. A breach that came and went
while the guard was blind could not be seen by anybody; it is counted apart.

**False**: the guard found a breach, and in truth the rule was not broken then, nor at any time
since the guard last saw clearly. What it heard late is late, not false.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from promotion.twin_days import Span, Told, TwinDay
from risk_actors.core.evidence import NS_PER_S

SEEN_WITHIN_NS = 2 * NS_PER_S
"""With a clear sight: events of one fill take some milliseconds, a tick 100 ms, an unclear price
half a second, and P&L that does not add up is read anew after 250 ms."""
EARLY_NS = NS_PER_S
"""Delays of events are drawn anew in each world: the disturbed one may be told first."""
RECOVERS_WITHIN_NS = 45 * NS_PER_S
"""After a disturbance: accounts are read every 30 s, and a read that failed is repeated."""


type _Say = Callable[[str, int], None]


@dataclass
class Judged:
    """What came of days."""

    true: int = 0
    """Breaches in truth."""
    seeable: int = 0
    """Those that stood long enough with a clear sight, and those that were found anyway."""
    unseen: int = 0
    """The rest: they came and went while the guard was blind."""
    found: int = 0
    """Breaches that the guard found."""
    missed: int = 0
    false: int = 0
    delays_ns: list[int] = field(default_factory=list)
    """With a clear sight, from the breach in truth to its being found; below 0 where it was told
    earlier than in truth."""
    words: list[str] = field(default_factory=list)
    """Each missed and each false one, for a person."""

    def delay_ms(self) -> dict[str, float]:
        """Return the median and the longest delay in milliseconds."""
        if not self.delays_ns:
            return {}
        delays = [delay / 1_000_000 for delay in self.delays_ns]
        return {"median": statistics.median(delays), "most": max(delays)}


def judge_day(day: TwinDay, judged: Judged) -> None:
    """Add what came of a day; instants are told in seconds since its start."""
    dark = _merged([Span(s.since_ns - 1, s.until_ns + RECOVERS_WITHIN_NS) for s in day.blind])
    for account, truth in day.truth.accounts.items():
        told = day.told.accounts[account]
        judged.true += len(truth.broken)
        judged.found += len(told.found_ns)

        def say(what: str, at_ns: int, account: int = account) -> None:
            at_s = (at_ns - day.start_ns) / NS_PER_S
            judged.words.append(f"{what}: day {day.seed}, account {account}, {at_s:.1f} s")

        for broken in truth.broken:
            _judge_breach(broken, told, dark, judged, say)
        for at_ns in told.found_ns:
            if not _was_true(at_ns, truth, dark):
                judged.false += 1
                say("FALSE FLATTEN", at_ns)


def _judge_breach(
    broken: Span, told: Told, dark: Sequence[Span], judged: Judged, say: _Say
) -> None:
    deadline_ns = _clear_from(broken.since_ns, dark) + SEEN_WITHIN_NS
    seen_ns = _seen_ns(broken, told, deadline_ns)
    if seen_ns is not None:
        judged.seeable += 1
        if deadline_ns == broken.since_ns + SEEN_WITHIN_NS:
            judged.delays_ns.append(seen_ns - broken.since_ns)
        if seen_ns > deadline_ns:
            judged.missed += 1
            say("MISSED BREACH (found too late)", broken.since_ns)
    elif broken.until_ns <= deadline_ns:
        judged.unseen += 1
    else:
        judged.seeable += 1
        judged.missed += 1
        say("MISSED BREACH", broken.since_ns)


def _seen_ns(broken: Span, told: Told, deadline_ns: int) -> int | None:
    """Return when the guard found a breach, while it stood or until it had to be seen."""
    early_ns, late_ns = broken.since_ns - EARLY_NS, max(broken.until_ns, deadline_ns)
    found = [at_ns for at_ns in told.found_ns if early_ns <= at_ns <= late_ns]
    # It may have stood broken there since the breach before, and then says nothing new.
    found += [
        max(span.since_ns, broken.since_ns)
        for span in told.broken
        if span.since_ns <= late_ns and span.until_ns > broken.since_ns
    ]
    return min(found, default=None)


def _was_true(at_ns: int, truth: Told, dark: Sequence[Span]) -> bool:
    """Tell whether the rule was broken at an instant, or since the sight was clear before it."""
    since_ns = min([at_ns - SEEN_WITHIN_NS, *(s.since_ns for s in dark if at_ns in _range(s))])
    return any(
        span.since_ns <= at_ns + EARLY_NS and span.until_ns >= since_ns for span in truth.broken
    ) or any(since_ns <= each <= at_ns + EARLY_NS for each in truth.found_ns)


def _clear_from(at_ns: int, dark: Sequence[Span]) -> int:
    """Return from when on the sight is clear."""
    return max([at_ns, *(span.until_ns for span in dark if at_ns in _range(span))])


def _range(span: Span) -> range:
    return range(span.since_ns - EARLY_NS, span.until_ns)


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Return spans that do not touch each other, in order."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.since_ns <= merged[-1].until_ns + SEEN_WITHIN_NS:
            merged[-1] = Span(merged[-1].since_ns, max(merged[-1].until_ns, span.until_ns))
        else:
            merged.append(span)
    return merged
