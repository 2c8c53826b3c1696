"""When nobody watched, what is asked for then, and until when the peak is not known (I5, I7)."""

import msgspec
import pytest
from core.builders import ES, MNQ, NOON, NQ, S, account, dec, fill, held, worth

from risk_actors.core.broker import Bar, Fill
from risk_actors.core.gap_watch import (
    ASK_AGAIN_AFTER_NS,
    SHORTEST_GAP_NS,
    SHOWN_FOR_NS,
    GapWatch,
    WantedBars,
)
from risk_actors.core.instruments import catalogued_instrument
from risk_actors.core.pnl_state import Gap, PnlState, PositionPnl
from risk_actors.core.price_bounds import TickBounds
from risk_actors.core.trading_calendar import Window

DAY = NOON - 3600 * S
STALE = 2 * S
OPENED = fill(1, 2, 100, at_ns=NOON - 600 * S)
"""Two MNQ at 100: one point is 4 dollars."""


def value(
    unrealized: float | None = 0, *, size: int = 2, day: int = DAY, balance: float = 50000
) -> PnlState:
    of = account(held(size)) if size else account()
    return worth(balance, unrealized, day=day, account=of)


class Desk:
    """A watch that is shown the P&L and answered as the actor and the broker do."""

    def __init__(self, watched_until_ns: int | None = None, *fills: Fill) -> None:
        self.watch = GapWatch(watched_until_ns, STALE)
        self.fills = fills

    def see(self, at_ns: int, pnl: PnlState) -> tuple[WantedBars, ...]:
        self.watch.observe(pnl, at_ns)
        return self.watch.settle(pnl, self.fills, catalogued_instrument, at_ns)

    def answer(self, wanted: WantedBars, *bars: Bar) -> None:
        self.watch.on_bars(wanted.contract_id, wanted.window, bars)

    def shown(self, pnl: PnlState) -> tuple[Gap | None, object, object]:
        found = self.watch.show(pnl)
        return found.gap, found.gap_high_usd, found.gap_day_high_usd


def bar(at_ns: int, low: float, high: float) -> Bar:
    return Bar(start_ns=at_ns, end_ns=at_ns + S, high=dec(high), low=dec(low))


def reaching(at_ns: int, high: float) -> tuple[Bar, Bar]:
    """Return two bars, each of which is the other's witness."""
    return bar(at_ns, 100, high), bar(at_ns + S, 100, high)


def why(desk: Desk, pnl: PnlState) -> str:
    gap, _, _ = desk.shown(pnl)
    assert gap is not None
    return gap.why


# --- the start ------------------------------------------------------------------------------------


def test_a_first_start_on_a_flat_account_asks_for_nothing() -> None:
    desk = Desk()

    wanted = desk.see(NOON, value(size=0))

    assert wanted == ()
    assert desk.shown(value(size=0)) == (None, 50000, 0)


def test_a_first_start_in_mid_day_asks_for_what_was_held_since_the_day_began() -> None:
    desk = Desk(None, OPENED)

    wanted = desk.see(NOON, value())

    assert wanted == (WantedBars(MNQ, Window(OPENED.at_ns, NOON)),)
    assert desk.shown(value())[0] == Gap(
        since_ns=DAY, until_ns=NOON, why="the bars of MNQ are being read"
    )


def test_a_restart_asks_for_the_time_in_which_nothing_ran() -> None:
    desk = Desk(NOON - 60 * S, OPENED)

    (wanted,) = desk.see(NOON, value())
    desk.answer(wanted, *reaching(NOON - 30 * S, 120))
    again = desk.see(NOON + S, value())

    assert wanted == WantedBars(MNQ, Window(NOON - 60 * S, NOON))
    assert again == ()
    assert desk.shown(value()) == (None, 50080, 80)


def test_before_anything_is_known_the_gap_shows_and_lasts() -> None:
    desk = Desk(NOON - 60 * S, OPENED)
    unread = msgspec.structs.replace(value(), balance_usd=None, unrealized_usd=None)

    wanted = desk.see(NOON, unread)

    assert wanted == ()
    assert desk.shown(unread)[0] == Gap(
        since_ns=NOON - 60 * S, until_ns=None, why="nobody watches now"
    )


def test_what_happened_yesterday_is_no_peak_of_today() -> None:
    day = NOON - 30 * S
    desk = Desk(NOON - 60 * S, OPENED)

    (wanted,) = desk.see(NOON, value(day=day))
    desk.answer(wanted, *reaching(NOON - 50 * S, 120), *reaching(NOON - 10 * S, 101))
    desk.see(NOON + S, value(day=day))

    assert desk.shown(value(day=day)) == (None, 50080, 4)
    assert desk.shown(value(day=NOON)) == (None, 50080, None)


