"""Resets, locks and deadlines through steps of the clock, sleeps, restarts and daylight saving.

The broker has a clock of its own, which is right. The actors run on a PC whose clock is set, whose
machine sleeps, or which is simply wrong.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from memory_broker import S
from world import CHICAGO_DAYS, World, rule

from risk_actors import messages as m
from risk_actors.core.last_run import LastRun
from risk_actors.core.rules.lock_settings import LockSettings, LockUntil
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.runtime.clock import Reference, SystemClock, VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.simulator.records import Side, Ticket

CHICAGO = ZoneInfo("America/Chicago")
MINUTE, HOUR = 60 * S, 3_600 * S
DAY = 24 * HOUR


def chicago(year: int, month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=CHICAGO).timestamp()) * S


RESET = chicago(2026, 11, 17, 17)
"""Tuesday, a daily reset."""
WEEK_RESET = chicago(2026, 11, 22, 17)


@dataclass
class Pc:
    """A PC's clocks over the true time; the broker's time is known from the start."""

    truth: VirtualClock
    ahead_ns: int = 0

    def clock(self, *, told: bool = True) -> SystemClock:
        made = SystemClock(lambda: self.truth.now_ns() + self.ahead_ns, self.truth.monotonic_ns)
        if told:
            now_ns = self.truth.now_ns()
            made.set_reference(Reference(made.monotonic_ns(), now_ns, now_ns), is_start=True)
        return made


def resets(world: World) -> list[tuple[str, int, bool]]:
    """Return what was told of resets: kind, the instant of the reset, whether caught up."""
    return [
        (entry.kind, getattr(entry.message, "day_start_ns", 0), entry.message.caught_up)
        if isinstance(entry.message, m.DailyReset)
        else (entry.kind, entry.message.week_start_ns, entry.message.caught_up)
        for entry in world.journal.entries
        if isinstance(entry.message, m.DailyReset | m.WeeklyReset)
    ]


def told(world: World, kind: type[m.Message]) -> list[m.Message]:
    return [e.message for e in world.journal.entries if isinstance(e.message, kind)]


def panic(world: World) -> None:
    """Lock account 101 until the daily reset."""
    contract_id = world.broker.contract_ids[0]
    world.broker.exchange.place(
        Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=9),
        world.clock.now_ns(),
    )
    world.reconcile()
    world.run(2)
    assert 101 in world.locked_accounts()


def locking() -> object:
    return rule(
        "max_contracts", limit=5, response="flatten", lock=LockSettings(until=LockUntil.DAILY_RESET)
    )


def made(start_ns: int, **terms: object) -> World:
    return World(3, locking(), start_ns=start_ns, **terms)  # type: ignore[arg-type]


def run_until(world: World, at_ns: int) -> None:
    world.run((at_ns - world.clock.now_ns()) / S)


# --- within one tick ------------------------------------------------------------------------


def test_a_reset_is_told_and_a_lock_ends_within_a_tick_of_its_instant() -> None:
    world = made(RESET - MINUTE)
    panic(world)

    run_until(world, RESET + 2 * S)

    (daily,) = told(world, m.DailyReset)
    assert 0 <= daily.at_ns - RESET <= S // 10
    assert world.locked_accounts() == set()
    (ended,) = [e for e in told(world, m.LocksChanged) if getattr(e, "ended", None)]
    assert 0 <= ended.at_ns - RESET <= S // 10
    world.assert_safe()


def test_of_a_week_and_a_day_that_begin_together_the_week_is_told_first() -> None:
    world = made(WEEK_RESET - 5 * S)

    run_until(world, WEEK_RESET + 5 * S)

    assert resets(world) == [
        ("WeeklyReset", WEEK_RESET, False),
        ("DailyReset", WEEK_RESET, False),
    ]


@pytest.mark.parametrize(
    ("cron", "reset"),
    [
        ("0 17 * * *", chicago(2026, 3, 8, 17)),
        ("0 17 * * *", chicago(2026, 11, 1, 17)),
        ("30 2 * * *", chicago(2026, 3, 8, 3)),
        ("30 1 * * *", chicago(2026, 11, 1, 1, 30)),
    ],
)
def test_a_reset_on_the_day_of_a_clock_change_comes_once_in_its_time(cron: str, reset: int) -> None:
    calendar = TradingCalendar(
        zone=CHICAGO, daily_reset=cron, weekly_reset=cron.replace("* *", "* *")
    )
    world = made(reset - 5 * S, calendar=calendar)

    run_until(world, reset + 5 * S)

    assert resets(world) == [("WeeklyReset", reset, False), ("DailyReset", reset, False)]
    world.clock.advance(HOUR - 10 * S)
    world.run(30)
    assert len(resets(world)) == 2


# --- restarts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_day", "down_for", "expected"),
    [
        (RESET - DAY, 10 * S, []),
        (RESET - DAY, 2 * MINUTE, [("DailyReset", RESET, True)]),
        (RESET, 2 * MINUTE, []),
        (RESET - DAY, 2 * DAY, [("DailyReset", RESET + DAY, True)]),
        (
            RESET - DAY,
            6 * DAY,
            [("WeeklyReset", WEEK_RESET, True), ("DailyReset", WEEK_RESET, True)],
        ),
    ],
)
def test_what_fell_into_the_time_when_nothing_ran_is_told_at_the_start_once(
    last_day: int, down_for: int, expected: list[tuple[str, int, bool]]
) -> None:
    world = made(RESET - MINUTE)
    last_run = LastRun(
        alive_ns=world.clock.now_ns(), day_start_ns=last_day, week_start_ns=WEEK_RESET - 7 * DAY
    )
    world.clock.advance(down_for)
    world.start(last_run, world.clock)

    world.run(5)

    assert resets(world) == expected


@pytest.mark.parametrize("sunday", [chicago(2026, 3, 8, 17), chicago(2026, 11, 1, 17)])
def test_a_week_that_began_while_down_over_a_clock_change_is_told_once_and_not_before(
    sunday: int,
) -> None:
    """The week before it was an hour shorter or longer than others."""
    world = made(sunday - 6 * DAY)
    last_run = LastRun(
        alive_ns=world.clock.now_ns(),
        day_start_ns=CHICAGO_DAYS.day(sunday - 6 * DAY).start_ns,
        week_start_ns=CHICAGO_DAYS.week(sunday - 6 * DAY).start_ns,
    )

    world.clock.advance(sunday - 30 * S - world.clock.now_ns())
    world.start(last_run, world.clock)
    world.run(5)
    assert resets(world) == [("DailyReset", CHICAGO_DAYS.day(sunday - S).start_ns, True)]

    world.clock.advance(MINUTE)
    world.start(last_run, world.clock)
    world.run(5)
    assert resets(world)[1:] == [("WeeklyReset", sunday, True), ("DailyReset", sunday, True)]


def test_a_reset_told_again_after_a_kill_changes_nothing() -> None:
    """The kill came before the journal wrote it: it is told again to everybody."""
    world = made(RESET - MINUTE)
    contract_id = world.broker.contract_ids[0]
    world.broker.exchange.place(
        Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=1), RESET - MINUTE
    )
    run_until(world, RESET + MINUTE)
    world.reconcile()
    world.run(3)
    before = world.account(101)

    world.start(LastRun(day_start_ns=RESET - DAY, week_start_ns=WEEK_RESET - 7 * DAY), world.clock)
    world.run(3)

    after = world.account(101)
    assert resets(world)[-1] == ("DailyReset", RESET, True)
    assert (after.day.realized, after.day.trades, after.day.entries, after.week) == (
        before.day.realized,
        before.day.trades,
        before.day.entries,
        before.week,
    )
    assert [p.size for p in after.positions] == [p.size for p in before.positions] == [1]
    world.assert_safe()


@pytest.mark.parametrize("ahead", [5 * MINUTE, DAY, 3 * DAY, -5 * MINUTE, -DAY])
def test_a_restart_on_a_pc_whose_clock_is_wrong_ends_no_lock_early_or_late(ahead: int) -> None:
    world = made(RESET - 10 * MINUTE)
    panic(world)
    last_run = LastRun(
        alive_ns=world.clock.now_ns(),
        day_start_ns=RESET - DAY,
        week_start_ns=WEEK_RESET - 7 * DAY,
    )

    world.start(last_run, Pc(world.clock, ahead).clock())
    run_until(world, RESET - S // 2)
    assert world.locked_accounts() == {101}
    assert resets(world) == []
    (wrong,) = told(world, m.ClockStepped)
    assert "the broker's time counts" in getattr(wrong, "detail", "")

    run_until(world, RESET + S)
    assert world.locked_accounts() == set()
    assert resets(world) == [("DailyReset", RESET, False)]
    world.assert_safe()


def test_fills_of_the_last_minutes_belong_to_today_on_a_pc_that_is_five_minutes_fast() -> None:
    world = World(3, rule("daily_loss_limit", limit_usd=300.0), start_ns=RESET - 3 * MINUTE)
    world.start(LastRun(), Pc(world.clock, 5 * MINUTE).clock())
    contract_id = world.broker.contract_ids[0]
    world.run(2)
    for side in (Side.BUY, Side.SELL):
        world.broker.exchange.place(
            Ticket(account_id=101, contract_id=contract_id, side=side, size=1),
            world.clock.now_ns(),
        )
    world.reconcile()
    world.run(2)

    world.assert_agrees_with_broker()
    assert world.account(101).day.trades == 1

    run_until(world, RESET + 2 * S)
    assert world.account(101).day.trades == 0
    assert world.account(101).day.realized == 0


# --- steps while it runs --------------------------------------------------------------------


@pytest.mark.parametrize("step", [HOUR, DAY, -HOUR, -DAY])
def test_the_pc_clock_set_while_a_lock_is_in_force_changes_nothing_but_is_told(step: int) -> None:
    world = made(RESET - 5 * MINUTE)
    pc = Pc(world.clock)
    world.start(LastRun(), pc.clock())
    panic(world)

    pc.ahead_ns += step
    world.run(30)

    assert world.locked_accounts() == {101}
    (said,) = [event for event in world.frame.picture.events if event.kind == "clock"]
    assert "ours was not moved, the broker's time counts" in said.text
    run_until(world, RESET - S // 2)
    assert world.locked_accounts() == {101}
    run_until(world, RESET + S)
    assert world.locked_accounts() == set()
    assert resets(world) == [("DailyReset", RESET, False)]


@pytest.mark.parametrize(
    ("slept", "expected"),
    [
        (HOUR, [("DailyReset", RESET)]),
        (3 * DAY, [("DailyReset", RESET + 2 * DAY)]),
        (6 * DAY, [("WeeklyReset", WEEK_RESET), ("DailyReset", WEEK_RESET)]),
    ],
)
def test_a_sleep_over_resets_tells_the_latest_once_and_ends_the_locks_that_are_over(
    slept: int, expected: list[tuple[str, int]]
) -> None:
    world = made(RESET - 5 * MINUTE)
    panic(world)

    world.clock.advance(slept)
    world.run(5)

    assert [each[:2] for each in resets(world)] == expected
    assert world.locked_accounts() == set()
    assert any("slept" in event.text for event in world.frame.picture.events)


def test_without_the_brokers_time_a_clock_set_back_repeats_no_reset_and_ends_no_lock() -> None:
    world = made(RESET - MINUTE)
    pc = Pc(world.clock)
    world.start(LastRun(), pc.clock(told=False))
    panic(world)

    pc.ahead_ns -= HOUR
    run_until(world, RESET - S)
    assert world.locked_accounts() == {101}
    run_until(world, RESET + S)
    pc.ahead_ns += HOUR // 2
    run_until(world, RESET + MINUTE)

    assert world.locked_accounts() == set()
    assert resets(world) == [("DailyReset", RESET, False)]


def test_the_next_look_of_a_rule_and_the_retries_of_an_enforcement_go_on_through_steps() -> None:
    """A position's time runs out at its instant, and what the broker refuses is tried again."""
    world = World(5, rule("position_hold_time", max_s=60), start_ns=RESET - HOUR)
    pc = Pc(world.clock)
    world.start(LastRun(), pc.clock())
    contract_id = world.broker.contract_ids[0]
    world.broker.exchange.place(
        Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=1),
        world.clock.now_ns(),
    )
    world.reconcile()
    world.run(30)
    for step in (HOUR, -2 * HOUR, DAY):
        pc.ahead_ns += step
        world.run(5)
    assert world.broker.open_sizes(101) == {contract_id: 1}
    world.broker.faults.refuse = 1.0
    world.run(20)
    assert world.broker.open_sizes(101) == {contract_id: 1}
    pc.ahead_ns -= 3 * DAY
    world.broker.faults.refuse = 0.0
    world.run(30)

    assert world.broker.open_sizes(101) == {}
    world.assert_safe()


def test_a_pulse_that_waited_through_the_reset_finds_it() -> None:
    world = made(RESET - S)
    world.clock.advance(3 * S)
    world.system.timer_mailbox.deliver(Pulse())
    world.scheduler.run_until_idle()

    assert resets(world) == [("DailyReset", RESET, False)]
    assert CHICAGO_DAYS.day(world.clock.now_ns()).start_ns == RESET
