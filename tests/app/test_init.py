"""The settings that `init` makes: read by the daemon's own loader, and nothing is lost by them."""

import stat
import sys
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest

from risk_actors.app.init import in_the_way, proposals, put_in_place, titles, tried
from risk_actors.app.init_text import ALERT_FILE, Answers, app_toml, risk_toml
from risk_actors.app.settings_load import load_settings
from risk_actors.app.settings_problem import SettingsError

NOW = datetime(2026, 11, 20, 16, 31, 7, tzinfo=UTC)
LOSS = Answers(daily_loss_usd=Decimal("499.50"))
SHIPPED = tuple(titles(Path("no-such-directory")))


@pytest.mark.parametrize("preset", SHIPPED)
def test_every_preset_can_be_chosen(tmp_path: Path, preset: str) -> None:
    answers = LOSS._replace(preset=preset, preset_title="Title", max_contracts=2)
    settings = tried(tmp_path, proposals(tmp_path, answers))
    ids = [rule.id for rule in settings.rules]

    assert settings.preset is not None
    assert ids[-2:] == ["daily-loss", "own-max-contracts"]
    assert {rule.id for rule in settings.preset.rules} <= set(ids)


@pytest.mark.parametrize("wanted", list(product((False, True), repeat=4))[1:])
def test_any_choice_of_limits_is_valid(tmp_path: Path, wanted: tuple[bool, ...]) -> None:
    amounts = (Decimal(500), Decimal("1200.50"), Decimal(1_400))
    daily, weekly, target = (
        each if is_wanted else None for each, is_wanted in zip(amounts, wanted[:3], strict=True)
    )
    answers = Answers(
        daily_loss_usd=daily,
        weekly_loss_usd=weekly,
        daily_target_usd=target,
        max_contracts=3 if wanted[3] else None,
    )
    settings = tried(tmp_path, proposals(tmp_path, answers))

    assert len(settings.rules) == sum(wanted)
    assert answers.has_rule
    assert list(tmp_path.iterdir()) == []


def test_without_a_rule_there_is_nothing_to_write() -> None:
    assert not Answers(accounts=("*",)).has_rule


@pytest.mark.parametrize("name", ["50KTC-*", 'my "best"', "back\\slash", "Kontö 1"])
def test_any_name_of_an_account_comes_back(tmp_path: Path, name: str) -> None:
    answers = LOSS._replace(accounts=(name, "101"))
    assert tried(tmp_path, proposals(tmp_path, answers)).gateway.accounts == (name, "101")


@pytest.mark.parametrize("name", ["tab\t", "\x7f", "\x1b[2J", "\u202e1"])
def test_a_name_that_a_terminal_would_obey_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="holds a control character"):
        tried(tmp_path, proposals(tmp_path, LOSS._replace(accounts=(name,))))


def test_the_address_of_alerts_stands_in_a_file_of_its_own(tmp_path: Path) -> None:
    url = "discord://123456789/a-token-of-mine"
    files = proposals(tmp_path, LOSS._replace(alert_url=url))
    tried(tmp_path, files)
    put_in_place(tmp_path, files, NOW)

    assert url not in "".join(file.shown for file in files)
    assert [path.name for path in tmp_path.iterdir() if url in path.read_text()] == [ALERT_FILE]
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / ALERT_FILE).stat().st_mode) == 0o600


def test_what_was_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text("old")
    files = proposals(tmp_path, LOSS)
    assert in_the_way(tmp_path, files) == ("risk.toml",)

    first = put_in_place(tmp_path, files, NOW)
    assert put_in_place(tmp_path, files, NOW) == ()
    (tmp_path / "risk.toml").write_text("older")
    second = put_in_place(tmp_path, files, NOW)

    assert first == ("risk.toml.before-20261120-163107",)
    assert [(tmp_path / name).read_text() for name in (*first, *second)] == ["old", "older"]
    assert load_settings(tmp_path).rules[0].id == "daily-loss"


def test_an_app_toml_that_is_not_concerned_stays(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text("[web]\nport = 9999\n")
    files = proposals(tmp_path, LOSS)

    assert [file.name for file in files] == ["risk.toml"]
    assert tried(tmp_path, files).web.port == 9_999
    concerned = proposals(tmp_path, LOSS._replace(accounts=("A",)))
    assert in_the_way(tmp_path, concerned) == ("app.toml",)


def test_files_beside_that_are_wrong_are_named_as_the_trader_knows_them(tmp_path: Path) -> None:
    (tmp_path / "holidays.toml").write_text("[[day]]\n")
    with pytest.raises(SettingsError) as raised:
        tried(tmp_path, proposals(tmp_path, LOSS))
    assert {problem.file for problem in raised.value.problems} == {str(tmp_path / "holidays.toml")}


def test_a_preset_of_the_traders_own_can_be_chosen(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "settings" / "presets" / "static-50k.toml"
    own = tmp_path / "presets" / "mine.toml"
    own.parent.mkdir()
    own.write_text(shipped.read_text().replace('name = "static-50k"', 'name = "mine"'))

    assert "mine" in titles(tmp_path)
    chosen = LOSS._replace(preset="mine", preset_title="Mine")
    assert tried(tmp_path, proposals(tmp_path, chosen)).preset is not None


def test_every_table_is_explained() -> None:
    answers = Answers(
        daily_loss_usd=Decimal(1),
        weekly_loss_usd=Decimal(1),
        daily_target_usd=Decimal(1),
        max_contracts=1,
        accounts=("A",),
        alert_url="ntfy://x",
    )
    for text in (risk_toml(answers), app_toml(answers)):
        blocks = [block for block in text.split("\n\n") if block.strip()]
        assert all("#" in block for block in blocks)
        assert max(map(len, text.splitlines())) <= 100
