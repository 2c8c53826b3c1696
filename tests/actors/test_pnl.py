from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from core.builders import judge, rule

from risk_actors import messages as m
from risk_actors.actors.pnl import LOOK_FOR_STALE_EVERY_NS, LOOKED_AT_A_TICK, PnlActor
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.broker import Bar
from risk_actors.core.holidays import Holiday
from risk_actors.core.instruments import Instrument
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.verdict import Breached, Ok
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse, Resync
from tests.actors.facts import (
    DAY_END_NS,
    DAY_START_NS,
    ES,
    MNQ,
    account_state,
    account_updated,
    calendar,
    context_of,
    fill,
    open_position,
    quote,
    say,
    snapshot,
    tick,
)
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer, S

STALE_AFTER_NS = S // 2


class Rig:
    """A P&L actor over accounts 1 and 2 that is called directly."""

    def __init__(
        self,
        clock: VirtualClock,
        market: MarketCalendar | None = None,
        account_ids: Sequence[int] = (1, 2),
        **more: Any,
    ) -> None:
        self.clock = clock
        self.outbox = RecordingOutbox(PnlActor)
        self.actor = PnlActor(
            context_of("pnl", self.outbox, clock, RecordingOverseer()),
            account_ids=account_ids,
            calendar=calendar(),
            quote_stale_after_ns=STALE_AFTER_NS,
            market=market,
            **more,
        )

    def tell(self, *messages: m.Message) -> list[m.PnlUpdated]:
        self.outbox.clear()
        for message in messages:
            self.actor.handle(message)
        return self.outbox.of(m.PnlUpdated)


@pytest.fixture
def rig(clock: VirtualClock) -> Rig:
    return Rig(clock)


def test_a_quote_moves_the_accounts_that_hold_the_contract_and_no_other(rig: Rig) -> None:
    rig.tell(account_updated(account_state(open_position(2))))
    rig.tell(account_updated(account_state(open_position(1, ES), account_id=2)))

    (told,) = rig.tell(quote(MNQ, "20010", "20010.25"))

    assert told.pnl.account_id == 1
    assert told.pnl.unrealized_usd == Decimal(40)  # 10 points, 4 ticks each, 0.50 a tick, 2 lots
    assert told.correlation_id == "quote-1"


def test_a_short_is_marked_at_the_ask(rig: Rig) -> None:
    rig.tell(account_updated(account_state(open_position(-1))))

    (told,) = rig.tell(quote(MNQ, "20010", "20011"))

    assert told.pnl.unrealized_usd == Decimal(-22)


def test_without_a_price_the_amount_is_unknown_and_not_zero(rig: Rig) -> None:
    """I7: blind is not safe."""
    (told,) = rig.tell(account_updated(account_state(open_position(2))))

    assert told.pnl.unrealized_usd is None
    assert told.pnl.equity_usd is None
    assert told.pnl.unknown_reason == "MNQ: no price yet"


def test_a_quote_that_grows_stale_makes_the_amount_unknown_with_the_tick(rig: Rig) -> None:
    rig.tell(account_updated(account_state(open_position(2))), quote(MNQ, "20010", "20011"))
    rig.tell(tick())
    rig.clock.advance(LOOK_FOR_STALE_EVERY_NS)

    (told,) = rig.tell(tick(rig.clock.now_ns(), "tick-9"))

    assert told.pnl.unrealized_usd is None
    assert told.correlation_id == "tick-9"
    assert isinstance(told.event, m.Tick)


