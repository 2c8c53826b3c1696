"""The doctor on the simulated broker over sockets, by the SDK as it is: each fault in its line."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from risk_actors.app.doctor import Examined, examine
from risk_actors.app.doctor_words import Check, State
from risk_actors.app.settings import TradingMode
from risk_actors.core.rules.examples import example_of
from risk_actors.simulator.fault_base import AnyFault
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.faults_hub import HubDown, NegotiateRefusal
from risk_actors.simulator.faults_rest import ClockSkew, RefuseConnections, ShortTokens
from risk_actors.simulator.settings import AccountSettings, SimulatorSettings
from risk_actors.simulator.thread import SimulatorThread

pytestmark = pytest.mark.real_time

KEY = "doctor-test-key-9"
ACCOUNTS = (AccountSettings(), AccountSettings(id=102, name="50KTC-SIM-102"))
RULE = example_of("daily_loss_limit")
OF_BROKER = {
    "api",
    "user_hub_host",
    "market_hub_host",
    "latency",
    "clock",
    "login",
    "token",
    "user_hub",
    "market_hub",
    "accounts",
    "permission",
}


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(api_key=KEY, accounts=ACCOUNTS)) as running:
        yield running


@pytest.fixture
def settings_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "settings"
    directory.mkdir()
    (directory / "risk.toml").write_text(RULE, encoding="utf-8")
    return directory


def lines(examined: Examined) -> dict[str, Check]:
    return {check.id: check for check in examined.checks}


def looked(settings_dir: Path, variables: dict[str, str]) -> Examined:
    data_dir = settings_dir.parent / "data"
    examined = examine(settings_dir, data_dir, TradingMode.LIVE, variables)
    assert KEY not in repr(examined)
    assert not data_dir.exists()
    return examined


def states(examined: Examined, *ids: str) -> set[State]:
    return {lines(examined)[each].state for each in ids}


def not_ok(examined: Examined) -> list[Check]:
    return [
        check for each in sorted(OF_BROKER) if (check := lines(examined)[each]).state != State.OK
    ]


def test_a_broker_that_is_well_is_said_to_be(
    simulator: SimulatorThread, settings_dir: Path, new_threads: Callable[[], set[str]]
) -> None:
    examined = looked(settings_dir, simulator.environment)

    assert not_ok(examined) == []
    assert examined.is_well
    assert "2 guarded: 50KTC-SIM-101, 50KTC-SIM-102" in lines(examined)["accounts"].says
    ordered = {record.endpoint for record in simulator.requests()}
    assert not any("place" in each or "cancel" in each or "close" in each for each in ordered)
    assert not new_threads() & {"gateway", "doctor"}


FAULTS: list[tuple[AnyFault, str, State, str]] = [
    (
        Fault(kind="status", endpoint="Auth/loginKey", status=401, times=99),
        "login",
        State.FAILED,
        "401",
    ),
    (
        Fault(kind="status", endpoint="Auth/loginKey", status=503, times=99),
        "login",
        State.FAILED,
        "503",
    ),
    (
        Fault(kind="refuse", endpoint="Auth/loginKey", error_code=9, times=99),
        "login",
        State.FAILED,
        "no API subscription",
    ),
    (
        Fault(kind="status", endpoint="Status/ping", status=503, times=99),
        "latency",
        State.FAILED,
        "503",
    ),
    (
        Fault(kind="delay", endpoint="Status/ping", delay_s=1.1, times=99),
        "latency",
        State.WARNING,
        "ms",
    ),
    (Fault(kind="drop", endpoint="Status/ping", times=99), "latency", State.NOT_CHECKED, "broke"),
    (NegotiateRefusal(hub="user", times=99), "user_hub", State.FAILED, "HTTP 503"),
    (NegotiateRefusal(hub="market", status=401, times=99), "market_hub", State.FAILED, "HTTP 401"),
    (HubDown(hub="market", for_s=60.0), "market_hub", State.FAILED, "HTTP 503"),
    (ClockSkew(ahead_s=12.0, for_s=60.0), "clock", State.WARNING, "behind"),
    (ClockSkew(ahead_s=-90.0, for_s=60.0), "clock", State.FAILED, "ahead of"),
    (ShortTokens(lifetime_s=30.0, for_s=60.0), "token", State.WARNING, "unusually soon"),
    (
        Fault(kind="status", endpoint="Account/search", status=401, times=99),
        "accounts",
        State.NOT_CHECKED,
        "401",
    ),
    (
        Fault(kind="body", endpoint="Account/search", times=99),
        "accounts",
        State.NOT_CHECKED,
        "makes no sense",
    ),
]


@pytest.mark.parametrize(("fault", "line", "state", "words"), FAULTS)
def test_a_fault_of_the_broker_shows_in_its_line(
    simulator: SimulatorThread,
    settings_dir: Path,
    fault: AnyFault,
    line: str,
    state: State,
    words: str,
) -> None:
    (settings_dir / "app.toml").write_text("[gateway]\nlogin_timeout_s = 2.0\n", encoding="utf-8")
    simulator.inject(fault)
    examined = looked(settings_dir, simulator.environment)
    check = lines(examined)[line]

    assert check.state is state
    assert words in check.says
    assert check.todo
    assert examined.is_well is all(each.state is not State.FAILED for each in examined.checks)


def test_a_wrong_key_is_said_and_not_shown(simulator: SimulatorThread, settings_dir: Path) -> None:
    wrong = "some-other-key-7"
    examined = looked(settings_dir, simulator.environment | {"PROJECT_X_API_KEY": wrong})
    login = lines(examined)["login"]

    assert login.state is State.FAILED
    assert "the API key is wrong" in login.says
    assert wrong not in repr(examined)
    assert states(examined, "token", "accounts", "user_hub", "permission") == {State.NOT_CHECKED}
    assert states(examined, "api", "latency", "clock") == {State.OK}


def test_nobody_who_listens_leaves_the_rest_not_checked(
    simulator: SimulatorThread, settings_dir: Path
) -> None:
    simulator.inject(RefuseConnections(for_s=60.0))
    examined = looked(settings_dir, simulator.environment)
    ways = ("api", "user_hub_host", "market_hub_host")

    assert states(examined, *ways) == {State.FAILED}
    assert "the connection is refused" in lines(examined)["api"].says
    assert states(examined, *(OF_BROKER - set(ways))) == {State.NOT_CHECKED}


def test_a_name_that_is_none_and_a_port_that_speaks_no_tls(
    simulator: SimulatorThread, settings_dir: Path
) -> None:
    api, port = simulator.environment["PROJECTX_API_URL"], simulator.gateway.port
    unknown = looked(
        settings_dir,
        simulator.environment | {"PROJECTX_API_URL": "https://no-such-host.invalid/api"},
    )
    no_tls = looked(
        settings_dir,
        simulator.environment | {"PROJECTX_API_URL": api.replace("http://", "https://")},
    )

    assert lines(unknown)["api"].says == "no-such-host.invalid: no such name is known"
    assert lines(no_tls)["api"].state is State.FAILED
    assert f":{port}" in lines(no_tls)["api"].says


def test_accounts_that_may_not_trade_and_names_that_match_none(
    simulator: SimulatorThread, settings_dir: Path
) -> None:
    simulator.set_can_trade(102, can_trade=False)
    some = looked(settings_dir, simulator.environment)
    simulator.set_can_trade(101, can_trade=False)
    none = looked(settings_dir, simulator.environment)
    other = looked(settings_dir, simulator.environment | {"PROJECT_X_ACCOUNT_NAME": "150K-X"})

    assert lines(some)["permission"].state is State.WARNING
    assert "50KTC-SIM-102" in lines(some)["permission"].says
    assert lines(none)["permission"].state is State.FAILED
    assert "No account matches 150K-X" in lines(other)["accounts"].says
    assert lines(other)["permission"].state is State.NOT_CHECKED


def test_settings_and_environment_that_are_wrong_are_all_listed(settings_dir: Path) -> None:
    (settings_dir / "risk.toml").write_text('[[rules]]\nid = "a"\ntype = "daily_los"\nx = 1\n')
    (settings_dir / "app.toml").write_text("[web]\nport = -1\nhots = 1\n")
    examined = examine(
        settings_dir, settings_dir.parent / "data", None, {"PROJECT_X_USERNAME": "me"}
    )
    found = lines(examined)

    assert examined.mode is None
    assert found["settings"].state is State.FAILED
    assert "did you mean `host`" in found["settings"].says
    assert "port = -1" in found["settings"].says
    assert found["credentials"].state is State.FAILED
    assert states(examined, *OF_BROKER) == {State.NOT_CHECKED}


def test_paper_trading_is_tried_on_the_bundled_simulator(
    settings_dir: Path, new_threads: Callable[[], set[str]]
) -> None:
    data_dir = settings_dir.parent / "data"
    examined = examine(settings_dir, data_dir, TradingMode.PAPER, {})

    assert not_ok(examined) == []
    assert "simulator" not in new_threads()


def test_a_port_that_answers_nothing_holds_nobody_up(settings_dir: Path) -> None:
    (settings_dir / "app.toml").write_text("[gateway]\nlogin_timeout_s = 2.0\n", encoding="utf-8")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        examined = looked(
            settings_dir,
            {
                "PROJECTX_API_URL": f"{url}/api",
                "PROJECTX_USER_HUB_URL": f"{url}/user",
                "PROJECTX_MARKET_HUB_URL": f"{url}/market",
                "PROJECT_X_USERNAME": "me",
                "PROJECT_X_API_KEY": KEY,
            },
        )
    assert lines(examined)["api"].state is State.OK
    assert lines(examined)["login"].state is State.FAILED
    assert states(examined, "latency", "clock", "user_hub", "accounts") == {State.NOT_CHECKED}
