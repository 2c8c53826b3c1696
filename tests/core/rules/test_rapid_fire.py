"""Rule 010: too many entries in a short time lock the account."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from core.builders import ES, S, account, at, judge, rule
from core.tape import Tape, at_s

from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Warned

RESET = at(2026, 11, 17, 17)


def rapid(max_entries: int = 3, window_s: float = 60, **settings: Any) -> Any:
    return rule("rapid_fire", max_entries=max_entries, window_s=window_s, **settings)


def entries(*seconds: float, gap: float = 0.1) -> Tape:
    """Return a tape on which trades of a tenth of a second begin at these times."""
    tape = Tape()
    for second in seconds:
        tape.trade(second, second + gap)
    return tape


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        ((0, 1, 2), Ok),
        ((0, 1, 2, 59.999999999), Breached),
        # An entry exactly a window before is not in the window any more.
        ((0, 1, 2, 60), Ok),
        ((0, 1, 2, 60, 61), Ok),
        ((0, 1, 2, 60, 60.999999999), Breached),
        ((0, 0, 0, 0), Breached),
    ],
)
def test_one_entry_more_than_allowed_in_any_window_breaks_it(
    seconds: tuple[float, ...], kind: type
) -> None:
    verdict = judge(rapid(), entries(*seconds, gap=0).account(), at_s(70))

    assert type(verdict) is kind


def test_partial_fills_are_one_entry_adding_is_one_and_exits_are_none() -> None:
    tape = Tape().fill(1, 1, order_id=7).fill(1, 1, order_id=7).fill(2, 1).fill(3, -2, profit="0")

    verdict = judge(rapid(2), tape.account(), at_s(4))
    broken = judge(rapid(2), tape.fill(4, 1, contract=ES).account(), at_s(4))

    assert verdict == Ok(value=verdict.value, limit=verdict.limit)
    assert (verdict.value, verdict.limit) == (2, 2)
    assert isinstance(broken, Breached)
    assert broken.value == 3


def test_it_locks_until_the_reset_and_the_day_stays_broken() -> None:
    judging, state = rapid(), entries(0, 1, 2, 3).account()

    breach = judge(judging, state, at_s(4))

    assert isinstance(breach, Breached)
    assert (breach.action, breach.locks) == (Flatten(), (LockTerms(end=LockEnd.DAILY_RESET),))
    assert judge(judging, state, RESET - 1) == breach
    assert isinstance(judge(judging, state, RESET), Ok)
    assert judging.next_look_ns(None, state, RESET - 1) == RESET


def test_with_a_lock_of_its_own_it_counts_from_the_entry_that_was_too_many() -> None:
    judging, state = rapid(lock_s=30), entries(0, 1, 2, 3).account()

    breach = judge(judging, state, at_s(3))

    assert isinstance(breach, Breached)
    assert breach.locks == (LockTerms(end=LockEnd.INSTANT, until_ns=at_s(33)),)
    assert judge(judging, state, at_s(33) - 1) == breach
    assert isinstance(judge(judging, state, at_s(33)), Ok)


def test_after_the_lock_the_next_entry_may_break_it_again() -> None:
    judging = rapid(lock_s=30)
    first = judge(judging, entries(0, 1, 2, 3).account(), at_s(3))

    again = judge(judging, entries(0, 1, 2, 3, 40).account(), at_s(40))
    rested = judge(judging, entries(0, 1, 2, 3, 63).account(), at_s(63))

    assert isinstance(first, Breached)
    assert isinstance(again, Breached)
    assert first.cause != again.cause
    assert again.locks[0].until_ns == at_s(70)
    assert isinstance(rested, Ok)


def test_entries_under_a_lock_do_not_count() -> None:
    tape = entries(0, 1, 2).locked(2.5, 10).trade(3, 3.1).trade(4, 4.1)

    assert isinstance(judge(rapid(), tape.account(), at_s(5)), Ok)


def test_entries_before_the_reset_break_nothing_after_it() -> None:
    tape = Tape()
    noon_s = (RESET - at_s(0)) // S
    for second in (-3, -2, -1):
        tape.trade(noon_s + second, noon_s + second)

    assert isinstance(judge(rapid(2), tape.account(), RESET - 1), Breached)
    assert isinstance(judge(rapid(2), tape.account(), RESET), Ok)
    # A window may reach back over the reset; the entry that is too many is of the new day.
    over = tape.trade(noon_s + 1, noon_s + 1).account()
    assert isinstance(judge(rapid(2), over, RESET + S), Breached)


@pytest.mark.parametrize(
    ("count", "fraction"), [(7, None), (8, 0.8), (9, 0.8), (10, 0.95), (11, "broken")]
)
def test_a_warning_comes_at_its_fraction_of_the_limit(count: int, fraction: Any) -> None:
    state = entries(*range(count)).account()

    verdict = judge(rapid(10, warn_at=[0.8, 0.95]), state, at_s(count))

    if fraction == "broken":
        assert isinstance(verdict, Breached)
    elif fraction is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Warned)
        assert verdict.fraction == fraction
        assert verdict.evidence.sentence() == f"{count} entries within 60 s, 10 are allowed"


def test_the_evidence_has_count_window_time_and_limit() -> None:
    breach = judge(rapid(), entries(0, 1, 2, 3).account(), at_s(9))

    assert isinstance(breach, Breached)
    assert breach.evidence.sentence() == "4 entries within 60 s at 18:00:03 UTC, 3 are allowed"


def test_time_alone_lets_the_count_fall() -> None:
    judging, state = rapid(), entries(0, 10).account()

    assert judging.next_look_ns(None, state, at_s(20)) == at_s(60)
    assert judge(judging, state, at_s(60) - 1).value == 2
    assert judge(judging, state, at_s(60)).value == 1
    assert judging.next_look_ns(None, state, at_s(60)) == at_s(70)
    assert judging.next_look_ns(None, state, at_s(70)) == RESET


def test_any_order_a_fact_twice_and_a_restart_change_nothing() -> None:
    tape = Tape().fill(0, 1).fill(1, 1).fill(2, -2, profit="-1").fill(3, 1).fill(4, 1)
    judging = rapid(lock_s=30)
    expected = judge(judging, tape.account(), at_s(5))

    assert isinstance(expected, Breached)
    for order in permutations(range(5)):
        state = tape.account(order=order)
        assert judge(judging, state, at_s(5)) == expected
        assert judge(judging, state, at_s(5)) == expected
    assert judge(judging, tape.restarted(at_s(20)), at_s(20)) == expected


def test_accounts_do_not_share_a_burst() -> None:
    judging = rapid()
    broken = judge(judging, entries(0, 1, 2, 3).account(), at_s(4))
    other = msgspec.structs.replace(entries(0).account(), account_id=202)

    assert isinstance(broken, Breached)
    assert isinstance(judge(judging, other, at_s(4)), Ok)


def test_fills_not_read_are_unknown_never_ok() -> None:
    without = msgspec.structs.replace(entries(0).account(), has_all_fills=False)

    assert isinstance(judge(rapid(), account(is_reconciled=False)), Unknown)
    assert isinstance(judge(rapid(), without), Unknown)
    doubted = msgspec.structs.replace(entries(0).account(), distrusted="fill 3 was voided")
    verdict = judge(rapid(), doubted)
    assert isinstance(verdict, Unknown)
    assert verdict.evidence.sentence() == ("Fills wait for a look at the broker: fill 3 was voided")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {},
            (
                "At most 3 entries within 60 s; one more flattens and locks the account until the"
                " daily reset."
            ),
        ),
        (
            {"lock_s": 900},
            "At most 3 entries within 60 s; one more flattens and locks the account for 900 s.",
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert rapid(**settings).summary() == sentence


def test_a_position_in_another_contract_is_flattened_too() -> None:
    tape = Tape().fill(0, 1, contract=ES).fill(1, 1).fill(2, 1).fill(3, 1)

    breach = judge(rapid(), tape.account(), at_s(4))

    assert isinstance(breach, Breached)
    assert breach.action == Flatten()
