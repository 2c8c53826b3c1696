"""Rule 009: a position must not be held longer than a time, nor (report only) shorter than one."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    ES,
    MNQ,
    MS,
    NOON,
    SELL,
    S,
    account,
    at,
    breach_of,
    fill,
    held,
    judge,
    order,
    position,
    restored,
    rule,
    snapshot,
)
from core.desk import RuleDesk

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderStatus
from risk_actors.core.lock import LockSpan
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Warned

MINUTE = 60 * S
OPENED = NOON + 1 * S
"""When `fill(1, …)` happened."""


def hold_time(**settings: Any) -> Any:
    return rule("position_hold_time", **(settings or {"max_s": 60}))


def since(opened_ns: int, contract: str = MNQ, size: int = 1) -> Any:
    return held(size, contract=contract, opened_ns=opened_ns)


@pytest.mark.parametrize("size", [1, -3])
@pytest.mark.parametrize(
    ("age_ns", "kind"),
    [
        (0, Ok),
        (59 * S, Ok),
        (60 * S - 1, Ok),
        (60 * S, Breached),
        (60 * S + 1, Breached),
        (61 * S, Breached),
        (3600 * S, Breached),
    ],
)
def test_at_the_limit_the_contract_is_flattened(age_ns: int, kind: type, size: int) -> None:
    verdict = judge(hold_time(), account(since(NOON, size=size)), NOON + age_ns)

    assert type(verdict) is kind
    assert verdict.value == age_ns // S
    assert (verdict.limit, verdict.contract_id) == (Decimal(60), MNQ)


def test_only_the_contract_goes_and_nothing_is_locked() -> None:
    breach = breach_of(hold_time(), account(since(NOON - MINUTE), since(NOON, ES)))

    assert breach.action == Flatten(contract_ids=(MNQ,))
    assert breach.locks == ()
    assert breach.contract_id == MNQ


def test_the_cause_is_the_position_and_not_the_instant() -> None:
    judging, fact = hold_time(), account(since(NOON))

    first = judge(judging, fact, NOON + MINUTE)
    again = judge(judging, fact, NOON + 2 * MINUTE)
    later_trade = judge(judging, account(since(NOON + 5)), NOON + 2 * MINUTE)
    two = judge(judging, account(since(NOON), since(NOON, ES)), NOON + MINUTE)

    assert isinstance(first, Breached)
    assert isinstance(again, Breached)
    assert isinstance(later_trade, Breached)
    assert isinstance(two, Breached)
    assert first.cause == again.cause
    assert len({first.cause, later_trade.cause, two.cause}) == 3
    assert two.action == Flatten(contract_ids=(ES, MNQ))


def test_the_evidence_says_since_when_and_until_when() -> None:
    breach = breach_of(hold_time(max_s=90), account(since(NOON - 120 * S, size=-2)))

    assert breach.evidence.sentence() == (
        "2 MNQ short has been held since 17:58:00 UTC, the 90 s allowed were over at 17:59:30 UTC"
    )


def test_nothing_open_is_ok_and_what_is_not_read_is_unknown() -> None:
    assert judge(hold_time(), account()) == Ok(value=Decimal(0), limit=Decimal(60))
    assert isinstance(judge(hold_time(), account(is_reconciled=False)), Unknown)
    assert hold_time().next_look_ns(None, account(is_reconciled=False), NOON) is None


@pytest.mark.parametrize(
    ("settings", "age_s", "expected"),
    [
        ({"max_s": 60, "warn_s": 30}, 0, 30),
        ({"max_s": 60, "warn_s": 30}, 29.999, 30),
        ({"max_s": 60, "warn_s": 30}, 30, 60),
        ({"max_s": 60, "warn_s": 30}, 60, None),
        ({"max_s": 60, "warn_at": [0.5, 0.9]}, 31, 54),
        ({"warn_s": 30}, 5, 30),
        ({"warn_s": 30}, 30, None),
        ({"min_s": 30}, 5, None),
    ],
)
def test_the_next_look_is_the_next_age_that_matters(
    settings: dict[str, Any], age_s: float, expected: int | None
) -> None:
    judging = hold_time(**settings)

    looks_ns = judging.next_look_ns(None, account(since(NOON)), NOON + round(age_s * S))

    assert looks_ns == (None if expected is None else NOON + expected * S)


def test_the_next_look_is_at_the_first_of_several_positions() -> None:
    fact = account(since(NOON - 20 * S), since(NOON - 50 * S, ES))

    assert hold_time().next_look_ns(None, fact, NOON) == NOON + 10 * S
    assert hold_time().next_look_ns(None, fact, NOON + 10 * S) == NOON + 40 * S
    assert hold_time().next_look_ns(None, account(), NOON) is None


def test_a_laptop_that_slept_through_the_end_acts_when_it_wakes() -> None:
    verdict = judge(hold_time(), account(since(NOON)), NOON + 8 * 3600 * S)

    assert isinstance(verdict, Breached)
    assert verdict.evidence.figures["due"] == NOON + MINUTE


def test_a_clock_behind_the_brokers_shows_no_negative_age() -> None:
    assert judge(hold_time(), account(since(NOON)), NOON - 5 * S).value == 0


# --- warnings -------------------------------------------------------------------------------


def told(judging: Any, *facts: tuple[AccountState, int]) -> list[str]:
    """Return the sentences of the warnings that the actor would give."""
    memory, sentences = RuleMemory(), []
    for fact, now_ns in facts:
        verdict = judge(judging, fact, now_ns)
        after = memory.after_warning(verdict, 1) if isinstance(verdict, Warned) else None
        if after is not None:
            memory = after
            sentences.append(verdict.evidence.sentence())
    return sentences


def test_each_position_is_warned_of_once() -> None:
    judging = hold_time(max_s=60, warn_s=30)
    one, two = since(NOON), since(NOON + 20 * S, ES)

    sentences = told(
        judging,
        (account(one), NOON + 29 * S),
        (account(one), NOON + 30 * S),
        (account(one, two), NOON + 40 * S),
        (account(one, two), NOON + 50 * S),
        (account(two), NOON + 55 * S),
    )

    assert sentences == [
        "1 MNQ long has been held since 18:00:00 UTC, 30 s by 18:00:30 UTC",
        "1 ES long has been held since 18:00:20 UTC, 30 s by 18:00:50 UTC",
    ]


def test_fractions_of_the_limit_warn_too() -> None:
    judging = hold_time(max_s=60, warn_at=[0.5, 0.75])

    verdicts = [judge(judging, account(since(NOON)), NOON + age * S) for age in (29, 30, 45)]

    assert isinstance(verdicts[0], Ok)
    assert [v.fraction for v in verdicts[1:] if isinstance(v, Warned)] == [0.5, 0.75]


def closed_after(*held_ns: int, **settings: Any) -> RuleDesk:
    """Return a desk on which trades were closed after such times, ten minutes apart."""
    desk = RuleDesk(hold_time(**settings))
    for number, span_ns in enumerate(held_ns):
        opened_ns = NOON + number * 10 * MINUTE
        desk.see(
            fill(2 * number + 1, 1, 100, at_ns=opened_ns),
            position(1, opened_ns=opened_ns),
            fill(2 * number + 2, -1, 101, at_ns=opened_ns + span_ns, profit=2),
            position(0),
        )
    return desk


@pytest.mark.parametrize(
    ("held_ns", "kind"),
    [(1, Warned), (9_999 * MS, Warned), (10 * S - 1, Warned), (10 * S, Ok), (11 * S, Ok)],
)
def test_a_trade_that_was_held_too_short_a_time_is_reported(held_ns: int, kind: type) -> None:
    desk = closed_after(held_ns, min_s=10)

    assert type(desk.verdicts[-1]) is kind


def test_a_short_trade_stays_the_verdict_until_the_next_one_closes() -> None:
    short = closed_after(3 * S, min_s=10)
    long_after = closed_after(3 * S, 30 * S, min_s=10)
    short_again = closed_after(3 * S, 4 * S, min_s=10)

    first, second = short.verdicts[-1], short_again.verdicts[-1]
    assert isinstance(short.at(NOON + 60 * MINUTE), Warned)
    assert isinstance(long_after.verdicts[-1], Ok)
    assert isinstance(first, Warned)
    assert isinstance(second, Warned)
    assert first.cause != second.cause
    assert first.value == 3
    assert first.evidence.sentence() == (
        "A trade in MNQ was held for 3.000 s until 18:00:03 UTC, less than 10 s"
    )


def test_a_new_day_forgets_the_short_trade_of_the_last() -> None:
    desk = closed_after(3 * S, min_s=10)

    assert isinstance(desk.at(at(2026, 11, 17, 16, 59)), Warned)
    assert isinstance(desk.at(at(2026, 11, 17, 17, 0)), Ok)


def test_what_was_flattened_under_a_lock_is_no_short_trade() -> None:
    desk = RuleDesk(hold_time(min_s=10))
    desk.positions.on_locks((LockSpan(None, NOON - S, None),))

    desk.see(fill(1, 1, 100), position(1), fill(2, -1, 100, profit=0), position(0))

    assert isinstance(desk.verdicts[-1], Ok)


def test_a_trade_whose_opening_is_not_known_is_no_short_trade() -> None:
    """It was open when the fills that are known began."""
    desk = RuleDesk(hold_time(min_s=10))
    desk.see(snapshot(desk.now_ns, positions=(position(2, opened_ns=5),)))

    desk.see(fill(1, -1, 101, profit=2), fill(2, -1, 101, profit=2), position(0))

    assert isinstance(desk.verdicts[-1], Ok)


def test_without_the_fills_short_trades_are_unknown_and_old_positions_still_go() -> None:
    unread = msgspec.structs.replace(account(), has_all_fills=False)
    old = msgspec.structs.replace(account(since(NOON)), has_all_fills=False)

    assert isinstance(judge(hold_time(min_s=10), unread), Unknown)
    assert isinstance(judge(hold_time(max_s=60), unread), Ok)
    assert isinstance(judge(hold_time(max_s=60, min_s=10), old, NOON + MINUTE), Breached)


def test_of_a_short_trade_and_an_old_position_the_newer_is_told_so_that_both_are() -> None:
    desk = closed_after(3 * S, min_s=10, warn_s=30)
    opened_ns = NOON + 2 * S
    desk.see(
        fill(8, 1, 100, at_ns=opened_ns, contract=ES),
        position(1, contract=ES, opened_ns=opened_ns),
    )

    before, after = desk.at(NOON + 31 * S), desk.at(NOON + 32 * S)

    assert isinstance(before, Warned)
    assert isinstance(after, Warned)
    assert "was held for" in before.evidence.sentence()
    assert "has been held" in after.evidence.sentence()


# --- on the broker's facts ------------------------------------------------------------------


ROWS = (
    fill(1, 1, 100, order_id=7),
    fill(2, 2, 101, order_id=7),
    position(3, 100, opened_ns=OPENED),
    order(7, BUY, 3, status=OrderStatus.FILLED, filled=3),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_the_time_counts_from_the_first_fill_in_whatever_order_the_rows_come(
    rows: tuple[Any, ...],
) -> None:
    desk = RuleDesk(hold_time())

    desk.see(*rows, *rows)

    assert desk.rule.next_look_ns(None, desk.positions.state(), desk.now_ns) == OPENED + MINUTE
    assert isinstance(desk.at(OPENED + MINUTE - 1), Ok)
    breach = desk.at(OPENED + MINUTE)
    assert isinstance(breach, Breached)
    assert breach.cause == f"{MNQ} opened {OPENED}"


def test_scaling_in_starts_no_new_time_and_a_reversal_does() -> None:
    desk = RuleDesk(hold_time())
    desk.see(fill(1, 1, 100), position(1))

    desk.see(fill(20, 1, 101), position(2))
    added = desk.rule.next_look_ns(None, desk.positions.state(), desk.now_ns)
    desk.see(fill(30, -3, 102, profit=6), position(-1))
    turned = desk.rule.next_look_ns(None, desk.positions.state(), desk.now_ns)

    assert added == OPENED + MINUTE
    assert turned == NOON + 30 * S + MINUTE


@pytest.mark.parametrize(
    "rows",
    list(
        itertools.permutations(
            (
                fill(2, -1, 100, profit=0),
                position(0),
                order(1002, SELL, 1, status=OrderStatus.FILLED, filled=1),
            )
        )
    ),
)
def test_while_the_close_is_told_the_breach_is_one_and_then_it_is_over(
    rows: tuple[Any, ...],
) -> None:
    desk = RuleDesk(hold_time())
    desk.see(fill(1, 1, 100), position(1))
    desk.at(OPENED + MINUTE)

    desk.see(*rows)

    broken = [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]
    assert len({verdict.cause for verdict in broken}) == 1
    assert isinstance(desk.verdicts[-1], Ok)


def test_a_start_in_the_middle_of_a_day_counts_from_the_fills_else_from_the_brokers_word() -> None:
    with_fills, without = RuleDesk(hold_time()), RuleDesk(hold_time())
    told_late = position(1, opened_ns=NOON - 10 * S)
    first_fill = fill(1, 1, 100, at_ns=NOON - 55 * S)

    with_fills.see(snapshot(NOON, positions=(told_late,), fills=(first_fill,)))
    without.see(snapshot(NOON, positions=(told_late,)))

    assert isinstance(with_fills.at(NOON + 5 * S), Breached)
    assert isinstance(without.at(NOON + 5 * S), Ok)
    assert isinstance(without.at(NOON + 50 * S), Breached)


def test_a_trade_known_by_its_closing_fills_alone_counts_from_the_brokers_word() -> None:
    """The first fill known only took something off: it opened nothing."""
    desk = RuleDesk(hold_time())
    desk.see(snapshot(NOON, positions=(position(3, opened_ns=NOON - 50 * S),)))

    desk.see(fill(1, -1, 101, profit=2), position(2, opened_ns=NOON - 50 * S))

    assert isinstance(desk.at(NOON + 9 * S), Ok)
    assert isinstance(desk.at(NOON + 10 * S), Breached)


def test_a_reset_changes_nothing_for_a_position_held_through_it() -> None:
    evening = at(2026, 11, 17, 16, 59)
    desk = RuleDesk(hold_time(max_s=120), now_ns=evening)
    desk.see(fill(1, 1, 100, at_ns=evening), position(1, opened_ns=evening))

    assert isinstance(desk.at(evening + 119 * S), Ok)
    assert isinstance(desk.at(evening + 120 * S), Breached)


def test_it_remembers_nothing_so_a_restart_forgets_nothing() -> None:
    judging = hold_time()
    assert restored(judging, judging.initial_state()) is None


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = hold_time()
    other = msgspec.structs.replace(account(since(NOON)), account_id=102)

    assert isinstance(judge(judging, account(since(NOON - MINUTE)), NOON), Breached)
    assert isinstance(judge(judging, other, NOON), Ok)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"id": "x"}, "give `max_s`, `warn_s` or `min_s`"),
        ({"max_s": 60, "warn_s": 60}, "`warn_s` must be less than `max_s`"),
        ({"max_s": 60, "min_s": 61}, "`min_s` must not be more than `max_s`"),
        ({"warn_s": 60, "warn_at": [0.5]}, "`warn_at` is a fraction of `max_s`"),
        ({"max_s": 0}, "> 0"),
        ({"max_s": -1}, "> 0"),
        ({"max_s": "60"}, "got `str`"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        hold_time(**settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_s": 3600}, "Flatten a contract that has been held for 3600 s."),
        (
            {"max_s": 60, "warn_s": 30, "min_s": 10},
            (
                "Flatten a contract that has been held for 60 s, warn of one held for 30 s,"
                " report a trade that was held for less than 10 s."
            ),
        ),
        ({"min_s": 10}, "Report a trade that was held for less than 10 s."),
    ],
)
def test_the_summary_is_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    assert hold_time(**settings).summary() == sentence
