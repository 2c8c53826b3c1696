"""`check`: what it says of settings that are valid, and how it reads on terminals of any width."""

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors.app.rule_context import trading_calendar
from risk_actors.app.settings_json import encode_settings
from risk_actors.app.settings_load import load_settings
from risk_actors.cli.main import main
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.store.settings_backup import KeptSettings, write_settings_backup

SHIPPED = Path(__file__).parents[2] / "settings"
A_RULE = '[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\nlimit_usd = 500.0\n'


@pytest.fixture
def risk_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in tuple(os.environ):
        if name.startswith(("PROJECT_X_", "PROJECTX_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings").mkdir()
    file = tmp_path / "settings" / "risk.toml"
    file.write_text(A_RULE)
    return file


def check(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


def flat(result: Result) -> str:
    """Return what was printed as one line, however it was folded."""
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_each_rule_is_said_in_a_sentence_with_its_terms(risk_file: Path) -> None:
    risk_file.write_text(
        A_RULE + 'mode = "shadow"\naccounts = ["50K*"]\nwarn_at = [0.8, 0.5]\n'
        'on_unknown = "lock"\nlock = { until = "weekly_reset", existing = "keep" }\n'
    )
    text = flat(check())
    assert "settings: 1 rule, no errors" in text
    assert "loss shadow daily_loss_limit When the day's equity P&L reaches -$500.00" in text
    assert "Accounts: 50K*." in text
    assert "Warns at a loss of $250.00 (50%) and $400.00 (80%)." in text
    assert "Its `lock` is in force instead: until the weekly reset." in text
    assert "Positions already open stay with their exits and may only shrink." in text
    assert "When it cannot be checked for 10 seconds: lock the account until it can." in text
    assert "Day begins every day at 17:00, America/Chicago" in text


def test_what_is_as_it_always_is_goes_without_saying(risk_file: Path) -> None:
    text = flat(check())
    assert "Accounts" not in text
    assert "`lock`" not in text
    assert "WARNINGS" not in text
    assert "1 rule, no errors, no warnings" in text


def test_warnings_do_not_change_the_exit_code(risk_file: Path) -> None:
    risk_file.write_text(A_RULE + 'mode = "off"\n')
    text = flat(check())
    assert "1 rule, no errors, 1 warning" in text
    assert '! No rule is on: each has mode = "off", so nothing is guarded.' in text


def test_a_preset_is_named_with_its_source(risk_file: Path) -> None:
    risk_file.write_text(
        'preset = "topstep-50k"\n[[rules]]\nid = "max-contracts"\n'
        'type = "max_contracts"\nlimit = 8\nmicro_ratio = 10\n'
    )
    text = flat(check())
    assert "Preset topstep-50k: Topstep, Trading Combine 50K" in text
    assert "help.topstep.com/en/articles/8284204" in text
    assert "as of 2026-09-30" in text
    assert "drawdown enforce trailing_drawdown, from the preset" in text
    assert (
        "max-contracts enforce max_contracts, in place of the preset's (limit 5) At most 8" in text
    )
    assert "Warns when $950.00 (50%) and $1,520.00 (80%) of the $1,900.00 that may be" in text
    assert "! max-contracts: is looser than Topstep's own rule: limit 8, not 5." in text


def test_live_trading_says_what_it_cannot_do(
    risk_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_X_USERNAME", "me")
    monkeypatch.setenv("PROJECT_X_API_KEY", "my-key-of-many-letters")
    text = flat(check())
    assert "live, NOT ARMED: decides and records, sends nothing" in text
    assert "Accounts all that can be seen" in text
    assert "lets only simulated accounts that follow no other be closed" in text


def test_the_account_of_the_environment_counts(
    risk_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_X_ACCOUNT_NAME", "150K-1")
    risk_file.write_text(A_RULE + 'accounts = ["50K*"]\n')
    assert "loss: selects no account: the only one guarded is 150K-1." in flat(check())


def test_own_holidays_and_news_are_counted(risk_file: Path) -> None:
    (risk_file.parent / "holidays.toml").write_text(
        "[[holidays]]\ndate = 2026-12-23\nclosed = true\n"
    )
    (risk_file.parent / "news.toml").write_text(
        '[[news]]\nat = 2099-12-09T13:00:00\nname = "FOMC"\n'
    )
    text = flat(check())
    assert "1 entry of your own" in text
    assert "News 1 event ahead" in text
    assert "known" not in text


def test_news_that_is_past_is_counted_apart(risk_file: Path) -> None:
    (risk_file.parent / "news.toml").write_text(
        '[[news]]\nat = 2099-12-09T13:00:00\nname = "FOMC"\n'
        '[[news]]\nat = 2020-12-09T13:00:00\nname = "FOMC"\n'
    )
    assert "News 1 event ahead (2 known)" in flat(check())


def test_trades_that_a_lock_flattens_are_not_said_to_stay(risk_file: Path) -> None:
    risk_file.write_text(
        '[[rules]]\nid = "n"\ntype = "max_trades"\nper_day = 3\nlock = { existing = "flatten" }\n'
    )
    text = flat(check())
    assert "By its `lock` positions already open are closed." in text
    assert "stays" not in text


def test_a_rule_of_another_type_in_place_of_the_presets_has_no_figure(risk_file: Path) -> None:
    risk_file.write_text(
        'preset = "topstep-50k"\n[[rules]]\nid = "drawdown"\ntype = "max_contracts"\nlimit = 8\n'
    )
    assert "max_contracts, in place of the preset's At most 8" in flat(check())


def test_an_unusual_reset_is_shown_as_it_is_written(risk_file: Path) -> None:
    risk_file.write_text('[session]\ndaily_reset = "5 8 * * MON-FRI"\n' + A_RULE)
    text = flat(check())
    assert "Day begins by `5 8 * * MON-FRI`" in text
    risk_file.write_text('[session]\nweekly_reset = "5 8 * * fri"\n' + A_RULE)
    assert "Week begins every Friday at 08:05" in flat(check())


def test_a_rule_that_is_off_says_what_it_would_say(risk_file: Path) -> None:
    risk_file.write_text(A_RULE + 'mode = "off"\n')
    text = flat(check())
    assert "loss off daily_loss_limit Off. Would say: When the day's equity P&L reaches" in text


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        ("", "Unlock never: a lock ends by its own condition only"),
        (
            '[session]\nunlock = "delayed"\nunlock_delay_s = 900\n',
            "Unlock delayed: a lock can be ended 15 minutes after it was asked for",
        ),
        (
            '[session]\nunlock = "admin"\n',
            "Unlock admin: a lock can be ended with the admin secret",
        ),
    ],
)
def test_the_unlock_policy_takes_a_line(session: str, expected: str, risk_file: Path) -> None:
    risk_file.write_text(session + A_RULE)
    assert expected in flat(check())


def test_what_waits_is_folded_like_the_rest(
    risk_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    in_force = load_settings(risk_file.parent)
    now_ns = time.time_ns()
    kept = KeptSettings(
        at_ns=now_ns,
        day_start_ns=trading_calendar(in_force).day(now_ns).start_ns,
        in_force=encode_settings(in_force),
        armed_by_command=None,
        first_started_ns=0,
        was_locked=False,
    )
    (tmp_path / "data").mkdir()
    write_settings_backup(tmp_path / "data", kept)
    risk_file.write_text(A_RULE.replace("500.0", "800.0"))

    result = check("--data", str(tmp_path / "data"))

    assert "NOT IN FORCE YET ! Waits until" in flat(result)
    assert ": loss limit_usd 500 -> 800." in flat(result)
    assert "! Which settings were in force was read from settings.backup.json." in flat(result)
    assert max(map(len, result.stdout.splitlines())) <= 60


@pytest.mark.parametrize("kind", catalogue())
def test_every_rule_can_be_said(kind: str, risk_file: Path) -> None:
    risk_file.write_text(example_of(kind))
    text = flat(check())
    assert f"{kind.replace('_', '-')} enforce {kind}" in text


@pytest.mark.parametrize("columns", [60, 80, 120, 300])
def test_the_lines_fit_and_stay_readable(
    risk_file: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = check("--settings", str(SHIPPED)).stdout.splitlines()
    assert max(map(len, lines)) <= min(columns, 100)
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in "\n".join(lines)
