"""Steps of the machine's clock, told once each in plain words: set ahead, set back, slept."""

from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S

STEP_NS = NS_PER_S // 2
"""A wall clock that moved this far against the monotonic one was set, or the machine slept."""
SLEPT_NS = 5 * NS_PER_S
"""Looks are a tenth of a second apart, unless the machine slept or the program was held up."""
WRONG_FROM_NS = 2 * NS_PER_S
"""A clock that differs less from the broker's is left alone: the broker tells whole seconds."""


class Clocks(NamedTuple):
    """All clocks at one instant."""

    now_ns: int
    """What counts."""
    wall_ns: int
    """What the machine's clock shows."""
    monotonic_ns: int
    is_referenced: bool
    """Whether the broker's time is known and counts."""
    ahead_ns: int
    """By how much the clock that counts is known to be ahead of the broker's, else 0."""


class ClockStep(NamedTuple):
    """A step, and what became of it."""

    by_ns: int
    """Negative when set back."""
    detail: str


class ClockSteps:
    """Compares each look at the clocks with the one before."""

    def __init__(self) -> None:
        self._before: Clocks | None = None
        self._is_ahead = False

    def look(self, clocks: Clocks) -> ClockStep | None:
        """Return the step since the last look, None where there was none."""
        before, self._before = self._before, clocks
        was_ahead, self._is_ahead = self._is_ahead, clocks.ahead_ns > WRONG_FROM_NS
        if self._is_ahead and not was_ahead:
            return _ahead_of_broker(clocks)
        if before is None:
            return _wrong_at_start(clocks)
        wall_ns = _against_monotonic(before.wall_ns, clocks.wall_ns, before, clocks)
        ours_ns = _against_monotonic(before.now_ns, clocks.now_ns, before, clocks)
        passed_ns = clocks.monotonic_ns - before.monotonic_ns
        if abs(wall_ns) > STEP_NS:
            return ClockStep(wall_ns, _say_set(wall_ns, ours_ns, clocks))
        if ours_ns > STEP_NS:
            return ClockStep(
                ours_ns,
                f"Our clock was moved ahead by {span(ours_ns)} to the broker's time: "
                "the machine slept, or its clock was behind",
            )
        if passed_ns > SLEPT_NS:
            return ClockStep(
                passed_ns,
                f"The machine slept, or the program was held up, for {span(passed_ns)}; "
                "nothing was guarded meanwhile",
            )
        return None


def _against_monotonic(before_ns: int, after_ns: int, before: Clocks, after: Clocks) -> int:
    return (after_ns - before_ns) - (after.monotonic_ns - before.monotonic_ns)


def _wrong_at_start(clocks: Clocks) -> ClockStep | None:
    wrong_ns = clocks.wall_ns - clocks.now_ns
    if not clocks.is_referenced or abs(wrong_ns) <= WRONG_FROM_NS:
        return None
    side = "ahead of" if wrong_ns > 0 else "behind"
    return ClockStep(
        wrong_ns,
        f"The PC's clock is {span(wrong_ns)} {side} the broker's; the broker's time counts",
    )


def _ahead_of_broker(clocks: Clocks) -> ClockStep:
    return ClockStep(
        clocks.ahead_ns,
        f"Our clock is {span(clocks.ahead_ns)} ahead of the broker's and cannot go back: until "
        "they agree it runs slower, and the day and locks end that much early",
    )


def _say_set(wall_ns: int, ours_ns: int, clocks: Clocks) -> str:
    was = f"The PC's clock was set {'ahead' if wall_ns > 0 else 'back'} by {span(wall_ns)}"
    if abs(ours_ns) <= STEP_NS:
        why = "the broker's time counts" if clocks.is_referenced else "it never goes back"
        return f"{was}; ours was not moved, {why}"
    if wall_ns > 0:
        was += ", or the machine slept"
    if clocks.is_referenced:
        return f"{was}; ours was moved by {span(ours_ns)} to the broker's time"
    return f"{was}; ours follows, for the broker's time is not known"


def span(ns: int) -> str:
    """Return how long a time is, in its two largest units: `1 h 0 min`."""
    seconds = abs(ns) / NS_PER_S
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit_s, unit, part_s, part in _UNITS:
        if whole >= unit_s:
            return f"{whole // unit_s} {unit} {whole % unit_s // part_s} {part}"
    raise AssertionError("unreachable")


_MINUTE_S = 60
_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
