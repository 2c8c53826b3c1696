"""What a service would lack of what this shell has is said by name before it is installed."""

import os
from pathlib import Path

import pytest

from risk_actors.app.service_check import (
    Judged,
    bare_environment,
    judge_environment,
    plan_service,
)
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_load import load_app_settings
from risk_actors.app.settings_problem import SettingsError
from risk_actors.core.rules.examples import example_of

KEY = "a-key-of-the-service"
PAIR = {"PROJECT_X_USERNAME": "me", "PROJECT_X_API_KEY": KEY}
ALERTS = """
[alerts]
heartbeat_url = "env:RISK_ACTORS_BEAT_URL"
[[alerts.channels]]
name = "phone"
url = "env:RISK_ACTORS_PHONE_URL"
[[alerts.channels]]
name = "desk"
url = "json://127.0.0.1/desk"
"""
OUTSIDE = '[web]\nhost = "0.0.0.0"\n'
TOKEN = {"RISK_ACTORS_WEB_TOKEN": "a-token-of-the-trader"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "settings").mkdir()
    rules = tmp_path / "settings" / "risk.toml"
    rules.write_text(example_of("daily_loss_limit"), encoding="utf-8")
    return tmp_path


def refusal(place: Path, shell: dict[str, str], asked: TradingMode | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        plan_service(place / "settings", place / "data", asked, shell)
    assert KEY not in str(caught.value)
    return str(caught.value)


def judged(place: Path, shell: dict[str, str], asked: TradingMode | None = None) -> Judged:
    directory = place / "settings"
    return judge_environment(load_app_settings(directory), directory, asked, shell)


def write(place: Path, app: str = "", env: dict[str, str] | None = None) -> None:
    (place / "settings" / "app.toml").write_text(app, encoding="utf-8")
    if env is not None:
        text = "".join(f"{name}={value}\n" for name, value in env.items())
        (place / ".env").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("asked", [None, TradingMode.LIVE])
def test_credentials_of_this_shell_alone_are_refused(
    place: Path, asked: TradingMode | None
) -> None:
    said = refusal(place, PAIR, asked)
    assert "PROJECT_X_USERNAME, PROJECT_X_API_KEY: set here, but not in" in said
    assert f"{place}/.env" in said
    assert judged(place, PAIR, TradingMode.PAPER) == Judged((), ())


def test_an_account_or_a_gateway_of_this_shell_alone_is_refused(place: Path) -> None:
    write(place, env=PAIR)
    said = refusal(place, {"PROJECT_X_ACCOUNT_NAME": "50K-1"})
    assert "PROJECT_X_ACCOUNT_NAME: set here, but not in" in said
    assert "USERNAME" not in said


def test_what_says_something_else_here_is_pointed_out(place: Path) -> None:
    write(place, env=PAIR)
    shell = {"PROJECT_X_USERNAME": "other", "HTTPS_PROXY": "http://proxy:3128"}
    problems, warnings = judged(place, shell)
    assert problems == ()
    assert "PROJECT_X_USERNAME says something else here" in warnings[0]
    assert "HTTPS_PROXY: set in this shell" in warnings[1]
    assert len(warnings) == 2


def test_no_credentials_at_all_are_paper_and_that_is_said(place: Path) -> None:
    (warning,) = judged(place, {}).warnings
    assert "not your accounts" in warning


def test_every_variable_that_alerts_name_has_to_be_in_the_file(place: Path) -> None:
    urls = {"RISK_ACTORS_PHONE_URL": "json://127.0.0.1/x", "RISK_ACTORS_BEAT_URL": "http://b.org/x"}
    write(place, ALERTS)
    said = refusal(place, urls)
    assert "RISK_ACTORS_PHONE_URL: channel phone of [alerts]" in said
    assert "RISK_ACTORS_BEAT_URL: heartbeat_url of [alerts]" in said
    assert "desk" not in said

    write(place, ALERTS, env=urls)
    assert judged(place, {}).problems == ()


@pytest.mark.parametrize("app", ["", OUTSIDE])
def test_a_token_of_this_shell_alone_is_refused(
    place: Path, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TOKEN.items():  # or the settings would be refused by this shell already
        monkeypatch.setenv(name, value)
    write(place, app)
    assert "RISK_ACTORS_WEB_TOKEN: a service sees nothing of this shell" in refusal(place, TOKEN)


@pytest.mark.parametrize("app", ["", OUTSIDE])
def test_a_token_in_the_dotenv_file_is_the_services_too(place: Path, app: str) -> None:
    write(place, app, env=TOKEN)
    (place / ".env").chmod(0o600)
    assert judged(place, TOKEN).problems == ()


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_token_in_a_dotenv_file_that_others_read_is_refused(place: Path) -> None:
    write(place, env=TOKEN)
    (place / ".env").chmod(0o644)
    assert "can be read by others" in refusal(place, {})


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_token_file_must_be_one_that_the_daemon_takes(place: Path) -> None:
    write(place, f'{OUTSIDE}token_file = "web.token"\n')
    assert "cannot be read" in refusal(place, {})
    token = place / "settings" / "web.token"
    token.write_text("a-token-of-the-trader")
    token.chmod(0o644)
    assert "can be read by others" in refusal(place, {})
    token.chmod(0o600)
    assert judged(place, {}).problems == ()


def test_paths_in_the_plan_are_whole_wherever_it_is_asked_from(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    plan = plan_service(Path("settings"), Path("data"), None, {}).plan
    assert (plan.settings_dir, plan.data_dir) == (place / "settings", place / "data")
    assert plan.work_dir == place
    assert plan.python.is_absolute()
    assert plan.mode == "paper"


def test_what_only_fails_in_the_services_own_surroundings_is_said(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", str(place / "gone" / "python"))
    assert "cannot be run there (FileNotFoundError)" in refusal(place, {})
    # A module of that name in the service's directory comes before the installed one.
    monkeypatch.undo()
    (place / "risk_actors.py").write_text("raise SystemExit('not the guard')")
    assert "not the guard" in refusal(place, {})


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps more")
def test_nothing_of_a_shells_own_is_left() -> None:
    given = {"HOME": "/home/me", "PATH": "/odd", "PYTHONPATH": "/x", "PROJECT_X_API_KEY": KEY}
    left = bare_environment(given)
    assert left.keys() == {"HOME", "PATH"}
    assert "/odd" not in left["PATH"]
