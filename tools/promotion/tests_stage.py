"""The stage `tests`: the rule's unit tests, its scenarios, and the corpus of worked days."""

import inspect
import re
import tomllib
from pathlib import Path

from promotion.config import TestsConfig
from promotion.outcome import Outcome, counted
from promotion.places import RULE_TESTS, SCENARIOS, shown
from promotion.processes import Done, Processes
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of

_PYTEST = ("-m", "pytest", "-q", "--no-header", "--color=no", "-p", "no:cacheprovider")
_ALL_WITHIN_S = 1200.0
_NO_TESTS = 5
"""Pytest's exit code when nothing was chosen."""
_COUNTED = re.compile(r"\d+ passed[^\n]* in [\d.]+s")


def unit_tests_of(rule_type: str) -> list[Path]:
    """Return the rule's test file beside the others'; else those that name the rule."""
    rule = catalogue()[rule_type]
    module = Path(inspect.getfile(rule)).stem
    own = [RULE_TESTS / f"test_{name}.py" for name in dict.fromkeys((rule_type, module))]
    if any(path.is_file() for path in own):
        return [path for path in own if path.is_file()]
    words = "|".join(map(re.escape, (rule_type, rule.__name__, module)))
    named = re.compile(rf"\b({words})\b")
    return [
        path
        for path in sorted(RULE_TESTS.glob("test_*.py"))
        if named.search(path.read_text(encoding="utf-8"))
    ]


def scenarios_of(rule_type: str, directory: Path) -> list[Path]:
    """Return the scenario files of a directory that show the rule."""
    return [
        path
        for path in sorted(directory.glob("*.toml"))
        if tomllib.loads(path.read_text(encoding="utf-8")).get("rule") == rule_type
    ]


def check_tests(rule_type: str, config: TestsConfig, processes: Processes) -> Outcome:
    """Run what tests there are of the rule; that there are some is part of it."""
    outcome = Outcome()
    units, scenarios = unit_tests_of(rule_type), scenarios_of(rule_type, SCENARIOS)
    if not units:
        outcome.problems.append(
            f"no test in {shown(RULE_TESTS)} names {rule_type}; write test_{rule_type}.py there"
        )
    if not scenarios:
        outcome.problems.append(
            f"no scenario in {shown(SCENARIOS)} has rule = {rule_type!r};"
            f" write {catalogue()[rule_type].number:03}_{rule_type}.toml (see its README)"
        )
    try:
        example_of(rule_type)
    except KeyError:
        outcome.problems.append(
            f"`risk-actors rules --explain {rule_type}` has no example;"
            " add one to risk_actors/core/rules/examples.py"
        )
    if outcome.problems:
        outcome.sentence = "tests are missing"
        return outcome
    chosen = " or ".join(path.stem for path in scenarios)
    if not config.over_sockets:
        chosen = f"({chosen}) and not sockets"
    runs = {
        "unit tests": [str(path) for path in units],
        "scenarios": ["tests/system/test_scenarios.py", "-k", chosen],
        "conformance": ["tests/conformance"],
    }
    for name, arguments in runs.items():
        done = processes.run([*_PYTEST, *arguments], timeout_s=_ALL_WITHIN_S)
        _take(outcome, name, done)
    outcome.facts |= {
        "unit_tests": [shown(path) for path in units],
        "scenario_files": [shown(path) for path in scenarios],
    }
    outcome.sentence = (
        f"{counted(len(units), 'test file')}, {counted(len(scenarios), 'scenario')} and the worked"
        " days pass"
        if not outcome.problems
        else "tests fail"
    )
    return outcome


def _take(outcome: Outcome, name: str, done: Done) -> None:
    told = _COUNTED.search(done.output)
    outcome.facts[name] = told[0] if told else (done.last_lines(1) or [""])[0]
    if done.code == _NO_TESTS:
        outcome.problems.append(f"{name}: pytest found none to run")
    elif done.code != 0:
        outcome.problems.append(f"{name} fail (exit code {done.code}):")
        outcome.problems += [f"  {line}" for line in done.last_lines()]
    elif told is None:
        outcome.problems.append(f"{name}: none passed; all were left out, which proves nothing")
