import pytest

from risk_actors import messages as m
from risk_actors.actors.timer import SeenWindows, TimerActor
from risk_actors.core.last_run import LastRun
from risk_actors.runtime.clock import Reference, SystemClock, VirtualClock
from risk_actors.runtime.control import Pulse, Resync
from tests.actors.facts import (
    DAY_END_NS,
    DAY_START_NS,
    WEEK_END_NS,
    calendar,
    context_of,
    tick,
)
from tests.conftest import MS, NOON_NS, RecordingOutbox, RecordingOverseer, S

DAY_NS = 86_400 * S


class Rig:
    """A timer, its clock and what it sent."""

    def __init__(self, at_ns: int, last_run: LastRun | None = None) -> None:
        self.clock = VirtualClock(at_ns)
        self.outbox = RecordingOutbox(TimerActor)
        self.seen = SeenWindows(calendar(), at_ns, last_run)
        self.timer = self.made()

    def made(self) -> TimerActor:
        """Return a timer as the supervisor makes it, also after a failure."""
        context = context_of("timer", self.outbox, self.clock, RecordingOverseer())
        return TimerActor(context, seen=self.seen)

    def pulse(self, at_ns: int) -> list[str]:
        """Return the types of what is sent at an instant, but for what is said of the step."""
        return [name for name in self.pulse_after_step(at_ns) if name != "ClockStepped"]

    def pulse_after_step(self, at_ns: int) -> list[str]:
        """Return the types of what is sent at an instant that the wall clock is set to."""
        self.outbox.clear()
        self.clock.step(at_ns - self.clock.now_ns())
        self.timer.handle_control(Pulse())
        return [type(message).__name__ for message in self.outbox.sent]


def test_every_pulse_is_a_tick_with_an_id_of_its_own() -> None:
    rig = Rig(NOON_NS)

    rig.pulse(NOON_NS)
    first = rig.outbox.only(m.Tick)
    rig.pulse(NOON_NS + 100 * MS)
    second = rig.outbox.only(m.Tick)

    assert (first.at_ns, second.at_ns) == (NOON_NS, NOON_NS + 100 * MS)
    assert first.correlation_id != second.correlation_id


def test_the_day_ends_at_its_instant_once_and_before_the_tick() -> None:
    rig = Rig(NOON_NS)

    assert rig.pulse(DAY_END_NS - 1) == ["Tick"]
    assert rig.pulse(DAY_END_NS) == ["DailyReset", "Tick"]
    reset = rig.outbox.only(m.DailyReset)
    assert (reset.day_start_ns, reset.day_end_ns) == (DAY_END_NS, DAY_END_NS + DAY_NS)
    assert reset.correlation_id == rig.outbox.only(m.Tick).correlation_id
    assert rig.pulse(DAY_END_NS + 100 * MS) == ["Tick"]


def test_at_the_end_of_the_week_the_week_is_told_before_the_day() -> None:
    rig = Rig(WEEK_END_NS - 1)

    assert rig.pulse(WEEK_END_NS) == ["WeeklyReset", "DailyReset", "Tick"]

    reset = rig.outbox.only(m.WeeklyReset)
    assert (reset.week_start_ns, reset.week_end_ns) == (WEEK_END_NS, WEEK_END_NS + 7 * DAY_NS)


def test_a_clock_set_back_repeats_no_reset() -> None:
    rig = Rig(WEEK_END_NS - 1)
    rig.pulse(WEEK_END_NS + 1 * S)

    assert rig.pulse(WEEK_END_NS - 30 * S) == ["Tick"]
    assert rig.pulse(WEEK_END_NS - 8 * DAY_NS) == ["Tick"]
    assert rig.pulse(WEEK_END_NS + 2 * S) == ["Tick"]
    assert rig.pulse(WEEK_END_NS + DAY_NS) == ["DailyReset", "Tick"]


def test_several_days_missed_give_one_reset_of_each_kind_for_the_present_day() -> None:
    rig = Rig(NOON_NS)

    assert rig.pulse(NOON_NS + 9 * DAY_NS) == ["WeeklyReset", "DailyReset", "Tick"]

    assert rig.outbox.only(m.DailyReset).day_start_ns == DAY_START_NS + 9 * DAY_NS
    assert rig.outbox.only(m.WeeklyReset).week_start_ns == WEEK_END_NS
    assert rig.pulse(NOON_NS + 9 * DAY_NS + 1) == ["Tick"]


def test_days_missed_within_a_week_leave_the_week_alone() -> None:
    rig = Rig(NOON_NS)

    assert rig.pulse(NOON_NS + 2 * DAY_NS) == ["DailyReset", "Tick"]


def test_starting_is_no_reset() -> None:
    rig = Rig(DAY_END_NS)

    assert rig.pulse(DAY_END_NS) == ["Tick"]


