"""How high equity stood while nobody watched: what is certain, and never more (I5, I10)."""

from decimal import Decimal

import pytest
from core.builders import ES, MNQ, NOON, S, dec, fill

from risk_actors.core.broker import Bar, Fill
from risk_actors.core.gap_peaks import Stretch, held_in, peak_usd, stretches, unknown_in
from risk_actors.core.instruments import catalogued_instrument
from risk_actors.core.position_math import Holding
from risk_actors.core.trading_calendar import Window

INSTRUMENTS = {
    contract_id: instrument
    for contract_id in (MNQ, ES)
    if (instrument := catalogued_instrument(contract_id)) is not None
}
GAP = Window(NOON, NOON + 60 * S)
BALANCE = dec(50000)


def at(second: int) -> int:
    return NOON + second * S


def bar(second: int, low: float, high: float, width_s: int = 1) -> Bar:
    return Bar(start_ns=at(second), end_ns=at(second + width_s), high=dec(high), low=dec(low))


def traded(fill_id: int, second: int, size: int, price: float, **more: object) -> Fill:
    return fill(fill_id, size, price, at_ns=at(second), **more)  # type: ignore[arg-type]


def held(size: int, price: float) -> Holding:
    return Holding(size, dec(price))


def course_of(
    *fills: Fill, balance: Decimal = BALANCE, now: dict[str, Holding] | None = None
) -> tuple[Stretch, ...]:
    return stretches(fills, now or {}, balance)


# --- the course -----------------------------------------------------------------------------------


def test_balance_and_holdings_are_reckoned_back_from_now() -> None:
    course = course_of(
        traded(1, -30, 2, 100, costs="1"),
        traded(2, 10, -1, 104, costs="1", profit=8),
        traded(3, 20, -1, 110, costs="1", profit=20),
        traded(4, 30, -9, 110, voided=True),
        balance=dec(50025),
    )

    assert [(s.balance_usd, dict(s.held)) for s in course] == [
        (50000, {}),
        (49999, {MNQ: held(2, 100)}),
        (50006, {MNQ: held(1, 100)}),
        (50025, {}),
    ]


@pytest.mark.parametrize(
    ("fills", "now", "expected"),
    [
        ((), {MNQ: held(1, 100)}, {MNQ: held(1, 100)}),
        ((traded(1, 5, 1, 100),), {MNQ: held(1, 100)}, {}),
        ((traded(1, 5, 1, 108),), {MNQ: held(4, 102)}, {MNQ: held(3, 100)}),
        ((traded(1, 5, -1, 130),), {MNQ: held(2, 100)}, {MNQ: held(3, 100)}),
        (
            (traded(1, 5, 1, 110), traded(2, 6, -2, 90)),
            {MNQ: held(-3, 100)},
            {MNQ: held(-2, 120)},
        ),
        (
            (traded(1, 5, 1, 100, contract=ES),),
            {ES: held(1, 100), MNQ: held(1, 100)},
            {MNQ: held(1, 100)},
        ),
    ],
    ids=["not traded since", "opened", "added to", "reduced", "a short, both", "another"],
)
def test_what_an_open_position_was_entered_at_is_reckoned_back(
    fills: tuple[Fill, ...], now: dict[str, Holding], expected: dict[str, Holding]
) -> None:
    course = course_of(*fills, now=now)

    assert dict(course[0].held) == expected
    assert dict(course[-1].held) == now
    assert unknown_in(course, GAP) == ()


CARRIED = (traded(1, -20, -1, 105), traded(2, 10, -1, 105), traded(3, 20, 1, 100))
"""Two were carried into the week, and closed one by one; then another was opened."""


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(at(-60), at(60)), (MNQ,)),
        (Window(at(9), at(60)), (MNQ,)),
        (Window(at(10), at(60)), ()),
        (Window(at(30), at(60)), ()),
    ],
)
def test_what_was_carried_into_the_week_need_not_be_known_from_its_close_on(
    window: Window, expected: tuple[str, ...]
) -> None:
    course = course_of(*CARRIED, now={MNQ: held(1, 100)})

    assert unknown_in(course, window) == expected


def test_what_was_turned_is_known_from_then_on() -> None:
    course = course_of(traded(1, 10, -3, 105), now={MNQ: held(-1, 105)})

    assert [(dict(s.held), set(s.unknown)) for s in course] == [
        ({}, {MNQ}),
        ({MNQ: held(-1, 105)}, set()),
    ]


def test_i10_nothing_is_certain_while_an_entry_price_is_not_known() -> None:
    course = course_of(*CARRIED, now={MNQ: held(1, 100)})
    bars = {MNQ: [bar(5, 100, 900), bar(25, 100, 110)]}

    assert peak_usd(course, GAP, bars, INSTRUMENTS) == 50020


def test_the_contracts_held_in_a_gap_are_asked_for_from_the_first_to_the_last_instant() -> None:
    course = course_of(
        traded(1, -30, 1, 100),
        traded(2, 10, -1, 100),
        traded(3, 20, 1, 100),
        traded(4, 30, -1, 100),
        traded(5, 40, 1, 100, contract=ES),
        traded(6, 90, -1, 100, contract=ES),
        traded(7, 95, 1, 100),
        traded(8, 96, -1, 100),
    )

    assert held_in(course, GAP) == {
        MNQ: Window(at(0), at(30)),
        ES: Window(at(40), at(60)),
    }
    assert held_in(course, Window(at(12), at(18))) == {}


