"""When a hub does not come back, or the SDK's objects misbehave, a new client is made."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from risk_actors.messages import AccountSnapshot, ConnectionChanged, PositionReported
from risk_actors.projectx import hub_link, realtime, session
from risk_actors.projectx.hub_link import REBUILD_EVERY
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import ExpireTokens, Fault, HubDown, NegotiateRefusal, ShortTokens

BACK_WITHIN_S = 5.0


def clients_of(rig: Any) -> Any:
    return rig.gateway._service._streams.hubs.clients


def expect_heard(rig: Any, mark: int) -> None:
    rig.recorder.wait(
        ConnectionChanged,
        lambda m: m.user_hub and m.market_hub,
        after=mark,
        within_s=BACK_WITHIN_S,
    )
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None, after=mark)
    now = rig.recorder.mark()
    rig.buy()
    rig.recorder.wait(PositionReported, after=now)


def on_loop(rig: Any, function: Callable[[], Any]) -> None:
    """Run something on the gateway's own loop."""

    async def run() -> None:
        function()

    rig.gateway._thread.run(run(), 5)


def test_both_hubs_share_one_client_to_begin_with(rig: Any) -> None:
    assert clients_of(rig).made == 1


def test_a_hub_that_fails_again_and_again_gets_a_new_client_and_the_other_hub_lives_on(
    rig: Any, tools: Any
) -> None:
    mark = rig.recorder.mark()
    rig.simulator.inject(
        NegotiateRefusal(hub="user", status=503, times=REBUILD_EVERY + 1),
    )
    rig.simulator.cut_hubs("user")
    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    tools.eventually(lambda: clients_of(rig).made == 2, within_s=15)
    expect_heard(rig, mark)
    changes = [m for m in rig.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert all(m.market_hub for m in changes)


def test_an_object_that_cannot_be_started_is_replaced(rig: Any) -> None:
    mark = rig.recorder.mark()
    link = rig.gateway._service._streams.hubs.user

    async def broken() -> None:
        raise RuntimeError("cannot be started at wss://x?access_token=abc123")

    link._hub.start = broken
    rig.simulator.cut_hubs("user")
    down = rig.recorder.wait(
        ConnectionChanged, lambda m: "could not be started" in (m.detail or ""), after=mark
    )
    assert "abc123" not in (down.detail or "")
    expect_heard(rig, mark)
    assert clients_of(rig).made == 2


def test_a_task_that_does_not_end_is_left_behind_with_its_client(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_link, "_STOP_TIMEOUT_S", 0.2)
    mark = rig.recorder.mark()
    link = rig.gateway._service._streams.hubs.user
    may_end = asyncio.Event()

    async def undying() -> None:
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    def replace() -> None:
        link._hub._run_task.cancel()
        link._hub._run_task = asyncio.create_task(undying())
        link.kick("a test")

    on_loop(rig, replace)
    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    expect_heard(rig, mark)
    assert clients_of(rig).made == 2
    on_loop(rig, may_end.set)


def test_a_client_that_cannot_be_made_is_tried_on(
    make_rig: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = realtime.ProjectXRealtimeClient, iter(range(3))

    def sometimes(*arguments: Any, **named: Any) -> Any:
        if next(failures, None) is not None:
            raise ValueError("no client today")
        return real(*arguments, **named)

    monkeypatch.setattr(realtime, "ProjectXRealtimeClient", sometimes)
    rig = make_rig()
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: "fault (ValueError)" in (m.detail or ""))
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)


def test_what_an_old_object_still_says_is_not_heard(rig: Any) -> None:
    link = rig.gateway._service._streams.hubs.user
    old = link._hub
    on_loop(rig, lambda: link.kick("a test", rebuild=True))
    mark = rig.recorder.mark()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub, after=mark)
    row = {"id": 101, "name": "old", "balance": 1.0, "canTrade": True}

    def say() -> None:
        for handler in old._event_handlers["GatewayUserAccount"]:
            handler({"action": 1, "data": row})

    on_loop(rig, say)
    rig.buy()
    rig.recorder.wait(PositionReported, after=mark)
    names = [m.account.name for m in rig.recorder.messages[mark:] if hasattr(m, "account")]
    assert "old" not in names


def test_a_hub_that_pysignalr_reopens_by_itself_is_subscribed_and_read_anew(rig: Any) -> None:
    link = rig.gateway._service._streams.hubs.user
    mark = rig.recorder.mark()
    hub = rig.simulator.gateway.user_hub

    def forget() -> None:
        for connection in hub._connections:
            connection.topics.clear()

    rig.simulator.call(forget)
    on_loop(rig, lambda: link._opened(link._hub))
    replaced = rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    assert "connection replaced" in (replaced.detail or "")
    expect_heard(rig, mark)


def test_a_token_that_the_broker_ends_is_renewed_for_reads_and_hubs(rig: Any, tools: Any) -> None:
    mark = rig.recorder.mark()
    logins = len(rig.simulator.requests("Auth/loginKey"))
    rig.simulator.inject(ExpireTokens(hubs="cut"))
    rig.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    expect_heard(rig, mark)
    assert len(rig.simulator.requests("Auth/loginKey")) > logins
    rig.gateway.request_snapshot(101, "look", "corr-1")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)


def test_a_token_that_ends_only_for_reads_recovers_without_a_word(rig: Any) -> None:
    mark = rig.recorder.mark()
    rig.simulator.inject(ExpireTokens(hubs="stay"))
    rig.gateway.request_snapshot(101, "look", "corr-1")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)
    changes = [m for m in rig.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert all(m.user_hub and m.market_hub for m in changes)


def test_a_login_that_is_refused_while_running_is_said_and_tried_on(
    make_rig: Callable[..., Any], tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_REFUSED_BACKOFFS_S", (1.0,))
    rig = make_rig(GatewaySettings())
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.market_hub)
    mark = rig.recorder.mark()
    rig.simulator.inject(
        Fault(kind="refuse", endpoint="Auth/loginKey", error_code=3, times=4), ExpireTokens()
    )
    said = rig.recorder.wait(
        ConnectionChanged, lambda m: "login:" in (m.detail or ""), after=mark, within_s=15
    )
    assert "API key is wrong" in (said.detail or "")
    rig.recorder.wait(
        ConnectionChanged,
        lambda m: "accepted again" in (m.detail or ""),
        after=mark,
        within_s=15,
    )
    rig.gateway.request_snapshot(101, "look", "corr-1")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)


def test_short_lived_tokens_are_renewed_ahead_of_their_end(rig: Any, tools: Any) -> None:
    rig.simulator.inject(ShortTokens(lifetime_s=4.0), ExpireTokens())
    logins = len(rig.simulator.requests("Auth/loginKey"))
    tools.eventually(
        lambda: len(rig.simulator.requests("Auth/loginKey")) >= logins + 3, within_s=40
    )
    mark = rig.recorder.mark()
    rig.gateway.request_snapshot(101, "look", "corr-1")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", after=mark)


def test_stopping_ends_every_task_even_in_the_middle_of_trouble(
    make_rig: Callable[..., Any],
) -> None:
    rig = make_rig()
    rig.simulator.inject(HubDown())
    rig.start()
    rig.recorder.wait(ConnectionChanged, lambda m: m.fallback == "polling")
    left: list[Any] = []

    async def look() -> None:
        await rig.gateway._service.stop()
        # One turn of the loop for what was cancelled last.
        await asyncio.sleep(0.1)
        left.extend(t for t in asyncio.all_tasks() if t is not asyncio.current_task())

    rig.gateway._thread.run(look(), 10)
    assert [task.get_name() for task in left] == []
