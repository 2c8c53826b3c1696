"""Entries and trades are counted from fills, whatever order they come in."""

from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from core.builders import ES, MNQ, NOON, NQ, S, fill
from core.tape import Tape, at_s
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.naive_history import NaiveHistory, cents

from risk_actors.core.broker import Fill, Side
from risk_actors.core.lock import LockSpan
from risk_actors.core.trade_history import TradeHistory
from risk_actors.core.trade_ledger import SeenFill, TradeLedger
from risk_actors.core.trading_calendar import Window

ALL_DAY = Window(0, 2**63)


def counted(
    *fills: Fill,
    sizes_before: dict[str, int] | None = None,
    locks: tuple[LockSpan, ...] = (),
    seen_ns: dict[int, int] | None = None,
) -> TradeHistory:
    seen = (
        SeenFill(each, (seen_ns or {}).get(each.id, each.at_ns), each.contract_id) for each in fills
    )
    return TradeLedger.counted(seen, sizes_before, locks).history()


def test_partial_fills_of_one_order_are_one_entry() -> None:
    history = counted(fill(1, 2, 100, order_id=7), fill(2, 1, 100, order_id=7))

    (entry,) = history.entries
    assert (entry.order_id, entry.size, entry.at_ns, entry.side) == (7, 3, NOON + S, Side.BUY)
    assert (entry.opened_trade, entry.first_fill_id, entry.fill_number) == (True, 1, 0)
    assert (history.entries_in(ALL_DAY), history.trades_begun_in(ALL_DAY)) == (1, 1)


def test_a_trade_runs_from_flat_to_flat_and_scaling_in_stays_in_it() -> None:
    history = counted(
        fill(1, 2, 100, costs="1"),
        fill(2, 3, 100, costs="1.5"),
        fill(3, -4, 100, profit="-20", costs="2"),
        fill(4, 2, 100, costs="1"),
        fill(5, -3, 100, profit="5.5", costs="1.5"),
    )

    (trade,) = history.closed
    assert (trade.opened_ns, trade.closed_ns) == (NOON + S, NOON + 5 * S)
    assert (trade.first_fill_id, trade.last_fill_id) == (1, 5)
    assert (trade.peak_size, trade.side) == (5, Side.BUY)
    assert trade.net_usd == Decimal("-21.5")
    assert history.open == ()
    assert [entry.opened_trade for entry in history.entries] == [True, False, False]
    assert (history.entries_in(ALL_DAY), history.trades_begun_in(ALL_DAY)) == (3, 1)


def test_a_reversal_ends_a_trade_and_begins_the_next_and_its_costs_are_split_by_size() -> None:
    history = counted(fill(1, 2, 100, costs="1"), fill(2, -3, 100, profit="-10", costs="1"))

    (closed,), (opened,) = history.closed, history.open
    assert closed.net_usd is not None
    assert opened.net_usd is not None
    assert (closed.closed_ns, opened.opened_ns) == (NOON + 2 * S, NOON + 2 * S)
    assert (closed.peak_size, opened.peak_size, opened.side) == (2, 1, Side.SELL)
    # 1.00 of costs: two thirds belong to what was closed. Nothing is lost in the split.
    assert cents(Fraction(closed.net_usd)) == -1167
    assert closed.net_usd + opened.net_usd == -12
    assert [(e.size, e.opened_trade) for e in history.entries] == [(2, True), (1, True)]
    assert history.fill_times_ns == (NOON + S, NOON + 2 * S)


def test_an_order_that_first_closes_is_an_entry_from_the_fill_that_opens() -> None:
    history = counted(
        fill(1, 2, 100),
        fill(2, -2, 100, order_id=7, profit="1"),
        fill(3, -1, 100, order_id=7),
    )

    entry = history.entries[-1]
    assert (entry.order_id, entry.size, entry.first_fill_id, entry.fill_number) == (7, 1, 3, 2)


def test_an_exit_is_no_entry() -> None:
    history = counted(fill(1, 2, 100), fill(2, -1, 100, profit="1"))

    assert len(history.entries) == 1
    assert history.closed == ()
    assert history.fill_times_ns == (NOON + S, NOON + 2 * S)


