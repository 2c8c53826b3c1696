"""Logging in: what the trader is told when it does not work."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from risk_actors.projectx.errors import AccountsNotFound, LoginFailed
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.simulator.faults import Fault


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else gets it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_all_visible_accounts_come_back(make_rig: Callable[..., Any]) -> None:
    rig = make_rig()
    accounts = rig.gateway.connect()
    assert [(account.id, account.balance_usd) for account in accounts] == [
        (101, 50_000),
        (102, 50_000),
    ]


def test_a_wrong_key_is_said_at_once(
    simulator: Any, tools: Any, new_threads: Callable[[], set[str]]
) -> None:
    gateway = tools.make_gateway(simulator, GatewaySettings(), api_key="not-the-key-7")
    began = time.monotonic()
    with pytest.raises(LoginFailed) as raised:
        gateway.connect()
    assert time.monotonic() - began < 5
    assert "refused the login" in str(raised.value)
    assert "API key is wrong" in str(raised.value)
    assert "not-the-key-7" not in str(raised.value)
    assert "gateway" not in new_threads()


def test_an_unreachable_host_is_named(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    gateway = ProjectXGateway(
        GatewaySettings(login_timeout_s=3.0),
        Credentials(username="me", api_key="a-key-of-mine"),
        GatewayEndpoints(api_url=f"{url}/api", user_hub_url=f"{url}/u", market_hub_url=f"{url}/m"),
        _Clock(),
        lambda now_ns: now_ns,
    )
    began = time.monotonic()
    with pytest.raises(LoginFailed, match=rf"within 3 s: cannot reach 127.0.0.1:{closed_port}"):
        gateway.connect()
    assert time.monotonic() - began < 10


def test_a_server_that_recovers_in_time_is_not_given_up(
    simulator: Any, make_rig: Callable[..., Any]
) -> None:
    simulator.inject(Fault(kind="status", status=503, endpoint="Auth/loginKey", times=4))
    assert len(make_rig().gateway.connect()) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_accounts_that_cannot_be_read_for_a_moment_end_no_start(
    simulator: Any, make_rig: Callable[..., Any], status: int
) -> None:
    # The SDK lists them as well with its login, up to three times.
    simulator.inject(Fault(kind="status", status=status, endpoint="Account/search", times=4))
    assert len(make_rig().gateway.connect()) == 2


def test_a_server_that_does_not_recover_is_quoted(
    simulator: Any, make_rig: Callable[..., Any]
) -> None:
    simulator.inject(Fault(kind="status", status=503, endpoint="Auth/loginKey", times=99))
    rig = make_rig(GatewaySettings(login_timeout_s=2.0))
    with pytest.raises(LoginFailed, match="answered HTTP 503"):
        rig.gateway.connect()


def test_a_selection_that_matches_nothing_names_the_accounts(make_rig: Callable[..., Any]) -> None:
    rig = make_rig(GatewaySettings(accounts=("100K*",)))
    with pytest.raises(AccountsNotFound, match="50KTC-SIM-101, 50KTC-SIM-102"):
        rig.gateway.connect()


class _Clock:
    def now_ns(self) -> int:
        return time.time_ns()
