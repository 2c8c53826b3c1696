"""Rule 023: a working entry order must not be larger than its limit."""

import itertools
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    CORN,
    ES,
    MES,
    MNQ,
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
    stop,
)
from core.desk import RuleDesk

from risk_actors.core.broker import OrderStatus, OrderType
from risk_actors.core.verdict import Breached, Ok, Reduce, Unknown, Warned


def max_order_size(**settings: Any) -> Any:
    return rule("max_order_size", **(settings or {"limit": 3}))


def cancelled(judging: Any, *positions: Any, orders: tuple[Any, ...]) -> tuple[int, ...]:
    """Return the orders that must go; empty when the rule is content."""
    verdict = judge(judging, account(*positions, orders=orders))
    if not isinstance(verdict, Breached):
        assert isinstance(verdict, Ok | Warned), verdict
        return ()
    assert isinstance(verdict.action, Reduce)
    assert (verdict.action.targets, verdict.locks) == ((), ())
    return verdict.action.cancel_order_ids


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.STOP, OrderType.MARKET])
@pytest.mark.parametrize(("size", "expected"), [(2, ()), (3, ()), (4, (7,)), (50, (7,))])
def test_an_entry_order_above_the_limit_is_cancelled(
    size: int, expected: tuple[int, ...], side: Any, kind: OrderType
) -> None:
    assert cancelled(max_order_size(), orders=(order(7, side, size, kind=kind),)) == expected


@pytest.mark.parametrize(
    ("positions", "orders", "expected"),
    [
        # exits never
        ((held(5),), (order(7, SELL, 5),), ()),
        ((held(5),), (stop(7, SELL, 5),), ()),
        ((held(-5),), (order(7, BUY, 5),), ()),
        # only what is beyond the position is entry
        ((held(5),), (order(7, SELL, 8),), ()),
        ((held(5),), (order(7, SELL, 9),), (7,)),
        # adding
        ((held(5),), (order(7, BUY, 4),), (7,)),
        # the larger of fills and report says what is an exit
        ((held(0, fills_size=5),), (order(7, SELL, 5),), ()),
        ((held(5, fills_size=0),), (order(7, SELL, 5),), ()),
        # bracket children never, whatever is seen of their position
        ((), (order(7, SELL, 5, parent=1),), ()),
        ((), (stop(7, SELL, 5, status=OrderStatus.SUSPENDED),), ()),
        # what was filled already is not in it
        ((held(2),), (order(7, BUY, 5, filled=2),), ()),
        ((held(1),), (order(7, BUY, 5, filled=1),), (7,)),
        # each order by itself
        ((), (order(7, BUY, 3), order(8, BUY, 3)), ()),
        ((), (order(8, BUY, 4), order(7, SELL, 9), order(9, BUY, 1)), (7, 8)),
    ],
)
def test_what_counts(
    positions: tuple[Any, ...], orders: tuple[Any, ...], expected: tuple[int, ...]
) -> None:
    assert cancelled(max_order_size(), *positions, orders=orders) == expected


def test_a_symbol_of_its_own_limit_overrides_the_general_one() -> None:
    judging = max_order_size(limit=2, limits={"mes": 20, "ES": 1})
    orders = (
        order(1, BUY, 20, contract=MES),
        order(2, BUY, 2, contract=ES),
        order(3, BUY, 3, contract=MNQ),
        order(4, BUY, 2, contract=NQ),
        order(5, BUY, 21, contract=MES),
    )

    assert cancelled(judging, orders=orders) == (2, 3, 5)


def test_without_a_general_limit_other_symbols_are_not_checked() -> None:
    judging = max_order_size(limits={"ES": 1})

    assert cancelled(judging, orders=(order(1, BUY, 99),)) == ()
    assert cancelled(judging, orders=(order(1, BUY, 2, contract=ES),)) == (1,)


def test_the_breach_shows_the_order_that_is_furthest_beyond_its_limit() -> None:
    breach = breach_of(
        max_order_size(limit=3, limits={"ES": 1}),
        account(orders=(order(1, BUY, 5), order(2, BUY, 2, contract=ES))),
    )

    assert (breach.value, breach.limit, breach.contract_id) == (2, 1, ES)
    assert breach.evidence.sentence() == (
        "An entry order for 2 ES exceeded the limit of 1 at 18:00:00 UTC (2 such orders)"
    )


def test_the_cause_is_the_orders() -> None:
    judging = max_order_size()

    first = breach_of(judging, account(orders=(order(1, BUY, 5),)))
    filling = breach_of(judging, account(held(1), orders=(order(1, BUY, 5, filled=1),)))
    more = breach_of(judging, account(orders=(order(1, BUY, 5), order(2, BUY, 4))))
    other = breach_of(judging, account(orders=(order(3, BUY, 5),)))

    assert first.cause == filling.cause
    assert len({first.cause, more.cause, other.cause}) == 3


