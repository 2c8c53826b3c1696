"""Named schedules: when each was last due, when it is next, and which run was missed.

A schedule is a cron expression in a time zone; its runs divide time into windows. Of runs that were
missed only the latest counts: what a day or week begins with is begun once, however many passed.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from risk_actors.core.last_run import LastRun
from risk_actors.core.trading_calendar import ResetSchedule, TradingCalendar, Window

DAILY_RESET = "daily_reset"
WEEKLY_RESET = "weekly_reset"


class Schedule(NamedTuple):
    """A schedule with the name that it is kept and shown by."""

    name: str
    runs: ResetSchedule

    @property
    def cron(self) -> str:
        """Return the cron expression."""
        return self.runs.cron

    @property
    def zone(self) -> str:
        """Return the name of the zone whose clocks it means."""
        return self.runs.zone.key

    def window(self, at_ns: int) -> Window:
        """Return the time from the last run at or before an instant to the next one after it."""
        return self.runs.window(at_ns)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is to be told."""

    name: str
    window: Window
    """From this run to the next."""
    caught_up: bool
    """Whether it fell into a time when nothing ran."""


class Told:
    """What was told of each schedule; the next is due once the clock is past its end.

    A reset is told within one tick of its instant, at the next start, or after a sleep, once. What
    the clock says of earlier times tells nothing: one set back repeats no run.
    """

    def __init__(self, calendar: TradingCalendar, now_ns: int, last_run: LastRun) -> None:
        """Begin from what the run before told.

        Where it told nothing yet, what its last sign of life fell into counts as told. A run that
        lies ahead of now was told by a clock that was wrong, and is told again in its time.
        """
        told = {
            WEEKLY_RESET: (calendar.weekly, last_run.week_start_ns),
            DAILY_RESET: (calendar.daily, last_run.day_start_ns),
        }
        self.schedules = tuple(Schedule(name, runs) for name, (runs, _) in told.items())
        """In the order in which runs of one instant are told: the week before its first day."""
        self._started_ns = now_ns
        self._last: dict[str, Window] = {}
        for name, (runs, told_ns) in told.items():
            last_ns = last_run.alive_ns if told_ns is None else told_ns
            self._last[name] = runs.window(now_ns if last_ns is None else min(last_ns, now_ns))

    def runs(self) -> dict[str, tuple[Schedule, Window]]:
        """Return each schedule with the time from the run told last to the next."""
        return {each.name: (each, self._last[each.name]) for each in self.schedules}

    def due(self, now_ns: int) -> Iterator[Due]:
        """Yield the runs to tell now; each counts as told when the next is asked for.

        So one that could not be told is due again.
        """
        for schedule in self.schedules:
            if now_ns < self._last[schedule.name].end_ns:
                continue
            window = schedule.window(now_ns)
            is_late = window.start_ns <= self._started_ns
            yield Due(name=schedule.name, window=window, caught_up=is_late)
            self._last[schedule.name] = window
