"""Every command that a page tells is run, or declared in `command_ways.py` with the reason."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from daemon_process import eventually

from risk_actors.cli.main import main
from tests.docs.command_ways import FAMILIES, WAYS, How, Way
from tools.bootstrap import COMMANDS
from tools.docs.markdown import commands_in, mentioned_in, pages_of

ROOT = Path(__file__).parents[2]
WITHIN_S = 60.0
pytestmark = [pytest.mark.real_time, pytest.mark.system, pytest.mark.xdist_group("docs commands")]

TEXTS = {path: path.read_text(encoding="utf-8") for path in pages_of(ROOT)}
TOLD = list(dict.fromkeys(each for text in TEXTS.values() for each in commands_in(text)))
MENTIONED = sorted(set().union(*map(mentioned_in, TEXTS.values())) - set(TOLD))
_DEEDS = ("disarm", "arm", "panic", "unlock")
"""What changes how the daemon stands: tried in the order that makes each possible."""


def way_of(command: str) -> Way | None:
    """Return how a command is declared to be tried; None where it is simply run."""
    if command in WAYS:
        return WAYS[command]
    found = [way for pattern, way in FAMILIES if pattern.match(command)]
    return found[0] if found else None


def commands_tried(*hows: How) -> list[str]:
    return [each for each in TOLD if (way := way_of(each)) is not None and way.how in hows]


def is_deed(command: str) -> bool:
    words = command.split(" ")
    return words[0] == "risk-actors" and words[1] in _DEEDS


RUN = [each for each in TOLD if way_of(each) is None and each.startswith("risk-actors ")]


class Place:
    """A directory as a trader has it, with commands that are typed there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.copytree(ROOT / "settings", directory / "settings")
        app = directory / "settings" / "app.toml"
        text = app.read_text(encoding="utf-8").replace('#trader = "tilted"', 'trader = "none"')
        app.write_text(text, encoding="utf-8")
        (directory / "tests").symlink_to(ROOT / "tests")
        (directory / "data").symlink_to(directory / "data-again")
        (directory / ".env").touch()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PROJECT")}
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        self.environment = {**clean, "PATH": path, "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1"}

    def type(self, command: str, *, in_shell: bool = False) -> subprocess.CompletedProcess[str]:
        words = ["sh", "-c", command] if in_shell else words_of(command)
        return subprocess.run(
            words,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=WITHIN_S,
            check=False,
        )