# --- while it runs --------------------------------------------------------------------------------


def watching(*fills: Fill) -> Desk:
    desk = Desk(NOON, *fills)
    for wanted in desk.see(NOON, value()):
        desk.answer(wanted)
    desk.see(NOON, value())
    assert desk.shown(value())[0] is None
    return desk


@pytest.mark.parametrize("blind_ns", [0, S, SHORTEST_GAP_NS - 1])
def test_a_moment_without_a_price_is_no_gap(blind_ns: int) -> None:
    desk = watching(OPENED)

    desk.see(NOON + 1, value(None))
    wanted = desk.see(NOON + blind_ns, value())

    assert wanted == ()
    assert desk.shown(value())[0] is None


def test_a_while_without_a_price_is_one_from_the_last_price_on() -> None:
    desk = watching(OPENED)

    desk.see(NOON + SHORTEST_GAP_NS, value(None))
    lasting = desk.shown(value(None))[0]
    desk.see(NOON + 60 * S, value(None))
    (wanted,) = desk.see(NOON + 70 * S, value())

    assert lasting == Gap(since_ns=NOON - STALE, until_ns=None, why="nobody watches now")
    assert wanted == WantedBars(MNQ, Window(NOON - STALE, NOON + 70 * S))


def test_a_machine_that_slept_did_not_watch() -> None:
    desk = watching(OPENED)

    (wanted,) = desk.see(NOON + 3600 * S, value())

    assert wanted.window == Window(NOON - STALE, NOON + 3600 * S)


def test_a_fill_that_was_missed_means_that_something_else_was_watched() -> None:
    desk = watching(OPENED)
    for second in range(1, 21):
        desk.see(NOON + second * S, value())

    desk.watch.missed(NOON + 10 * S, NOON + 20 * S)
    (wanted,) = desk.see(NOON + 21 * S, value())

    assert wanted.window == Window(NOON + 10 * S, NOON + 21 * S)


def test_a_second_gap_joins_the_first_where_that_is_not_settled() -> None:
    desk = watching(OPENED)
    desk.see(NOON + 60 * S, value())

    (wanted,) = desk.see(NOON + 90 * S, value())

    assert wanted.window == Window(NOON - STALE, NOON + 90 * S)


