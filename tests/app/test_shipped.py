"""What ships with the code, and when paper trading takes the example settings."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from risk_actors.app.settings import RunOptions, TradingMode
from risk_actors.app.settings_load import load_settings
from risk_actors.app.shipped import (
    documentation,
    example_settings,
    settings_to_read,
    shipped,
    uses_examples,
)
from risk_actors.cli.main import main


def test_what_ships_is_found_inside_the_package_or_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "risk_actors"
    assert shipped("docs", package) == tmp_path / "docs"
    (package / "shipped/docs").mkdir(parents=True)
    assert shipped("docs", package) == package / "shipped/docs"


def test_examples_and_documentation_ship() -> None:
    assert load_settings(example_settings()).rules
    assert (documentation() / "alerts.md").is_file()


@pytest.mark.parametrize(
    ("mode", "is_there", "is_named", "takes_examples"),
    [
        (TradingMode.PAPER, False, False, True),
        (TradingMode.PAPER, True, False, False),
        (TradingMode.PAPER, False, True, False),
        (TradingMode.LIVE, False, False, False),
        (None, False, False, False),
    ],
)
def test_only_paper_trading_without_any_settings_takes_the_examples(
    tmp_path: Path, mode: TradingMode | None, is_there: bool, is_named: bool, takes_examples: bool
) -> None:
    asked = tmp_path / "settings"
    if is_there:
        asked.mkdir()

    found = settings_to_read(asked, mode, is_named=is_named)

    assert found == (example_settings() if takes_examples else asked)
    options = RunOptions(settings_dir=found, are_settings_named=is_named, data_dir=tmp_path)
    assert uses_examples(options) is takes_examples


def test_a_directory_that_was_named_but_is_not_there_is_an_error_that_helps(
    tmp_path: Path,
) -> None:
    words = ["run", "--paper", "--settings", str(tmp_path / "settings"), "--data", str(tmp_path)]
    done = CliRunner().invoke(main, words, env={"PROJECT_X_USERNAME": "", "PROJECT_X_API_KEY": ""})
    assert done.exit_code == 2
    assert "no such directory" in done.output
    assert "risk-actors init" in done.output
