"""Credentials and endpoints from the environment and `.env`."""

from pathlib import Path

import pytest

from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_environment import (
    Environment,
    choose_mode,
    dotenv_places,
    load_environment,
)
from risk_actors.app.settings_problem import SettingsError
from risk_actors.projectx.settings import Credentials
from risk_actors.web.token_file import TOKEN_VARIABLE

PAIR = {"PROJECT_X_USERNAME": "trader", "PROJECT_X_API_KEY": "key-of-the-trader"}
TOKEN = "a-token-of-ours-0123456789"
ENDPOINTS = {
    "PROJECTX_API_URL": "http://127.0.0.1:9/api",
    "PROJECTX_USER_HUB_URL": "http://127.0.0.1:9/hubs/user",
    "PROJECTX_MARKET_HUB_URL": "http://127.0.0.1:9/hubs/market",
}


def refused(cwd: Path, variables: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_environment([cwd], variables)
    return str(caught.value)


def test_nothing_set_means_paper(tmp_path: Path) -> None:
    assert load_environment([tmp_path], {}) == Environment()
    assert choose_mode(None, Environment()) is TradingMode.PAPER


def test_empty_variables_count_as_not_set(tmp_path: Path) -> None:
    variables = dict.fromkeys((*PAIR, *ENDPOINTS), " ")
    assert load_environment([tmp_path], variables) == Environment()


def test_credentials_mean_live_unless_paper_is_asked_for(tmp_path: Path) -> None:
    environment = load_environment([tmp_path], PAIR)
    assert environment.credentials is not None
    assert environment.credentials.api_key == "key-of-the-trader"
    assert choose_mode(None, environment) is TradingMode.LIVE
    assert choose_mode(TradingMode.PAPER, environment) is TradingMode.PAPER


def test_live_without_credentials_is_refused() -> None:
    with pytest.raises(SettingsError, match="live trading needs PROJECT_X_USERNAME"):
        choose_mode(TradingMode.LIVE, Environment())


def test_the_key_is_never_shown(tmp_path: Path) -> None:
    environment = load_environment([tmp_path], PAIR)
    assert "key-of-the-trader" not in f"{environment} {environment!r}"
    assert isinstance(environment.credentials, Credentials)


@pytest.mark.parametrize("given", PAIR)
def test_half_a_pair_is_refused_and_says_which_half_is_missing(tmp_path: Path, given: str) -> None:
    (missing,) = set(PAIR) - {given}
    message = refused(tmp_path, {given: PAIR[given]})
    assert f"{given} is set but {missing} is not" in message
    assert PAIR[given] not in message


def test_the_environment_beats_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# mine\nexport PROJECT_X_USERNAME=from-file\n"
        "PROJECT_X_API_KEY='with $dollar and #'\nPROJECT_X_ACCOUNT_NAME=\"50K 1\"\nOTHER=x\n"
    )
    environment = load_environment([tmp_path], {"PROJECT_X_USERNAME": "from-environment"})
    assert environment.credentials is not None
    assert environment.credentials.username == "from-environment"
    assert environment.credentials.api_key == "with $dollar and #"
    assert environment.account_name == "50K 1"


def test_dotenv_is_looked_for_here_and_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, project = tmp_path / "here", tmp_path / "project"
    (project / "settings").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    places = dotenv_places(Path("../project/settings"))

    def account() -> str | None:
        return load_environment(places, {}).account_name

    (project / ".env").write_text("PROJECT_X_ACCOUNT_NAME=beside the settings\n")
    assert account() == "beside the settings"
    (here / ".env").write_text("OTHER=of another program\n")
    assert account() == "beside the settings"
    (here / ".env").write_text("PROJECT_X_ACCOUNT_NAME=here\n")
    assert account() == "here"


def test_a_name_and_a_key_never_come_from_two_files(tmp_path: Path) -> None:
    for number, (name, value) in enumerate(PAIR.items()):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / ".env").write_text(f"{name}={value}\n")
    with pytest.raises(SettingsError, match="PROJECT_X_API_KEY is not"):
        load_environment([tmp_path / "0", tmp_path / "1"], {})


def test_a_fault_in_the_file_beside_the_settings_names_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "project"
    beside.mkdir()
    monkeypatch.chdir(tmp_path)
    (beside / ".env").write_text("= what\n")
    with pytest.raises(SettingsError) as caught:
        load_environment([tmp_path, beside], {})
    assert str(caught.value).startswith(f"{beside.resolve() / '.env'}:1: not understood")


def test_a_bad_line_of_dotenv_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PROJECT_X_USERNAME=me\n= what\nPROJECT_X_API_KEY=key123\n")
    assert ".env:2: not understood" in refused(tmp_path, {})


def test_a_dotenv_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("PROJECT_X_USERNAME=me\n".encode("utf-16"))
    assert ".env: not UTF-8" in refused(tmp_path, {})


def test_the_half_pair_of_dotenv_names_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("\nPROJECT_X_API_KEY=secret-key\n")
    assert ".env:2: PROJECT_X_API_KEY is set" in refused(tmp_path, {})


def test_endpoints_come_all_together(tmp_path: Path) -> None:
    endpoints = load_environment([tmp_path], ENDPOINTS).endpoints
    assert endpoints is not None
    assert endpoints.user_hub_url == ENDPOINTS["PROJECTX_USER_HUB_URL"]


def test_a_part_of_the_endpoints_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, {"PROJECTX_API_URL": "http://127.0.0.1:9/api"})
    assert "PROJECTX_USER_HUB_URL, PROJECTX_MARKET_HUB_URL is not" in message


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, ENDPOINTS | {"PROJECTX_API_URL": "topstep"})
    assert "PROJECTX_API_URL is no address" in message


def test_a_key_too_short_to_be_hidden_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PROJECT_X_USERNAME=me\nPROJECT_X_API_KEY=k3y7\n")
    with pytest.raises(SettingsError) as caught:
        load_environment((tmp_path,), {})
    assert "PROJECT_X_API_KEY has fewer than 6 characters" in str(caught.value)
    assert "k3y7" not in str(caught.value)


def test_an_address_with_a_password_is_refused_and_not_shown() -> None:
    endpoints = dict.fromkeys(ENDPOINTS, "https://me:hunter22@127.0.0.1/x")
    with pytest.raises(SettingsError) as caught:
        load_environment((), endpoints)
    assert "PROJECTX_API_URL has a name or password" in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_the_token_has_a_dotenv_file_of_its_own_beside_that_of_the_credentials(
    tmp_path: Path,
) -> None:
    here, beside = tmp_path / "here", tmp_path / "beside"
    pair = "".join(f"{name}={value}\n" for name, value in PAIR.items())
    for directory, text in ((here, f"{TOKEN_VARIABLE}={TOKEN}\n"), (beside, pair)):
        directory.mkdir()
        (directory / ".env").write_text(text)
        (directory / ".env").chmod(0o600)
    environment = load_environment([here, beside], {})
    assert environment.token_env_file == (here / ".env").resolve()
    assert environment.credentials is not None
    assert load_environment([here, beside], {TOKEN_VARIABLE: ""}).token_env_file is None


def test_a_token_that_is_named_without_a_value_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"{TOKEN_VARIABLE} {TOKEN}\n")
    said = refused(tmp_path, {})
    assert "write NAME=value" in said
    assert TOKEN not in said
