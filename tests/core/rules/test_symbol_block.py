"""Rule 018: no position and no order in a forbidden symbol."""

import itertools
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    CORN,
    ES,
    MES,
    MNQ,
    MNQ_NEXT,
    NQ,
    SELL,
    account,
    at,
    breach_of,
    fill,
    held,
    judge,
    order,
    position,
    rule,
    snapshot,
)
from core.desk import RuleDesk

from risk_actors.core.broker import OrderStatus
from risk_actors.core.verdict import Breached, Existing, Flatten, LockEnd, LockTerms, Ok, Unknown


def symbol_block(**settings: Any) -> Any:
    return rule("symbol_block", **settings)


def forbidden(settings: dict[str, Any], *positions: Any, **fact: Any) -> tuple[str, ...]:
    """Return the contracts that must go; empty when the rule is content."""
    verdict = judge(symbol_block(**settings), account(*positions, **fact))
    if isinstance(verdict, Ok):
        return ()
    assert isinstance(verdict, Breached), verdict
    assert isinstance(verdict.action, Flatten)
    return verdict.action.contract_ids


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"blocked": ["ES"]}, (ES,)),
        ({"blocked": ["es"]}, (ES,)),
        ({"blocked": ["MES"]}, ()),
        ({"blocked": ["NQ", "ES"]}, (ES,)),
        ({"allowed": ["ES"]}, ()),
        ({"allowed": ["es", "NQ"]}, ()),
        ({"allowed": ["NQ"]}, (ES,)),
    ],
)
def test_a_position_or_an_order_alone_is_enough(
    settings: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert forbidden(settings, held(1, contract=ES)) == expected
    assert forbidden(settings, held(-1, contract=ES)) == expected
    assert forbidden(settings, held(0, fills_size=1, contract=ES)) == expected
    assert forbidden(settings, orders=(order(1, BUY, contract=ES),)) == expected
    assert forbidden(settings, orders=(order(1, SELL, contract=ES),)) == expected


def test_a_suspended_order_in_a_forbidden_symbol_is_found() -> None:
    waiting = order(1, BUY, contract=ES, status=OrderStatus.SUSPENDED)

    assert forbidden({"blocked": ["ES"]}, orders=(waiting,)) == (ES,)


def test_only_the_forbidden_contracts_go_and_each_is_locked() -> None:
    judging = symbol_block(blocked=["MNQ", "ES"])
    fact = account(
        held(1),
        held(1, contract=NQ),
        orders=(order(1, BUY, contract=MNQ_NEXT), order(2, BUY, contract=MES)),
    )

    breach = breach_of(judging, fact)

    assert breach.action == Flatten(contract_ids=(MNQ_NEXT, MNQ))
    assert breach.locks == tuple(
        LockTerms(contract_id=contract, end=LockEnd.DAILY_RESET, existing=Existing.FLATTEN)
        for contract in (MNQ_NEXT, MNQ)
    )
    assert breach.evidence.sentence() == "MNQ was traded at 18:00:00 UTC, which is not allowed"


def test_one_more_forbidden_contract_is_another_cause_and_the_same_ones_are_not() -> None:
    judging = symbol_block(blocked=["MNQ", "ES"])

    one = breach_of(judging, account(held(1)))
    with_an_order = breach_of(judging, account(held(2), orders=(order(1, SELL),)))
    two = breach_of(judging, account(held(1), held(1, contract=ES)))

    assert one.cause == with_an_order.cause
    assert one.cause != two.cause


def test_positions_not_yet_read_are_unknown_never_ok() -> None:
    verdict = judge(symbol_block(allowed=["ES"]), account(is_reconciled=False))

    assert isinstance(verdict, Unknown)


def test_an_account_with_nothing_in_it_is_ok() -> None:
    assert judge(symbol_block(allowed=["ES"]), account()) == Ok()


# An unlisted product's root (ZCE) is not its symbol (ZC); the broker names it a moment later.


@pytest.mark.parametrize(
    ("settings", "is_forbidden"),
    [
        ({"blocked": ["ZC"]}, True),
        ({"blocked": ["ZW"]}, False),
        ({"allowed": ["ZC"]}, False),
        ({"allowed": ["ZW"]}, True),
        ({"allowed": ["ES"]}, True),
    ],
)
def test_an_unlisted_product_is_judged_by_the_brokers_name_in_positions_and_orders_alike(
    settings: dict[str, Any], *, is_forbidden: bool
) -> None:
    expected = (CORN,) if is_forbidden else ()
    names = {CORN: "ZC"}

    in_position = forbidden(settings, held(1, contract=CORN, symbol="ZC"), named_symbols=names)
    in_order = forbidden(settings, orders=(order(1, BUY, contract=CORN),), named_symbols=names)

    assert in_position == expected
    assert in_order == expected


@pytest.mark.parametrize("settings", [{"blocked": ["ZC"]}, {"allowed": ["ZC", "ES"]}])
def test_until_the_broker_names_it_an_unlisted_product_is_unknown_where_the_name_matters(
    settings: dict[str, Any],
) -> None:
    verdict = judge(symbol_block(**settings), account(held(1, contract=CORN)))

    assert isinstance(verdict, Unknown)
    assert CORN in verdict.evidence.sentence()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"blocked": ["ES"]}, ()),
        ({"allowed": ["ES"]}, (CORN,)),
        ({"blocked": ["ZCE"]}, (CORN,)),
        ({"allowed": ["ZCE"]}, ()),
    ],
)
def test_where_its_name_cannot_matter_an_unlisted_product_is_judged_at_once(
    settings: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert forbidden(settings, held(1, contract=CORN)) == expected


def test_what_is_surely_forbidden_does_not_wait_for_a_name() -> None:
    positions = (held(1, contract=CORN), held(1, contract=NQ))

    assert forbidden({"allowed": ["ZW", "ES"]}, *positions) == (NQ,)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"blocked": ["nq", "ES"]}, "ES, NQ may not be traded; "),
        ({"allowed": ["MNQ"]}, "Only MNQ may be traded; "),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    then = "else flatten and lock the contract until the daily reset."

    assert symbol_block(**settings).summary() == sentence + then


ROWS = (
    order(7, BUY, 1, contract=ES),
    order(7, BUY, 1, contract=ES, status=OrderStatus.FILLED, filled=1, updated_ns=2),
    fill(1, 1, 5000, contract=ES, order_id=7),
    position(1, 5000, contract=ES),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_the_rows_of_a_fill_in_any_order_are_one_breach(rows: tuple[Any, ...]) -> None:
    desk = RuleDesk(symbol_block(blocked=["ES"]))

    desk.see(*rows, *rows)

    broken = [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]
    assert len({verdict.cause for verdict in broken}) == 1
    assert all(verdict.cause.endswith(ES) for verdict in broken)
    assert isinstance(desk.verdicts[-1], Breached)


def test_a_start_in_the_middle_of_a_day_finds_it_and_a_reset_does_not_mend_it() -> None:
    desk = RuleDesk(symbol_block(blocked=["ES"]))

    first = desk.see(snapshot(desk.now_ns, positions=(position(1, contract=ES),)))
    evening = desk.at(at(2026, 11, 17, 17))

    assert isinstance(first, Breached)
    assert isinstance(evening, Breached)
    assert first.cause != evening.cause  # its lock ended with the day
    assert first.contract_id == ES


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = symbol_block(blocked=["ES"])
    other = msgspec.structs.replace(account(held(1)), account_id=102)

    assert isinstance(judge(judging, account(held(1, contract=ES))), Breached)
    assert judge(judging, other) == Ok()
