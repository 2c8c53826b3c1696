"""The generated parts of the pages are as their sources say, and one command makes them so."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from risk_actors.actors.wiring import TOPOLOGY
from risk_actors.app.settings import AppFile, ExitCode, SessionSettings
from risk_actors.app.settings_environment import VARIABLES
from risk_actors.web.token_file import TOKEN_VARIABLE
from tools.docs.marks import begin, between, end
from tools.docs.parts import PARTS, stale
from tools.docs.settings_words import ENVIRONMENT
from tools.docs.tightening import tightening_of_table
from tools.docs.topology_picture import svg
from tools.docs.words_of_code import texts_under

ROOT = Path(__file__).parents[2]
SETTINGS_PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_every_generated_part_is_as_its_source_says() -> None:
    assert [f"{part.path}: {part.about}" for part, _ in stale(ROOT)] == [], "run: make docs"


def test_the_command_says_what_is_stale(tmp_path: Path) -> None:
    for part in PARTS:
        copy = tmp_path / part.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / part.path).read_text(encoding="utf-8"), encoding="utf-8")
    page = tmp_path / "docs" / "rules.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("## 001 ", "## 1 ").replace("- [023 ", "- [24 "), encoding="utf-8")

    found = stale(tmp_path)

    assert [part.path for part, _ in found] == ["docs/rules.md", "docs/rules.md"]
    assert found[-1][1] == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def test_the_check_changes_nothing_and_ends_well() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.docs", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split(" ")[0]) == (0, "all"), done.stdout + done.stderr


def test_text_between_marks_is_replaced_and_nothing_else() -> None:
    page = f"before\n{begin('it')}\nold\n{end('it')}\nafter\n"

    assert between("it", lambda: "new")(page) == page.replace("old", "new")
    with pytest.raises(ValueError, match="needs"):
        between("other", str)(page)


def test_every_table_and_key_of_app_toml_is_in_the_reference() -> None:
    for section in msgspec.structs.fields(AppFile):
        default = getattr(AppFile(), section.name)
        if isinstance(default, msgspec.Struct):
            heading, _, rest = SETTINGS_PAGE.partition(f"### `[{section.name}]`\n")
            assert heading
            table = rest.split("\n### ")[0]
            keys = {field.name for field in msgspec.structs.fields(default)} - {"channels"}
            assert {key for key in keys if f"| `{key}` |" not in table} == set()


def test_every_variable_of_the_environment_is_told() -> None:
    assert list(ENVIRONMENT) == [*VARIABLES, TOKEN_VARIABLE]


def test_which_way_a_key_tightens_is_what_the_code_says() -> None:
    session = tightening_of_table(SessionSettings)
    assert session["unlock_delay_s"] == "higher"
    assert session["timezone"] == "neither: every change waits"
    assert session["on_rule_failure"] == '`"lock"` than `"alert"`'


def test_the_picture_has_every_actor_and_every_way() -> None:
    drawn = ET.fromstring(svg())  # noqa: S314  # our own
    space = "{http://www.w3.org/2000/svg}"
    ways = {(edge.source, edge.target) for edge in TOPOLOGY.edges}

    assert {text.text for text in drawn.iter(f"{space}text")} == set(TOPOLOGY.nodes)
    assert len(list(drawn.iter(f"{space}path"))) == len(ways) + 1  # and the arrow's head
    for way in drawn.findall(f"{space}path"):
        begins, *_, ends = re.findall(r"\d+ (\d+)", way.attrib["d"])
        assert int(begins) < int(ends), "an arrow that leads up"
    assert "http" not in svg().replace("http://www.w3.org/2000/svg", "")


def test_words_of_the_code_are_found() -> None:
    assert texts_under(ExitCode)["USAGE"] == "The command line or the settings are wrong."
