"""The README says what is true: rules, commands, targets, and who talks to whom."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from risk_actors.actors.picture import (
    AccountPicture,
    FirstToFirePicture,
    HeadroomPicture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.actors.wiring import TOPOLOGY
from risk_actors.cli.headroom import headroom_lines
from risk_actors.cli.main import main
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.reference import table_of_rules

ROOT = Path(__file__).parents[2]
MOST_LINES = 170
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_rule_has_a_line_in_the_table() -> None:
    listed = re.findall(r"^\| \d{3} \| `([a-z_]+)` \|", README, re.MULTILINE)

    assert sorted(listed) == list(catalogue())


def test_the_table_of_rules_is_what_their_files_say() -> None:
    assert table_of_rules() in README, "run: make docs"


def test_it_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= MOST_LINES


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


@pytest.mark.parametrize("path", re.findall(r"`((?:risk_actors|tests|settings)/[^`]*)`", README))
def test_every_path_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_words_of_headroom_are_explained() -> None:
    account = AccountPicture(
        id=1,
        name="A",
        headroom=HeadroomPicture(
            sizes=(SizePicture(contract="MNQ", symbol="MNQ", contracts=2, rule="r"),),
            first=FirstToFirePicture(rule="r", mode="enforce", room=1.0, prices=()),
            stop_out=StopOutPicture(day=1.0, unprotected={}),
        ),
    )
    first_day = (ROOT / "docs" / "first_day.md").read_text(encoding="utf-8")
    for line in headroom_lines(account, datetime.now(UTC)):
        assert f"**{line.split(':')[0]}**" in README
        assert f"- **{line.split(':')[0]}**" in first_day


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "make check" in README
    assert "make check" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
