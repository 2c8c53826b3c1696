"""Broker events come out as messages, and snapshots with them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from risk_actors.core.broker import OrderStatus, OrderType
from risk_actors.core.lock import LockSpan
from risk_actors.messages import (
    AccountReported,
    AccountSnapshot,
    ConnectionChanged,
    FillReported,
    InstrumentResolved,
    LocksNoted,
    NoteLocks,
    OrderReported,
    PayloadRejected,
    PositionReported,
    QuoteReported,
    SnapshotFailed,
)
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.records import Account, Bracket, Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings, Ugliness
from risk_actors.simulator.thread import SimulatorThread


def test_a_fill_is_reported_from_every_side(rig: Any) -> None:
    rig.buy(2)
    at = rig.recorder
    position = at.wait(PositionReported, lambda m: m.position.size == 2).position
    assert position.contract_id == rig.contract_id
    assert position.average_price > 0
    at.wait(OrderReported, lambda m: m.order.status is OrderStatus.FILLED)
    fill = at.wait(FillReported).fill
    assert fill.profit_usd is None
    assert fill.costs_usd > 0
    at.wait(AccountReported, lambda m: m.account.balance_usd < 50_000)
    instrument = at.wait(InstrumentResolved).instrument
    assert (instrument.symbol, instrument.tick_size) == ("MNQ", Decimal("0.25"))
    quote = at.wait(QuoteReported, lambda m: m.quote.last is not None).quote
    assert quote.bid is not None
    assert quote.bid < quote.ask
    rig.simulator.close(101, rig.contract_id)
    at.wait(PositionReported, lambda m: m.position.size == 0)
    at.wait(FillReported, lambda m: m.fill.profit_usd is not None)
    assert not at.of(PayloadRejected)


def test_every_message_has_an_id_of_its_own(rig: Any) -> None:
    rig.buy()
    rig.recorder.wait(PositionReported)
    ids = [message.correlation_id for message in rig.recorder.messages]
    assert len(set(ids)) == len(ids)
    assert len({each.rpartition("-")[0] for each in ids}) == 1


def test_what_is_noted_of_locks_is_told_as_a_fact_of_the_account(rig: Any) -> None:
    spans = (LockSpan(None, 5, None),)
    rig.gateway.note_locks(
        NoteLocks(correlation_id="event-7", at_ns=1, account_id=102, spans=spans)
    )

    told = rig.recorder.wait(LocksNoted)
    assert (told.account_id, told.spans, told.correlation_id) == (102, spans, "event-7")


def test_the_second_account_is_heard_too(rig: Any) -> None:
    rig.buy(account_id=102)
    assert rig.recorder.wait(PositionReported).position.account_id == 102
    assert rig.recorder.wait(FillReported).fill.account_id == 102


def test_only_guarded_accounts_are_heard(make_rig: Callable[..., Any], tools: Any) -> None:
    rig = make_rig(GatewaySettings(accounts=("102",)))
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub)
    rig.buy(account_id=101)
    rig.buy(account_id=102)
    rig.recorder.wait(AccountReported, lambda m: m.account.id == 102)
    rig.recorder.wait(PositionReported, lambda m: m.position.account_id == 102)
    heard = [m.account.id for m in rig.recorder.of(AccountReported)]
    heard += [m.position.account_id for m in rig.recorder.of(PositionReported)]
    assert set(heard) == {102}


def test_ids_as_text_are_understood(make_rig: Callable[..., Any]) -> None:
    ugly = SimulatorSettings(ugliness=Ugliness(ids_as_strings=True))
    with SimulatorThread(ugly) as simulator:
        rig = make_rig(on=simulator)
        rig.start()
        rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub)
        rig.buy()
        assert rig.recorder.wait(PositionReported).position.account_id == 101
        assert not rig.recorder.of(PayloadRejected)
        rig.gateway.stop()


def test_a_snapshot_shows_everything_and_carries_its_request(rig: Any) -> None:
    rig.simulator.place(
        Ticket(
            account_id=101,
            contract_id=rig.contract_id,
            side=Side.BUY,
            size=1,
            type=OrderType.LIMIT.value,
            limit_price=Decimal(10),
            stop_loss=Bracket(ticks=-10, type=4),
            take_profit=Bracket(ticks=10, type=1),
        )
    )
    rig.buy(2)
    rig.recorder.wait(PositionReported)
    rig.gateway.request_snapshot(101, "a question", "corr-7")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-7")
    assert snapshot.reason == "a question"
    assert [position.size for position in snapshot.positions] == [2]
    assert snapshot.covers_suspended
    assert sorted(order.status for order in snapshot.orders) == [
        OrderStatus.OPEN,
        OrderStatus.SUSPENDED,
        OrderStatus.SUSPENDED,
    ]
    assert sum(fill.size for fill in snapshot.fills) == 2
    assert snapshot.fills_since_ns < snapshot.asked_ns <= snapshot.at_ns


def test_waiting_requests_are_answered_together_but_later_ones_get_their_own(
    rig: Any, tools: Any
) -> None:
    rig.simulator.inject(Fault(kind="delay", endpoint="Trade/search", delay_s=0.5))
    before = len(rig.simulator.requests("Trade/search"))
    rig.gateway.request_snapshot(101, "first", "corr-1")
    tools.eventually(lambda: len(rig.simulator.requests("Trade/search")) > before)
    rig.gateway.request_snapshot(101, "second", "corr-2")
    rig.gateway.request_snapshot(101, "third", "corr-3")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")
    later = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-2")
    assert later.reason == "second; third"
    assert not [m for m in rig.recorder.of(AccountSnapshot) if m.correlation_id == "corr-3"]


def test_fills_while_reading_cause_another_reading(rig: Any, tools: Any) -> None:
    rig.buy()
    rig.recorder.wait(FillReported)
    mark = rig.recorder.mark()
    rig.simulator.inject(Fault(kind="delay", endpoint="Position/searchOpen", delay_s=0.5))
    before = len(rig.simulator.requests("Position/searchOpen"))
    rig.gateway.request_snapshot(101, "look", "corr-1")
    tools.eventually(lambda: len(rig.simulator.requests("Position/searchOpen")) > before)
    rig.buy()
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.reason == "look", after=mark)
    assert sum(fill.size for fill in snapshot.fills) == 2
    assert [position.size for position in snapshot.positions] == [2]
    assert len(rig.simulator.requests("Position/searchOpen")) - before >= 2


def test_i7_a_snapshot_says_when_the_account_row_in_it_is_an_older_one(rig: Any) -> None:
    """Positions and orders are worth having; yesterday's balance must not pass for today's."""
    rig.simulator.inject(Fault(kind="status", status=503, endpoint="Account/search"))
    mark = rig.recorder.mark()
    rig.gateway.request_snapshot(101, "look", "corr-1")
    stale = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)
    rig.gateway.request_snapshot(101, "look", "corr-2")
    fresh = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-2", after=mark)

    assert (stale.account_read, fresh.account_read) == (False, True)


def test_a_failed_snapshot_is_said_and_tried_again(rig: Any) -> None:
    mark = rig.recorder.mark()
    rig.simulator.inject(Fault(kind="status", status=500, endpoint="Position/searchOpen"))
    rig.gateway.request_snapshot(101, "look", "corr-1")
    failed = rig.recorder.wait(SnapshotFailed, after=mark)
    assert (failed.account_id, failed.correlation_id) == (101, "corr-1")
    assert "500" in failed.detail
    assert not rig.recorder.wait(ConnectionChanged, after=mark).rest
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)
    assert rig.recorder.wait(ConnectionChanged, lambda m: m.rest, after=mark).user_hub


def test_a_busy_broker_does_not_stop_snapshots_for_a_minute(rig: Any) -> None:
    mark = rig.recorder.mark()
    rig.simulator.inject(Fault(kind="status", status=429, endpoint="Trade/search"))
    rig.gateway.request_snapshot(101, "look", "corr-1")
    at_once = rig.recorder.wait(AccountSnapshot, after=mark, within_s=8)
    whole = rig.recorder.wait(
        AccountSnapshot, lambda m: m.fills is not None, after=mark, within_s=8
    )
    assert at_once.fills is None
    assert "without fills" in at_once.reason
    assert whole.correlation_id == "corr-1"


def test_a_broker_without_the_order_query_is_remembered(rig: Any) -> None:
    before = len(rig.simulator.requests("Order/v2/query"))
    rig.simulator.inject(Fault(kind="status", status=404, endpoint="Order/v2/query"))
    for question in ("corr-1", "corr-2"):
        rig.gateway.request_snapshot(101, "look", question)
        snapshot = rig.recorder.wait(
            AccountSnapshot, lambda m, question=question: m.correlation_id == question
        )
        assert not snapshot.covers_suspended
    assert len(rig.simulator.requests("Order/v2/query")) == before + 1


def test_accounts_are_read_again_on_a_timer(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(GatewaySettings(reconcile_every_s=0.5))
    rig.start()
    rig.recorder.wait(AccountSnapshot, lambda m: m.reason == "periodic" and m.account.id == 102)


def test_junk_on_the_stream_is_reported_and_answered_with_a_reading(rig: Any) -> None:
    mark = rig.recorder.mark()
    hub = rig.simulator.gateway.user_hub
    rig.simulator.call(
        lambda: hub.publish(("Orders", 101), "GatewayUserOrder", [{"action": 1, "data": "what"}])
    )
    rejected = rig.recorder.wait(PayloadRejected, after=mark)
    assert rejected.source == "GatewayUserOrder"
    rig.recorder.wait(
        AccountSnapshot, lambda m: m.correlation_id == rejected.correlation_id, after=mark
    )
    rig.buy()
    rig.recorder.wait(PositionReported, after=mark)


def test_an_account_that_never_rests_is_shown_all_the_same(rig: Any, tools: Any) -> None:
    mark = rig.recorder.mark()
    endpoint = "Position/searchOpen"
    before = len(rig.simulator.requests(endpoint))
    rig.simulator.inject(Fault(kind="delay", endpoint=endpoint, delay_s=0.3, times=9))
    rig.gateway.request_snapshot(101, "look", "corr-1")
    for reading in range(1, 4):
        tools.eventually(
            lambda reading=reading: len(rig.simulator.requests(endpoint)) >= before + reading
        )
        rig.buy()
    snapshot = rig.recorder.wait(
        AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark
    )
    assert snapshot.reason == "look (fills kept changing while it was read)"
    assert sum(fill.size for fill in snapshot.fills) == 3


def test_an_account_that_appears_later_is_said_once_not_to_be_guarded(rig: Any) -> None:
    """I7: it is not guarded, and that must show."""
    mark = rig.recorder.mark()
    stranger = Account(id=103, name="50KTC-NEW-103", balance_usd=Decimal(50_000))

    rig.simulator.call(lambda: rig.simulator.gateway.exchange.accounts.update({103: stranger}))
    for can_trade in (False, True):
        rig.simulator.set_can_trade(103, can_trade=can_trade)
    rig.recorder.wait(PayloadRejected, after=mark)
    rig.simulator.set_can_trade(101, can_trade=False)
    rig.recorder.wait(AccountReported, lambda m: not m.account.can_trade, after=mark)

    said = [m for m in rig.recorder.messages if isinstance(m, PayloadRejected)]
    assert len(said) == 1
    assert "50KTC-NEW-103" in said[0].detail
    assert "NOT GUARDED" in said[0].detail


def test_the_request_budget_can_be_looked_at_from_any_thread(rig: Any) -> None:
    state = rig.gateway.budget_state()
    assert state.allowed == 200
    assert 0 < state.used < 200
    rig.gateway.stop()
    assert rig.gateway.budget_state() is None
