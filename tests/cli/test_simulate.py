"""`simulate --scenario`: what is played before somebody's eyes, and what is refused."""

import os
import shutil
import subprocess
import sys
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


@pytest.mark.system
def test_somebody_else_may_start_the_daemon(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(SCENARIO, encoding="utf-8")
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PROJECT")}
    ours |= {"PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1"}
    words = [sys.executable, "-m", "risk_actors", "simulate", "--no-guard", "--scenario", str(file)]
    with subprocess.Popen(words, env=ours, stdout=subprocess.PIPE, text=True) as scenario:
        assert scenario.stdout is not None
        variables: dict[str, str] = {}
        for line in scenario.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                variables[name] = value
            if line.startswith("risk-actors run"):
                break
        told = [sys.executable, "-m", "risk_actors", *line.split()[1:]]
        with subprocess.Popen(told, env={**ours, **variables}, stderr=subprocess.DEVNULL) as daemon:
            shown = scenario.stdout.read()
            daemon.terminate()
    shutil.rmtree(Path(told[told.index("--data") + 1]).parent)

    assert scenario.returncode == 0, shown
    assert daemon.returncode == 0
    assert "PASSED" in shown


@pytest.mark.system
def test_a_daemon_that_does_not_start_ends_it_with_what_it_said(tmp_path: Path) -> None:
    result = simulate(tmp_path, SCENARIO.replace('"symbol_block"', '"symbol_blocks"'))

    assert result.exit_code == 1
    assert "the daemon ended at once" in result.output
    assert 'type = "symbol_blocks": no such rule' in result.output


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (SCENARIO.replace("sockets = true", ""), (), "takes 0 min 3 s on a clock of its own"),
        (SCENARIO.replace("buy =", "by ="), (), "step 1: unknown key `by`; did you mean `buy`?"),
        (SCENARIO, ("--control",), "a scenario has its own faults"),
        (SCENARIO, ("--trader", "calm"), "a scenario has its own trader and seed"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(
    tmp_path: Path, text: str, options: tuple[str, ...], words: str
) -> None:
    result = simulate(tmp_path, text, *options)

    assert result.exit_code == 2
    assert words in result.output


def test_the_help_says_which_scenarios_can_be_watched() -> None:
    text = " ".join(CliRunner().invoke(main, ["simulate", "--help"]).stdout.split())
    assert "It must be marked `sockets = true`; the test suite plays the others." in text