def test_an_order_that_opens_again_after_another_made_flat_begins_a_second_trade() -> None:
    history = counted(
        fill(1, 1, 100, order_id=7),
        fill(2, -1, 100, profit="1"),
        fill(3, 1, 100, order_id=7),
    )

    assert (history.entries_in(ALL_DAY), history.trades_begun_in(ALL_DAY)) == (1, 2)
    assert history.entries[0].size == 2


def test_the_net_is_unknown_until_the_profit_of_every_closing_fill_is_told() -> None:
    silent = (fill(1, 2, 100), fill(2, -1, 100), fill(3, -1, 100, profit="5"))
    told = (silent[0], fill(2, -1, 100, profit="-7"), silent[2])

    assert [trade.net_usd for trade in counted(*silent).closed] == [None]
    assert [trade.net_usd for trade in counted(*told).closed] == [-2]


def test_a_trade_opened_before_the_fills_known_is_known_from_its_first_fill_on() -> None:
    history = counted(
        fill(1, 1, 100), fill(2, -3, 100, profit="9", costs="1.5"), sizes_before={MNQ: 2}
    )

    (trade,) = history.closed
    assert (trade.side, trade.peak_size, trade.size_before) == (Side.BUY, 3, 2)
    assert not trade.opening_known
    assert trade.net_usd == Decimal("7.5")
    assert [entry.opened_trade for entry in history.entries] == [False]
    assert history.trades_begun_in(ALL_DAY) == 0


@pytest.mark.parametrize("size", [2, -2])
def test_an_old_position_that_is_reversed_ends_an_old_trade_and_begins_a_new_one(size: int) -> None:
    closing = -3 if size > 0 else 3
    history = counted(fill(1, closing, 100, profit="9"), sizes_before={MNQ: size})

    assert history.closed[0].side is (Side.BUY if size > 0 else Side.SELL)
    assert history.open[0].side is (Side.SELL if size > 0 else Side.BUY)
    assert (history.closed[0].opening_known, history.open[0].opening_known) == (False, True)
    assert history.trades_begun_in(ALL_DAY) == 1


def test_contracts_have_trades_of_their_own() -> None:
    history = counted(
        fill(1, 1, 100), fill(2, 1, 100, contract=ES), fill(3, -1, 100, contract=ES, profit="1")
    )

    assert [trade.contract_id for trade in history.open] == [MNQ]
    assert [trade.contract_id for trade in history.closed] == [ES]


# --- under a lock ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen_s", "is_locked"), [(99.999, False), (100, True), (199.999, True), (200, False)]
)
def test_an_entry_is_timed_by_its_receipt_against_the_locks(seen_s: float, is_locked: bool) -> None:
    tape = Tape().locked(100, 200).fill(150, 1, seen_s=seen_s)

    history = tape.account().history

    assert [entry.under_lock for entry in history.entries] == [is_locked]
    assert [trade.under_lock for trade in history.open] == [is_locked]
    assert history.fill_times_ns == (() if is_locked else (at_s(150),))
    assert history.entries_in(ALL_DAY) == history.trades_begun_in(ALL_DAY) == (not is_locked)


def test_what_was_read_later_is_timed_by_the_broker() -> None:
    tape = Tape().locked(100, 200).fill(99, 1, seen_s=150)

    assert [entry.under_lock for entry in tape.account().history.entries] == [True]
    assert [entry.under_lock for entry in tape.restarted(at_s(300)).history.entries] == [False]


def test_a_lock_on_a_contract_marks_that_contract_alone() -> None:
    tape = Tape().locked(0, 100, MNQ).fill(1, 1).fill(2, 1, contract=ES)

    assert [entry.under_lock for entry in tape.account().history.entries] == [True, False]


def test_what_was_opened_under_a_lock_stays_marked_when_it_closes_after_it() -> None:
    history = Tape().locked(0, 5).trade(1, 10, -50).account().history

    assert [trade.under_lock for trade in history.closed] == [True]
    assert [*history.closed_newest_first()] == []
    assert history.fill_times_ns == ()


