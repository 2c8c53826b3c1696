"""The timer actor: time enters the system here, and nothing is ever sent to it."""

from typing import Any

from risk_actors import messages as m
from risk_actors.core.last_run import LastRun
from risk_actors.core.trading_calendar import TradingCalendar, Window
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Pulse

TICK_EVERY_S = 0.1


class SeenWindows:
    """The day and week told last. They outlive the actor, so that no restart misses a reset.

    Made before any other actor is, so that a reset which falls into the start is told to those
    that were made before it.
    """

    def __init__(
        self, calendar: TradingCalendar, now_ns: int, last_run: LastRun | None = None
    ) -> None:
        self.day = calendar.day(now_ns)
        self.week = calendar.week(now_ns)
        self.last_run = last_run or LastRun()


class TimerActor(Actor):
    """Turns pulses of the clock into ticks and resets."""

    kind = "timer"
    receives = frozenset()
    sends = frozenset({m.Tick, m.DailyReset, m.WeeklyReset, m.ClockStepped})

    def __init__(
        self, context: ActorContext, *, calendar: TradingCalendar, seen: SeenWindows
    ) -> None:
        super().__init__(context)
        self._calendar = calendar
        self._seen = seen
        self._ticks = 0
        self._started_ns = context.clock.now_ns()

    def handle(self, message: Any) -> None:
        """Nothing is sent to the timer."""
        raise TypeError(f"the timer got {type(message).__name__}")

    def handle_control(self, message: Control) -> None:
        """Look at the clock: tell resets first, so that a tick never sees yesterday."""
        if not isinstance(message, Pulse):
            return
        now_ns = self.clock.now_ns()
        self._ticks += 1
        correlation_id = f"tick-{self._started_ns // 1_000_000}-{self._ticks}"
        day, week = self._calendar.day(now_ns), self._calendar.week(now_ns)
        if _is_later(week, self._seen.week):
            self._seen.week = week
            self.outbox.send(
                m.WeeklyReset(
                    correlation_id=correlation_id,
                    at_ns=now_ns,
                    week_start_ns=week.start_ns,
                    week_end_ns=week.end_ns,
                )
            )
        if _is_later(day, self._seen.day):
            self._seen.day = day
            self.outbox.send(
                m.DailyReset(
                    correlation_id=correlation_id,
                    at_ns=now_ns,
                    day_start_ns=day.start_ns,
                    day_end_ns=day.end_ns,
                )
            )
        self.outbox.send(m.Tick(correlation_id=correlation_id, at_ns=now_ns))


def _is_later(window: Window, than: Window) -> bool:
    """Tell whether a window begins after another; a clock set back repeats no reset."""
    return window.start_ns > than.start_ns