# --- the peak -------------------------------------------------------------------------------------

LONG = course_of(traded(1, -30, 2, 100), now={MNQ: held(2, 100)})
SHORT = course_of(traded(1, -30, -2, 100), now={MNQ: held(-2, 100)})
"""Two MNQ at 100: one point is 4 dollars."""
ROUND_TRIP = course_of(traded(1, 10, 1, 100), traded(2, 20, -1, 103, profit=6), balance=dec(50006))
OPENED_IN_IT = course_of(
    traded(1, 30, 1, 100, costs="2"), balance=dec(49998), now={MNQ: held(1, 100)}
)
BOTH = course_of(
    traded(1, -30, 1, 100),
    traded(2, -30, 1, 100, contract=ES),
    now={MNQ: held(1, 100), ES: held(1, 100)},
)
"""One MNQ (2 dollars a point) and one ES (50 dollars a point), both at 100."""


@pytest.mark.parametrize(
    ("course", "bars", "expected"),
    [
        (LONG, {MNQ: [bar(5, 99, 101), bar(6, 100, 110), bar(7, 98, 102)]}, 50040),
        (SHORT, {MNQ: [bar(5, 99, 101), bar(6, 100, 110), bar(7, 98, 102)]}, 50008),
        (LONG, {MNQ: []}, None),
        (LONG, {MNQ: [bar(-1, 100, 200), bar(60, 100, 200)]}, None),
        (LONG, {MNQ: [bar(0, 100, 101), bar(59, 100, 102)]}, 50008),
        (LONG, {MNQ: [bar(0, 100, 104, width_s=60), bar(30, 100, 900, width_s=60)]}, 50016),
        (ROUND_TRIP, {MNQ: []}, 50006),
        (ROUND_TRIP, {MNQ: [bar(15, 100, 120)]}, 50040),
        (ROUND_TRIP, {MNQ: [bar(9, 100, 120), bar(20, 100, 120)]}, 50006),
        (ROUND_TRIP, {MNQ: [bar(0, 90, 200, width_s=60)]}, 50006),
        (course_of(), {}, 50000),
        (OPENED_IN_IT, {}, 50000),
    ],
    ids=[
        "a long's high",
        "a short's low",
        "no price at all",
        "prices outside of the gap",
        "its first and last second",
        "a minute that is not all in it",
        "what was closed in it is in the balance",
        "higher than it was closed at",
        "before it was opened, after it was closed",
        "a minute in which it was not held throughout",
        "flat",
        "flat before it was opened, at a cost",
    ],
)
def test_a_bar_counts_where_the_position_was_held_through_all_of_it(
    course: tuple[Stretch, ...], bars: dict[str, list[Bar]], expected: int | None
) -> None:
    assert peak_usd(course, GAP, bars, INSTRUMENTS) == expected


def test_the_balance_between_two_trades_is_a_peak() -> None:
    course = course_of(
        traded(1, 10, 1, 100),
        traded(2, 11, -1, 300, profit=400),
        traded(3, 12, 1, 100),
        traded(4, 13, -1, 0.25, profit="-199.50"),
        balance=dec("50200.50"),
    )

    assert peak_usd(course, GAP, {}, INSTRUMENTS) == 50400


def test_a_fill_marks_its_own_contract_at_its_instant() -> None:
    """Adding at 110 shows that the first one stood ten points, 20 dollars, in profit."""
    course = course_of(
        traded(1, -30, 1, 100), traded(2, 30, 1, 110), now={MNQ: Holding(2, dec(105))}
    )

    assert peak_usd(course, GAP, {MNQ: []}, INSTRUMENTS) == 50020


@pytest.mark.parametrize(
    ("mnq", "es", "expected"),
    [
        # Together they may have made 20 + 500, but need not have: 500 beside MNQ's worst is sure.
        ([bar(5, 98, 110)], [bar(5, 100, 110)], 50000 - 4 + 500),
        ([bar(5, 100, 110)], [bar(6, 100, 110)], None),
        ([bar(5, 100, 101), bar(6, 109, 110)], [bar(5, 100, 110), bar(6, 101, 101)], 50500),
        ([bar(5, 104, 104)], [bar(5, 102, 102)], 50108),
    ],
    ids=["peaks apart", "no bar in common", "the best of the bars", "no range, no doubt"],
)
def test_i10_peaks_of_several_contracts_are_never_taken_to_have_come_together(
    mnq: list[Bar], es: list[Bar], expected: int | None
) -> None:
    assert peak_usd(BOTH, GAP, {MNQ: mnq, ES: es}, INSTRUMENTS) == expected


def test_i10_the_worst_price_is_the_one_that_was_told_though_it_is_not_believed() -> None:
    """MNQ may have stood at 60 while ES stood at 110."""
    told = bar(5, 60, 140)
    believed = {MNQ: {told: bar(5, 99, 101)}}

    alone = peak_usd(LONG, GAP, {MNQ: [told]}, INSTRUMENTS, believed)
    beside = peak_usd(BOTH, GAP, {MNQ: [told], ES: [bar(5, 100, 110)]}, INSTRUMENTS, believed)

    assert alone == 50004
    assert beside == 50000 - 80 + 500