def test_of_many_accounts_each_tick_looks_at_some_and_a_second_at_all(clock: VirtualClock) -> None:
    rig = Rig(clock, account_ids=range(1, 2 * LOOKED_AT_A_TICK + 2))
    looked = []
    for _ in range(4):
        looked.append([told.pnl.account_id for told in rig.tell(tick(clock.now_ns()))])
        clock.advance(S // 10)

    assert [len(each) for each in looked] == [LOOKED_AT_A_TICK, LOOKED_AT_A_TICK, 1, 0]
    assert sorted(i for each in looked for i in each) == list(range(1, 2 * LOOKED_AT_A_TICK + 2))


def test_ticks_look_for_stale_prices_at_most_once_a_second(rig: Rig) -> None:
    rig.tell(tick())
    rig.tell(account_updated(account_state(open_position(2))), quote(MNQ, "20010", "20011"))
    rig.clock.advance(LOOK_FOR_STALE_EVERY_NS - 1)
    early = rig.tell(tick(rig.clock.now_ns()))
    rig.clock.advance(1)

    assert early == []
    assert len(rig.tell(tick(rig.clock.now_ns()))) == 1


def test_a_figure_that_did_not_change_is_not_told_again(rig: Rig) -> None:
    told = account_updated(account_state(open_position(2)))

    assert len(rig.tell(told, told)) == 1
    assert len(rig.tell(quote(MNQ, "20010", "20011"), quote(MNQ, "20010", "20012"))) == 1


def test_after_a_restart_every_figure_is_told_anew_by_the_next_look(rig: Rig) -> None:
    told = account_updated(account_state(open_position(2)))
    rig.tell(told)

    rig.actor.handle_control(Pulse())
    unasked = rig.tell(told)
    rig.actor.handle_control(Resync(address="rule:daily-loss", reason="it was restarted"))
    asked = rig.tell(told)

    assert unasked == []
    assert [message.pnl.account_id for message in asked] == [1]


def test_an_impossible_quote_moves_nothing(rig: Rig) -> None:
    """I10: one bad number never flattens."""
    rig.tell(account_updated(account_state(open_position(2))), quote(MNQ, "20010", "20011"))

    assert rig.tell(quote(MNQ, "-1", "20011"), quote(MNQ, "20012", "20011")) == []


def test_realised_pnl_counts_each_fill_once_net_of_costs(rig: Rig) -> None:
    closing = fill(2, -1, profit_usd=Decimal(100), costs_usd=Decimal("0.37"))
    opening = fill(1, 1, costs_usd=Decimal("0.37"))

    rig.tell(account_updated(account_state(), fills=(opening, closing)))
    told = rig.tell(
        account_updated(account_state(trades=1), fills=(closing,), after_snapshot=False)
    )

    assert told[-1].pnl.realized_usd == Decimal("99.26")
    assert told[-1].pnl.costs_usd == Decimal("0.74")


def test_i8_a_fill_that_a_snapshot_does_not_list_any_more_leaves_the_p_and_l(rig: Rig) -> None:
    closing = fill(2, -1, profit_usd=Decimal(100), costs_usd=Decimal("0.37"))
    opening = fill(1, 1, costs_usd=Decimal("0.37"))
    rig.tell(account_updated(account_state(), fills=(opening, closing)))

    without = rig.tell(account_updated(account_state(has_all_fills=False), fills=(opening,)))
    again = rig.tell(account_updated(account_state(), fills=(opening,)))

    assert without[-1].pnl.realized_usd is None
    assert again[-1].pnl.realized_usd == Decimal("-0.37")


def test_a_new_day_begins_at_nothing_and_the_week_goes_on(rig: Rig) -> None:
    rig.tell(account_updated(account_state(), fills=(fill(1, -1, profit_usd=Decimal(-80)),)))
    rig.clock.step(DAY_END_NS - NOON_NS)
    reset = say(m.DailyReset, day_start_ns=DAY_END_NS, day_end_ns=DAY_END_NS + 86_400 * S)

    told = {message.pnl.account_id: message.pnl for message in rig.tell(reset)}

    assert told[1].day_start_ns == DAY_END_NS
    assert told[1].realized_usd == 0
    assert told[1].week_realized_usd == Decimal(-80)
    assert set(told) == {1, 2}


def test_a_quote_between_the_reset_and_the_next_tick_is_judged_as_todays(rig: Rig) -> None:
    """A loss of yesterday that is judged today would lock today from its beginning to its end."""
    daily_loss = rule("daily_loss_limit", limit_usd=500.0)
    lost = fill(1, -1, profit_usd=Decimal(-465))
    rig.tell(account_updated(account_state(open_position(2)), fills=(lost,)))
    rig.clock.step(DAY_END_NS - 1 - NOON_NS)
    (yesterday,) = rig.tell(quote(MNQ, "19991.25", "19991.50"))
    rig.clock.step(1 + 40 * S // 1000)

    (today,) = rig.tell(quote(MNQ, "19990", "19990.25"))

    assert yesterday.pnl.equity_usd == Decimal(-500)
    assert isinstance(judge(daily_loss, yesterday.pnl, DAY_END_NS - 1), Breached)
    assert (today.pnl.day_start_ns, today.pnl.equity_usd) == (DAY_END_NS, Decimal(-40))
    assert isinstance(judge(daily_loss, today.pnl, rig.clock.now_ns()), Ok)


def test_the_reset_that_is_told_after_such_a_quote_says_nothing_new_of_its_account(
    rig: Rig,
) -> None:
    rig.tell(account_updated(account_state(open_position(2))))
    rig.clock.step(DAY_END_NS - NOON_NS)
    rig.tell(quote(MNQ, "19990", "19990.25"))

    told = rig.tell(say(m.DailyReset, day_start_ns=DAY_END_NS, day_end_ns=DAY_END_NS + 86_400 * S))

    assert [message.pnl.account_id for message in told] == [2]


def test_a_holiday_of_the_traders_own_is_a_closed_market(clock: VirtualClock) -> None:
    """The exchange's table lacks a day of mourning; the settings may name it."""
    today = Holiday(day=date(2026, 11, 17), closes=time(11))
    rigs = [Rig(clock), Rig(clock, market=MarketCalendar([today]))]
    for rig in rigs:
        rig.tell(account_updated(account_state(open_position(2))), quote(MNQ, "20010", "20011"))
    clock.advance(LOOK_FOR_STALE_EVERY_NS)

    by_table, by_settings = (rig.tell(tick(clock.now_ns())) for rig in rigs)

    assert by_table[0].pnl.unknown_reason == "MNQ: the last price is stale"
    assert [told.pnl.account_id for told in by_settings] == [2]


def test_a_new_week_begins_at_nothing(rig: Rig) -> None:
    rig.tell(account_updated(account_state(), fills=(fill(1, -1, profit_usd=Decimal(-80)),)))
    start_ns = NOON_NS + 7 * 86_400 * S
    rig.clock.step(7 * 86_400 * S)

    rig.tell(say(m.WeeklyReset, week_start_ns=start_ns, week_end_ns=start_ns + 1))

    pnl = rig.outbox.of(m.PnlUpdated)[0].pnl
    assert (pnl.realized_usd, pnl.week_realized_usd) == (0, 0)


def test_the_brokers_word_on_ticks_makes_an_unlisted_contract_known(rig: Rig) -> None:
    odd = "CON.F.US.XYZE.Z26"
    rig.tell(account_updated(account_state(open_position(2, odd))), quote(odd, "20001", "20002"))
    instrument = Instrument(
        contract_id=odd, symbol="XYZ", tick_size=Decimal("0.5"), tick_value_usd=Decimal(3)
    )

    (told,) = rig.tell(say(m.InstrumentResolved, instrument=instrument))

    assert told.pnl.unrealized_usd == Decimal(12)


def test_i7_a_book_made_anew_in_mid_day_knows_nothing_before_a_snapshot(rig: Rig) -> None:
    """The fill that comes next is not the day; judging by it could lock a winner out."""
    late = fill(9, -1, profit_usd=Decimal(-550))

    (by_event,) = rig.tell(account_updated(account_state(), fills=(late,), after_snapshot=False))
    (by_snapshot,) = rig.tell(account_updated(account_state(), fills=(late,)))

    assert by_event.pnl.realized_usd is None
    assert by_snapshot.pnl.realized_usd == Decimal(-550)


def test_what_became_of_the_prices_is_told_when_it_changed_and_once_a_second(rig: Rig) -> None:
    """I10: dropped prices are counted, and the count shows."""
    rig.tell(tick())
    quiet = rig.outbox.of(m.PricesJudged)
    rig.tell(quote(MNQ, "20011", "20010"))
    at_once = rig.outbox.of(m.PricesJudged)
    rig.clock.advance(LOOK_FOR_STALE_EVERY_NS)
    rig.tell(tick(rig.clock.now_ns()))
    told = rig.outbox.of(m.PricesJudged)
    rig.clock.advance(LOOK_FOR_STALE_EVERY_NS)
    rig.tell(tick(rig.clock.now_ns()))

    assert (quiet, at_once, rig.outbox.of(m.PricesJudged)) == ([], [], [])
    assert [sum(each.figures.dropped.values()) for each in told] == [1]


# --- the balance -------------------------------------------------------------------------------


def read(balance: str, asked_ns: int, **terms: Any) -> m.AccountUpdated:
    """Return the account as a snapshot has left it."""
    amount = Decimal(balance)
    given = {"balance_usd": amount, "balance_by_fills_usd": amount} | terms
    event = snapshot(asked_ns=asked_ns)
    return say(m.AccountUpdated, state=account_state(**given), event=event, after_snapshot=True)


def test_a_reset_that_is_witnessed_tells_with_what_the_day_began(rig: Rig) -> None:
    rig.tell(read("50000", NOON_NS))
    rig.clock.advance(DAY_END_NS - NOON_NS)

    rig.tell(say(m.DailyReset, day_start_ns=DAY_END_NS, day_end_ns=DAY_END_NS + 86_400 * S))
    opened = rig.outbox.of(m.DayOpened)
    rig.tell(read("50000", DAY_END_NS))
    again = rig.outbox.of(m.DayOpened)

    assert [(each.account_id, each.day_start_ns, each.balance_usd) for each in opened] == [
        (1, DAY_END_NS, 50000)
    ]
    assert again == []


def test_the_day_is_checked_at_each_reconciliation_once_its_opening_is_known(
    clock: VirtualClock,
) -> None:
    opening = DayOpening(day_start_ns=DAY_START_NS, balance_usd=Decimal(50000))
    rig = Rig(clock, openings={1: opening})

    rig.tell(read("50000", NOON_NS))
    agreed = rig.outbox.of(m.BalanceChecked)
    rig.tell(read("49990", NOON_NS + S), read("49990", NOON_NS + 9 * S))
    differs = rig.outbox.of(m.BalanceChecked)
    rig.tell(read("49990", NOON_NS + 30 * S))
    still = rig.outbox.of(m.BalanceChecked)

    assert [each.unexplained_usd for each in agreed] == [0]
    assert [(each.expected_usd, each.told_usd) for each in differs] == [(50000, 49990)]
    assert still == []


def test_without_an_opening_nothing_is_checked(rig: Rig) -> None:
    rig.tell(read("50000", NOON_NS), read("40000", NOON_NS + 9 * S))

    assert rig.outbox.of(m.BalanceChecked) == []
    assert rig.outbox.of(m.DayOpened) == []


# --- times that nobody watched ------------------------------------------------------------------


def held_since(seconds: int) -> m.AccountUpdated:
    """Return two MNQ bought at 20000 so many seconds before noon, as a snapshot shows them."""
    bought = fill(1, 2, at_ns=NOON_NS - seconds * S)
    balance = Decimal(50000)
    state = account_state(
        open_position(2), balance_usd=balance, balance_by_fills_usd=balance, clock_ahead_ns=S
    )
    event = snapshot(fills=(bought,))
    return say(m.AccountUpdated, state=state, event=event, fills=(bought,), after_snapshot=True)


def test_i5_the_prices_of_the_time_in_which_nothing_ran_are_asked_for_and_count(
    clock: VirtualClock,
) -> None:
    rig = Rig(clock, watched_until_ns={1: NOON_NS - 60 * S})

    blind = rig.tell(held_since(3600))
    told = rig.tell(quote(MNQ, "20000", "20000.25"))
    (asked,) = rig.outbox.of(m.RequestBars)
    high = Bar(
        start_ns=asked.since_ns,
        end_ns=asked.since_ns + S,
        high=Decimal(20100),
        low=Decimal(20000),
    )
    answer = say(
        m.BarsReported,
        "quote-1",
        account_id=1,
        contract_id=MNQ,
        since_ns=asked.since_ns,
        until_ns=asked.until_ns,
        bars=(high,),
    )
    read = rig.tell(answer)

    gap = blind[-1].pnl.gap
    assert gap is not None
    assert (gap.since_ns, gap.until_ns) == (NOON_NS - 60 * S, None)
    assert told[-1].pnl.gap is not None
    assert (asked.account_id, asked.contract_id) == (1, MNQ)
    # By the broker's clock, which is a second behind ours.
    assert (asked.since_ns, asked.until_ns) == (NOON_NS - 61 * S, NOON_NS - S)
    assert read[-1].pnl.gap is None
    assert read[-1].pnl.gap_high_usd == 50000 + 2 * 400 * Decimal("0.50")
    assert read[-1].event is answer


def test_i7_bars_that_cannot_be_read_are_asked_for_again_and_the_gap_shows(
    clock: VirtualClock,
) -> None:
    rig = Rig(clock, watched_until_ns={1: NOON_NS - 60 * S})
    rig.tell(held_since(3600), quote(MNQ, "20000", "20000.25"))
    (asked,) = rig.outbox.of(m.RequestBars)
    failed = say(
        m.BarsReported,
        account_id=1,
        contract_id=MNQ,
        since_ns=asked.since_ns,
        until_ns=asked.until_ns,
        bars=None,
    )

    told = rig.tell(failed)
    asked_at = []
    for second in range(1, 70):
        clock.advance(S)
        rig.tell(quote(MNQ, "20000", "20000.25", at_ns=clock.now_ns()), tick(clock.now_ns()))
        asked_at += [second for _ in rig.outbox.of(m.RequestBars)]

    assert told[-1].pnl.gap is not None
    assert told[-1].pnl.gap.why == "the bars of MNQ cannot be read"
    assert asked_at == [30, 60]


def test_a_flat_account_asks_for_no_bars(clock: VirtualClock) -> None:
    rig = Rig(clock, watched_until_ns={1: NOON_NS - 60 * S})

    told = rig.tell(read("50000", NOON_NS))

    assert rig.outbox.of(m.RequestBars) == []
    assert told[-1].pnl.gap is None
    assert told[-1].pnl.gap_high_usd == 50000


def test_i5_the_fills_of_the_first_snapshot_were_not_missed(clock: VirtualClock) -> None:
    """A tick comes before the first snapshot at every start."""
    rig = Rig(clock, watched_until_ns={1: NOON_NS - 20 * S})

    rig.tell(tick(), held_since(3600))
    rig.tell(quote(MNQ, "20000", "20000.25"))

    (asked,) = rig.outbox.of(m.RequestBars)
    assert (asked.since_ns, asked.until_ns) == (NOON_NS - 21 * S, NOON_NS - S)


def test_i5_a_fill_that_a_later_snapshot_brings_was_missed(clock: VirtualClock) -> None:
    rig = Rig(clock, watched_until_ns={1: NOON_NS})
    rig.tell(tick(), account_updated(account_state(), fills=()))

    rig.tell(held_since(3600))
    rig.tell(quote(MNQ, "20000", "20000.25"))

    (asked,) = rig.outbox.of(m.RequestBars)
    assert asked.since_ns == NOON_NS - 3600 * S


def test_a_quote_is_told_to_its_holders_in_the_order_of_the_accounts(clock: VirtualClock) -> None:
    rig = Rig(clock, account_ids=(3, 1, 2))
    told: list[list[int]] = []
    for number, held in enumerate(({1}, {1, 2, 3}, {2, 3}, {3}, set(), {1, 3})):
        for account_id in (1, 2, 3):
            positions = [open_position(1)] if account_id in held else []
            rig.tell(account_updated(account_state(*positions, account_id=account_id)))
        moved = rig.tell(quote(MNQ, f"{20001 + number}", f"{20002 + number}"))
        told.append([each.pnl.account_id for each in moved])

    assert told == [[1], [3, 1, 2], [3, 2], [3], [], [3, 1]]