# --- resets that were missed ------------------------------------------------------------------


def test_a_reset_missed_while_down_is_told_with_the_first_pulse_once() -> None:
    last_run = LastRun(
        alive_ns=NOON_NS, day_start_ns=DAY_START_NS, week_start_ns=WEEK_END_NS - 7 * DAY_NS
    )
    rig = Rig(WEEK_END_NS + 1 * S, last_run)

    assert rig.pulse(WEEK_END_NS + 1 * S) == ["WeeklyReset", "DailyReset", "Tick"]
    daily, weekly = rig.outbox.only(m.DailyReset), rig.outbox.only(m.WeeklyReset)
    assert (daily.caught_up, daily.day_start_ns) == (True, WEEK_END_NS)
    assert (weekly.caught_up, weekly.week_start_ns) == (True, WEEK_END_NS)
    assert rig.pulse(WEEK_END_NS + 2 * S) == ["Tick"]
    assert rig.pulse(WEEK_END_NS + DAY_NS) == ["DailyReset", "Tick"]
    assert not rig.outbox.only(m.DailyReset).caught_up


def test_a_timer_that_is_made_again_tells_no_reset_twice_and_misses_none() -> None:
    rig = Rig(DAY_END_NS - 1 * S, LastRun(day_start_ns=DAY_START_NS))
    rig.pulse(DAY_END_NS)

    rig.timer = rig.made()
    assert rig.pulse(DAY_END_NS + 1 * S) == ["Tick"]

    rig.timer = rig.made()
    assert rig.pulse(DAY_END_NS + DAY_NS) == ["DailyReset", "Tick"]


# --- the PC's clock ---------------------------------------------------------------------------


def test_a_clock_that_was_set_is_told_once_and_before_the_reset_it_brings() -> None:
    rig = Rig(NOON_NS)
    rig.pulse(NOON_NS)

    assert rig.pulse_after_step(DAY_END_NS) == ["ClockStepped", "DailyReset", "Tick"]
    assert rig.outbox.only(m.ClockStepped).by_ns == DAY_END_NS - NOON_NS
    assert rig.pulse_after_step(DAY_END_NS) == ["Tick"]
    assert rig.pulse_after_step(NOON_NS) == ["ClockStepped", "Tick"]
    assert rig.outbox.only(m.ClockStepped).by_ns == NOON_NS - DAY_END_NS


class Machine:
    """A PC whose clock is a day ahead, and the broker's time."""

    def __init__(self) -> None:
        self.monotonic_ns = 0
        self.wall_ahead_ns = DAY_NS
        self.clock = SystemClock(
            lambda: DAY_END_NS - 60 * S + self.wall_ahead_ns + self.monotonic_ns,
            lambda: self.monotonic_ns,
        )
        truth = DAY_END_NS - 60 * S
        self.clock.set_reference(Reference(0, truth, truth + S), is_start=True)
        self.outbox = RecordingOutbox(TimerActor)
        context = context_of("timer", self.outbox, self.clock, RecordingOverseer())
        seen = SeenWindows(calendar(), self.clock.now_ns())
        self.timer = TimerActor(context, seen=seen)

    def live(self, for_s: int) -> list[m.Message]:
        """Return what is told but the ticks, over so many seconds of pulses."""
        self.outbox.clear()
        for _ in range(for_s * 10):
            self.monotonic_ns += 100 * MS
            self.timer.handle_control(Pulse())
        return [told for told in self.outbox.sent if not isinstance(told, m.Tick)]


def test_by_a_pc_clock_that_is_wrong_or_set_no_reset_comes_early_late_or_twice() -> None:
    machine = Machine()
    (wrong,) = machine.live(30)
    assert isinstance(wrong, m.ClockStepped)
    assert "The PC's clock is 1 d 0 h ahead of the broker's" in wrong.detail

    machine.wall_ahead_ns += 3_600 * S
    (step,) = machine.live(29)
    assert isinstance(step, m.ClockStepped)
    assert "was set ahead by 1 h 0 min; ours was not moved" in step.detail

    machine.wall_ahead_ns = 0
    (back, reset) = machine.live(2)
    assert isinstance(back, m.ClockStepped)
    assert isinstance(reset, m.DailyReset)
    assert 0 <= reset.at_ns - DAY_END_NS <= 100 * MS
    assert machine.live(60) == []


def test_control_that_is_no_pulse_is_no_tick() -> None:
    rig = Rig(NOON_NS)

    rig.timer.handle_control(Resync(address="pnl", reason="pnl was restarted"))

    assert rig.outbox.sent == []


def test_nothing_may_be_sent_to_the_timer() -> None:
    with pytest.raises(TypeError, match="the timer got Tick"):
        Rig(NOON_NS).timer.handle(tick())
