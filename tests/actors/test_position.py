from zoneinfo import ZoneInfo

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.position import ASK_AGAIN_AFTER_NS, UNSETTLED_FOR_NS, PositionActor
from risk_actors.core.broker import OrderStatus
from risk_actors.core.instruments import Instrument
from risk_actors.core.lock import LockSpan, Unlocked
from risk_actors.core.money import decimal_from
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.runtime.awake import Awake
from risk_actors.runtime.clock import VirtualClock
from tests.actors.facts import (
    DAY_END_NS,
    DAY_START_NS,
    MNQ,
    account,
    calendar,
    context_of,
    fill,
    order,
    position,
    say,
    snapshot,
    tick,
)
from tests.conftest import MS, NOON_NS, RecordingOutbox, RecordingOverseer, S


class Rig:
    """A position actor that is called directly."""

    def __init__(self, clock: VirtualClock, trading: TradingCalendar | None = None) -> None:
        self.clock = clock
        self.outbox = RecordingOutbox(PositionActor)
        self.awake = Awake()
        self.actor = PositionActor(
            context_of("position:1", self.outbox, clock, RecordingOverseer()),
            account_id=1,
            name="PAPER",
            calendar=trading or calendar(),
            awake=self.awake,
        )

    def tell(self, *messages: m.Message) -> None:
        self.outbox.clear()
        for message in messages:
            self.actor.handle(message)

    def reconcile(self, *positions: object, **content: object) -> None:
        """Take a snapshot that was asked for now, and move on a little."""
        self.clock.advance(1 * MS)
        told = snapshot(*positions, asked_ns=self.clock.now_ns(), **content)  # type: ignore[arg-type]
        self.clock.advance(1 * MS)
        self.tell(told)

    @property
    def updated(self) -> m.AccountUpdated:
        return self.outbox.only(m.AccountUpdated)

    def tick_after(self, by_ns: int) -> list[m.RequestSnapshot]:
        self.clock.advance(by_ns)
        self.tell(tick(self.clock.now_ns()))
        return self.outbox.of(m.RequestSnapshot)


@pytest.fixture
def rig(clock: VirtualClock) -> Rig:
    return Rig(clock)


def test_before_the_first_snapshot_nothing_may_be_trusted(rig: Rig) -> None:
    rig.tell(say(m.PositionReported, position=position(2)))

    assert not rig.updated.state.is_reconciled


def test_a_snapshot_is_told_with_all_fills_and_the_first_one_differs_from_nothing(
    rig: Rig,
) -> None:
    rig.reconcile(position(2), fills=(fill(1, 2),))

    assert rig.updated.after_snapshot
    assert rig.updated.fills == (fill(1, 2),)
    assert rig.updated.state.is_reconciled
    assert rig.updated.state.size_in(MNQ) == 2
    assert rig.updated.correlation_id == "snapshot-1"
    assert rig.outbox.of(m.ReconciliationDiffered) == []


def test_what_moved_the_account_is_told_with_it_and_gives_it_the_id(rig: Rig) -> None:
    rig.reconcile()
    event = say(m.FillReported, "event-7", fill=fill(1, 2))

    rig.tell(event)

    assert rig.updated.event == event
    assert rig.updated.correlation_id == "event-7"
    assert rig.updated.fills == (fill(1, 2),)
    assert not rig.updated.after_snapshot


def test_the_same_row_twice_is_told_once(rig: Rig) -> None:
    rig.reconcile()
    rows = [
        say(m.FillReported, fill=fill(1, 2)),
        say(m.PositionReported, position=position(2)),
        say(m.OrderReported, order=order(5, 1)),
        say(m.AccountReported, account=account(balance_usd="49999")),
    ]

    rig.tell(*rows, *rows)

    assert len(rig.outbox.of(m.AccountUpdated)) == 4
    assert rig.outbox.of(m.AccountUpdated)[-1].state.entries == 1


