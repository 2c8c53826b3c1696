"""Rule 022: how many contracts may be open depends on the balance with which the day began."""

from typing import Any

import msgspec
import pytest
from core.builders import (
    ES,
    MES,
    MNQ,
    NOON,
    NQ,
    account,
    account_row,
    at,
    fill,
    held,
    judge,
    judge_all,
    position,
    restored,
    rule,
    snapshot,
    worth,
)
from core.builders import S as SECOND
from core.desk import RuleDesk

from risk_actors.core.verdict import Breached, Flatten, Ok, Reduce, Unknown, Warned

TOPSTEP_50K = [
    {"max_contracts": 2},
    {"above_usd": 1500, "max_contracts": 3},
    {"above_usd": 2000, "max_contracts": 5},
]
"""The funded 50K account, which counts from zero."""


def plan(**settings: Any) -> Any:
    return rule("scaling_plan", **{"steps": TOPSTEP_50K, **settings})


def trading(balance: Any, *positions: Any, **more: Any) -> Any:
    return worth(balance, account=account(*positions), **more)


@pytest.mark.parametrize(
    ("balance", "realized", "limit"),
    [
        ("0", 0, 2),
        ("-1800", 0, 2),
        ("1499.99", 0, 2),
        ("1500", 0, 2),
        ("1500.004", 0, 2),
        ("1500.005", 0, 3),
        ("1500.01", 0, 3),
        ("2000", 0, 3),
        ("2000.01", 0, 5),
        ("90000", 0, 5),
        # What is made or lost today does not count.
        ("2600", 1200, 2),
        ("1400", -200, 3),
    ],
)
def test_the_step_is_that_of_the_balance_at_the_days_start(
    balance: str, realized: int, limit: int
) -> None:
    verdict = judge(plan(), trading(balance, realized=realized))

    assert verdict == Ok(value=verdict.value, limit=verdict.limit)
    assert (verdict.value, verdict.limit) == (0, limit)


@pytest.mark.parametrize(
    ("balance", "limit"), [("51500", 2), ("51500.01", 3), ("52000.01", 5), ("48000", 2)]
)
def test_profit_is_the_balance_less_the_start_balance(balance: str, limit: int) -> None:
    judging = plan(basis="profit", start_balance_usd=50000)

    assert judge(judging, trading(balance)).limit == limit


@pytest.mark.parametrize(
    ("positions", "value", "targets"),
    [
        ((held(2, contract=ES),), "2", None),
        ((held(20),), "2", None),
        ((held(21),), "2.1", {MNQ: 20}),
        ((held(1, contract=NQ), held(-10, contract=MES)), "2", None),
        ((held(3, contract=NQ),), "3", {NQ: 2}),
        (
            (held(2, contract=ES, opened_ns=1), held(-2, contract=NQ, opened_ns=2)),
            "4",
            {NQ: 0},
        ),
        ((held(0, contract=NQ, fills_size=3),), "3", {NQ: 2}),
    ],
)
def test_what_exceeds_the_step_is_reduced_newest_first_ten_micros_to_a_mini(
    positions: tuple[Any, ...], value: str, targets: dict[str, int] | None
) -> None:
    verdict = judge(plan(), trading(0, *positions))

    assert str(verdict.value) == value
    if targets is None:
        assert isinstance(verdict, Ok)
    else:
        assert isinstance(verdict, Breached)
        assert verdict.action == Reduce(targets=tuple(targets.items()))
        assert verdict.locks == ()


def test_count_ratio_and_response_are_as_in_the_limit_on_contracts() -> None:
    fact = trading(0, held(5, contract=ES), held(-3, contract=NQ))

    assert isinstance(judge(plan(count="net"), fact), Ok)
    assert judge(plan(response="flatten"), fact).action == Flatten()
    assert isinstance(judge(plan(micro_ratio=1), trading(0, held(3))), Breached)


def test_a_payout_at_noon_changes_nothing_until_the_next_day() -> None:
    verdicts = judge_all(
        plan(),
        trading(2500, held(5, contract=ES)),
        trading(500, held(5, contract=ES)),
        trading(500, held(5, contract=ES), day=2),
    )

    assert [verdict.limit for verdict in verdicts] == [5, 5, 2]
    assert isinstance(verdicts[2], Breached)


def test_a_balance_that_was_wrong_for_a_moment_does_not_stay() -> None:
    judging = plan()

    state, early = judging.evaluate(None, trading(2500), NOON)
    state, right = judging.evaluate(state, trading(1900), NOON + SECOND - 1)
    state, later = judging.evaluate(state, trading(100), NOON + 5 * SECOND)

    assert (early.limit, right.limit, later.limit) == (5, 3, 3)


