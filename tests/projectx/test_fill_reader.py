"""All fills are read, though an answer holds only some of them (I5, I8)."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import pytest
from virtual_loop import START_NS, VirtualLoop, run_virtually

from risk_actors.core.evidence import iso_utc
from risk_actors.messages import AccountSnapshot, ConnectionChanged
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.fill_reader import FillReader
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import TIDY, SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

ENDPOINT = "Trade/search"


def trade(simulator: SimulatorThread, count: int) -> None:
    """Make so many fills in account 101."""

    def fill() -> None:
        gateway = simulator.gateway
        for number in range(count):
            side = (Side.BUY, Side.SELL)[number % 2]
            contract_id = gateway.contract_ids["MNQ"]
            ticket = Ticket(account_id=101, contract_id=contract_id, side=side, size=1)
            gateway.exchange.place(ticket, gateway.clock())

    simulator.call(fill)


def ids_at(simulator: SimulatorThread) -> set[int]:
    return simulator.call(lambda: {trade.id for trade in simulator.gateway.exchange.trades})


def read(rig: Any, correlation_id: str) -> AccountSnapshot:
    rig.gateway.request_snapshot(101, "look", correlation_id)
    snapshot: AccountSnapshot = rig.recorder.wait(
        AccountSnapshot, lambda m: m.correlation_id == correlation_id
    )
    return snapshot


@pytest.mark.parametrize("kept", ["newest", "oldest"])
@pytest.mark.parametrize(
    ("rows", "count"), [(None, 350), (100, 350), (100, 100), (333, 350), (1000, 130)]
)
def test_i5_every_fill_is_read_whatever_part_of_them_an_answer_holds(
    make_rig: Callable[..., Any],
    rows: int | None,
    count: int,
    kept: Literal["newest", "oldest"],
) -> None:
    settings = SimulatorSettings(
        accounts=paper_accounts(2),
        ugliness=TIDY,
        auto_prices=False,
        trade_rows=rows,
        trade_rows_kept=kept,
    )
    with SimulatorThread(settings) as simulator:
        trade(simulator, count)
        expected = ids_at(simulator)
        rig = make_rig(GatewaySettings(requests_per_minute=1000), on=simulator)
        rig.start()

        snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.account.id == 101)

        assert snapshot.fills is not None
        assert len(expected) == count
        assert [fill.id for fill in snapshot.fills] == sorted(expected)
        assert "fills kept changing" not in snapshot.reason
        trade(simulator, 7)
        again = read(rig, "corr-1")
        assert {fill.id for fill in again.fills or ()} == ids_at(simulator)
        rig.gateway.stop()


def test_few_fills_take_two_requests_and_many_one_more(make_rig: Callable[..., Any]) -> None:
    settings = SimulatorSettings(accounts=paper_accounts(2), ugliness=TIDY, auto_prices=False)
    with SimulatorThread(settings) as simulator:
        rig = make_rig(
            GatewaySettings(requests_per_minute=1000, reconcile_every_s=600), on=simulator
        )
        rig.start()
        # What a start and its hubs ask for is through before anything is counted.
        rig.recorder.wait(
            ConnectionChanged, lambda m: m.user_hub and m.market_hub and m.fallback is None
        )
        trade(simulator, 99)
        read(rig, "corr-1")

        def requests_for(correlation_id: str) -> int:
            before = len(simulator.requests(ENDPOINT))
            read(rig, correlation_id)
            since = simulator.requests(ENDPOINT)[before:]
            return sum(request.body["accountId"] == 101 for request in since)

        few = requests_for("corr-2")
        trade(simulator, 50)
        read(rig, "corr-3")
        many = requests_for("corr-4")

        assert (few, many) == (2, 3)
        rig.gateway.stop()


ROW = {
    "accountId": 101,
    "contractId": "C",
    "orderId": 1,
    "side": 0,
    "size": 1,
    "price": 100.0,
    "profitAndLoss": None,
    "fees": 0.5,
    "voided": False,
}
S = 1_000_000_000
WEEK_AGO_NS = START_NS - 7 * 86_400 * S


class Broker:
    """Stands for RestReader: lists fills, one hundred in an answer, the newest."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.requests: list[Urgency] = []
        self.most = 100

    def fill(self, at_ns: int) -> int:
        fill_id = len(self.rows) + 1
        self.rows[fill_id] = {"id": fill_id, "at_ns": at_ns, **ROW}
        return fill_id

    async def post(
        self, _endpoint: str, body: dict[str, Any], *, urgency: Urgency
    ) -> dict[str, Any]:
        self.requests.append(urgency)
        since_ns = parse_ns(body["startTimestamp"])
        until_ns = parse_ns(body["endTimestamp"]) if "endTimestamp" in body else 2**63
        rows = [row for row in self.rows.values() if since_ns <= row["at_ns"] <= until_ns]
        rows = sorted(rows, key=lambda row: row["at_ns"])[-self.most :]
        return {
            "success": True,
            "trades": [row | {"creationTimestamp": iso_utc(row["at_ns"])} for row in rows],
        }

    def take_requests(self) -> int:
        count = len(self.requests)
        self.requests.clear()
        return count


