"""Bars are read for a time of the past, over sockets."""

from collections.abc import Callable
from typing import Any

import pytest

from risk_actors.messages import BarsReported, InstrumentResolved, RequestBars
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings
from risk_actors.simulator.thread import SimulatorThread

S = 1_000_000_000
ENDPOINT = "History/retrieveBars"


def ask(rig: Any, since_ns: int, until_ns: int, contract_id: str | None = None) -> BarsReported:
    mark = rig.recorder.mark()
    wanted = RequestBars(
        correlation_id="corr-1",
        at_ns=until_ns,
        account_id=101,
        contract_id=contract_id or rig.contract_id,
        since_ns=since_ns,
        until_ns=until_ns,
    )
    rig.gateway.request_bars(wanted)
    told: BarsReported = rig.recorder.wait(BarsReported, after=mark)
    assert (told.account_id, told.since_ns, told.until_ns) == (101, since_ns, until_ns)
    assert told.correlation_id == "corr-1"
    return told


@pytest.fixture
def still(make_rig: Callable[..., Any]) -> Any:
    """A rig whose prices move only when told."""
    with SimulatorThread(SimulatorSettings(auto_prices=False)) as simulator:
        rig = make_rig(GatewaySettings(), on=simulator)
        rig.start()
        yield rig
        rig.gateway.stop()


def test_bars_of_a_second_show_how_far_a_contract_went(still: Any, tools: Any) -> None:
    gateway = still.simulator.gateway
    begun_ns = still.simulator.call(gateway.clock)
    for price in (25_000, 25_100, 24_990):
        still.simulator.set_price(still.contract_id, price, price + 0.25, price)
    tools.eventually(lambda: still.simulator.call(gateway.clock) >= begun_ns + 2 * S)

    told = ask(still, begun_ns, begun_ns + 2 * S)

    assert told.bars is not None
    assert all(bar.end_ns - bar.start_ns == S for bar in told.bars)
    assert list(told.bars) == sorted(told.bars, key=lambda bar: bar.start_ns)
    assert max(bar.high for bar in told.bars) == 25_100
    assert min(bar.low for bar in told.bars) == 24_990


def test_bars_of_a_minute_are_read_for_a_long_time(still: Any) -> None:
    now_ns = still.simulator.call(still.simulator.gateway.clock)

    told = ask(still, now_ns - 24 * 3600 * S, now_ns)

    assert told.bars is not None
    assert 24 * 60 - 1 <= len(told.bars) <= 24 * 60 + 1
    assert {bar.end_ns - bar.start_ns for bar in told.bars} == {60 * S}


@pytest.mark.parametrize("kind", ["status", "refuse"])
def test_i7_bars_that_cannot_be_read_are_none(still: Any, kind: Any) -> None:
    still.simulator.inject(Fault(kind=kind, endpoint=ENDPOINT, status=500, error_code=2))
    now_ns = still.simulator.call(still.simulator.gateway.clock)

    failed = ask(still, now_ns - 60 * S, now_ns)
    unknown = ask(still, now_ns - 60 * S, now_ns, "CON.F.US.NONE.Z26")
    read = ask(still, now_ns - 60 * S, now_ns)

    assert failed.bars is None
    assert unknown.bars is None
    assert read.bars is not None


def test_a_contract_that_is_flat_again_is_looked_up_for_its_fills(
    make_rig: Callable[..., Any],
) -> None:
    """What its ticks are worth is asked for a gap in which it was held."""
    with SimulatorThread(SimulatorSettings(auto_prices=False)) as simulator:

        def trade() -> None:
            gateway = simulator.gateway
            for side in (Side.BUY, Side.SELL):
                ticket = Ticket(
                    account_id=101, contract_id=gateway.contract_ids["MNQ"], side=side, size=1
                )
                gateway.exchange.place(ticket, gateway.clock())

        simulator.call(trade)
        rig = make_rig(GatewaySettings(), on=simulator)
        rig.start()

        told = rig.recorder.wait(InstrumentResolved)

        assert told.instrument.contract_id == rig.contract_id
        rig.gateway.stop()
