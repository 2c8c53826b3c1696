"""The timer actor: time enters the system here, and nothing is ever sent to it."""

from typing import Any

from risk_actors import messages as m
from risk_actors.core.clock_steps import ClockSteps
from risk_actors.core.last_run import LastRun
from risk_actors.core.schedules import WEEKLY_RESET, Due, Told
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.clock import read
from risk_actors.runtime.control import Control, Pulse

TICK_EVERY_S = 0.1


class SeenWindows:
    """The day and week told last. They outlive the actor, so that no restart misses a reset.

    Made before any other actor is, so that a reset which falls into the start is told to those
    that were made before it; begun from what the last run told, so that one which fell into the
    time between is told at the start, once. It is kept by the journal when it is told: a process
    that is killed before that tells it again, which changes nothing for those who are told.
    """

    def __init__(
        self, calendar: TradingCalendar, now_ns: int, last_run: LastRun | None = None
    ) -> None:
        self.told = Told(calendar, now_ns, last_run or LastRun())
        self.clock_steps = ClockSteps()


class TimerActor(Actor):
    """Turns pulses of the clock into ticks and resets, and tells when the PC's clock was set."""

    kind = "timer"
    receives = frozenset()
    sends = frozenset({m.Tick, m.DailyReset, m.WeeklyReset, m.ClockStepped})

    def __init__(self, context: ActorContext, *, seen: SeenWindows) -> None:
        super().__init__(context)
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
        clocks = read(self.clock)
        now_ns = clocks.now_ns
        self._ticks += 1
        correlation_id = f"tick-{self._started_ns // 1_000_000}-{self._ticks}"
        step = self._seen.clock_steps.look(clocks)
        if step is not None:
            self.outbox.send(
                m.ClockStepped(
                    correlation_id=correlation_id,
                    at_ns=now_ns,
                    by_ns=step.by_ns,
                    detail=step.detail,
                )
            )
        for due in self._seen.told.due(now_ns):
            self.outbox.send(self._reset(due, correlation_id, now_ns))
        self.outbox.send(m.Tick(correlation_id=correlation_id, at_ns=now_ns))

    @staticmethod
    def _reset(due: Due, correlation_id: str, now_ns: int) -> m.WeeklyReset | m.DailyReset:
        if due.name == WEEKLY_RESET:
            return m.WeeklyReset(
                correlation_id=correlation_id,
                at_ns=now_ns,
                week_start_ns=due.window.start_ns,
                week_end_ns=due.window.end_ns,
                caught_up=due.caught_up,
            )
        return m.DailyReset(
            correlation_id=correlation_id,
            at_ns=now_ns,
            day_start_ns=due.window.start_ns,
            day_end_ns=due.window.end_ns,
            caught_up=due.caught_up,
        )
