"""All fills are read, though an answer holds only some of them (I5, I8)."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

from risk_actors.messages import AccountSnapshot
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
        for account_id in rig.account_ids:
            # What a start and its hubs ask for is through before anything is counted.
            for hub in ("user hub", "market hub"):
                rig.recorder.wait(
                    AccountSnapshot,
                    lambda m, i=account_id, hub=hub: m.account.id == i and hub in m.reason,
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