def words_of(command: str) -> list[str]:
    program, *words = shlex.split(command)
    ours = [sys.executable, "-m", "risk_actors"]
    return [*ours, *words] if program == "risk-actors" else [program, *words]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return a place where a paper daemon runs, which ends in order."""
    here = Place(tmp_path_factory.mktemp("place"))
    (command,) = (each for each in commands_tried(How.DAEMON) if "--data" in each)
    with (
        (here.directory / "out.txt").open("w", encoding="utf-8") as out,
        subprocess.Popen(
            [*words_of(command), "--port", "0"],
            cwd=here.directory,
            env=here.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as daemon,
    ):
        try:
            eventually(lambda: is_armed(here) or daemon.poll() is not None, WITHIN_S, "armed")
            yield here
        finally:
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(WITHIN_S)
    assert code == 0, (here.directory / "out.txt").read_text(encoding="utf-8")


def is_armed(place: Place) -> bool:
    if not (place.directory / "data" / "daemon.json").exists():
        return False
    done = place.type("risk-actors status --json")
    return done.returncode == 0 and json.loads(done.stdout)["phase"] == "armed"


@pytest.mark.parametrize("command", [each for each in RUN if not is_deed(each)])
def test_it_does_what_the_page_says(place: Place, command: str) -> None:
    done = place.type(command)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [c for c in commands_tried(How.INSTEAD) if not is_deed(c)])
def test_what_shows_the_same_works(place: Place, command: str) -> None:
    done = place.type(WAYS[command].detail)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", [c for c in commands_tried(How.ENDS_WITH) if not is_deed(c)])
def test_it_ends_with_the_code_that_is_declared(place: Place, command: str) -> None:
    done = place.type(command)

    assert done.returncode == int(WAYS[command].detail), done.stdout + done.stderr


def test_the_shells_own_commands_work(place: Place) -> None:
    for command in commands_tried(How.SHELL):
        done = place.type(command, in_shell=True)
        assert done.returncode == 0, command + done.stderr


def test_deeds_in_the_order_that_makes_each_possible(place: Place) -> None:
    deeds = [each for each in TOLD if is_deed(each)]
    in_order = sorted(deeds, key=lambda each: _DEEDS.index(each.split(" ")[1]))
    for command in in_order:
        way = WAYS.get(command)
        typed = way.detail if way is not None and way.how is How.INSTEAD else command
        code = int(way.detail) if way is not None and way.how is How.ENDS_WITH else 0
        if command.startswith("risk-actors unlock 1"):
            eventually(lambda: "you" in place.type("risk-actors locks").stdout.lower(), WITHIN_S)
        done = place.type(typed)
        assert done.returncode == code, command + done.stdout + done.stderr


# --- those that are not run -----------------------------------------------------------------------


@pytest.mark.parametrize("command", commands_tried(How.PARSED))
def test_the_command_line_knows_every_word(command: str) -> None:
    check_words(command)


@pytest.mark.parametrize("command", [c for c in MENTIONED if c.startswith("risk-actors ")])
def test_the_command_line_knows_every_word_that_a_sentence_names(command: str) -> None:
    *before, last = command.split(" ")
    for each in last.split("|"):
        check_words(" ".join([*before, each]))


def check_words(command: str) -> None:
    """Follow the words of a command down to one that there is, and look for its options."""
    _, *words = shlex.split(command)
    known: click.Command = main
    while isinstance(known, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in known.commands, command
        known = known.commands[words.pop(0)]
    context = click.Context(known, info_name="risk-actors")
    options = {name for each in known.get_params(context) for name in each.opts}
    asked = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert asked <= options | {"--help", "-h"}, command


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_every_target_is_there() -> None:
    told = [*commands_tried(How.MAKE), *(c for c in MENTIONED if c.startswith("make "))]
    named = {re.sub(r"^(\w+=\S+ )?make ", "", each).split(" ")[0] for each in told}
    targets = {each for each in named if not each.isupper()}  # a word in capitals stands for any
    done = subprocess.run(
        ["make", "-n", *sorted(targets)],  # noqa: S607  # whichever make there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    started = set(re.findall(r"tools/bootstrap\.py (\w+)", done.stdout))
    assert started <= set(COMMANDS)


@pytest.mark.parametrize("command", commands_tried(How.BOOTSTRAP))
def test_the_bootstrap_knows_it(command: str) -> None:
    assert command.rsplit(" ", maxsplit=1)[-1] in COMMANDS


@pytest.mark.parametrize("command", commands_tried(How.FILE))
def test_the_file_that_it_starts_is_there(command: str) -> None:
    (name,) = re.findall(r"python (?:-m )?(tools[\w./]+)", command)
    path = name if name.endswith(".py") else name.replace(".", "/")
    assert (ROOT / path).exists() or (ROOT / f"{path}.py").exists()


@pytest.mark.parametrize("command", commands_tried(How.ELSEWHERE))
def test_the_test_that_runs_it_is_there(command: str) -> None:
    way = way_of(command)
    assert way is not None
    file, _, name = way.detail.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


# --- the table ------------------------------------------------------------------------------------


def test_every_command_is_run_or_declared() -> None:
    undeclared = [each for each in TOLD if way_of(each) is None and each not in RUN]

    assert undeclared == [], "declare them in tests/docs/command_ways.py, with the reason"


def test_nothing_is_declared_that_no_page_tells() -> None:
    assert set(WAYS) - set(TOLD) == set()


def test_each_declaration_has_a_reason() -> None:
    assert all(way.why for way in (*WAYS.values(), *(way for _, way in FAMILIES)))


def test_commands_are_found_where_they_stand() -> None:
    page = "| `risk-actors one` | it |\n\n```sh\n$ two  # why\n```\n\n```\nmake three\nshown\n```\n"

    assert list(commands_in(page)) == ["two", "make three", "risk-actors one"]
