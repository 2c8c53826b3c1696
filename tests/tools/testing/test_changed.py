"""Which tests a change affects, in a small project with a git history of its own."""

import os
import subprocess
from pathlib import Path

import pytest
from testing.changed import UnknownBaseError, affected, affected_by, main

FILES = {
    "pyproject.toml": "",
    "risk_actors/__init__.py": "",
    "risk_actors/__main__.py": "from risk_actors.cli import main\n",
    "risk_actors/cli.py": "from risk_actors.rules import catalogue\nmain = catalogue\n",
    "risk_actors/money.py": "",
    "risk_actors/day.py": "from risk_actors import money\n",
    "risk_actors/page.py": "PAGE = open(__file__).read() or 'page' and 'board/index.html'\n",
    "risk_actors/board/index.html": "",
    "risk_actors/rules/__init__.py": "import importlib\n"
    "def catalogue(name):\n    return importlib.import_module(f'{__name__}.{name}')\n",
    "risk_actors/rules/first.py": "",
    "tests/conftest.py": "",
    "tests/rig.py": "from risk_actors.day import money\n",
    "tests/scenarios/one.toml": "",
    "tests/core/conftest.py": "",
    "tests/core/test_money.py": "from risk_actors.money import x\n",
    "tests/core/test_day.py": "from rig import money\n",
    "tests/web/test_page.py": "import risk_actors.page\n",
    "tests/test_rules.py": "from risk_actors.rules import catalogue\n",
    "tests/test_scenarios.py": "import pathlib\nD = pathlib.Path(__file__).parent / 'scenarios'\n",
    "tests/test_daemon.py": "COMMAND = ['python', '-m', 'risk_actors', 'run']\n",
    "tests/test_end.py": "CODE = 'from risk_actors.board import (\\n  loop,\\n)\\n{wait}'\n",
    "tests/test_start.py": "RUN = ['-c', 'import risk_actors.board.loop; print(1)']\n",
    "risk_actors/board/__init__.py": "",
    "risk_actors/board/loop.py": "",
    "tests/test_page_of_traps.py": "def test(): TESTS.glob('*/test_traps_*.py')\n",
    "tests/web/test_traps_hubs.py": "",
    "tests/tools/test_soak.py": "def test(run_tool): run_tool('soak')\n",
    "tools/soak.py": "from soak_judge import judge\n",
    "tools/soak_judge.py": "",
}
SCANS = """
import risk_actors
from pathlib import Path
ALL = list(Path(risk_actors.__file__).parent.rglob("*.py"))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("risk_actors/money.py", ["core/test_day", "core/test_money"]),
        ("risk_actors/day.py", ["core/test_day"]),
        ("tests/rig.py", ["core/test_day"]),
        ("tests/core/conftest.py", ["core/test_day", "core/test_money"]),
        ("tests/core/test_money.py", ["core/test_money"]),
        ("risk_actors/rules/first.py", ["test_daemon", "test_rules"]),
        ("risk_actors/cli.py", ["test_daemon"]),
        ("risk_actors/board/index.html", ["web/test_page"]),
        ("risk_actors/board/loop.py", ["test_end", "test_start"]),
        ("tests/web/test_traps_hubs.py", ["test_page_of_traps", "web/test_traps_hubs"]),
        ("tests/scenarios/one.toml", ["test_scenarios"]),
        ("tests/scenarios/new.toml", ["test_scenarios"]),
        ("tools/soak_judge.py", ["tools/test_soak"]),
    ],
)
def test_what_needs_a_file_is_run(project: Path, changed: str, tests: list[str]) -> None:
    found = affected_by(project, [changed])

    assert not found.is_all, found.why
    assert list(found.tests) == [f"tests/{test}.py" for test in tests]


@pytest.mark.parametrize(
    "changed", ["pyproject.toml", "tests/conftest.py", "requirements/dev.txt", "what.bin"]
)
def test_when_unsure_all_are_run(project: Path, changed: str) -> None:
    found = affected_by(project, ["tests/core/test_money.py", changed])

    assert found.is_all
    assert changed in found.why
    assert len(found.tests) == sum("/test_" in name for name in FILES)


def test_who_looks_through_a_package_is_run_for_all_of_it(project: Path) -> None:
    (project / "tests/test_size.py").write_text(SCANS)

    assert "tests/test_size.py" in affected_by(project, ["risk_actors/money.py"]).tests


def test_what_a_deleted_file_was_needed_by_is_run(project: Path) -> None:
    (project / "risk_actors/day.py").unlink()
    (project / "tests/web/test_page.py").unlink()

    found = affected_by(project, ["risk_actors/day.py", "tests/web/test_page.py"])

    assert (found.is_all, found.tests) == (False, ("tests/core/test_day.py",))


def git(project: Path, *arguments: str) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=project, env=clean, check=True)  # noqa: S607


def test_git_tells_what_changed_since_a_commit(project: Path) -> None:
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        git(project, *arguments)
    assert affected(project).tests == ()

    (project / "tests/core/test_day.py").write_text("from rig import money\nx = 1\n")
    (project / "tests/test_new.py").write_text("")
    assert affected(project).tests == ("tests/core/test_day.py", "tests/test_new.py")

    git(project, "checkout", "-qb", "branch")
    git(project, "add", ".")
    git(project, "commit", "-qm", "two")
    assert affected(project).tests == ()
    assert affected(project, "main").tests == ("tests/core/test_day.py", "tests/test_new.py")
    with pytest.raises(UnknownBaseError, match="git knows no commit `mian`"):
        affected(project, "mian")
    with pytest.raises(SystemExit, match="2"):
        main(["--root", str(project), "--base", "--mian"])


def test_where_git_does_not_tell_all_are_run(project: Path) -> None:
    found = affected(project, "no-such-commit")

    assert found.is_all
    assert "git does not say" in found.why