def parse_ns(text: str) -> int:
    """Return an instant, exactly."""
    delta = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * S + delta.microseconds * 1000


def busy_week(count: int = 1000) -> Broker:
    broker = Broker()
    for number in range(count):
        broker.fill(START_NS - (count - number) * 300 * S)
    return broker


def test_of_a_busy_week_only_what_is_new_is_read_each_time() -> None:
    broker, loop = busy_week(), VirtualLoop()
    fills = FillReader(broker)  # type: ignore[arg-type]

    async def day() -> None:
        first = await fills.read(101, WEEK_AGO_NS)
        assert len(first) == 1000
        assert broker.take_requests() == 13
        assert await fills.read_again(101, WEEK_AGO_NS, first) == first
        assert broker.take_requests() == 1
        for number in range(10):
            await asyncio.sleep(30)
            broker.fill(loop.now_ns())
            now = await fills.read(101, WEEK_AGO_NS)
            assert [fill.id for fill in now] == list(range(1, 1002 + number))
            assert await fills.read_again(101, WEEK_AGO_NS, now) == now
            assert broker.take_requests() == 2
        # More came than one answer holds.
        for number in range(250):
            broker.fill(loop.now_ns() + number * S // 100)
        before = now
        now = await fills.read_again(101, WEEK_AGO_NS, before)
        assert len(now) == 1260
        assert await fills.read(101, WEEK_AGO_NS) == now

    run_virtually(loop, day())


def test_a_fill_voided_later_is_seen_within_ten_minutes_and_at_once_when_something_is_amiss() -> (
    None
):
    broker, loop = busy_week(), VirtualLoop()
    fills = FillReader(broker)  # type: ignore[arg-type]

    async def voided() -> list[int]:
        return [fill.id for fill in await fills.read(101, WEEK_AGO_NS) if fill.voided]

    async def day() -> None:
        assert await voided() == []
        broker.rows[5]["voided"] = True
        broker.rows[998]["voided"] = True
        assert await voided() == [998]
        fills.distrust(101)
        assert await voided() == [5, 998]
        broker.rows[7]["voided"] = True
        del broker.rows[9]
        await asyncio.sleep(599)
        assert await voided() == [5, 998]
        await asyncio.sleep(2)
        # An enforcement does not wait for all of them.
        broker.take_requests()
        assert 9 in {f.id for f in await fills.read(101, WEEK_AGO_NS, urgency=Urgency.ENFORCEMENT)}
        assert broker.requests == [Urgency.ENFORCEMENT]
        assert await voided() == [5, 7, 998]
        assert 9 not in {fill.id for fill in await fills.read(101, WEEK_AGO_NS)}

    run_virtually(loop, day())


def test_what_the_stream_told_of_an_old_fill_is_not_taken_back() -> None:
    broker, loop = busy_week(), VirtualLoop()
    fills = FillReader(broker)  # type: ignore[arg-type]

    async def day() -> None:
        known = await fills.read(101, WEEK_AGO_NS)
        fills.told(msgspec.structs.replace(known[4], voided=True))
        fills.told(msgspec.structs.replace(known[4], id=77_777))
        now = await fills.read(101, WEEK_AGO_NS)
        assert now[4].voided
        assert [fill.id for fill in now] == [fill.id for fill in known]

    run_virtually(loop, day())


def test_a_span_that_moves_on_forgets_and_one_that_grows_is_read_whole() -> None:
    broker, loop = busy_week(), VirtualLoop()
    fills = FillReader(broker)  # type: ignore[arg-type]

    async def day() -> None:
        await fills.read(101, WEEK_AGO_NS)
        broker.take_requests()
        later_ns = broker.rows[301]["at_ns"]
        assert [fill.id for fill in await fills.read(101, later_ns)] == list(range(301, 1001))
        assert broker.take_requests() == 1
        assert len(await fills.read(101, WEEK_AGO_NS)) == 1000
        assert broker.take_requests() > 1

    run_virtually(loop, day())


def test_a_reading_of_all_that_fails_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, loop = busy_week(), VirtualLoop()
    fills = FillReader(broker)  # type: ignore[arg-type]

    async def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise ReadFailed("/Trade/search", ReadProblem.BUSY, "no")

    async def day() -> None:
        await fills.read(101, WEEK_AGO_NS)
        fills.distrust(101)
        with monkeypatch.context() as patch:
            patch.setattr(broker, "post", fail)
            with pytest.raises(ReadFailed):
                await fills.read(101, WEEK_AGO_NS)
        broker.take_requests()
        await fills.read(101, WEEK_AGO_NS)
        assert broker.take_requests() > 1

    run_virtually(loop, day())
