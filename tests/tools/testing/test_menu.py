"""The menu of the tests, driven as people drive it: on a terminal, and by what is piped into it."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from testing.menu import LINES

from tests.conftest import eventually
from tests.tools.testing.conftest import ROOT, Tiny
from tests.tools.testing.test_changed import git

pexpect = pytest.importorskip("pexpect", reason="needs a pseudo-terminal")

pytestmark = [
    pytest.mark.real_time,
    # The terminal's child does nothing before it becomes another program.
    pytest.mark.filterwarnings("ignore:.*forkpty.*:DeprecationWarning"),
]

GREEN, ENDS_COLOUR = "\x1b[32m", "\x1b["
TESTS = {
    "tests/test_one.py": "def test_one(): pass\n",
    "tests/test_two.py": "def test_two(): assert 1 > 2\n",
    "tests/test_long.py": "import pathlib, threading\n"
    "def test_long():\n"
    "    pathlib.Path(__file__).with_name('begun').touch()\n"
    "    threading.Event().wait(90)\n",
    "tools/smoke.py": "import sys\nprint('smoke was run', *sys.argv[1:])\nsys.exit(2)\n",
}
PROMPT = "Choice: "


@pytest.fixture
def tiny(tiny: Tiny) -> Tiny:
    for path, text in TESTS.items():
        tiny.write(path, text)
    return tiny


@pytest.fixture
def terminal(tiny: Tiny) -> Iterator["pexpect.spawn[str]"]:
    """The menu on a terminal of 80 columns."""
    child = pexpect.spawn(
        sys.executable,
        [str(ROOT / "tools/run_tests.py"), "--root", str(tiny.root)],
        env=tiny.environment,  # type: ignore[arg-type]
        dimensions=(30, 80),
        encoding="utf-8",
        timeout=60,
    )
    yield child
    child.close(force=True)


def plain(text: str | None) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text or "")


def test_the_menu_on_a_terminal(tiny: Tiny, terminal: "pexpect.spawn[str]") -> None:
    terminal.expect_exact(PROMPT)
    menu = plain(terminal.before)
    assert max(map(len, menu.splitlines())) <= 80
    for line in ("1  a  all", "6  f  file", "17  g  gate", "20  v  verbose", "0  q  quit"):
        assert line in menu
    assert "verbose is off" in menu
    for each in LINES:
        assert re.search(rf" {each.key}  {each.word} +{each.says}", menu), "on one line"

    terminal.sendline("99")
    terminal.expect_exact("There is no choice `99`.")
    terminal.expect_exact(PROMPT)

    terminal.sendline("v")
    terminal.expect_exact("Verbose is on.")
    terminal.expect_exact(PROMPT)

    terminal.sendline("6")
    terminal.expect_exact("File (tests/...): ")
    terminal.sendline("tests/test_one.py")
    terminal.expect_exact(PROMPT)
    shown = terminal.before or ""
    assert "test_one.py::test_one" in shown, "verbose: a line for each test"
    assert GREEN in shown, "pytest's colours"
    assert "last run: file tests/test_one.py: passed" in plain(shown)

    terminal.sendline("p")
    terminal.expect_exact("Status:     passed")
    terminal.expect_exact(PROMPT)
    terminal.sendline("q")
    terminal.expect_exact("Goodbye.")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0
    text = (tiny.root / "test_reports/latest.txt").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "1 passed" in text


def test_ctrl_c_ends_the_run_and_not_the_menu(tiny: Tiny, terminal: "pexpect.spawn[str]") -> None:
    terminal.expect_exact(PROMPT)
    terminal.sendline("f tests/test_long.py")
    eventually((tiny.root / "tests/begun").exists)
    terminal.sendintr()
    terminal.expect_exact("Interrupted: ending it in order")
    terminal.expect_exact("KeyboardInterrupt")
    terminal.expect_exact(PROMPT)

    assert "last run: file tests/test_long.py: interrupted" in plain(terminal.before)
    told = tiny.latest()
    assert (told["status"], told["exit_code"]) == ("interrupted", 2)
    assert told["counts"].get("passed", 0) == 0
    (kept,) = (tiny.root / "test_reports").glob("*_failed.txt")
    assert "KeyboardInterrupt" in kept.read_text(encoding="utf-8")
    terminal.sendline("q")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 2


def test_choices_are_piped_in_and_the_end_of_input_quits(tiny: Tiny) -> None:
    done = tiny.run(typed="nonsense\nfile tests/test_two.py\nl\nt\n")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "There is no choice `nonsense`." in done.stdout
    assert "Choice: (end of input)" in done.stdout
    assert done.stdout.endswith("Goodbye.\n")
    assert "== last failed: FAILED (exit code 1), 1 failed" in done.stdout
    assert "\x1b" not in done.stdout
    told = tiny.latest()
    assert told["failures"][0]["test"] == "tests/test_two.py::test_two"
    assert "assert 1 > 2" in told["failures"][0]["text"]


def test_one_choice_by_argument_keeps_the_exit_code(tiny: Tiny) -> None:
    nothing = tiny.run("keyword", "no_such_name")
    smoke = tiny.run("smoke", "--", "--within", "3")
    wrong = tiny.run("brew")
    missing = tiny.run("file", "tests/test_three.py")

    assert nothing.returncode == 5, nothing.stdout
    assert "NOTHING RAN (exit code 5), no tests" in nothing.stdout
    assert smoke.returncode == 2
    assert "smoke was run --within 3" in smoke.stdout
    assert (wrong.returncode, "there is no choice `brew`" in wrong.stderr) == (2, True)
    assert missing.returncode == 2
    assert "Nothing was run: there is no tests/test_three.py" in missing.stdout


def test_coverage_is_kept_by_module(tiny: Tiny) -> None:
    tiny.write("thing.py", "def used():\n    return 1\ndef not_used():\n    return 2\n    pass\n")
    tiny.write("tests/test_one.py", "import thing\ndef test_one(): assert thing.used() == 1\n")

    done = tiny.run("file", "tests/test_one.py", "--html")

    assert done.returncode == 0, done.stdout + done.stderr
    coverage = tiny.latest()["coverage"]
    assert coverage["modules"]["thing.py"]["missing_lines"] == 1
    assert coverage["low"] == ["thing.py"]
    assert "Covered less than 80 %:\n   75.0 %  thing.py" in done.stdout
    assert (tiny.root / "htmlcov/index.html").is_file()
    assert "75.0 %" in tiny.run("status").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("unit", "tests/test_one.py"), "`unit` takes no `tests/test_one.py`"),
        (("status", "foo"), "`status` takes no `foo`"),
        (("quit", "foo"), "`quit` takes no `foo`"),
        (("report", "--", "-x"), "`report` takes no arguments of pytest"),
        (("smoke", "--coverage"), "`smoke` takes no --coverage"),
        (("unit", "--base", "HEAD"), "`unit` takes no --base"),
    ],
)
def test_what_a_choice_has_no_use_for_is_wrong(
    tiny: Tiny, arguments: tuple[str, ...], words: str
) -> None:
    done = tiny.run(*arguments)

    assert (done.returncode, words in done.stderr) == (2, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("untit\n", "There is no choice `untit`."),
        ("file tests/test_one.py\nuntit\nt\n", "There is no choice `untit`."),
        ("unit tests/test_one.py\n", "`unit` takes nothing, so not `tests/test_one.py`"),
        ("file\n", "Nothing was named"),
    ],
)
def test_what_is_wrong_in_a_pipe_is_in_the_exit_code(tiny: Tiny, typed: str, words: str) -> None:
    done = tiny.run(typed=typed)

    assert (done.returncode, words in done.stdout) == (2, True), done.stdout + done.stderr


def test_a_base_that_there_is_not_runs_nothing(tiny: Tiny) -> None:
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        git(tiny.root, *arguments)

    done = tiny.run("--changed", "--base", "mian")

    assert done.returncode == 2, done.stdout + done.stderr
    assert "Nothing was run: git knows no commit `mian`." in done.stdout


def test_a_run_that_nobody_watches_any_more_is_finished(tiny: Tiny) -> None:
    tiny.write(
        "tests/test_loud.py",
        "import pytest\n@pytest.mark.parametrize('n', range(300))\n"
        "def test_loud(n): print('x' * 2000)\ndef test_two(): assert 1 > 2\n",
    )
    command = [ROOT / "tools/run_tests.py", "--root", tiny.root, "file", "tests/test_loud.py"]
    with subprocess.Popen(
        [sys.executable, *command, "--", "-s"],
        env=tiny.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read().decode()
        assert process.wait(90) == 1

    assert told == ""
    assert tiny.latest()["counts"] == {"passed": 300, "failed": 1}