def test_the_days_start_is_unknown_until_it_is_read_and_known_once_it_was() -> None:
    unread = trading(None, held(9, contract=ES), unknown="the day's fills have not been read yet")
    due = worth(5000, account=account(held(1, fills_size=2)))

    unknown, while_due, known, still = judge_all(plan(), unread, due, trading(100), unread)

    assert isinstance(unknown, Unknown)
    assert unknown.evidence.sentence() == (
        "The balance at the day's start is unknown: the day's fills have not been read yet"
    )
    # Judged, but not remembered.
    assert while_due.limit == 5
    assert known.limit == 2
    assert isinstance(still, Breached)


def test_yesterdays_step_is_not_todays() -> None:
    _, verdict = judge_all(plan(), trading(2500), trading(None, day=2))

    assert isinstance(verdict, Unknown)


def test_positions_not_yet_read_are_unknown_never_ok() -> None:
    fact = worth(100, account=account(is_reconciled=False))

    assert isinstance(judge(plan(), fact), Unknown)


def test_a_warning_comes_at_its_fraction_of_the_step() -> None:
    judging = plan(warn_at=[0.5, 0.9])

    half, nearly = (judge(judging, trading(0, held(size))) for size in (10, 18))

    assert isinstance(half, Warned)
    assert isinstance(nearly, Warned)
    assert (half.fraction, nearly.fraction) == (0.5, 0.9)
    assert half.evidence.sentence() == (
        "1 contracts are open, the limit is 2: the day began with a balance of 0.00"
    )


def test_the_evidence_tells_the_balance_that_decided() -> None:
    breach = judge(
        plan(basis="profit", start_balance_usd=50000), trading(51600, held(4, contract=ES))
    )

    assert breach.evidence.sentence() == (
        "4 contracts exceeded the limit of 3 at 18:00:00 UTC:"
        " the day began with a profit of 1,600.00"
    )


def test_what_it_remembers_outlives_a_restart() -> None:
    judging = plan()
    state, _ = judging.evaluate(None, trading(2500), NOON)

    after, verdict = judging.evaluate(restored(judging, state), trading(500), NOON + SECOND)

    assert after == state
    assert verdict.limit == 5


def test_the_same_fact_again_changes_nothing_and_accounts_are_apart() -> None:
    judging = plan()
    one, first = judging.evaluate(None, trading(2500), NOON)
    again, second = judging.evaluate(one, trading(2500), NOON + SECOND)
    _, other = judging.evaluate(None, trading(0), NOON + SECOND)

    assert (one, first) == (again, second)
    assert other.limit == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": []}, "length >= 1"),
        ({"steps": [{"above_usd": 0, "max_contracts": 2}]}, "leave `above_usd` out of the first"),
        ({"steps": [{"max_contracts": 2}, {"max_contracts": 3}]}, "give every step after"),
        (
            {
                "steps": [
                    {"max_contracts": 2},
                    {"above_usd": 2000, "max_contracts": 3},
                    {"above_usd": 2000, "max_contracts": 5},
                ]
            },
            "lowest first",
        ),
        ({"steps": [{"max_contracts": 0}]}, ">= 1"),
        ({"steps": [{"max_contracts": 2, "from_usd": 1}]}, "unknown field `from_usd`"),
        ({"basis": "profit"}, "give `start_balance_usd`"),
        ({"start_balance_usd": 50000}, "leave `start_balance_usd` out"),
        ({"micro_ratio": 0}, "micro_ratio"),
    ],
)
def test_impossible_settings_are_refused_in_clear_words(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        plan(**settings)


def test_the_summary_is_a_sentence_with_the_effective_figures() -> None:
    assert plan().summary() == (
        "At most 2 open contracts, 3 above a balance of $1,500.00, 5 above a balance of $2,000.00"
        " at the day's start, 10 micros counting as one; above it, reduce the excess."
    )


# --- on the broker's facts ------------------------------------------------------------------


def test_a_profit_of_the_day_raises_the_step_after_the_reset() -> None:
    desk = RuleDesk(plan(), balance=1400)
    desk.see(fill(1, 3, 20000), position(3, 20000))
    desk.see(fill(2, -3, 20100, profit=600), position(0, 20000))
    noon = desk.verdicts[-1]

    evening = desk.at(at(2026, 11, 17, 17, 0) + SECOND)
    paid_out = desk.see(snapshot(desk.now_ns + 9 * SECOND, account=account_row(0)))

    assert (noon.limit, evening.limit) == (2, 3)
    assert paid_out.limit == 2  # within a second of the reset nothing is fixed yet


def test_a_start_in_the_middle_of_a_day_reckons_its_beginning_back() -> None:
    desk = RuleDesk(plan(), balance=0)
    today = fill(1, -1, 20000, profit=900, at_ns=NOON - 3600 * SECOND)

    verdict = desk.see(snapshot(desk.now_ns, fills=(today,), account=account_row(2300)))

    assert verdict.limit == 2
