"""Traps of the reference's sections 1, 2 and 3.7 to 3.10: what the SDK makes of an event."""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from plain_trader import PlainTrader, subscribers
from project_x_py.utils import extract_symbol_from_contract_id

from risk_actors.messages import (
    AccountReported,
    AccountSnapshot,
    ConnectionChanged,
    FillReported,
    InstrumentResolved,
    OrderReported,
    PositionReported,
    QuoteReported,
)
from risk_actors.projectx.inbound import Inbound
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.thread import SimulatorThread

# The SDK leaves its hub sockets to the garbage collector when it disconnects.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TARGETS = {
    AccountReported: "GatewayUserAccount",
    OrderReported: "GatewayUserOrder",
    PositionReported: "GatewayUserPosition",
    FillReported: "GatewayUserTrade",
}


@pytest.fixture
def plain(simulator: SimulatorThread) -> Iterator[PlainTrader]:
    """A script that hears account 101 and the front month of MNQ, while prices stand still."""
    simulator.let_prices_move(move=False)
    simulator.set_price(simulator.contract_id("MNQ"), 20000, "20000.25", 20000)
    with PlainTrader(simulator) as trader:
        yield trader.stream(simulator.contract_id("MNQ"))


def position_row(contract_id: str, size: int) -> dict[str, Any]:
    data = {
        "accountId": 101,
        "contractId": contract_id,
        "type": 1,
        "size": size,
        "averagePrice": 20000,
    }
    return {"action": 1, "data": data}


def publish(simulator: SimulatorThread, topic: str, target: str, arguments: list[Any]) -> None:
    hub = simulator.gateway.user_hub
    simulator.call(lambda: hub.publish((topic, 101), target, arguments))


