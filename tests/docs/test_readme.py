"""The README says what is true: rules, commands, targets, and who talks to whom."""

import re
from pathlib import Path

import pytest

from risk_actors.actors.wiring import TOPOLOGY
from risk_actors.cli.main import main
from risk_actors.core.rules import catalogue

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_rule_has_a_line_in_the_table() -> None:
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", README, re.MULTILINE))

    assert listed == set(catalogue())


def test_every_command_is_listed() -> None:
    listed = set(re.findall(r"^\| `risk-actors ([a-z]+)` \|", README, re.MULTILINE))

    assert listed == set(main.commands)


def test_the_picture_of_the_architecture_is_the_declared_graph() -> None:
    block = README.split("```mermaid")[1].split("```")[0]
    drawn: set[tuple[str, str]] = set()
    for line in block.splitlines()[2:]:
        names = re.sub(r'\["[^"]*"\]', "", line).strip()
        if not names:
            continue
        source, targets = (part.strip() for part in names.split("-->"))
        drawn |= {(source, target.strip()) for target in targets.split("&")}

    declared = {
        (edge.source.replace(".", "_"), edge.target.replace(".", "_")) for edge in TOPOLOGY.edges
    }
    assert drawn == declared


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)]+)\)", README))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", re.findall(r"`((?:risk_actors|tests|settings)/[^`]*)`", README))
def test_every_path_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make check" in README
    assert "make check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
