"""Traps of the reference's sections 3.3 to 3.6: what ends a stream for the plain SDK, and not ours.

In most tests a trader's plain script and our gateway listen to the same broker and meet the same
fault; where a countermeasure can be taken out, another test shows that we would fall in too.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from plain_trader import PlainTrader, revoke_all, send_frame, subscribers

from risk_actors.messages import AccountSnapshot, ConnectionChanged, PositionReported, QuoteReported
from risk_actors.projectx.hub_link import HubLink
from risk_actors.projectx.realtime import RealtimeClients
from risk_actors.projectx.snapshot_desk import SnapshotDesk
from risk_actors.simulator.faults import NegotiateRefusal
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

# The SDK leaves its hub sockets to the garbage collector when it disconnects.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

BACK_WITHIN_S = 5.0
NEVER_S = 1.5
"""How long nothing happens where it is shown that nothing happens."""


@pytest.fixture
def plain(simulator: SimulatorThread) -> Iterator[PlainTrader]:
    """A script that hears account 101 and the front month of MNQ."""
    with PlainTrader(simulator) as trader:
        yield trader.stream(simulator.contract_id("MNQ"))


def expect_back(rig: Any, mark: int) -> None:
    """Both hubs are up again in time, and what happens from there on is heard."""
    rig.recorder.wait(ConnectionChanged, lambda m: not (m.user_hub and m.market_hub), after=mark)
    up = partial(rig.recorder.wait, ConnectionChanged, lambda m: m.user_hub and m.market_hub)
    up(after=mark, within_s=BACK_WITHIN_S)
    now = rig.recorder.mark()
    rig.buy()
    rig.recorder.wait(PositionReported, lambda m: m.position.account_id == 101, after=now)


def stays_down(rig: Any, mark: int) -> bool:
    """Tell whether the user hub went down and was not back for a while."""
    down = rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    try:
        rig.recorder.wait(
            ConnectionChanged,
            lambda m: m.at_ns > down.at_ns and m.user_hub,
            after=mark,
            within_s=NEVER_S,
        )
    except AssertionError:
        return True
    return False


def refuse_negotiate(simulator: SimulatorThread, status: int, hub: Any = "user") -> None:
    refusal = NegotiateRefusal(hub=hub, status=status, times=1000)
    simulator.call(lambda: simulator.gateway.faults.refuse_negotiate(refusal))


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_3_5_a_refused_negotiate_kills_the_sdks_hub_for_good_and_quotes_flow_on(
    rig: Any, plain: PlainTrader, tools: Any, status: int
) -> None:
    mark = rig.recorder.mark()
    refuse_negotiate(rig.simulator, status)
    rig.simulator.cut_hubs("user")
    tools.eventually(plain.hub_is_dead)
    rig.simulator.call(rig.simulator.gateway.faults.clear)
    expect_back(rig, mark)

    quotes = len(plain.heard["quote_update"])
    tools.eventually(lambda: len(plain.heard["quote_update"]) > quotes)
    assert plain.hub_is_dead()
    assert not plain.heard["position_update"]


def test_3_5_without_our_watch_over_the_hubs_task_ours_would_be_dead_as_well(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = rig.gateway._service._streams.hubs.user
    monkeypatch.setattr(HubLink, "_find_trouble", lambda _self: None)
    mark = rig.recorder.mark()
    rig.simulator.cut_hubs("user")
    with pytest.raises(AssertionError):
        rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark, within_s=NEVER_S)
    assert link.is_up  # and it would even say so
    assert subscribers(rig.simulator) == 0


def test_3_5_an_error_in_a_close_frame_leaves_the_sdks_flag_up_with_nothing_behind_it(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    mark = rig.recorder.mark()
    hub = rig.simulator.gateway.user_hub
    rig.simulator.call(lambda: hub.close("Connection closed with an error."))
    tools.eventually(plain.hub_is_dead)

    assert plain.is_connected
    expect_back(rig, mark)


def test_3_5_the_sdks_tenth_drop_is_its_last(simulator: SimulatorThread, tools: Any) -> None:
    """Ours: `test_hubs.py::test_more_drops_than_the_sdk_survives`, which takes longer."""
    with PlainTrader(simulator) as plain:
        plain.stream()
        transport = plain.realtime.user_connection._client._transport
        # Its growing pauses, 132 s in all, are no part of what is shown here.
        transport._retry_sleep, transport._retry_multiplier = 0.01, 1.0
        for _ in range(9):
            simulator.cut_hubs("user")
            tools.eventually(lambda: subscribers(simulator) == 0)
            tools.eventually(lambda: subscribers(simulator) == 1)
        assert not plain.hub_is_dead()
        simulator.cut_hubs("user")
        tools.eventually(plain.hub_is_dead)


def test_3_5_a_broker_that_was_gone_is_heard_again_in_time(
    make_rig: Callable[..., Any], tools: Any
) -> None:
    """Refused connections; the SDK's pauses grow to 60 s."""
    settings = SimulatorSettings(accounts=paper_accounts(2))
    with SimulatorThread(settings) as before:
        rig = make_rig(on=before)
        rig.start()
        rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
        same = SimulatorSettings(accounts=paper_accounts(2), port=before.gateway.port)
    link = rig.gateway._service._streams.hubs.user
    tools.eventually(lambda: link._failures >= 3)
    gone = rig.recorder.mark()
    with SimulatorThread(same) as after:
        rig.simulator = after
        rig.recorder.wait(
            ConnectionChanged,
            lambda m: m.user_hub and m.market_hub,
            after=gone,
            within_s=BACK_WITHIN_S,
        )
        rig.buy()
        rig.recorder.wait(PositionReported, after=gone)
        rig.gateway.stop()