def test_a_snapshot_that_corrects_local_state_says_what_differed(rig: Rig) -> None:
    """I8: truth is the broker's."""
    rig.reconcile(position(2), fills=(fill(1, 2),))

    rig.reconcile(fills=(fill(1, 2),))

    differed = rig.outbox.only(m.ReconciliationDiffered)
    assert differed.account_id == 1
    assert [(d.subject, d.local, d.broker) for d in differed.differences] == [
        (f"position {MNQ}", "2", "0")
    ]
    assert rig.updated.state.positions == ()


def test_fill_and_position_that_agree_need_no_snapshot(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(say(m.PositionReported, position=position(2)), say(m.FillReported, fill=fill(1, 2)))

    assert rig.tick_after(10 * S) == []


def test_fill_and_position_that_differ_too_long_are_settled_by_a_snapshot(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(say(m.FillReported, fill=fill(1, 2), at_ns=rig.clock.now_ns()))

    assert rig.tick_after(UNSETTLED_FOR_NS - 1) == []
    (request,) = rig.tick_after(1)
    assert (request.account_id, request.reason) == (1, "fills and reported position differ")
    assert request.correlation_id == "tick-1"


def test_a_snapshot_is_asked_for_again_only_after_a_while(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(say(m.FillReported, fill=fill(1, 2)))
    rig.tick_after(UNSETTLED_FOR_NS)

    assert rig.tick_after(100 * MS) == []
    assert rig.tick_after(ASK_AGAIN_AFTER_NS - 101 * MS) == []
    assert len(rig.tick_after(1 * MS)) == 1


def test_a_snapshot_that_failed_is_asked_for_again_after_a_while(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(say(m.FillReported, fill=fill(1, 2)))
    rig.tick_after(UNSETTLED_FOR_NS)
    rig.clock.advance(ASK_AGAIN_AFTER_NS // 2)
    rig.tell(say(m.SnapshotFailed, account_id=1, detail="no answer"))

    assert rig.tick_after(ASK_AGAIN_AFTER_NS // 2) == []
    assert len(rig.tick_after(ASK_AGAIN_AFTER_NS // 2)) == 1


def test_a_voided_fill_makes_the_book_ask_the_broker_at_once(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(say(m.FillReported, fill=fill(1, 2)), say(m.PositionReported, position=position(2)))
    rig.tell(say(m.FillReported, fill=fill(1, 2, voided=True)))

    (request,) = rig.tick_after(100 * MS)

    assert request.reason == "fill 1 was voided"


def test_a_new_day_starts_its_counters_anew_and_says_so(rig: Rig) -> None:
    rig.reconcile(position(2), fills=(fill(1, 2),))
    assert (rig.updated.state.entries, rig.updated.state.trades) == (1, 1)
    reset = say(m.DailyReset, "tick-9", day_start_ns=DAY_END_NS, day_end_ns=DAY_END_NS + 86_400 * S)

    rig.tell(reset)

    state = rig.updated.state
    assert (state.day_start_ns, state.entries, state.trades) == (DAY_END_NS, 0, 0)
    assert rig.updated.event == reset


def test_a_week_that_begins_within_a_day_keeps_the_fills_of_that_day(clock: VirtualClock) -> None:
    trading = TradingCalendar(
        zone=ZoneInfo("America/Chicago"), daily_reset="0 17 * * *", weekly_reset="0 12 * * TUE"
    )
    rig = Rig(clock, trading)
    rig.reconcile(position(2), fills=(fill(1, 2, at_ns=NOON_NS - 2 * S),))
    week = trading.week(NOON_NS)
    assert DAY_START_NS < week.start_ns == NOON_NS
    rig.tell(say(m.WeeklyReset, week_start_ns=week.start_ns, week_end_ns=week.end_ns))

    rig.tell(say(m.FillReported, fill=fill(1, 2, at_ns=NOON_NS - 2 * S)))
    sent_again = list(rig.outbox.sent)
    rig.tell(say(m.FillReported, fill=fill(2, 1)))

    assert sent_again == []
    assert rig.updated.state.entries == 2
    assert rig.updated.state.positions[0].fills_size == 3


def test_a_new_week_forgets_fills_of_the_last_one(rig: Rig) -> None:
    rig.reconcile(fills=(fill(1, 2), fill(2, -2)))
    day = say(m.DailyReset, day_start_ns=DAY_END_NS, day_end_ns=DAY_END_NS + 86_400 * S)
    rig.tell(day)

    rig.tell(say(m.WeeklyReset, week_start_ns=DAY_END_NS, week_end_ns=DAY_END_NS + 7 * 86_400 * S))

    assert rig.actor._book.fills == ()


def test_a_contract_that_gets_its_symbol_later_is_judged_anew(rig: Rig) -> None:
    """A rule on symbols saw the Gateway's root only, which is not what settings name."""
    odd = "CON.F.US.XYZE.Z26"
    rig.reconcile(position(1, odd))
    assert rig.updated.state.positions[0].symbol == "XYZE"
    resolved = say(
        m.InstrumentResolved,
        "instrument-1",
        instrument=Instrument(
            contract_id=odd,
            symbol="XYZ",
            tick_size=decimal_from("0.25"),
            tick_value_usd=decimal_from("1"),
        ),
    )

    rig.tell(resolved)

    assert rig.updated.state.positions[0].symbol == "XYZ"
    assert rig.updated.event == resolved
    rig.tell(resolved)
    assert rig.outbox.sent == []


def test_an_order_that_ended_is_not_shown(rig: Rig) -> None:
    rig.reconcile(orders=(order(5, 1),))
    assert [o.id for o in rig.updated.state.orders] == [5]

    rig.tell(say(m.OrderReported, order=order(5, 1, status=OrderStatus.CANCELLED)))

    assert rig.updated.state.orders == ()


# --- locks and balances ---------------------------------------------------------------------


def noted(*spans: LockSpan) -> m.LocksNoted:
    return say(m.LocksNoted, account_id=1, spans=spans)


def test_what_is_opened_under_a_lock_does_not_count(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(noted(LockSpan(None, rig.clock.now_ns(), None)))
    rig.tell(say(m.FillReported, fill=fill(1, 2), at_ns=rig.clock.now_ns()))

    state = rig.updated.state
    assert (state.trades, state.entries) == (0, 0)
    assert [entry.under_lock for entry in state.history.entries] == [True]


def test_a_note_that_comes_after_the_fill_changes_what_counts(rig: Rig) -> None:
    """The lock was in force when the fill came; its note took a little longer."""
    rig.reconcile()
    since_ns = rig.clock.now_ns()
    rig.clock.advance(MS)
    rig.tell(say(m.FillReported, fill=fill(1, 2), at_ns=rig.clock.now_ns()))
    before = rig.updated.state.entries
    rig.tell(noted(LockSpan(MNQ, since_ns, None)))

    assert before == 1
    assert rig.updated.state.entries == 0


def test_a_note_that_changes_nothing_is_not_told(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(noted())
    rig.outbox.clear()
    rig.tell(noted(LockSpan(None, 5, 9)))

    assert rig.outbox.sent == []


def test_that_locks_were_noted_is_told_once_and_each_unlock_too(rig: Rig) -> None:
    """Rules wait for the first note before they send a breach of the last run again."""
    unlocked = Unlocked("daily-loss", None, NOON_NS)
    rig.reconcile()
    rig.tell(noted(), noted(), msgspec.structs.replace(noted(), unlocked=(unlocked,)))

    told = [update.state for update in rig.outbox.of(m.AccountUpdated)]
    assert [(state.locks_noted, state.unlocked) for state in told] == [
        (True, ()),
        (True, (unlocked,)),
    ]


def test_a_balance_that_fills_do_not_explain_is_settled_by_a_snapshot(rig: Rig) -> None:
    rig.reconcile()
    rig.clock.advance(S)
    rig.tell(say(m.AccountReported, account=account(balance_usd="48000")))
    first_seen = rig.tick_after(UNSETTLED_FOR_NS)
    early = rig.tick_after(UNSETTLED_FOR_NS - 1)
    (asked,) = rig.tick_after(1)

    assert (first_seen, early) == ([], [])
    assert asked.reason == "balance and fills differ"


def test_the_profit_of_a_close_that_came_without_is_asked_for_and_not_every_second(
    rig: Rig,
) -> None:
    """I7: a close whose profit is missing must not read as a close that made nothing."""
    rig.reconcile()
    for number, size in ((1, 1), (2, -1)):
        rig.clock.advance(S)
        rig.tell(
            say(m.PositionReported, position=position(1 if size > 0 else 0)),
            say(m.FillReported, fill=fill(number, size, at_ns=rig.clock.now_ns())),
        )
    unpriced = rig.outbox.of(m.AccountUpdated)[-1].state
    early = [*rig.tick_after(MS), *rig.tick_after(UNSETTLED_FOR_NS - MS)]
    (asked,) = rig.tick_after(MS)
    again = [len(rig.tick_after(S)) for _ in range(10)]

    assert unpriced.history.is_unpriced_since(0)
    assert early == []
    assert asked.reason == "the profit of a fill has not been told"
    assert again == [0] * 9 + [1]


def test_once_the_profit_is_told_nothing_is_asked(rig: Rig) -> None:
    rig.reconcile()
    rig.tell(
        say(m.FillReported, fill=fill(1, 1)),
        say(m.FillReported, fill=fill(2, -1, at_ns=NOON_NS + S)),
        say(m.FillReported, fill=fill(2, -1, at_ns=NOON_NS + S, profit_usd=decimal_from("5"))),
    )

    assert not rig.outbox.of(m.AccountUpdated)[-1].state.history.is_unpriced_since(0)
    assert rig.tick_after(UNSETTLED_FOR_NS * 2) == []


def test_a_book_begun_anew_times_fills_as_they_were_seen(clock: VirtualClock) -> None:
    """Found by `risk-actors fuzz`: what came under a lock would count once the actor failed."""
    seen: dict[int, SeenBefore] = {}
    lock = m.LocksNoted(
        correlation_id="l", at_ns=NOON_NS, account_id=1, spans=(LockSpan(None, NOON_NS, None),)
    )
    counted = []
    for _ in range(2):
        rig = Rig(clock)
        rig.actor = PositionActor(
            context_of("position:1", rig.outbox, clock, RecordingOverseer()),
            account_id=1,
            name="PAPER",
            calendar=calendar(),
            seen_before=seen,
        )
        made = fill(1, 1, at_ns=NOON_NS - MS)
        if not seen:
            rig.reconcile()
            rig.tell(say(m.FillReported, fill=made))
        rig.reconcile(position(1), fills=(made,))
        rig.tell(lock)
        rig.tell(say(m.AccountReported, account=account(balance_usd="1")))
        counted.append(rig.updated.state.entries)

    assert counted == [0, 0]


def test_an_account_waits_for_time_only_while_something_is_to_be_settled(rig: Rig) -> None:
    assert rig.awake.accounts() == [1]
    rig.reconcile()
    assert rig.awake.accounts() == []

    rig.tell(say(m.PositionReported, position=position(2)))
    assert rig.awake.accounts() == [1]
    (asked,) = rig.tick_after(UNSETTLED_FOR_NS)
    assert asked.account_id == 1

    rig.reconcile(position(2))
    rig.tick_after(1)
    assert rig.awake.accounts() == []


def test_an_account_whose_actor_has_ended_waits_for_nothing(rig: Rig) -> None:
    rig.actor.closed()
    assert rig.awake.accounts() == []
