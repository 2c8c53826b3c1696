"""`[web]`: what may be served beyond this machine, and what a client is told."""

import json
from pathlib import Path

import pytest

from risk_actors.app.instance import ADDRESS_FILE, Instance, reachable_host
from risk_actors.app.settings_load import load_settings
from risk_actors.app.settings_problem import SettingsError
from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import CommandError

RULES = '[[rules]]\nid = "a"\ntype = "max_contracts"\nlimit = 5\n'
OUTSIDE = '[web]\nhost = "0.0.0.0"\n'
TOKEN = "a-token-of-ours-0123456789"


@pytest.fixture
def settings_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("RISK_ACTORS_WEB_TOKEN", raising=False)
    (tmp_path / "risk.toml").write_text(RULES, encoding="utf-8")
    (tmp_path / "app.toml").write_text(OUTSIDE, encoding="utf-8")
    return tmp_path


def test_beyond_this_machine_without_a_token_is_a_settings_error(settings_dir: Path) -> None:
    with pytest.raises(SettingsError) as told:
        load_settings(settings_dir)

    (problem,) = told.value.problems
    assert problem.line == 2
    assert "set token_file in [web] or RISK_ACTORS_WEB_TOKEN" in problem.message


def test_with_a_token_file_it_may_be(settings_dir: Path) -> None:
    (settings_dir / "app.toml").write_text(f'{OUTSIDE}token_file = "t"\n', encoding="utf-8")

    assert load_settings(settings_dir).web.token_file == "t"


def test_with_a_token_in_the_environment_it_may_be(
    settings_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RISK_ACTORS_WEB_TOKEN", TOKEN)

    assert load_settings(settings_dir).web.host == "0.0.0.0"  # noqa: S104 - as it was written


def test_with_a_token_in_the_dotenv_file_it_may_be(
    settings_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(settings_dir)
    (settings_dir / ".env").write_text(f"RISK_ACTORS_WEB_TOKEN={TOKEN}\n", encoding="utf-8")

    assert load_settings(settings_dir).web.host == "0.0.0.0"  # noqa: S104 - as it was written


@pytest.mark.parametrize(
    ("served", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("192.168.1.2", "192.168.1.2"), ("::1", "::1")],  # noqa: S104
)
def test_clients_are_told_an_address_that_leads_there(served: str, reached: str) -> None:
    assert reachable_host(served) == reached


def test_clients_are_told_where_the_token_is_and_not_what(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN, encoding="utf-8")
    file.chmod(0o600)

    Instance(tmp_path).publish("127.0.0.1", 1, file)

    left = json.loads((tmp_path / ADDRESS_FILE).read_text(encoding="utf-8"))
    assert left["token_file"] == str(file)
    assert TOKEN not in json.dumps(left)
    assert DaemonClient.find(tmp_path)._token == TOKEN
    file.unlink()
    with pytest.raises(CommandError, match="cannot be read"):
        DaemonClient.find(tmp_path)


def test_clients_read_the_token_from_the_dotenv_file_that_the_daemon_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RISK_ACTORS_WEB_TOKEN", raising=False)
    file = tmp_path / ".env"
    file.write_text(f"RISK_ACTORS_WEB_TOKEN={TOKEN}\n", encoding="utf-8")
    file.chmod(0o600)

    Instance(tmp_path).publish("127.0.0.1", 1, None, file)

    left = (tmp_path / ADDRESS_FILE).read_text(encoding="utf-8")
    assert json.loads(left)["env_file"] == str(file)
    assert TOKEN not in left
    assert DaemonClient.find(tmp_path)._token == TOKEN