def test_the_verdict_shows_the_largest_order_beside_its_limit() -> None:
    judging = max_order_size(limit=10, limits={"ES": 2})
    fact = account(orders=(order(1, BUY, 5), order(2, BUY, 2, contract=ES)))

    assert judge(judging, fact) == Ok(value=Decimal(2), limit=Decimal(2), contract_id=ES)
    assert judge(judging, account()) == Ok()
    assert judge(max_order_size(limit=3), account()) == Ok(limit=Decimal(3))


@pytest.mark.parametrize(("size", "fraction"), [(4, None), (5, 0.5), (7, 0.5), (8, 0.8), (10, 0.8)])
def test_fractions_of_the_limit_warn(size: int, fraction: float | None) -> None:
    judging = max_order_size(limit=10, warn_at=[0.5, 0.8])

    verdict = judge(judging, account(orders=(order(1, BUY, size),)))

    assert isinstance(verdict, Warned) is (fraction is not None)
    if isinstance(verdict, Warned):
        assert (verdict.fraction, verdict.cause) == (fraction, "MNQ")


def test_orders_not_read_yet_are_unknown() -> None:
    assert isinstance(judge(max_order_size(), account(is_reconciled=False)), Unknown)


def test_a_symbol_not_named_yet_is_unknown_where_the_limit_hangs_on_it() -> None:
    unnamed = account(orders=(order(1, BUY, 5, contract=CORN),))
    named = account(orders=(order(1, BUY, 5, contract=CORN),), named_symbols={CORN: "ZC"})
    judging = max_order_size(limit=3, limits={"ZC": 10})

    assert isinstance(judge(judging, unnamed), Unknown)
    assert isinstance(judge(judging, named), Ok)
    assert isinstance(judge(max_order_size(limit=3), unnamed), Breached)


def test_an_order_surely_too_large_does_not_wait_for_anothers_symbol() -> None:
    orders = (order(1, BUY, 5, contract=CORN), order(2, BUY, 5, contract=NQ))

    assert cancelled(max_order_size(limit=3, limits={"ZC": 10}), orders=orders) == (2,)


ROWS = (
    order(1, BUY, 5, updated_ns=1),
    order(1, BUY, 5, filled=1, updated_ns=2),
    fill(1, 1, 100, order_id=1),
    position(1),
)


@pytest.mark.parametrize("rows", list(itertools.permutations(ROWS)))
def test_rows_of_a_partial_fill_in_any_order_are_one_breach(rows: tuple[Any, ...]) -> None:
    desk = RuleDesk(max_order_size())

    desk.see(*rows, *rows)

    broken = [verdict for verdict in desk.verdicts if isinstance(verdict, Breached)]
    assert {verdict.cause for verdict in broken} == {"1"}
    assert isinstance(desk.verdicts[-1], Breached)
    assert isinstance(desk.see(order(1, BUY, 5, status=OrderStatus.CANCELLED, filled=1)), Ok)


def test_a_start_in_the_middle_of_a_day_finds_it_and_a_reset_does_not_mend_it() -> None:
    desk = RuleDesk(max_order_size())

    first = desk.see(snapshot(desk.now_ns, orders=(order(1, BUY, 5),)))
    evening = desk.at(at(2026, 11, 17, 17))

    assert isinstance(first, Breached)
    assert isinstance(evening, Breached)
    assert first.cause == evening.cause


def test_two_accounts_are_judged_each_by_itself() -> None:
    judging = max_order_size()
    other = msgspec.structs.replace(account(orders=(order(1, BUY, 3),)), account_id=102)

    assert isinstance(judge(judging, account(orders=(order(1, BUY, 4),))), Breached)
    assert isinstance(judge(judging, other), Ok)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"id": "x"}, "give a `limit`, `limits` by symbol, or both"),
        ({"limits": {}}, "give a `limit`"),
        ({"limit": 0}, ">= 1"),
        ({"limits": {"ES": 0}}, ">= 1"),
        ({"limit": 2.5}, "got `float`"),
        ({"limits": {"ES": 1, "es": 2}}, "names a symbol twice"),
        ({"limits": {"EP": 1}}, "write `ES`"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        max_order_size(**settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"limit": 5},
            "An entry order may be for at most 5 of any instrument; a larger one is cancelled.",
        ),
        (
            {"limit": 5, "limits": {"mes": 20, "ES": 2}},
            (
                "An entry order may be for at most 2 ES, 20 MES, 5 of any other instrument;"
                " a larger one is cancelled."
            ),
        ),
    ],
)
def test_the_summary_is_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    assert max_order_size(**settings).summary() == sentence