def test_a_peak_is_shown_for_a_while_and_is_none_of_what_a_later_rule_begins_with() -> None:
    desk = Desk(NOON - 60 * S, OPENED)
    (wanted,) = desk.see(NOON, value())
    desk.answer(wanted, *reaching(NOON - 30 * S, 120))

    for second in range(SHOWN_FOR_NS // S):
        desk.see(NOON + second * S, value())
        assert desk.shown(value()) == (None, 50080, 80)
    desk.see(NOON + SHOWN_FOR_NS, value())

    assert desk.shown(value()) == (None, None, None)


# --- bars -----------------------------------------------------------------------------------------


def test_i7_bars_that_cannot_be_read_leave_the_peak_unknown_and_are_asked_for_again() -> None:
    desk = Desk(NOON - 60 * S, OPENED)
    (first,) = desk.see(NOON, value())
    desk.watch.on_bars(first.contract_id, first.window, None)

    def run(until_ns: int) -> list[WantedBars]:
        return [
            wanted
            for at_ns in range(NOON + S, until_ns + 1, S)
            for wanted in desk.see(at_ns, value())
        ]

    soon = run(NOON + ASK_AGAIN_AFTER_NS - S)
    said = why(desk, value())
    (second,) = run(NOON + ASK_AGAIN_AFTER_NS)
    desk.answer(second, *reaching(NOON - 30 * S, 120))
    desk.see(NOON + ASK_AGAIN_AFTER_NS + S, value())

    assert soon == []
    assert said == "the bars of MNQ cannot be read"
    assert second == first
    assert desk.shown(value()) == (None, 50080, 80)


def test_an_answer_to_another_question_is_let_go() -> None:
    desk = Desk(NOON - 60 * S, OPENED)
    desk.see(NOON, value())

    desk.watch.on_bars(MNQ, Window(NOON - 90 * S, NOON), (bar(NOON - 30 * S, 100, 120),))
    desk.watch.on_bars(NQ, Window(NOON - 60 * S, NOON), ())
    desk.see(NOON + S, value())

    assert desk.shown(value())[0] is not None


def test_the_bars_of_every_contract_are_waited_for() -> None:
    es = fill(2, 1, 100, contract=ES, at_ns=NOON - 600 * S)
    both = msgspec.structs.replace(value(), account=account(held(2), held(1, contract=ES)))
    desk = Desk(NOON - 60 * S, OPENED, es)

    mnq_bars, es_bars = desk.see(NOON, both)
    desk.answer(mnq_bars)
    desk.see(NOON + S, both)
    half = why(desk, both)
    desk.answer(es_bars)
    desk.see(NOON + 2 * S, both)

    assert half == "the bars of ES are being read"
    assert desk.shown(both)[0] is None


def test_i10_a_bar_that_nothing_beside_it_bears_out_makes_no_peak() -> None:
    desk = Desk(NOON - 60 * S, OPENED)
    (wanted,) = desk.see(NOON, value())

    quiet = [bar(NOON - second * S, 100, 101) for second in range(40, 20, -1)]
    quiet[10] = bar(quiet[10].start_ns, 100, 120)
    desk.answer(wanted, *quiet)
    desk.see(NOON + S, value())

    assert desk.shown(value()) == (None, 50004, 4)


def test_the_price_that_is_known_now_bears_out_the_last_bar() -> None:
    marked = PositionPnl(contract_id=MNQ, unrealized_usd=dec(72), mark_price=dec(118))
    pnl = msgspec.structs.replace(value(72), positions=(marked,))
    desk = Desk(NOON - 60 * S, OPENED)
    (wanted,) = desk.see(NOON, pnl)

    desk.answer(wanted, bar(NOON - 2 * S, 100, 101), bar(NOON - S, 101, 119))
    desk.see(NOON + S, pnl)

    assert desk.shown(pnl)[1] == 50076


def test_the_traders_own_bounds_say_what_is_believed() -> None:
    watch = GapWatch(NOON - 60 * S, STALE, {"MNQ": TickBounds(jump_ticks=100)})
    watch.observe(value(), NOON)
    (wanted,) = watch.settle(value(), (OPENED,), catalogued_instrument, NOON)

    bars = (bar(NOON - 30 * S, 100, 101), bar(NOON - 29 * S, 100, 120))
    watch.on_bars(MNQ, wanted.window, bars)
    watch.settle(value(), (OPENED,), catalogued_instrument, NOON + S)

    assert watch.show(value()).gap_high_usd == 50080


# --- what may never be known ----------------------------------------------------------------------

LATER_DAY = NOON + 5 * 3600 * S


def test_a_contract_whose_ticks_are_not_known_leaves_the_peak_unknown_until_the_reset() -> None:
    watch = GapWatch(NOON - 60 * S)
    watch.observe(value(), NOON)

    wanted = watch.settle(value(), (OPENED,), lambda _: None, NOON)
    gap = watch.show(value()).gap
    tomorrow = value(day=LATER_DAY)
    watch.settle(tomorrow, (OPENED,), lambda _: None, LATER_DAY)

    assert wanted == ()
    assert gap is not None
    assert gap.why == (
        "tick size and value of MNQ are not known, and the daily reset ends the wait for it"
    )
    assert watch.show(tomorrow).gap is None


CARRIED = (
    fill(1, -1, 100, at_ns=NOON - 600 * S, profit=10),
    fill(2, -1, 100, at_ns=NOON - 30 * S, profit=20),
)
"""Two that were carried into the week, closed one by one."""


def test_an_entry_price_that_nothing_tells_leaves_the_peak_unknown_until_the_reset() -> None:
    desk = Desk(NOON - 60 * S, *CARRIED)

    wanted = desk.see(NOON, value(size=0))
    said = why(desk, value(size=0))
    tomorrow = value(size=0, day=LATER_DAY)
    desk.see(LATER_DAY, tomorrow)
    desk.see(LATER_DAY + S, tomorrow)

    assert wanted == ()
    assert said == (
        "MNQ was opened before the week's first fill, at a price that is not known, and the daily"
        " reset ends the wait for it"
    )
    assert desk.shown(tomorrow)[0] is None


def test_a_gap_after_the_close_of_what_was_carried_over_is_known() -> None:
    desk = Desk(NOON - 20 * S, *CARRIED)

    wanted = desk.see(NOON, value(size=0))

    assert wanted == ()
    assert desk.shown(value(size=0)) == (None, 50000, 0)


def test_i10_a_time_before_the_week_is_left_out_for_its_fills_are_not_known() -> None:
    pnl = msgspec.structs.replace(value(), week_start_ns=DAY)
    desk = Desk(DAY - 3600 * S)

    (wanted,) = desk.see(NOON, pnl)

    assert wanted.window == Window(DAY, NOON)
