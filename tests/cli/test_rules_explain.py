"""`rules --explain`: the documentation of a rule, without a daemon."""

import tomllib

import pytest
from click.testing import CliRunner, Result

from risk_actors.cli.main import main
from risk_actors.core.rules import catalogue


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["rules", "--explain", *arguments])


@pytest.mark.parametrize("kind", catalogue())
def test_a_rule_is_explained_with_every_key_and_an_example(kind: str) -> None:
    result = explain(kind)
    rule = catalogue()[kind]
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{rule.number:03} {kind}\n")
    for heading in ("KEYS OF ITS OWN", "KEYS THAT EVERY RULE HAS", "EXAMPLE FOR RISK.TOML"):
        assert f"\n{heading}\n" in result.stdout
    for key in rule.Settings.__struct_fields__:
        assert f"\n  {key}  " in result.stdout
    example = result.stdout.split("EXAMPLE FOR RISK.TOML")[1]
    assert tomllib.loads(example)["rules"][0]["type"] == kind


def test_without_a_type_all_rules_are_listed() -> None:
    text = explain().stdout
    for kind, rule in catalogue().items():
        assert f"{rule.number:03}  {kind}" in text


@pytest.mark.parametrize("written", ["daily-loss-limit", "DAILY_LOSS_LIMIT", "3", "003"])
def test_a_type_may_be_written_in_other_ways(written: str) -> None:
    assert explain(written).stdout.startswith("003 daily_loss_limit")


def test_an_unknown_type_is_answered_with_the_nearest() -> None:
    result = explain("dayly_loss_limit")
    assert result.exit_code == 2
    assert "there is no rule `dayly_loss_limit`; did you mean `daily_loss_limit`?" in result.stderr
    assert "account_guard, daily_loss_limit" in explain("xyzzy").stderr.replace("\n", " ")


@pytest.mark.parametrize("columns", [60, 80, 300])
def test_the_lines_fit(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text, _, _ = explain("trailing_drawdown").stdout.partition("EXAMPLE")
    assert max(map(len, text.splitlines())) <= min(columns, 100)