def test_an_entry_that_adds_under_a_lock_does_not_count_and_its_trade_does() -> None:
    tape = Tape().fill(1, 1).locked(5, 20).fill(10, 1).fill(15, -2, profit="-5")

    history = tape.account().history

    assert [entry.under_lock for entry in history.entries] == [False, True]
    assert [trade.under_lock for trade in history.closed] == [False]
    assert history.fill_times_ns == (at_s(1), at_s(15))


def test_a_fill_that_closes_what_counts_and_reverses_under_a_lock_counts() -> None:
    tape = Tape().fill(1, 1).locked(5, 20).fill(10, -3, profit="-5")

    history = tape.account().history

    assert [trade.under_lock for trade in (*history.closed, *history.open)] == [False, True]
    assert history.fill_times_ns == (at_s(1), at_s(10))


def test_locks_told_later_mark_what_was_counted_before() -> None:
    tape = Tape().trade(1, 2, -5)
    book = tape.book()

    assert book.on_locks((LockSpan(None, at_s(0), None),))
    assert [trade.under_lock for trade in book.state().history.closed] == [True]
    assert not book.on_locks((LockSpan(None, at_s(0), None),))


# --- what may stay --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "excess", "left"),
    [
        ([(1, 2), (2, 1)], {2}, 2),
        ([(1, 2), (2, 1)], {1, 2}, 0),
        # An exit shrinks the excess first, ours or the trader's.
        ([(1, 2), (2, 1), (3, -1)], {2}, 2),
        ([(1, 2), (2, 1), (3, -2)], {2}, 1),
        ([(1, 2), (2, 1), (3, -2), (4, 1)], {2, 4}, 1),
        # Two orders filled in turns: only what the one too many brought is in excess.
        ([(1, 1), (2, 1), (1, 1)], {2}, 2),
        ([(1, 1), (2, 3), (1, 1), (3, -1)], {2}, 2),
    ],
)
def test_what_may_stay_of_a_trade_is_what_the_allowed_entries_left(
    changes: list[tuple[int, int]], excess: set[int], left: int
) -> None:
    fills = [
        fill(number, size, 100, order_id=order, profit=None if size > 0 else "0")
        for number, (order, size) in enumerate(changes, start=1)
    ]

    (trade,) = counted(*fills).open

    assert trade.changes == tuple(changes)
    assert trade.remaining(frozenset(excess)) == left


def test_what_was_open_before_the_fills_known_may_stay() -> None:
    (trade,) = counted(fill(1, -2, 100, order_id=7), sizes_before={MNQ: -3}).open

    assert trade.remaining(frozenset({7})) == 3


# --- newest first ---------------------------------------------------------------------------


def test_trades_are_given_by_their_beginning_though_they_close_in_another_order() -> None:
    tape = Tape()
    tape.fill(1, 1).fill(2, 1, contract=NQ).trade(3, 4, contract=ES).fill(5, -1, profit="0")
    tape.fill(6, 1).fill(7, 1, contract=ES).fill(8, -1, contract=NQ, profit="0")

    begun = [trade.opened_ns for trade in tape.account().history.begun_newest_first()]

    assert begun == [at_s(second) for second in (7, 6, 3, 2, 1)]


@pytest.mark.parametrize(
    ("window", "trades", "entries"),
    [
        (Window(at_s(1), at_s(5)), 2, 3),
        (Window(at_s(1) + 1, at_s(5)), 1, 2),
        (Window(at_s(1), at_s(4)), 1, 2),
        (Window(at_s(1), at_s(4) + 1), 2, 3),
        (Window(at_s(5), at_s(9)), 0, 0),
    ],
)
def test_a_window_has_its_start_and_not_its_end(window: Window, trades: int, entries: int) -> None:
    history = Tape().fill(1, 1).fill(2, 1).fill(3, -2, profit="1").fill(4, 1).account().history

    assert (history.trades_begun_in(window), history.entries_in(window)) == (trades, entries)


# --- any order ------------------------------------------------------------------------------


def test_fills_told_in_any_order_make_the_same_history() -> None:
    tape = Tape().fill(1, 2, order_id=7).fill(1, 1, order_id=7).fill(2, -4, profit="-9", costs="1")
    tape.fill(3, 1, profit="2")
    expected = tape.account().history

    for order in permutations(range(4)):
        assert tape.account(order=order).history == expected
    assert tape.restarted(at_s(60)).history == expected


