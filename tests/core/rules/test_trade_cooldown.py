"""Rule 008: after a trade the account is locked for a while."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from core.builders import ES, MNQ, NQ, S, account, at, judge, rule
from core.tape import Tape, at_s

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
)

RESET = at(2026, 11, 17, 17)


def cooldown(**settings: Any) -> Any:
    return rule("trade_cooldown", **settings)


def broken(judging: Any, tape: Tape, seconds: float) -> Breached:
    verdict = judge(judging, tape.account(), at_s(seconds))
    assert isinstance(verdict, Breached), verdict
    return verdict


def targets(judging: Any, tape: Tape, seconds: float) -> dict[str, int]:
    action = broken(judging, tape, seconds).action
    assert isinstance(action, Reduce)
    return dict(action.targets)


def test_it_begins_at_the_closing_fill_and_ends_to_the_nanosecond() -> None:
    judging, state = cooldown(seconds=300), Tape().trade(0, 10, 5).account()

    breach = judge(judging, state, at_s(10))

    assert isinstance(breach, Breached)
    assert breach.action == Reduce()
    assert breach.locks == (
        LockTerms(end=LockEnd.INSTANT, until_ns=at_s(310), existing=Existing.KEEP),
    )
    assert judge(judging, state, at_s(310) - 1) == breach
    assert judge(judging, state, at_s(310)) == Ok()
    assert judging.next_look_ns(None, state, at_s(10)) == at_s(310)
    assert judging.next_look_ns(None, state, at_s(310)) is None


def test_a_trade_that_is_only_reduced_begins_none() -> None:
    tape = Tape().fill(0, 2).fill(1, -1, profit="-50")

    assert judge(cooldown(seconds=300), tape.account(), at_s(2)) == Ok()


@pytest.mark.parametrize(
    ("net", "kind"),
    [("5", Ok), ("0", Ok), ("-0.004", Ok), ("-0.005", Breached), ("-50", Breached)],
)
def test_after_a_loss_means_net_of_costs_and_at_the_cent(net: str, kind: type) -> None:
    verdict = judge(cooldown(seconds=60, after="loss"), Tape().trade(0, 1, net).account(), at_s(2))

    assert type(verdict) is kind


TIERS = [{"loss_usd": 300, "seconds": 1800}, {"loss_usd": 100, "seconds": 600}]


@pytest.mark.parametrize(
    ("settings", "net", "length_s"),
    [
        ({"seconds": 60}, "-99.99", 60),
        ({"seconds": 60}, "-99.995", 600),
        ({"seconds": 60}, "-100", 600),
        ({"seconds": 60}, "-299.99", 600),
        ({"seconds": 60}, "-300", 1800),
        ({"seconds": 60}, "-5000", 1800),
        ({"seconds": 60}, "20", 60),
        ({"seconds": 60, "after": "loss"}, "20", None),
        ({"seconds": 60, "after": "loss"}, "-20", 60),
        ({}, "-20", None),
        ({}, "20", None),
        ({}, "-100", 600),
        ({"after": "loss"}, "-300", 1800),
    ],
)
def test_the_largest_tier_that_a_loss_reaches_holds(
    settings: dict[str, Any], net: str, length_s: int | None
) -> None:
    verdict = judge(cooldown(tiers=TIERS, **settings), Tape().trade(0, 1, net).account(), at_s(2))

    if length_s is None:
        assert verdict == Ok()
    else:
        assert isinstance(verdict, Breached)
        assert verdict.locks[0].until_ns == at_s(1 + length_s)
        assert verdict.limit == length_s


def test_of_several_the_last_to_end_counts_and_is_one_cause() -> None:
    judging = cooldown(seconds=60, tiers=TIERS)
    tape = Tape().fill(0, 1, contract=ES).trade(1, 2, -100)
    first = broken(judging, tape, 3)

    # A winner closed later has a cooldown that ends before.
    second = broken(judging, tape.fill(10, -1, contract=ES, profit="9"), 10)

    assert second.locks[0].until_ns == at_s(602)
    assert second.cause == first.cause
    longer = broken(cooldown(seconds=60), tape, 10)
    assert longer.locks[0].until_ns == at_s(70)


def test_another_trade_is_another_cause() -> None:
    judging = cooldown(seconds=60)

    one = broken(judging, Tape().trade(0, 1), 2)
    two = broken(judging, Tape().trade(0, 1).trade(70, 80), 81)

    assert one.cause != two.cause


def test_a_profit_told_later_may_lengthen_it_and_is_told_anew() -> None:
    judging = cooldown(seconds=60, tiers=TIERS)
    small = broken(judging, Tape().trade(0, 1, -5), 2)
    large = broken(judging, Tape().trade(0, 1, -300), 2)

    assert small.cause != large.cause


# --- entries in the meantime ----------------------------------------------------------------


def test_an_entry_that_overtook_the_lock_is_flattened() -> None:
    judging = cooldown(seconds=60)
    tape = Tape().trade(0, 1)
    before = broken(judging, tape, 1)
    tape.fill(2, 3, contract=ES)

    after = broken(judging, tape, 2)

    assert targets(judging, tape, 2) == {ES: 0}
    assert after.cause != before.cause
    assert after.locks == before.locks
    # Once it is closed again, nothing of it is new; that it closed begins another cooldown.
    tape.fill(3, -3, contract=ES, profit="-1")
    assert targets(judging, tape, 3) == {}


def test_the_second_half_of_a_reversal_is_flattened() -> None:
    tape = Tape().fill(0, 2).fill(5, -5, profit="-10")

    assert targets(cooldown(seconds=60), tape, 5) == {MNQ: 0}


def test_an_entry_of_the_instant_of_the_close_is_flattened_and_one_before_stays() -> None:
    tape = Tape().fill(4.999999999, 2, contract=NQ).fill(0, 1).fill(5, -1, profit="1")
    tape.fill(5, 2, contract=ES)

    assert targets(cooldown(seconds=60), tape, 5) == {ES: 0}


def test_what_was_added_to_an_older_position_comes_off_again() -> None:
    tape = Tape().fill(0, 2, contract=ES).trade(1, 2).fill(3, 3, contract=ES)

    assert targets(cooldown(seconds=60), tape, 4) == {ES: 2}
    # Exits go on; what is less than may stay is left alone.
    assert targets(cooldown(seconds=60), tape.fill(5, -4, contract=ES, profit="1"), 6) == {ES: 1}


def test_an_order_begun_before_the_close_may_fill_to_its_end_elsewhere() -> None:
    tape = (
        Tape().fill(0, 1, contract=ES, order_id=7).trade(1, 2).fill(3, 1, contract=ES, order_id=7)
    )

    assert targets(cooldown(seconds=60), tape, 4) == {}


def test_an_order_begun_before_that_opens_the_contract_anew_is_flattened() -> None:
    tape = Tape().fill(0, 1, order_id=7).fill(1, -1, profit="1").fill(2, 1, order_id=7)

    assert targets(cooldown(seconds=60), tape, 3) == {MNQ: 0}


def test_what_was_entered_under_the_lock_is_the_locks_business_and_begins_no_cooldown() -> None:
    tape = Tape().trade(0, 1).locked(1.1, 61).trade(5, 6, -3)

    breach = broken(cooldown(seconds=60), tape, 7)

    assert breach.locks[0].until_ns == at_s(61)
    assert judge(cooldown(seconds=60), tape.account(), at_s(61)) == Ok()


def test_by_default_positions_open_before_stay_and_the_trader_may_want_them_flattened() -> None:
    tape = Tape().fill(0, 2, contract=ES).trade(1, 2).fill(3, 1, contract=NQ)
    state = tape.account()
    breach = broken(cooldown(seconds=60), tape, 4)
    flattening = cooldown(seconds=60, lock={"existing": "flatten"}).settings.lock

    kept = respond(breach, None, state, at_s(4))
    flattened = respond(breach, flattening, state, at_s(4))

    assert kept.action == Reduce(targets=((NQ, 0),))
    assert kept.locks[0].kept == ((ES, 2), (NQ, 0))
    assert flattened.action == Flatten()
    assert flattened.locks[0].existing is Existing.FLATTEN


# --- time, order, restart -------------------------------------------------------------------


def test_a_cooldown_goes_on_over_the_reset() -> None:
    second = (RESET - at_s(0)) / S - 10
    tape = Tape().trade(second - 5, second)

    breach = judge(cooldown(seconds=60), tape.account(), RESET + S)

    assert isinstance(breach, Breached)
    assert breach.locks[0].until_ns == RESET + 50 * S


@pytest.mark.parametrize("settings", [{"after": "loss"}, {"tiers": TIERS}])
def test_an_unknown_result_is_unknown_for_as_long_as_it_may_matter(
    settings: dict[str, Any],
) -> None:
    state = Tape().fill(0, 1).fill(1, -1).account()
    judging = cooldown(seconds=60, **settings)
    longest_s = 1800 if "tiers" in settings else 60

    assert isinstance(judge(judging, state, at_s(2)), Unknown)
    assert judging.next_look_ns(None, state, at_s(2)) == at_s(1 + longest_s)
    assert isinstance(judge(judging, state, at_s(1 + longest_s) - 1), Unknown)
    assert judge(judging, state, at_s(1 + longest_s)) == Ok()


def test_where_any_trade_counts_its_result_need_not_be_known() -> None:
    breach = broken(cooldown(seconds=60), Tape().fill(0, 1).fill(1, -1), 2)

    assert breach.evidence.sentence() == (
        "The MNQ trade closed at 18:00:01 UTC with unknown: no entries until 18:01:01 UTC"
    )


def test_the_evidence_has_symbol_time_result_and_end() -> None:
    breach = broken(cooldown(seconds=60, after="loss"), Tape().trade(0, 1, "-1234.5"), 2)

    assert breach.evidence.sentence() == (
        "The MNQ trade closed at 18:00:01 UTC with -1,234.50: no entries until 18:01:01 UTC"
    )


def test_any_order_a_fact_twice_and_a_restart_change_nothing() -> None:
    tape = Tape().fill(0, 1, contract=ES).fill(1, 2).fill(2, -3, profit="-120")
    tape.fill(3, 1, contract=ES)
    judging = cooldown(seconds=60, tiers=TIERS)
    expected = broken(judging, tape, 5)

    for order in permutations(range(4)):
        assert judge(judging, tape.account(order=order), at_s(5)) == expected
    assert broken(judging, tape, 5) == expected
    assert judge(judging, tape.restarted(at_s(30)), at_s(30)) == expected


def test_accounts_do_not_share_a_cooldown() -> None:
    judging = cooldown(seconds=60)
    other = msgspec.structs.replace(Tape().fill(0, 1).account(), account_id=202)

    assert isinstance(judge(judging, Tape().trade(0, 1).account(), at_s(2)), Breached)
    assert judge(judging, other, at_s(2)) == Ok()


def test_fills_not_read_are_unknown_never_ok() -> None:
    assert isinstance(judge(cooldown(seconds=60), account(is_reconciled=False)), Unknown)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give `seconds`, `tiers` or both"),
        ({"after": "loss"}, "give `seconds`, `tiers` or both"),
        ({"tiers": [TIERS[0], TIERS[0]]}, "give each of `tiers` another `loss_usd`"),
        ({"seconds": 0}, "> 0.0"),
        ({"seconds": 5, "after": "win"}, "Invalid enum value 'win'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        cooldown(**settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"seconds": 300},
            "No entries for 300 s after any trade: the account is locked, and what is open stays.",
        ),
        (
            {"seconds": 60, "after": "loss", "tiers": TIERS[::-1]},
            (
                "No entries for 1800 s after a loss of $300.00 or more, 600 s after a loss of"
                " $100.00 or more, 60 s after any other losing trade: the account is locked, and"
                " what is open stays."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert cooldown(**settings).summary() == sentence


@pytest.mark.parametrize("settings", [{"seconds": 60, "after": "loss"}, {"tiers": TIERS}])
def test_a_win_begins_none_on_a_clock_that_is_behind_the_broker(settings: dict[str, Any]) -> None:
    """Found by `risk-actors fuzz`: the trade closed in what is the future by our clock."""
    verdict = judge(cooldown(**settings), Tape().trade(0, 10, 5).account(), at_s(9.5))

    assert verdict == Ok()
