"""What a scenario expects of a rule is the truth for the rule in shadow."""

from pathlib import Path

import pytest
from promotion.shadow_scenarios import check_scenarios, in_shadow

from risk_actors.simulator.scenario import RISK_FILE
from risk_actors.simulator.scenario_load import load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
TOO_MANY = """
title = "Too many contracts"
rule = "max_contracts"

[settings]
"risk.toml" = '''
[[rules]]
id = "size"
type = "max_contracts"
limit = {limit}

[[rules]]
id = "loss"
type = "daily_loss_limit"
mode = "enforce"
limit_usd = 500.0
'''

[broker]
prices = {{ MNQ = 25_000 }}

[[steps]]
say = "5 contracts"
buy = {{ symbol = "MNQ", size = 5 }}
expect = [{expect}]
"""


@pytest.mark.parametrize(
    ("limit", "expect", "missed", "false", "words"),
    [
        (3, '{ close = "MNQ", size = 2 }', 0, 0, ""),
        (5, "{ positions = { MNQ = 5 } }", 0, 0, ""),
        (5, '{ close = "MNQ", size = 2 }', 1, 0, "MISSED in "),
        (3, "{ unlocked = true }", 0, 1, "FALSE FLATTEN in "),
    ],
)
def test_a_scenario_tells_what_is_missed_and_what_is_false(
    tmp_path: Path, limit: int, expect: str, missed: int, false: int, words: str
) -> None:
    text = TOO_MANY.format(limit=limit, expect=expect)
    (tmp_path / "planted.toml").write_text(text, encoding="utf-8")

    outcome = check_scenarios("max_contracts", [str(tmp_path)])

    assert (outcome.facts["missed"], outcome.facts["false"]) == (missed, false), outcome.problems
    assert [words in problem for problem in outcome.problems] == [True] * (missed + false)


def test_only_the_rules_of_the_type_go_into_shadow(tmp_path: Path) -> None:
    path = tmp_path / "planted.toml"
    path.write_text(TOO_MANY.format(limit=3, expect="{ unlocked = true }"), encoding="utf-8")

    risk = in_shadow(load_scenario(path), "max_contracts").scenario.settings[RISK_FILE]

    assert risk.count('mode = "shadow"') == 1
    assert 'type = "daily_loss_limit"\nmode = "enforce"' in risk


def test_a_rule_that_moves_stops_is_held_to_its_moves() -> None:
    outcome = check_scenarios("trade_management", [str(SCENARIOS)])

    assert outcome.problems == []
    assert outcome.facts["true"] >= 2
