"""What the timer sends."""

from risk_actors.messages.base import Message


class Tick(Message, frozen=True, kw_only=True):
    """The clock, every 100 ms; whoever owns a deadline compares it."""


class DailyReset(Message, frozen=True, kw_only=True):
    """A trading day ended and the next began."""

    day_start_ns: int
    day_end_ns: int
    caught_up: bool = False
    """Whether it fell into a time when nothing ran, and is told at the start instead."""


class WeeklyReset(Message, frozen=True, kw_only=True):
    """A trading week ended and the next began."""

    week_start_ns: int
    week_end_ns: int
    caught_up: bool = False
    """Whether it fell into a time when nothing ran, and is told at the start instead."""


class ClockStepped(Message, frozen=True, kw_only=True):
    """The machine's wall clock was set, or the machine slept; `by_ns` is negative when set back."""

    by_ns: int
    detail: str
    """What became of it, in plain words."""