def test_3_4_what_happened_in_a_gap_is_lost_to_the_sdk_and_read_by_us(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    positions, _ = plain.managers()
    mark = rig.recorder.mark()
    buy_while_cut(rig)

    # Read by polling while the hub was down, or when it was back, whichever came first; but before
    # it is said that nothing is missing any more.
    down = rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    whole = rig.recorder.wait(
        ConnectionChanged,
        lambda m: m.user_hub and m.fallback is None and m.at_ns > down.at_ns,
        after=mark,
    )
    read = rig.recorder.wait(
        AccountSnapshot, lambda m: m.account.id == 101 and bool(m.positions), after=mark
    )
    assert rig.recorder.messages.index(read) < rig.recorder.messages.index(whole)
    tools.eventually(lambda: subscribers(rig.simulator) == 2)
    assert plain.is_connected
    assert rig.simulator.size(101, rig.contract_id) == 1
    assert positions.tracked_positions == {}
    assert not plain.heard["position_update"]


def test_3_4_without_the_reading_after_a_gap_we_would_not_know_either(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = SnapshotDesk.request

    def only_others(self: Any, account_id: Any, reason: str, *rest: Any) -> None:
        if "hub" not in reason and "polling" not in reason:
            request(self, account_id, reason, *rest)

    monkeypatch.setattr(SnapshotDesk, "request", only_others)
    mark = rig.recorder.mark()
    buy_while_cut(rig)
    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub, after=mark)
    rig.buy(account_id=102)
    rig.recorder.wait(PositionReported, lambda m: m.position.account_id == 102, after=mark)

    shown = [m for m in rig.recorder.of(AccountSnapshot) if m.account.id == 101]
    assert not any(m.positions for m in shown)
    assert not [m for m in rig.recorder.of(PositionReported) if m.position.account_id == 101]


def buy_while_cut(rig: Any) -> None:
    """The user hub is cut, and a buy is filled before anyone is back."""
    gateway = rig.simulator.gateway
    ticket = Ticket(account_id=101, contract_id=rig.contract_id, side=Side.BUY, size=1)

    def cut_and_buy() -> None:
        gateway.cut_hubs("user")
        gateway.exchange.place(ticket, gateway.clock())

    rig.simulator.call(cut_and_buy)


def test_3_4_a_hub_that_opens_during_the_others_restore_is_connected_and_deaf(
    simulator: SimulatorThread, tools: Any
) -> None:
    """Ours: `test_hubs.py::test_a_hub_that_is_cut_is_back_in_time[*]` subscribes each by itself."""
    with PlainTrader(simulator) as plain:
        plain.stream(simulator.contract_id("MNQ"))
        realtime = plain.realtime
        user, market = realtime.user_connection, realtime.market_connection
        send, opened = market.send, asyncio.Event()
        # The window is milliseconds; made wide by a slow network, and by the market's head start.
        user._client._transport._retry_sleep = 1.3

        async def slow_send(*arguments: Any) -> None:
            await opened.wait()
            await send(*arguments)

        market.send = slow_send
        user.on_open(opened.set)
        simulator.cut_hubs()
        tools.eventually(opened.is_set)
        tools.eventually(lambda: not realtime._restore_in_flight)
        quotes = len(plain.heard["quote_update"])
        tools.eventually(lambda: len(plain.heard["quote_update"]) > quotes)

        assert plain.is_connected
        assert subscribers(simulator) == 0


def test_3_4_a_refused_subscription_looks_like_success_to_the_sdk(
    simulator: SimulatorThread,
) -> None:
    """Ours: `test_hubs.py::test_a_refused_subscription_counts_as_the_hub_being_down`."""
    with PlainTrader(simulator, account_id=999) as plain:
        plain.stream()

        assert plain.do(plain.realtime.subscribe_user_updates())
        assert plain.is_connected
        assert subscribers(simulator, account_id=999) == 0


def test_3_4_without_our_answers_to_subscriptions_a_refusal_would_pass_for_success(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def invoke_like_the_sdk(self: Any, invocations: Any) -> list[str]:
        for method, arguments in invocations:
            await self._hub.send(method, arguments)
        return []

    monkeypatch.setattr(HubLink, "_invoke", invoke_like_the_sdk)
    rig = make_rig()
    rig.gateway.connect()
    rig.gateway.start(rig.recorder, (101, 999))
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub)


def test_3_3_nobody_renews_the_sdks_hub_token_so_the_next_drop_after_its_end_is_the_last(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    mark = rig.recorder.mark()
    token = rig.gateway._service._session.token
    revoke_all(rig.simulator)
    rig.simulator.cut_hubs()

    expect_back(rig, mark)
    assert rig.gateway._service._session.token != token
    tools.eventually(plain.hub_is_dead)
    assert not plain.heard["position_update"]


def test_3_3_without_doubting_the_token_ours_would_never_be_let_in_again(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = rig.gateway._service._session
    monkeypatch.setattr(session, "relogin_soon", lambda _token: None)
    mark = rig.recorder.mark()
    revoke_all(rig.simulator)
    rig.simulator.cut_hubs()

    assert stays_down(rig, mark)


def test_3_3_the_sdks_own_way_to_a_new_hub_token_fails(plain: PlainTrader) -> None:
    """We make the hub's address anew with the present token instead."""
    old = plain.realtime.jwt_token
    plain.do(plain.sdk.authenticate())

    assert not plain.do(plain.realtime.update_jwt_token(plain.sdk.get_session_token()))
    assert plain.realtime.jwt_token == old


def test_3_3_a_logout_means_nothing_to_the_sdk(
    simulator: SimulatorThread, plain: PlainTrader, tools: Any
) -> None:
    """Ours: `test_hubs.py::test_a_logout_is_answered_with_a_new_token_and_connection`."""
    logins = len(simulator.requests("Auth/loginKey"))
    simulator.call(simulator.gateway.user_hub.log_out)
    simulator.place(
        Ticket(account_id=101, contract_id=simulator.contract_id("MNQ"), side=Side.BUY, size=1)
    )
    tools.eventually(lambda: plain.heard["position_update"])

    assert len(simulator.requests("Auth/loginKey")) == logins
    assert plain.is_connected


def test_3_6_a_quiet_market_makes_the_sdk_reconnect_again_and_again_and_us_not_once(
    make_rig: Callable[..., Any], simulator: SimulatorThread, tools: Any
) -> None:
    simulator.silence_quotes()
    rig = make_rig()
    rig.start()
    rig.recorder.wait(
        ConnectionChanged, lambda m: m.user_hub and m.market_hub and m.fallback is None
    )
    mark = rig.recorder.mark()
    opened: list[bool] = []
    with PlainTrader(simulator, stale_feed_seconds=0.2) as plain:
        plain.stream()
        plain.realtime.user_connection.on_open(lambda: opened.append(True))
        restart_watchdog(plain, every_s=0.1)
        tools.eventually(lambda: len(opened) >= 4)

    changes = [m for m in rig.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert not changes


def restart_watchdog(plain: PlainTrader, every_s: float) -> None:
    """Have the SDK look more often; its first pause of 5 s has begun already."""

    async def restart() -> None:
        plain.realtime.stale_feed_check_interval = every_s
        await plain.realtime._stop_stale_feed_watchdog()
        await plain.realtime._start_stale_feed_watchdog()

    plain.do(restart())


def test_3_6_with_the_sdks_watchdog_on_ours_would_reconnect_in_a_quiet_market(
    make_rig: Callable[..., Any], simulator: SimulatorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_hub = RealtimeClients.new_hub

    async def watched(self: Any, name: str) -> Any:
        hub = await new_hub(self, name)
        client = self._used[name]
        client.stale_feed_seconds, client.stale_feed_check_interval = 0.5, 0.1
        await client._start_stale_feed_watchdog()
        return hub

    monkeypatch.setattr(RealtimeClients, "new_hub", watched)
    simulator.silence_quotes()
    rig = make_rig()
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
    mark = rig.recorder.mark()

    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark, within_s=15)


def test_2_an_unknown_key_in_a_frame_kills_the_sdks_hub(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    mark = rig.recorder.mark()
    frame = {"type": 1, "target": "GatewayUserPosition", "arguments": [], "traceId": "x"}
    send_frame(rig.simulator, json.dumps(frame) + "\x1e")

    tools.eventually(plain.hub_is_dead)
    expect_back(rig, mark)


def test_0_a_frame_too_long_for_the_sdk_costs_a_connection_and_no_fact(rig: Any) -> None:
    mark = rig.recorder.mark()
    row = {"type": 1, "target": "GatewayUserAccount", "arguments": [{"data": "x" * (1 << 20)}]}
    send_frame(rig.simulator, json.dumps(row) + "\x1e")

    expect_back(rig, mark)
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None, after=mark)


def test_3_5_the_sdk_tells_nobody_that_a_hub_is_gone(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    mark = rig.recorder.mark()
    refuse_negotiate(rig.simulator, 503, "*")
    rig.simulator.cut_hubs()
    tools.eventually(lambda: not plain.is_connected)
    heard = sum(len(events) for events in plain.heard.values())
    down = rig.recorder.wait(
        ConnectionChanged, lambda m: not m.user_hub and not m.market_hub, after=mark
    )

    assert (down.fallback, bool(down.detail)) == ("polling", True)
    assert sum(len(events) for events in plain.heard.values()) == heard


def test_1_prices_go_on_after_the_market_hub_alone_was_killed(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    rig.buy()
    rig.recorder.wait(QuoteReported)
    mark = rig.recorder.mark()
    refuse_negotiate(rig.simulator, 503, "market")
    rig.simulator.cut_hubs("market")
    tools.eventually(lambda: plain.hub_is_dead("market"))
    rig.simulator.call(rig.simulator.gateway.faults.clear)

    rig.recorder.wait(ConnectionChanged, lambda m: not m.market_hub, after=mark)
    back = rig.recorder.wait(
        ConnectionChanged, lambda m: m.market_hub, after=mark, within_s=BACK_WITHIN_S
    )
    rig.recorder.wait(QuoteReported, lambda m: m.at_ns > back.at_ns, after=mark)
    assert plain.hub_is_dead("market")
