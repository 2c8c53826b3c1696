"""Rule 007: at most so many trades, entries or fills in a day, an hour or a minute."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from core.builders import ES, MNQ, NQ, S, account, at, judge, rule
from core.tape import Tape, at_s

from risk_actors.core.rules.lock_settings import LockSettings
from risk_actors.core.rules.measure import MovedBy, Unit
from risk_actors.core.rules.response import respond
from risk_actors.core.verdict import (
    Breached,
    Existing,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Reduce,
    Unknown,
    Warned,
)

RESET = at(2026, 11, 17, 17)
RESET_S = (RESET - at_s(0)) // S
UNTIL_RESET = LockTerms(end=LockEnd.DAILY_RESET, existing=Existing.KEEP)


def max_trades(**settings: Any) -> Any:
    return rule("max_trades", **settings)


def at_most(judging: Any, tape: Tape, seconds: float) -> Any:
    return judge(judging, tape.account(), at_s(seconds))


def targets(judging: Any, tape: Tape, seconds: float) -> dict[str, int]:
    verdict = at_most(judging, tape, seconds)
    assert isinstance(verdict, Breached), verdict
    assert isinstance(verdict.action, Reduce)
    return dict(verdict.action.targets)


def until(seconds: float) -> LockTerms:
    return LockTerms(end=LockEnd.INSTANT, until_ns=at_s(seconds), existing=Existing.KEEP)


# --- the day --------------------------------------------------------------------------------


def test_the_last_allowed_trade_may_be_open_and_its_close_ends_the_day() -> None:
    judging = max_trades(per_day=2)
    tape = Tape().trade(0, 1).fill(10, 2)
    while_open = at_most(judging, tape, 11)
    reduced = at_most(judging, tape.fill(12, -1, profit="1"), 12)
    closed = at_most(judging, tape.fill(13, -1, profit="1"), 13)

    assert (while_open.value, while_open.limit, while_open.room) == (2, 2, 0)
    assert isinstance(while_open, Ok)
    assert isinstance(reduced, Ok)
    assert isinstance(closed, Breached)
    assert (closed.action, closed.locks) == (Reduce(), (UNTIL_RESET,))
    assert closed.evidence.sentence() == ("All 2 trades of the day were used up at 18:00:13 UTC")


def test_one_trade_more_is_taken_off_and_what_was_open_before_stays() -> None:
    judging = max_trades(per_day=2)
    tape = Tape().fill(0, 1, contract=ES).fill(1, 1, contract=NQ).fill(2, 3)
    breach = at_most(judging, tape, 3)

    assert isinstance(breach, Breached)
    assert breach.action == Reduce(targets=((MNQ, 0),))
    assert (breach.value, breach.limit, breach.locks) == (3, 2, (UNTIL_RESET,))
    assert breach.evidence.sentence() == (
        "Trade number 3 of the day at 18:00:02 UTC, 2 are allowed"
    )
    kept = respond(breach, None, tape.account(), at_s(3))
    assert kept.action == breach.action
    assert kept.locks[0].kept == ((ES, 1), (NQ, 1), (MNQ, 0))


def test_once_taken_off_it_is_the_same_breach_until_the_reset() -> None:
    judging = max_trades(per_day=1)
    tape = Tape().fill(0, 1, contract=ES).fill(1, 1)
    breach = at_most(judging, tape, 1)
    tape.fill(2, -1, profit="-1")
    taken_off = at_most(judging, tape, 2)
    tape.fill(3, -1, contract=ES, profit="9")

    assert isinstance(breach, Breached)
    assert isinstance(taken_off, Breached)
    assert taken_off == msgspec.structs.replace(breach, action=Reduce())
    assert at_most(judging, tape, 4) == taken_off
    assert judge(judging, tape.account(), RESET - 1) == taken_off
    assert isinstance(judge(judging, tape.account(), RESET), Ok)
    assert judging.next_look_ns(None, tape.account(), at_s(4)) == RESET


def test_another_that_overtook_the_lock_is_another_cause() -> None:
    judging = max_trades(per_day=1)
    tape = Tape().fill(0, 1, contract=ES).fill(1, 1)
    first = at_most(judging, tape, 1)
    second = at_most(judging, tape.fill(2, 1, contract=NQ), 2)

    assert isinstance(first, Breached)
    assert isinstance(second, Breached)
    assert first.cause != second.cause
    assert targets(judging, tape, 2) == {MNQ: 0, NQ: 0}


def test_an_entry_after_the_day_was_used_up_is_a_cause_of_its_own() -> None:
    judging = max_trades(per_day=1)
    used_up = at_most(judging, Tape().trade(0, 1), 2)
    tape = Tape().trade(0, 1).fill(2, 1)

    assert isinstance(used_up, Breached)
    assert at_most(judging, tape, 2).cause != used_up.cause
    assert targets(judging, tape, 2) == {MNQ: 0}


def test_a_trade_of_the_day_before_does_not_count_and_does_not_keep_the_day_open() -> None:
    judging = max_trades(per_day=1)
    tape = Tape().fill(RESET_S - 1, 1, contract=ES).trade(RESET_S, RESET_S + 1)

    before = judge(judging, Tape().fill(RESET_S - 1, 1).account(), RESET - 1)
    after = judge(judging, tape.account(), RESET + S)

    assert before.value == 1
    assert isinstance(after, Breached)
    assert after.action == Reduce()


def test_trades_under_a_lock_never_count() -> None:
    tape = Tape().trade(0, 1).locked(5, 20).trade(6, 7).trade(8, 9)

    verdict = at_most(max_trades(per_day=2), tape, 30)

    assert isinstance(verdict, Ok)
    assert verdict.value == 1


def test_a_reversal_is_another_trade() -> None:
    tape = Tape().fill(0, 2).fill(1, -3, profit="1")

    assert targets(max_trades(per_day=1), tape, 1) == {MNQ: 0}
    assert isinstance(at_most(max_trades(per_day=2), tape, 1), Ok)


def test_an_order_that_opens_twice_begins_two_trades() -> None:
    tape = Tape().fill(0, 1, order_id=7).fill(1, -1, profit="0").fill(2, 1, order_id=7)

    assert targets(max_trades(per_day=1), tape, 2) == {MNQ: 0}


# --- entries and fills ----------------------------------------------------------------------


def test_of_entries_the_excess_sizes_come_off_their_contract() -> None:
    judging = max_trades(per_day=2, count="entries")
    tape = Tape().fill(0, 2).fill(1, 1, contract=ES)
    assert isinstance(at_most(judging, tape, 2), Ok)

    tape.fill(2, 3)
    assert targets(judging, tape, 2) == {MNQ: 2}
    tape.fill(3, 1, contract=ES)
    assert targets(judging, tape, 3) == {MNQ: 2, ES: 1}
    assert at_most(judging, tape, 3).evidence.sentence() == (
        "Entry number 4 of the day at 18:00:03 UTC, 2 are allowed"
    )


def test_once_the_excess_is_off_what_was_allowed_is_not_reduced_again() -> None:
    judging = max_trades(per_day=1, count="entries")
    tape = Tape().fill(0, 2).fill(1, 3)
    breach = at_most(judging, tape, 1)

    # Taken off by us; and then the trader's own exits.
    tape.fill(2, -3, profit="-1")
    assert at_most(judging, tape, 2) == breach
    assert targets(judging, tape, 2) == {MNQ: 2}
    assert targets(judging, tape.fill(3, -1, profit="1"), 3) == {MNQ: 1}


def test_a_second_partial_fill_is_no_entry_of_its_own() -> None:
    judging = max_trades(per_day=1, count="entries")
    tape = Tape().fill(0, 1, order_id=7).fill(1, 1, order_id=7)

    assert isinstance(at_most(judging, tape, 2), Ok)


def test_exits_count_as_fills_and_reduce_nothing() -> None:
    judging = max_trades(per_day=3, count="fills")
    tape = Tape().fill(0, 4).fill(1, -1, profit="1").fill(2, -1, profit="1")
    assert isinstance(at_most(judging, tape, 2), Ok)

    over = at_most(judging, tape.fill(3, -1, profit="1"), 3)
    assert isinstance(over, Ok)
    assert (over.value, over.limit, over.room) == (4, 3, 0)

    flat = at_most(judging, tape.fill(4, -1, profit="1"), 4)
    assert isinstance(flat, Breached)
    assert flat.action == Reduce()
    assert flat.locks == (UNTIL_RESET,)


def test_an_entry_beyond_the_fills_allowed_is_taken_off() -> None:
    judging = max_trades(per_day=3, count="fills")
    tape = Tape().fill(0, 4).fill(1, -1, profit="1").fill(2, -1, profit="1").fill(3, 2)

    assert targets(judging, tape, 3) == {MNQ: 2}
    elsewhere = Tape().fill(0, 4).fill(1, -1, profit="1").fill(2, -1, profit="1")
    assert targets(judging, elsewhere.fill(3, 1, contract=ES), 3) == {ES: 0}


def test_further_fills_of_an_allowed_order_are_allowed() -> None:
    judging = max_trades(per_day=2, count="fills")
    tape = Tape().fill(0, 1, order_id=7).fill(0, 1, order_id=7).fill(0, 1, order_id=7)

    verdict = at_most(judging, tape, 1)

    assert isinstance(verdict, Ok)
    assert (verdict.value, verdict.room) == (3, 0)


# --- windows that roll ----------------------------------------------------------------------


@pytest.mark.parametrize(("name", "length_s"), [("per_minute", 60), ("per_hour", 3600)])
@pytest.mark.parametrize(("before_s", "kind"), [(1e-9, Breached), (0, Ok)])
def test_a_window_is_half_open(name: str, length_s: int, before_s: float, kind: type) -> None:
    tape = Tape().trade(0, 1).trade(5, 6)
    tape.fill(length_s - before_s, 1)

    verdict = at_most(max_trades(**{name: 2}), tape, length_s)

    assert type(verdict) is kind


def test_the_lock_lasts_until_the_count_is_below_the_limit_again() -> None:
    judging = max_trades(per_minute=3)
    tape = Tape().trade(0, 1).trade(10, 11).trade(20, 21).fill(30, 1)
    breach = at_most(judging, tape, 30)

    assert isinstance(breach, Breached)
    assert breach.action == Reduce(targets=((MNQ, 0),))
    # Of 0, 10, 20 and 30 two are left when 10 is a minute ago.
    assert breach.locks == (until(70),)
    assert breach.evidence.sentence() == ("4 trades within a minute at 18:00:30 UTC, 3 are allowed")
    assert judge(judging, tape.account(), at_s(70) - 1) == breach
    after = judge(judging, tape.account(), at_s(70))
    assert isinstance(after, Ok)
    assert (after.value, after.room) == (2, 1)


def test_the_last_of_a_minute_breaks_nothing_when_it_closes() -> None:
    assert isinstance(at_most(max_trades(per_minute=2), Tape().trade(0, 1).trade(2, 3), 4), Ok)


def test_one_more_that_overtook_the_lock_lengthens_it() -> None:
    judging = max_trades(per_minute=2)
    tape = Tape().fill(0, 1).fill(10, 1, contract=ES).fill(20, 1, contract=NQ)
    first = at_most(judging, tape, 20)
    second = at_most(judging, tape.fill(21, 1, contract="CON.F.US.MES.Z26"), 21)

    assert first.locks == (until(70),)
    assert second.locks == (until(80),)
    assert second.cause != first.cause
    assert set(dict(second.action.targets)) == {NQ, "CON.F.US.MES.Z26"}


def test_after_the_lock_the_next_may_break_it_again() -> None:
    judging = max_trades(per_minute=2)
    tape = Tape().trade(0, 1).trade(10, 11).trade(20, 21)
    first = at_most(judging, tape, 21)
    allowed = at_most(judging, tape.trade(70, 71), 72)
    again = at_most(judging, tape.fill(73, 1), 73)

    assert first.locks == (until(70),)
    assert isinstance(allowed, Ok)
    assert isinstance(again, Breached)
    assert again.cause != first.cause
    assert again.locks == (until(130),)


def test_exits_lengthen_the_lock_where_fills_are_counted() -> None:
    judging = max_trades(per_minute=2, count="fills")
    tape = Tape().fill(0, 3).fill(1, 1).fill(2, 1)
    first = at_most(judging, tape, 2)
    later = at_most(judging, tape.fill(30, -1, profit="1"), 30)

    assert first.locks == (until(61),)
    assert targets(judging, tape, 30) == {MNQ: 4}
    assert later.locks == (until(62),)


def test_of_several_windows_the_last_to_end_locks() -> None:
    judging = max_trades(per_hour=3, per_minute=2)
    tape = Tape().trade(0, 1).trade(100, 101).trade(110, 111).fill(120, 1)

    breach = at_most(judging, tape, 120)

    assert breach.locks == (until(100 + 3600),)
    assert judge(judging, tape.account(), at_s(200)) == breach


def test_the_day_goes_before_an_hour_that_ends_within_it_and_not_after() -> None:
    judging = max_trades(per_day=2, per_hour=1)
    early = Tape().trade(0, 1).trade(100, 101).fill(200, 1)
    late_s = RESET_S - 300
    late = Tape().trade(late_s, late_s + 1).trade(late_s + 100, late_s + 101).fill(late_s + 200, 1)

    within = at_most(judging, early, 200)
    over = at_most(judging, late, late_s + 200)

    assert within.locks == (UNTIL_RESET,)
    assert judge(judging, early.account(), RESET - 1) == within
    assert over.locks == (until(late_s + 200 + 3600),)
    beyond = judge(judging, late.account(), RESET)
    assert isinstance(beyond, Breached)
    assert beyond.locks == over.locks


# --- figures --------------------------------------------------------------------------------


def test_the_limit_that_is_nearest_is_shown() -> None:
    judging = max_trades(per_day=5, per_minute=3)
    tape = Tape().trade(0, 1).trade(2, 3)

    near = at_most(judging, tape, 4)
    far = at_most(judging, tape, 100)

    assert (near.value, near.limit, near.room) == (2, 3, 1)
    assert (far.value, far.limit, far.room) == (2, 5, 3)
    assert judging.next_look_ns(None, tape.account(), at_s(4)) == at_s(60)
    assert judging.next_look_ns(None, tape.account(), at_s(60)) == at_s(62)
    assert judging.next_look_ns(None, tape.account(), at_s(62)) == RESET


@pytest.mark.parametrize(("trades", "fraction"), [(3, None), (4, 0.5), (7, 0.5), (8, 0.9)])
def test_a_warning_comes_at_its_fraction_of_the_limit(trades: int, fraction: float | None) -> None:
    tape = Tape()
    for number in range(trades):
        tape.fill(number * 2, 1)
        if number < trades - 1:
            tape.fill(number * 2 + 1, -1, profit="0")

    verdict = at_most(max_trades(per_day=8, warn_at=[0.5, 0.9]), tape, 100)

    if fraction is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Warned)
        assert (verdict.fraction, verdict.room) == (fraction, 8 - trades)
        assert verdict.evidence.sentence() == (f"{trades} trades within a day, 8 are allowed")


def test_each_window_warns_for_itself() -> None:
    judging = max_trades(per_day=4, per_minute=2, warn_at=[0.5])
    in_a_minute = at_most(judging, Tape().fill(0, 1), 1)
    in_a_day = at_most(judging, Tape().trade(0, 1).trade(70, 71), 140)

    assert isinstance(in_a_minute, Warned)
    assert isinstance(in_a_day, Warned)
    assert in_a_minute.cause != in_a_day.cause


@pytest.mark.parametrize(
    ("count", "unit"),
    [("trades", Unit.TRADES), ("entries", Unit.ENTRIES), ("fills", Unit.ENTRIES)],
)
def test_it_measures_what_it_counts(count: str, unit: Unit) -> None:
    assert max_trades(per_day=1, count=count).measure == (unit, MovedBy.ENTRY)


# --- order, restart, accounts ---------------------------------------------------------------


@pytest.mark.parametrize("count", ["trades", "entries", "fills"])
def test_any_order_a_fact_twice_and_a_restart_change_nothing(count: str) -> None:
    tape = Tape().fill(0, 1).fill(1, -2, profit="-1").fill(2, -1, order_id=7)
    tape.fill(2, -1, order_id=7).fill(3, 2, contract=ES)
    judging = max_trades(per_day=2, per_minute=2, count=count)
    expected = at_most(judging, tape, 5)

    assert isinstance(expected, Breached)
    for order in permutations(range(5)):
        assert judge(judging, tape.account(order=order), at_s(5)) == expected
    assert at_most(judging, tape, 5) == expected
    assert judge(judging, tape.restarted(at_s(20)), at_s(20)) == expected


def test_the_trader_may_want_everything_flattened() -> None:
    judging = max_trades(per_day=1, lock={"existing": "flatten"})
    tape = Tape().fill(0, 1, contract=ES).fill(1, 1)
    state = tape.account()

    breach = respond(at_most(judging, tape, 1), judging.settings.lock, state, at_s(1))

    assert breach.action == Flatten()
    assert breach.locks == (LockTerms(),)


def test_accounts_do_not_share_a_count() -> None:
    judging = max_trades(per_day=1)
    other = msgspec.structs.replace(Tape().fill(0, 1).account(), account_id=202)

    assert isinstance(at_most(judging, Tape().trade(0, 1), 2), Breached)
    assert isinstance(judge(judging, other, at_s(2)), Ok)


def test_fills_not_read_are_unknown_never_ok() -> None:
    verdict = judge(max_trades(per_minute=2, per_hour=7), account(is_reconciled=False))

    assert isinstance(verdict, Unknown)
    assert verdict.limit == 7


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give `per_day`, `per_hour` or `per_minute`"),
        ({"count": "fills"}, "give `per_day`, `per_hour` or `per_minute`"),
        ({"per_day": 0}, "per_day"),
        ({"per_day": 3, "count": "orders"}, "Invalid enum value 'orders'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        max_trades(**settings)


def test_the_summary_is_a_sentence_with_the_effective_figures() -> None:
    assert max_trades(per_day=10, per_hour=4, count="entries").summary() == (
        "At most 10 entries a day and 4 entries within an hour; what is more is taken off and the"
        " account locked until the daily reset or until there is room again, what else is open"
        " stays."
    )


def test_the_summary_does_not_say_that_what_is_open_stays_where_the_lock_closes_it() -> None:
    assert max_trades(per_day=10, lock=LockSettings(existing=Existing.FLATTEN)).summary() == (
        "At most 10 trades a day; what is more flattens and locks the account until the daily"
        " reset."
    )


def test_what_the_broker_timed_after_the_reset_is_not_of_the_day_before_by_our_clock() -> None:
    judging = max_trades(per_day=1)
    tape = Tape().fill(RESET_S - 5, 1, contract=ES).fill(RESET_S, 1)

    still_before = judge(judging, tape.account(), RESET - 1)

    assert isinstance(still_before, Ok)
    assert still_before.value == 1
    assert judge(judging, tape.account(), RESET).value == 1
    over = Tape().fill(RESET_S - 5, 1, contract=ES).fill(RESET_S - 4, 1)
    over.fill(RESET_S, 1, contract=NQ)
    breach = judge(judging, over.account(), RESET - 1)
    assert isinstance(breach, Breached)
    assert breach.action == Reduce(targets=((MNQ, 0),))
    assert breach.value == 2