def test_2_a_second_argument_in_a_frame_is_lost_to_the_sdk(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    rows = [position_row(rig.simulator.contract_id(symbol), 2) for symbol in ("MNQ", "MES")]
    publish(rig.simulator, "Positions", "GatewayUserPosition", rows)

    for symbol in ("MNQ", "MES"):
        wanted = rig.simulator.contract_id(symbol)
        rig.recorder.wait(PositionReported, lambda m, id_=wanted: m.position.contract_id == id_)
    tools.eventually(lambda: plain.heard["position_update"])
    assert plain.heard["position_update"] == rows[:1]


def test_2_with_the_sdks_callbacks_we_would_lose_it_as_well(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = Inbound.attach_user

    class FirstOnly:
        def __init__(self, hub: Any) -> None:
            self._hub = hub

        def on(self, event: str, handler: Any) -> None:
            self._hub.on(event, lambda *arguments: handler(*arguments[:1]))

    monkeypatch.setattr(
        Inbound,
        "attach_user",
        lambda self, hub, is_present: attach(self, FirstOnly(hub), is_present),
    )
    rig = make_rig()
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None)
    rows = [position_row(rig.simulator.contract_id(symbol), 2) for symbol in ("MNQ", "MES")]
    publish(rig.simulator, "Positions", "GatewayUserPosition", rows)
    rig.buy(account_id=102)
    rig.recorder.wait(PositionReported, lambda m: m.position.account_id == 102)

    heard = {m.position.contract_id for m in rig.recorder.of(PositionReported)}
    assert heard == {rig.simulator.contract_id("MNQ")}


def test_2_of_several_orders_in_a_list_the_sdks_manager_takes_one(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    _, orders = plain.managers()
    rows = [
        {
            "id": 9000 + n,
            "accountId": 101,
            "contractId": rig.contract_id,
            "status": 1,
            "type": 4,
            "side": 1,
            "size": 1,
            "stopPrice": 19000,
        }
        for n in range(3)
    ]
    publish(rig.simulator, "Orders", "GatewayUserOrder", [rows])

    for n in range(3):
        rig.recorder.wait(OrderReported, lambda m, n=n: m.order.id == 9000 + n)
    tools.eventually(lambda: orders.tracked_orders)
    assert list(orders.tracked_orders) == ["9001"]


def test_3_7_latest_wins_drops_the_last_price_of_partial_quotes_and_we_keep_it(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    rig.buy()
    rig.recorder.wait(QuoteReported)
    rig.simulator.silence_quotes()
    hub, contract_id = rig.simulator.gateway.market_hub, rig.contract_id
    quote = {"symbol": "F.US.MNQ", "bestBid": 20000, "bestAsk": 20000.25}

    def burst() -> None:
        for n in range(400):
            row = quote | ({"lastPrice": 20001.5} if n == 200 else {"bestBid": 19000 + n})
            hub.publish(("ContractQuotes", contract_id), "GatewayQuote", [contract_id, row])

    heard = len(plain.heard["quote_update"])
    rig.simulator.call(burst)
    last = rig.recorder.wait(QuoteReported, lambda m: m.quote.bid == 19399).quote
    tools.eventually(lambda: plain.heard["quote_update"][-1]["data"]["bestBid"] == 19399)

    assert last.last == Decimal("20001.5")
    ours = [m for m in rig.recorder.of(QuoteReported) if 19000 <= (m.quote.bid or 0) < 19400]
    assert len(ours) == 399
    updates = plain.heard["quote_update"][heard:]
    assert len(updates) < 100
    assert not any(update["data"].get("lastPrice") == 20001.5 for update in updates)


def test_3_7_a_slow_callback_is_overtaken_and_our_messages_keep_the_order_of_the_wire(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    finished: list[int] = []

    async def slow(event: Any) -> None:
        if event["data"]["size"]:
            await asyncio.sleep(0.2)
        finished.append(event["data"]["size"])

    plain.do(plain.realtime.add_callback("position_update", slow))
    before, mark = len(rig.simulator.events()), rig.recorder.mark()
    rig.buy()
    rig.simulator.close(101, rig.contract_id)
    tools.eventually(lambda: len(finished) == 2)

    assert finished == [0, 1]  # the position seems to be open
    sent = [event.target for event in rig.simulator.events()[before:]]
    tools.eventually(lambda: kinds(rig, mark) == sent)


def kinds(rig: Any, mark: int) -> list[str]:
    return [TARGETS[type(m)] for m in rig.recorder.messages[mark:] if type(m) in TARGETS]


def test_3_7_of_several_trades_in_a_list_the_newest_price_counts(rig: Any) -> None:
    """The SDK's data manager takes the first, whatever its time."""
    rig.buy()
    rig.recorder.wait(QuoteReported)
    rig.simulator.silence_quotes()
    hub, contract_id = rig.simulator.gateway.market_hub, rig.contract_id
    trades = [
        {"symbolId": "F.US.MNQ", "price": price, "timestamp": at, "type": 0, "volume": 1}
        for price, at in ((20007.25, "2026-11-21T12:00:02Z"), (20003.25, "2026-11-21T12:00:01Z"))
    ]
    topic = ("ContractTrades", contract_id)
    rig.simulator.call(lambda: hub.publish(topic, "GatewayTrade", [contract_id, trades]))

    rig.recorder.wait(QuoteReported, lambda m: m.quote.last == Decimal("20007.25"))
    assert rig.recorder.of(QuoteReported)[-1].quote.last == Decimal("20007.25")


def test_3_8_what_the_script_adds_up_is_not_what_the_account_gained(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    """Gross P&L, costs on opening half-turns too, and those told again on the close."""
    positions, _ = plain.managers()
    start_usd = rig.simulator.balance_usd(101)
    rig.buy(3)
    tools.eventually(lambda: rig.contract_id in positions.tracked_positions)
    rig.simulator.set_price(rig.contract_id, 20010, "20010.25", 20010)
    opened_usd = rig.simulator.balance_usd(101)
    rig.simulator.close(101, rig.contract_id)
    gained_usd = rig.simulator.balance_usd(101) - start_usd
    tools.eventually(lambda: positions.stats["closed_positions"] == 1)
    sent = [e.data["data"]["id"] for e in rig.simulator.events("GatewayUserTrade")]
    tools.eventually(lambda: len(plain.heard["trade_execution"]) == len(sent))
    tools.eventually(lambda: len(rig.recorder.of(FillReported)) == len(sent))

    rows = [event["data"] for event in plain.heard["trade_execution"]]
    gross_usd = Decimal(str(sum(row.get("profitAndLoss", 0) for row in rows)))
    costs_usd = sum(Decimal(str(row["fees"] + row["commissions"])) for row in rows)
    assert len(set(sent)) < len(sent)
    assert gross_usd != gained_usd
    assert gross_usd - costs_usd != gained_usd
    assert positions.stats["realized_pnl"] == 0  # and the SDK's risk manager goes by that

    ours = {m.fill.id: m.fill for m in rig.recorder.of(FillReported)}
    net_usd = sum((fill.profit_usd or 0) - fill.costs_usd for fill in ours.values())
    assert net_usd == gained_usd
    # Unrealised profit is not in the balance: ten points up, and only costs had moved it.
    opening_usd = sum(fill.costs_usd for fill in ours.values() if fill.profit_usd is None)
    assert start_usd - opened_usd == opening_usd


def test_3_8_the_sdk_cuts_the_days_trades_at_a_hundred_and_we_read_them_all(
    rig: Any, plain: PlainTrader
) -> None:
    for _ in range(30):
        rig.buy(2)
        rig.simulator.close(101, rig.contract_id)
        rig.buy(1)
        rig.simulator.close(101, rig.contract_id)
    trades = rig.simulator.trades(101)
    rig.gateway.request_snapshot(101, "look", "corr-1")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")

    assert len(plain.do(plain.sdk.search_trades())) == 100
    assert {fill.id for fill in snapshot.fills} == {trade.id for trade in trades}
    assert len(trades) >= 120


def test_3_9_one_account_overwrites_the_other_in_the_sdks_cache_and_is_lost_with_the_connection(
    simulator: SimulatorThread, plain: PlainTrader, tools: Any
) -> None:
    """Ours: `test_hubs.py::test_a_hub_that_is_cut_is_back_in_time`, which hears both accounts."""
    positions, _ = plain.managers()
    contract_id = simulator.contract_id("MNQ")
    plain.do(plain.realtime.user_connection.send("SubscribePositions", [102]))
    tools.eventually(lambda: subscribers(simulator, account_id=102) == 1)
    for account_id, size in ((101, 1), (102, 4)):
        simulator.place(
            Ticket(account_id=account_id, contract_id=contract_id, side=Side.BUY, size=size)
        )
        tools.eventually(lambda size=size: held(positions, contract_id) == size)

    position = plain.do(positions.get_position(contract_id, account_id=101))
    assert (position.accountId, position.size) == (102, 4)
    assert simulator.size(101, contract_id) == 1

    simulator.cut_hubs("user")
    tools.eventually(lambda: subscribers(simulator) == 0)
    tools.eventually(lambda: subscribers(simulator) == 1)
    assert subscribers(simulator, account_id=102) == 0


def held(positions: Any, contract_id: str) -> int:
    position = positions.tracked_positions.get(contract_id)
    return position.size if position else 0


def test_3_10_times_with_seven_digits_are_the_brokers_to_the_microsecond(rig: Any) -> None:
    rig.buy()
    fill = rig.recorder.wait(FillReported).fill
    (trade, *_) = [t for t in rig.simulator.trades(101) if t.id == fill.id]
    (event, *_) = rig.simulator.events("GatewayUserTrade")

    fraction = event.data["data"]["creationTimestamp"].split(".")[1].split("+")[0]
    assert len(fraction) == 7
    assert 0 <= trade.created_ns - fill.at_ns < 1_000


def test_4_the_tick_of_a_root_with_digits_is_the_brokers(rig: Any) -> None:
    contract_id = rig.simulator.contract_id("M2K")
    rig.simulator.place(Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=1))
    instrument = rig.recorder.wait(InstrumentResolved).instrument

    assert (instrument.contract_id, instrument.tick_size) == (contract_id, Decimal("0.10"))
    assert extract_symbol_from_contract_id(contract_id) is None


def test_4_the_sdk_takes_the_first_name_for_the_front_month_and_we_never_choose(
    rig: Any, plain: PlainTrader
) -> None:
    near, far = {"name": "MNQZ6", "id": "near"}, {"name": "MNQH7", "id": "far"}
    assert plain.sdk._select_best_contract([near, far], "MNQ") == far

    rig.buy()
    rig.recorder.wait(InstrumentResolved)
    asked = {record.endpoint for record in rig.simulator.requests()}
    assert "Contract/searchById" in asked
    assert not asked & {"Contract/search", "Contract/available"}
