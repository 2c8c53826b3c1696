"""Rule 001: open contracts over all instruments must not exceed a limit."""

import itertools
from typing import Any

import pytest
from core.builders import (
    BUY,
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

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import OrderStatus, OrderType
from risk_actors.core.verdict import Breached, Flatten, Ok, Reduce, Unknown, Warned


def max_contracts(**settings: Any) -> Any:
    return rule("max_contracts", **settings)


def reduction(judging: Any, fact: AccountState) -> tuple[dict[str, int], tuple[int, ...]]:
    """Return the sizes that may stay and the orders that must go."""
    action = breach_of(judging, fact).action
    assert isinstance(action, Reduce)
    return dict(action.targets), action.cancel_order_ids


@pytest.mark.parametrize(
    ("settings", "positions", "value", "kind"),
    [
        ({"limit": 3}, (), 0, Ok),
        ({"limit": 3}, (held(2),), 2, Ok),
        ({"limit": 3}, (held(3),), 3, Ok),
        ({"limit": 3}, (held(-3),), 3, Ok),
        ({"limit": 3}, (held(4),), 4, Breached),
        ({"limit": 3}, (held(-4),), 4, Breached),
        ({"limit": 3}, (held(2), held(-1, contract=ES)), 3, Ok),
        ({"limit": 3}, (held(2), held(-2, contract=ES)), 4, Breached),
        ({"limit": 3}, (held(1), held(1, contract=ES), held(2, contract=NQ)), 4, Breached),
        ({"limit": 3, "count": "net"}, (held(4), held(-2, contract=ES)), 2, Ok),
        ({"limit": 3, "count": "net"}, (held(5), held(-2, contract=ES)), 3, Ok),
        ({"limit": 3, "count": "net"}, (held(6), held(-2, contract=ES)), 4, Breached),
        ({"limit": 3, "count": "net"}, (held(-6), held(2, contract=ES)), 4, Breached),
        ({"limit": 3}, (held(1), held(3, contract=MNQ_NEXT)), 4, Breached),
        # Report and fills differ: the larger counts.
        ({"limit": 3}, (held(0, fills_size=4),), 4, Breached),
        ({"limit": 3}, (held(4, fills_size=0),), 4, Breached),
        ({"limit": 3}, (held(2, fills_size=3),), 3, Ok),
    ],
)
def test_contracts_are_counted_and_compared(
    settings: dict[str, Any], positions: tuple[Any, ...], value: int, kind: type
) -> None:
    verdict = judge(max_contracts(**settings), account(*positions))

    assert type(verdict) is kind
    assert (verdict.value, verdict.limit) == (value, 3)


@pytest.mark.parametrize(
    ("positions", "value", "kind"),
    [
        ((held(10),), "1", Ok),
        ((held(30),), "3", Ok),
        ((held(31),), "3.1", Breached),
        ((held(3, contract=NQ),), "3", Ok),
        ((held(2, contract=NQ), held(10)), "3", Ok),
        ((held(2, contract=NQ), held(-11, contract=MES)), "3.1", Breached),
        ((held(4, contract=ES),), "4", Breached),
        # A product that the catalogue lacks counts in full.
        ((held(4, contract="CON.F.US.XYZ.Z26"),), "4", Breached),
    ],
)
def test_ten_micros_count_as_one_contract(
    positions: tuple[Any, ...], value: str, kind: type
) -> None:
    verdict = judge(max_contracts(limit=3, micro_ratio=10), account(*positions))

    assert type(verdict) is kind
    assert str(verdict.value) == value


def test_without_a_ratio_a_micro_counts_in_full() -> None:
    verdict = judge(max_contracts(limit=3), account(held(4, contract=MES)))

    assert isinstance(verdict, Breached)


def test_the_newest_position_is_reduced_first() -> None:
    fact = account(
        held(2, contract=ES, opened_ns=30),
        held(2, contract=MNQ, opened_ns=10),
        held(-2, contract=NQ, opened_ns=20),
    )

    assert reduction(max_contracts(limit=5), fact) == ({ES: 1}, ())
    assert reduction(max_contracts(limit=4), fact) == ({ES: 0}, ())
    assert reduction(max_contracts(limit=3), fact) == ({ES: 0, NQ: 1}, ())
    assert reduction(max_contracts(limit=1), fact) == ({ES: 0, NQ: 0, MNQ: 1}, ())


def test_positions_of_the_same_instant_are_taken_in_a_fixed_order() -> None:
    fact = account(held(2, contract=NQ), held(2, contract=ES))
    mirrored = account(held(2, contract=ES), held(2, contract=NQ))

    assert reduction(max_contracts(limit=3), fact) == reduction(max_contracts(limit=3), mirrored)


@pytest.mark.parametrize(
    ("positions", "targets"),
    [
        ((held(6, opened_ns=1), held(-2, contract=ES, opened_ns=2)), {MNQ: 5}),
        ((held(-6, opened_ns=1), held(2, contract=ES, opened_ns=2)), {MNQ: 5}),
        (
            (held(3, opened_ns=1), held(3, contract=NQ, opened_ns=2), held(-1, contract=ES)),
            {NQ: 1},
        ),
    ],
)
def test_net_excess_is_taken_off_the_side_in_excess(
    positions: tuple[Any, ...], targets: dict[str, int]
) -> None:
    assert reduction(max_contracts(limit=3, count="net"), account(*positions)) == (targets, ())


@pytest.mark.parametrize(
    ("positions", "targets"),
    [
        # 35 micros of excess 5; a mini is worth ten of them and goes whole.
        ((held(35),), {MNQ: 30}),
        ((held(3, contract=NQ, opened_ns=1), held(5, opened_ns=2)), {MNQ: 0}),
        ((held(3, contract=NQ, opened_ns=2), held(5, opened_ns=1)), {NQ: 2}),
    ],
)
def test_the_reduction_counts_micros_by_their_ratio(
    positions: tuple[Any, ...], targets: dict[str, int]
) -> None:
    judging = max_contracts(limit=3, micro_ratio=10)

    assert reduction(judging, account(*positions)) == (targets, ())


def test_the_response_flatten_flattens_the_account() -> None:
    breach = breach_of(max_contracts(limit=3, response="flatten"), account(held(4)))

    assert breach.action == Flatten()
    assert breach.locks == ()


def test_working_orders_do_not_count_by_default() -> None:
    verdict = judge(max_contracts(limit=3), account(held(3), orders=(order(1, BUY, 5),)))

    assert isinstance(verdict, Ok)


@pytest.mark.parametrize(
    ("positions", "orders", "value"),
    [
        ((held(2),), (order(1, BUY),), 3),
        ((held(-2),), (order(1, SELL),), 3),
        ((), (order(1, BUY, 2), order(2, SELL, 1, contract=ES)), 3),
        ((), (order(1, BUY, 5, filled=3),), 2),
        ((), (order(1, BUY, 3, kind=OrderType.STOP),), 3),
        ((), (order(1, BUY, 3, kind=OrderType.MARKET, status=OrderStatus.PENDING),), 3),
        ((), (order(1, BUY, 3, status=OrderStatus.PENDING_CANCELLATION),), 3),
        # Exits never count, nor does a stop beside a target; what is beyond them is entry.
        ((held(2),), (order(1, SELL, 2),), 2),
        ((held(2),), (order(1, SELL, 2), order(2, SELL, 2, kind=OrderType.STOP)), 2),
        ((held(-2),), (order(1, BUY, 1),), 2),
        ((held(1),), (order(1, SELL, 3),), 3),
        # Brackets never count, not even before the position of their entry is seen.
        ((), (order(1, SELL, 3, parent=9),), 0),
        ((), (order(1, SELL, 3, status=OrderStatus.SUSPENDED),), 0),
        ((held(2),), (order(1, BUY, 2, parent=9),), 2),
        # An order on another contract is an entry however the position stands.
        ((held(2),), (order(1, SELL, 1, contract=MNQ_NEXT),), 3),
        # While report and fills differ, the larger position decides what is an exit.
        ((held(0, fills_size=3),), (order(1, SELL, 3, kind=OrderType.STOP),), 3),
        ((held(3, fills_size=0),), (order(1, SELL, 3, kind=OrderType.STOP),), 3),
    ],
)
def test_working_entries_count_when_included(
    positions: tuple[Any, ...], orders: tuple[Any, ...], value: int
) -> None:
    judging = max_contracts(limit=3, include_working=True)

    verdict = judge(judging, account(*positions, orders=orders))

    assert verdict == Ok(value=verdict.value, limit=verdict.limit)
    assert verdict.value == value


def test_the_newest_working_entries_are_cancelled_before_a_position_is_touched() -> None:
    judging = max_contracts(limit=3, include_working=True)
    orders = (order(1, BUY), order(2, SELL, 2), order(3, BUY), order(4, BUY))

    assert reduction(judging, account(held(2), orders=orders[:1] + orders[2:])) == ({}, (4, 3))
    assert reduction(judging, account(held(2), orders=orders)) == ({}, (4, 3))
    assert reduction(judging, account(held(5), orders=orders)) == ({MNQ: 3}, (4, 3, 1))


def test_a_protective_stop_is_never_what_is_cancelled_while_the_position_row_is_due() -> None:
    # The fill of an entry has come, its position row has not: the stop looks like an entry.
    stop = order(7, SELL, 4, kind=OrderType.STOP)
    fact = account(held(0, fills_size=4), orders=(stop,))

    assert reduction(max_contracts(limit=3, include_working=True), fact) == ({MNQ: 3}, ())


def test_net_counts_the_worse_of_what_could_be_bought_and_sold() -> None:
    judging = max_contracts(limit=3, count="net", include_working=True)
    fact = account(held(1), orders=(order(1, BUY, 2, contract=ES), order(2, SELL, 6, contract=ES)))

    breach = breach_of(judging, fact)

    assert breach.value == 5
    assert breach.action == Reduce(targets=(), cancel_order_ids=(2,))


def test_positions_not_yet_read_are_unknown_never_ok() -> None:
    verdict = judge(max_contracts(limit=3), account(is_reconciled=False))

    assert isinstance(verdict, Unknown)
    assert verdict.limit == 3


@pytest.mark.parametrize(("size", "kind"), [(7, Ok), (8, Warned), (10, Warned), (11, Breached)])
def test_a_warning_comes_at_its_fraction_of_the_limit(size: int, kind: type) -> None:
    verdict = judge(max_contracts(limit=10, warn_at=[0.8, 0.95]), account(held(size)))

    assert type(verdict) is kind
    if isinstance(verdict, Warned):
        assert verdict.fraction == (0.8 if size < 9.5 else 0.95)


@pytest.mark.parametrize(
    "rows",
    list(
        itertools.permutations(
            (fill(1, 2, 100, order_id=7), fill(2, 2, 100, order_id=7), position(4))
        )
    ),
)
def test_the_rows_of_an_entry_in_any_order_are_one_excess(rows: tuple[Any, ...]) -> None:
    desk = RuleDesk(max_contracts(limit=3))

    desk.see(*rows, *rows)

    broken = [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]
    assert {verdict.cause for verdict in broken} == {breach_of(desk.rule, account(held(4))).cause}
    assert all(verdict.value == 4 for verdict in broken)
    assert isinstance(desk.verdicts[-1], Breached)


def test_a_start_with_too_much_open_finds_it_and_a_reset_does_not_mend_it() -> None:
    desk = RuleDesk(max_contracts(limit=3))

    first = desk.see(snapshot(desk.now_ns, positions=(position(5),)))
    evening = desk.at(at(2026, 11, 17, 17, 0))

    assert isinstance(first, Breached)
    assert isinstance(evening, Breached)
    assert first.cause == evening.cause


def test_the_same_excess_is_one_cause_and_another_excess_is_another() -> None:
    judging = max_contracts(limit=3)

    first = breach_of(judging, account(held(5)))
    while_closing = breach_of(judging, account(held(4)))
    elsewhere = breach_of(judging, account(held(5, contract=ES)))

    assert first.cause == while_closing.cause
    assert first.cause != elsewhere.cause


def test_the_evidence_says_what_was_open_and_what_was_allowed() -> None:
    breach = breach_of(max_contracts(limit=3), account(held(5)))

    assert breach.evidence.sentence() == "5 contracts exceeded the limit of 3 at 18:00:00 UTC"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"limit": 3},
            "At most 3 open contracts over all instruments; above it, reduce the excess.",
        ),
        (
            {"limit": 5, "count": "net", "response": "flatten"},
            "At most 5 net contracts over all instruments; above it, flatten the account.",
        ),
        (
            {"limit": 5, "micro_ratio": 10, "include_working": True},
            (
                "At most 5 open contracts over all instruments with working entry orders,"
                " 10 micros counting as one; above it, reduce the excess."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence_with_the_effective_figures(
    settings: dict[str, Any], sentence: str
) -> None:
    assert max_contracts(**settings).summary() == sentence
