"""`simulate --scenario`: what is played before somebody's eyes, and what is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors.cli.main import main

SCENARIO = """
title = "Gold is forbidden"
rule = "symbol_block"
sockets = true

[settings]
"risk.toml" = '''
[[rules]]
id = "no-gold"
type = "symbol_block"
blocked = ["MGC"]
'''

[broker]
prices = { MGC = 4_100 }

[[steps]]
say = "The trader buys gold"
buy = { symbol = "MGC", size = 1 }
expect = [{ close = "MGC" }, { lock = "no-gold", scope = "MGC" }, { flat = true }]
"""


def simulate(directory: Path, text: str, *options: str) -> Result:
    file = directory / "scenario.toml"
    file.write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["simulate", "--scenario", str(file), *options])


@pytest.mark.system
def test_a_scenario_is_shown_while_it_is_played(tmp_path: Path) -> None:
    result = simulate(tmp_path, SCENARIO)

    assert result.exit_code == 0, result.output
    for words in (
        "Gold is forbidden",
        "▶ The trader buys gold",
        "◀ close MGC",
        "LOCKED MGC by no-gold until",
        "✓ flat",
        "PASSED: everything came as expected, 1 commands",
    ):
        assert words in result.output


@pytest.mark.system
def test_a_scenario_that_goes_otherwise_ends_with_code_1_and_says_how(tmp_path: Path) -> None:
    wrong = SCENARIO.replace('scope = "MGC"', 'until_reset = "weekly"')

    result = simulate(tmp_path, wrong)

    assert result.exit_code == 1
    assert "FAILED: 1 not as expected" in result.output
    assert "expected within 1 s: lock no-gold, until_reset weekly; locked: no-gold" in result.output


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (SCENARIO.replace("sockets = true", ""), (), "takes 0 min 3 s on a clock of its own"),
        (SCENARIO.replace("buy =", "by ="), (), "step 1: unknown key `by`; did you mean `buy`?"),
        (SCENARIO, ("--trader", "calm"), "a scenario has its own trader and seed"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(
    tmp_path: Path, text: str, options: tuple[str, ...], words: str
) -> None:
    result = simulate(tmp_path, text, *options)

    assert result.exit_code == 2
    assert words in result.output
