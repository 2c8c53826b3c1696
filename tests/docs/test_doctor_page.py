"""docs/doctor.md lists every line of the doctor's, and what each can be."""

import re
from pathlib import Path

from risk_actors.app.doctor import examine
from risk_actors.app.doctor_words import State
from risk_actors.app.service import manager_of
from risk_actors.app.settings import TradingMode
from risk_actors.cli.init import init

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_every_line_is_listed_in_its_order(tmp_path: Path) -> None:
    # Without settings and credentials nobody is asked.
    examined = examine(tmp_path, tmp_path / "data", TradingMode.LIVE, {})
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", PAGE, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert [name for name in listed if name != "id"] == [check.id for check in examined.checks]
    of_broker = {check.state for check in examined.checks[-11:]}
    assert of_broker == {State.NOT_CHECKED}


def test_every_file_of_a_service_is_named() -> None:
    home = Path("/home/me")
    for system, base in (("linux", "~"), ("darwin", "~")):
        file = manager_of(system, home, {}, 1, "me").file
        assert f"`{base}/{file.relative_to(home).as_posix()}`" in PAGE
    windows = manager_of("win32", home, {"LOCALAPPDATA": "/L"}, 1, "me").file
    assert windows.as_posix().removeprefix("/L/").replace("/", "\\") in PAGE


def test_every_option_that_answers_a_question_is_named() -> None:
    options = {name for each in init.params for name in each.opts if name.startswith("--")}
    assert {name for name in options if f"`{name}" not in PAGE} <= {"--settings", "--replace"}