def test_a_voided_fill_is_no_part_of_the_history() -> None:
    good, bad = fill(1, 1, 100), fill(2, 5, 100)
    tape = Tape()
    tape.fills = [good, bad]
    tape.seen = {1: good.at_ns, 2: bad.at_ns}
    book = tape.book()

    book.on_fill(fill(2, 5, 100, voided=True), at_s(10))

    assert [entry.order_id for entry in book.state().history.entries] == [good.order_id]


SOME_FILLS = st.lists(
    st.tuples(
        st.sampled_from([MNQ, NQ, ES]),
        st.sampled_from([-3, -2, -1, 1, 2, 3]),
        st.integers(1, 6),
        st.integers(0, 3),
        st.sampled_from([None, "-12.5", "0", "7"]),
        st.sampled_from(["0", "0.62", "1"]),
        st.integers(0, 2),
    ),
    max_size=14,
)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(rows=SOME_FILLS, shuffled=st.randoms(use_true_random=False), lock_s=st.integers(0, 20))
def test_the_ledger_counts_what_a_naive_recount_does(
    rows: list[tuple[Any, ...]], shuffled: Any, lock_s: int
) -> None:
    now_s, fills, seen_ns = 0, [], {}
    for number, (contract, size, order, pause, profit, costs, late) in enumerate(rows, start=1):
        now_s += pause
        order_id = order + 100 * (contract == NQ) + 200 * (contract == ES) + 50 * (size < 0)
        fills.append(
            fill(
                number,
                size,
                100,
                contract=contract,
                order_id=order_id,
                profit=profit,
                costs=costs,
                at_ns=at_s(now_s),
            )
        )
        seen_ns[number] = at_s(now_s + late)
    spans = (LockSpan(None, at_s(lock_s), at_s(lock_s + 3)), LockSpan(NQ, at_s(9), None))
    naive = NaiveHistory(fills, seen_ns, spans)
    shuffled.shuffle(fills)

    history = counted(*fills, locks=spans, seen_ns=seen_ns)

    assert [
        (t.opened_ns, t.first_fill_id, t.closed_ns, t.last_fill_id) for t in history.closed
    ] == sorted(
        ((*t.begun, *t.ended) for t in naive.trades if t.ended is not None), key=lambda t: t[2:]
    )
    made = {(t.first_fill_id, t.contract_id): t for t in (*history.closed, *history.open)}
    assert len(made) == len(naive.trades)
    for trade in naive.trades:
        same = made[trade.begun[1], trade.contract]
        assert (same.under_lock, same.peak_size) == (trade.under_lock, trade.peak)
        assert (same.net_usd is None) == (trade.net is None)
        if same.net_usd is not None and trade.net is not None:
            assert abs(Fraction(same.net_usd) - trade.net) < Fraction(1, 10**20)
    assert [(e.order_id, e.size, e.at_ns, e.under_lock) for e in history.entries] == [
        (e.order, e.size, e.made[0], e.under_lock)
        for e in sorted(naive.entries.values(), key=lambda e: e.made)
    ]
    assert list(history.fill_times_ns) == [moment[0] for moment, _ in naive.counting_fills]
    assert [t.first_fill_id for t in history.begun_newest_first()] == [
        t.begun[1] for t in reversed(naive.counted_trades)
    ]
    ids = [moment[1] for moment, _ in naive.counting_fills]
    for entry in history.entries_newest_first():
        assert entry.fill_number is not None
        assert ids[entry.fill_number] == entry.first_fill_id


def test_closed_trades_are_the_same_object_until_another_one_closes() -> None:
    ledger = TradeLedger()
    rows = [
        fill(1, 1, 100),
        fill(2, -1, 100, profit="5"),
        fill(3, 2, 100),
        fill(4, -1, 100, profit="1"),
        fill(5, -1, 100, profit="1"),
    ]
    shown = []
    for row in rows:
        ledger.add(SeenFill(row, row.at_ns, row.contract_id))
        shown.append(ledger.history().closed)

    assert [len(closed) for closed in shown] == [0, 1, 1, 1, 2]
    assert shown[1] is shown[2] is shown[3]
    assert shown[4] == counted(*rows).closed
