"""Rule 011: too many losing trades in a row lock the account."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from core.builders import ES, S, account, at, judge, rule
from core.tape import Tape, at_s

from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Warned

RESET = at(2026, 11, 17, 17)
RESET_S = (RESET - at_s(0)) // S


def losses(limit: int = 3, **settings: Any) -> Any:
    return rule("max_consecutive_losses", limit=limit, **settings)


def results(*nets: str | float, begin_s: float = 0) -> Tape:
    """Return a tape of trades with these results, each closed ten seconds after the one before."""
    tape = Tape()
    for number, net in enumerate(nets):
        tape.trade(begin_s + number * 10, begin_s + number * 10 + 10, net)
    return tape


@pytest.mark.parametrize(
    ("nets", "value", "kind"),
    [
        ((), 0, Ok),
        ((-1, -1), 2, Ok),
        ((-1, -1, -1), 3, Breached),
        ((-1, -1, 5, -1), 1, Ok),
        ((-1, -1, "0.01", -1), 1, Ok),
        # A scratch neither counts nor ends the row; a fraction of a cent is a scratch.
        ((-1, -1, 0, -1), 3, Breached),
        ((-1, -1, "0.004", -1), 3, Breached),
        ((-1, -1, "-0.004", 0), 2, Ok),
        ((-1, -1, "-0.005"), 3, Breached),
        ((5, -1, -1, -1), 3, Breached),
    ],
)
def test_losses_in_a_row_are_counted(nets: tuple[Any, ...], value: int, kind: type) -> None:
    verdict = judge(losses(), results(*nets).account(), at_s(60))

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (value, 3)


@pytest.mark.parametrize(
    ("net", "kind"), [("-99.98", Ok), ("-99.99", Ok), ("-99.995", Breached), ("-100", Breached)]
)
def test_a_loss_below_the_least_neither_counts_nor_ends_the_row(net: str, kind: type) -> None:
    verdict = judge(losses(2, min_loss_usd=100), results(-100, net).account(), at_s(60))
    between = judge(losses(2, min_loss_usd=100), results(-100, "-5", -100).account(), at_s(60))

    assert type(verdict) is kind
    assert isinstance(between, Breached)


def test_costs_make_a_loser_opening_half_turns_included() -> None:
    tape = Tape().fill(0, 1, costs="0.62").fill(5, -1, profit="1.00", costs="0.62")

    assert isinstance(judge(losses(1), tape.account(), at_s(6)), Breached)


def test_it_locks_until_the_reset_and_the_day_stays_broken_though_a_winner_follows() -> None:
    judging = losses(2)
    # What was open beside is flattened by the lock, and wins.
    tape = Tape().fill(0, 1, contract=ES).trade(1, 2, -5).trade(3, 4, -5)
    breach = judge(judging, tape.account(), at_s(5))
    after = tape.fill(6, -1, contract=ES, profit="50").account()

    assert isinstance(breach, Breached)
    assert (breach.action, breach.locks) == (Flatten(), (LockTerms(),))
    assert judge(judging, after, at_s(7)) == breach
    assert judge(judging, after, RESET - 1) == breach
    assert isinstance(judge(judging, after, RESET), Ok)
    assert judging.next_look_ns(None, after, at_s(7)) == RESET


def test_a_lock_of_its_own_runs_from_the_close_and_a_further_loss_breaks_it_anew() -> None:
    judging = losses(2, lock_s=60)
    tape = results(-1, -1)
    first = judge(judging, tape.account(), at_s(20))
    ended = judge(judging, tape.account(), at_s(80))
    third = judge(judging, tape.trade(90, 95, -1).account(), at_s(95))
    won = judge(judging, results(-1, -1, 5, -1).account(), at_s(95))

    assert isinstance(first, Breached)
    assert first.locks == (LockTerms(end=LockEnd.INSTANT, until_ns=at_s(80)),)
    assert judge(judging, results(-1, -1).account(), at_s(80) - 1) == first
    assert judging.next_look_ns(None, results(-1, -1).account(), at_s(20)) == at_s(80)
    assert isinstance(ended, Ok)
    assert ended.value == 2
    assert isinstance(third, Breached)
    assert (third.value, third.locks[0].until_ns) == (3, at_s(155))
    assert third.cause != first.cause
    assert isinstance(won, Ok)


def test_a_scratch_after_the_lock_breaks_nothing() -> None:
    tape = results(-1, -1).trade(90, 95, 0)

    verdict = judge(losses(2, lock_s=60), tape.account(), at_s(95))

    assert isinstance(verdict, Ok)
    assert verdict.value == 2


@pytest.mark.parametrize(("last_s", "kind"), [(-0.000000001, Breached), (0, Ok)])
def test_a_new_day_begins_a_new_row_and_a_trade_is_of_the_day_it_closes_in(
    last_s: float, kind: type
) -> None:
    tape = results(-1, -1, begin_s=RESET_S - 60)
    closed_ns = RESET + round(last_s * S)
    tape.fill(RESET_S - 30, 1).fill((closed_ns - at_s(0)) / S, -1, profit="-1")
    tape.fills[-1] = msgspec.structs.replace(tape.fills[-1], at_ns=closed_ns)

    verdict = judge(losses(3), tape.account(), closed_ns)

    assert type(verdict) is kind
    assert isinstance(judge(losses(3), tape.account(), RESET + S), Ok)


def test_a_lock_of_its_own_outlasts_the_reset() -> None:
    tape = results(-1, -1, begin_s=RESET_S - 30)

    breach = judge(losses(2, lock_s=60), tape.account(), RESET + S)

    assert isinstance(breach, Breached)
    assert breach.locks[0].until_ns == RESET + 50 * S
    over = judge(losses(2, lock_s=60), tape.account(), RESET + 50 * S)
    assert isinstance(over, Ok)
    assert over.value == 0


def test_trades_under_a_lock_do_not_count() -> None:
    tape = results(-1, -1).locked(25, 60).trade(30, 40, -1).trade(45, 50, 5)

    verdict = judge(losses(), tape.account(), at_s(60))

    assert isinstance(verdict, Ok)
    assert verdict.value == 2


def test_a_trade_of_unknown_result_makes_it_unknown_unless_it_is_broken_anyway() -> None:
    silent = Tape().trade(0, 1, -1).fill(2, 1).fill(3, -1)
    broken = Tape().fill(0, 1).fill(1, -1).trade(2, 3, -1).trade(4, 5, -1)

    verdict = judge(losses(2), silent.account(), at_s(9))

    assert isinstance(verdict, Unknown)
    assert verdict.evidence.sentence() == (
        "What the MNQ trade closed at 18:00:03 UTC made is not known yet"
    )
    assert isinstance(judge(losses(2), broken.account(), at_s(9)), Breached)
    assert isinstance(judge(losses(2), silent.account(), RESET), Ok)


@pytest.mark.parametrize(("count", "fraction"), [(1, None), (2, 0.5), (3, 0.75), (4, "broken")])
def test_a_warning_comes_at_its_fraction_of_the_limit(count: int, fraction: Any) -> None:
    verdict = judge(losses(4, warn_at=[0.5, 0.75]), results(*[-12.5] * count).account(), at_s(60))

    if fraction == "broken":
        assert isinstance(verdict, Breached)
    elif fraction is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Warned)
        assert verdict.fraction == fraction
    if count == 2:
        assert isinstance(verdict, Warned)
        assert verdict.evidence.sentence() == ("2 losing trades in a row, together -25.00: 4 lock")


def test_the_evidence_has_count_time_amount_and_limit() -> None:
    breach = judge(losses(2), results(-12.5, -100).account(), at_s(60))

    assert isinstance(breach, Breached)
    assert breach.evidence.sentence() == (
        "2 losing trades in a row at 18:00:20 UTC, together -112.50: the limit is 2"
    )


def test_any_order_a_fact_twice_and_a_restart_change_nothing() -> None:
    tape = Tape().fill(0, 1).fill(1, -2, profit="-1").fill(2, 1, profit="-1").fill(3, 1)
    judging = losses(2, lock_s=30)
    expected = judge(judging, tape.account(), at_s(5))

    assert isinstance(expected, Breached)
    for order in permutations(range(4)):
        assert judge(judging, tape.account(order=order), at_s(5)) == expected
    assert judge(judging, tape.account(), at_s(5)) == expected
    assert judge(judging, tape.restarted(at_s(20)), at_s(20)) == expected


def test_accounts_do_not_share_a_row() -> None:
    judging = losses(2)

    assert isinstance(judge(judging, results(-1, -1).account(), at_s(30)), Breached)
    other = msgspec.structs.replace(results(-1).account(), account_id=202)
    assert isinstance(judge(judging, other, at_s(30)), Ok)


def test_fills_not_read_are_unknown_never_ok() -> None:
    assert isinstance(judge(losses(), account(is_reconciled=False)), Unknown)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {},
            (
                "3 losses in a row within a trading day flatten and lock the account until the"
                " daily reset."
            ),
        ),
        (
            {"limit": 1, "min_loss_usd": 250, "lock_s": 600},
            (
                "1 loss of $250.00 or more within a trading day flattens and locks the account for"
                " 600 s."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert losses(**settings).summary() == sentence
