"""Hubs that drop, die and are logged out come back, subscribed, with a snapshot."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from risk_actors.messages import (
    AccountSnapshot,
    ConnectionChanged,
    PositionReported,
    QuoteReported,
)
from risk_actors.projectx.connection import POLLING
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import NegotiateRefusal
from risk_actors.simulator.settings import SimulatorSettings
from risk_actors.simulator.thread import SimulatorThread

BACK_WITHIN_S = 5.0


def expect_heard(rig: Any, mark: int, account_id: int) -> None:
    rig.buy(account_id=account_id)
    rig.recorder.wait(PositionReported, lambda m: m.position.account_id == account_id, after=mark)


def expect_recovery(rig: Any, mark: int, cut_at_s: float) -> float:
    """Both hubs are back in time, both accounts read and heard; return the seconds it took."""
    at = rig.recorder
    at.wait(ConnectionChanged, lambda m: not (m.user_hub and m.market_hub), after=mark)
    at.wait(
        ConnectionChanged,
        lambda m: m.user_hub and m.market_hub and m.fallback is None,
        after=mark,
        within_s=BACK_WITHIN_S,
    )
    took_s = time.monotonic() - cut_at_s
    assert took_s < BACK_WITHIN_S
    for account_id in (101, 102):
        expect_heard(rig, mark, account_id)
    return took_s


@pytest.mark.parametrize("hub", ["user", "market", "*"])
def test_a_hub_that_is_cut_is_back_in_time(rig: Any, hub: str) -> None:
    mark = rig.recorder.mark()
    cut_at_s = time.monotonic()
    rig.simulator.cut_hubs(hub)
    expect_recovery(rig, mark, cut_at_s)


@pytest.mark.parametrize("status", [503, 401])
def test_a_hub_that_is_refused_while_reconnecting_still_comes_back(rig: Any, status: int) -> None:
    mark = rig.recorder.mark()
    cut_at_s = time.monotonic()
    refusal = NegotiateRefusal(hub="*", status=status, times=3)
    rig.simulator.call(lambda: rig.simulator.gateway.faults.refuse_negotiate(refusal))
    rig.simulator.cut_hubs()
    expect_recovery(rig, mark, cut_at_s)


def test_a_close_with_an_error_is_noticed_although_the_sdk_shows_it_as_connected(rig: Any) -> None:
    mark = rig.recorder.mark()
    cut_at_s = time.monotonic()
    hub = rig.simulator.gateway.user_hub
    rig.simulator.call(lambda: hub.close("Connection closed with an error."))
    expect_recovery(rig, mark, cut_at_s)


def test_a_logout_is_answered_with_a_new_token_and_connection(rig: Any, tools: Any) -> None:
    mark = rig.recorder.mark()
    logins = len(rig.simulator.requests("Auth/loginKey"))
    cut_at_s = time.monotonic()
    rig.simulator.call(rig.simulator.gateway.user_hub.log_out)
    expect_recovery(rig, mark, cut_at_s)
    tools.eventually(lambda: len(rig.simulator.requests("Auth/loginKey")) > logins)


@pytest.mark.slow
def test_more_drops_than_the_sdk_survives(rig: Any) -> None:
    for _ in range(11):
        mark = rig.recorder.mark()
        rig.simulator.cut_hubs("user")
        rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
        rig.recorder.wait(
            ConnectionChanged, lambda m: m.user_hub, after=mark, within_s=BACK_WITHIN_S
        )


def test_a_refused_subscription_counts_as_the_hub_being_down(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    rig.gateway.connect()
    rig.gateway.start(rig.recorder, (101, 999))
    refused = rig.recorder.wait(ConnectionChanged, lambda m: "No account 999" in (m.detail or ""))
    assert (refused.user_hub, refused.fallback) == (False, "polling")
    rig.recorder.wait(ConnectionChanged, lambda m: m.market_hub and not m.user_hub)
    rig.recorder.wait(AccountSnapshot, lambda m: m.account.id == 101)


def test_a_contract_that_is_refused_does_not_cost_the_others_their_prices(rig: Any) -> None:
    hub = rig.simulator.gateway.user_hub
    position = {
        "accountId": 101,
        "contractId": "CON.F.US.NONE.Z26",
        "type": 1,
        "size": 1,
        "averagePrice": 5,
    }
    rig.simulator.call(
        lambda: hub.publish(("Positions", 101), "GatewayUserPosition", [{"data": position}])
    )
    rig.recorder.wait(PositionReported)
    rig.buy()
    rig.recorder.wait(QuoteReported)
    assert rig.recorder.of(ConnectionChanged)[-1].market_hub


def test_quotes_flow_again_after_the_market_hub_was_cut(rig: Any) -> None:
    rig.buy()
    rig.recorder.wait(QuoteReported)
    mark = rig.recorder.mark()
    rig.simulator.cut_hubs("market")
    rig.recorder.wait(ConnectionChanged, lambda m: not m.market_hub, after=mark)
    down = rig.recorder.mark()
    rig.recorder.wait(QuoteReported, after=down, within_s=BACK_WITHIN_S)


def test_accounts_are_polled_while_the_user_hub_is_down(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    refusal = NegotiateRefusal(hub="user", status=503, times=1000)
    rig.simulator.call(lambda: rig.simulator.gateway.faults.refuse_negotiate(refusal))
    rig.start()
    first = rig.recorder.wait(ConnectionChanged)
    assert (first.user_hub, first.fallback) == (False, "polling")
    rig.recorder.wait(AccountSnapshot, lambda m: m.reason == "start")
    rig.buy()
    rig.recorder.wait(AccountSnapshot, lambda m: m.reason.startswith(POLLING) and bool(m.positions))
    rig.simulator.call(rig.simulator.gateway.faults.clear)
    back = rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub, within_s=BACK_WITHIN_S)
    assert (back.fallback, back.detail) == ("polling", "user hub: connected, reading the accounts")
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None)


def test_a_token_that_ends_is_renewed_before(make_rig: Callable[..., Any], tools: Any) -> None:
    with SimulatorThread(SimulatorSettings(token_lifetime_s=3.0)) as simulator:
        rig = make_rig(GatewaySettings(reconcile_every_s=0.5), on=simulator)
        rig.start()
        tools.eventually(lambda: len(simulator.requests("Auth/loginKey")) >= 3, within_s=15)
        rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
        mark = rig.recorder.mark()
        simulator.cut_hubs()
        rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
        rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub, after=mark)
        statuses = {record.status for record in simulator.requests("Trade/search")}
        assert statuses <= {200, None}
        rig.gateway.stop()
