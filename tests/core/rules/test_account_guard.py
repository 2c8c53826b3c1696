"""Rule 017: when the broker says that the account may not trade, lock it until it may."""

import itertools
from typing import Any

import msgspec
import pytest
from core.builders import NOON, S, account, account_row, at, breach_of, fill, judge, position, rule
from core.builders import snapshot as read
from core.desk import RuleDesk

from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown


def account_guard(**settings: Any) -> Any:
    return rule("account_guard", **settings)


def may_trade(*, can_trade: bool | None, **terms: Any) -> Any:
    return msgspec.structs.replace(account(), can_trade=can_trade, **terms)


@pytest.mark.parametrize(("can_trade", "kind"), [(True, Ok), (False, Breached), (None, Unknown)])
def test_what_the_broker_says_is_the_verdict(*, can_trade: bool | None, kind: type) -> None:
    assert type(judge(account_guard(), may_trade(can_trade=can_trade))) is kind


def test_the_account_is_flattened_and_locked_until_the_broker_lets_it_trade() -> None:
    breach = breach_of(account_guard(), may_trade(can_trade=False))

    assert breach.action == Flatten()
    assert breach.locks == (LockTerms(end=LockEnd.CONDITION),)
    assert account_guard().ends_on_condition
    assert breach.evidence.sentence() == (
        "The broker says at 18:00:00 UTC that account 50KTC-V2-1001 may not trade"
    )


def test_while_it_lasts_it_is_one_cause() -> None:
    fact = may_trade(can_trade=False)

    first, later = (judge(account_guard(), fact, now_ns) for now_ns in (NOON, NOON + 3600 * S))

    assert isinstance(first, Breached)
    assert isinstance(later, Breached)
    assert first.cause == later.cause


@pytest.mark.parametrize(
    "rows",
    list(itertools.permutations((account_row(can_trade=False), fill(1, 1, 100), position(1)))),
)
def test_rows_of_a_fill_in_any_order_change_nothing(rows: tuple[Any, ...]) -> None:
    desk = RuleDesk(account_guard())

    desk.see(*rows, *rows)

    assert isinstance(desk.verdicts[-1], Breached)
    assert isinstance(desk.see(account_row(can_trade=True)), Ok)


def test_it_lasts_through_a_reset_and_is_found_at_a_start_in_the_middle_of_a_day() -> None:
    desk = RuleDesk(account_guard())
    desk.see(read(desk.now_ns, account=account_row(can_trade=False)))

    assert isinstance(desk.verdicts[-1], Breached)
    assert isinstance(desk.at(at(2026, 11, 17, 17)), Breached)


def test_before_the_account_was_read_it_is_unknown() -> None:
    unread = may_trade(can_trade=None, is_reconciled=False)

    assert isinstance(judge(account_guard(), unread), Unknown)


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = account_guard()

    assert isinstance(judge(judging, may_trade(can_trade=False)), Breached)
    assert isinstance(judge(judging, may_trade(can_trade=True, account_id=102)), Ok)


def test_it_has_no_settings_of_its_own() -> None:
    assert account_guard().summary() == (
        "When the broker says that the account may not trade, flatten and lock it until it may."
    )
    with pytest.raises(msgspec.ValidationError, match="unknown field `limit`"):
        account_guard(limit=1)
