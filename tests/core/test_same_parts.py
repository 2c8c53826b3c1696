"""What has not changed is shown as the same object."""

from collections.abc import Callable

import pytest
from core.builders import ES, MNQ, MS, NOON, account_row, book, fill, order, position

from risk_actors.core.broker import Side
from risk_actors.core.position_book import PositionBook
from risk_actors.core.same_parts import are_same, same_or_new


def test_a_tuple_of_the_same_objects_is_the_one_of_before() -> None:
    one, other = [1], [1]
    before = (one, other)
    assert same_or_new(before, (one, other)) is before
    again = (one, [1])
    assert same_or_new(before, again) is again, "equal is not the same"
    assert not are_same(before, (one,))
    assert are_same((), ())


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda b: b.on_account(account_row(50_001), NOON + MS), set()),
        (lambda b: b.on_order(order(8, Side.SELL), NOON + MS), {"orders"}),
        (lambda b: b.on_position(position(2), NOON + MS), {"positions"}),
        (lambda b: b.on_fill(fill(9, 1, 101, contract=ES), NOON + MS), {"positions", "history"}),
        (lambda b: b.name_symbol("CON.F.US.XYZ.Z26", "XY"), {"named_symbols"}),
    ],
    ids=["account row", "order", "position", "fill", "symbol"],
)
def test_only_what_a_row_changed_is_another_object(
    change: Callable[[PositionBook], object], changed: set[str]
) -> None:
    known = book(positions=(position(1),), orders=(order(7, Side.SELL),), fills=(fill(1, 1, 100),))
    before = known.state()
    change(known)
    after = known.state()
    parts = ("positions", "orders", "history", "named_symbols", "awaited", "unlocked")
    assert {p for p in parts if getattr(after, p) is not getattr(before, p)} == changed


def test_a_position_that_changed_is_shown_anew_and_others_are_not() -> None:
    known = book(positions=(position(1), position(1, 5000, contract=ES)))
    before = {each.contract_id: each for each in known.state().positions}
    known.on_position(position(2, 101), NOON)
    after = {each.contract_id: each for each in known.state().positions}
    assert after[ES] is before[ES]
    assert (after[MNQ].size, after[MNQ].average_price) == (2, 101)
    assert before[MNQ].size == 1
