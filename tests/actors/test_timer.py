import pytest

from risk_actors import messages as m
from risk_actors.actors.timer import SeenWindows, TimerActor
from risk_actors.runtime.clock import VirtualClock
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

    def __init__(self, at_ns: int) -> None:
        self.clock = VirtualClock(at_ns)
        self.outbox = RecordingOutbox(TimerActor)
        context = context_of("timer", self.outbox, self.clock, RecordingOverseer())
        self.timer = TimerActor(
            context, calendar=calendar(), seen=SeenWindows(calendar(), context.clock.now_ns())
        )

    def pulse(self, at_ns: int) -> list[str]:
        """Return the types of what is sent at an instant."""
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


def test_control_that_is_no_pulse_is_no_tick() -> None:
    rig = Rig(NOON_NS)

    rig.timer.handle_control(Resync(address="pnl", reason="pnl was restarted"))

    assert rig.outbox.sent == []


def test_nothing_may_be_sent_to_the_timer() -> None:
    with pytest.raises(TypeError, match="the timer got Tick"):
        Rig(NOON_NS).timer.handle(tick())
