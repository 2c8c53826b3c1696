"""A few tests in real time that failed are run once more, alone; never more than that."""

import pytest
from testing.results import Failure, PartRun, Try
from testing.second_try import why_none

from tests.tools.testing.conftest import ROOT, Tiny

FAILS_FIRST = """
import pathlib, pytest
pytestmark = pytest.mark.real_time
SEEN = pathlib.Path(__file__).with_name("seen")

def test_steady(): pass

@pytest.mark.xdist_group("a group")
@pytest.mark.parametrize("sign", ["a@b"])
def test_hurried(sign):
    if not SEEN.exists():
        SEEN.touch()
        pytest.fail("too busy")
"""

NEEDS_ANOTHER = """
import pathlib, pytest
pytestmark = [pytest.mark.real_time, pytest.mark.xdist_group("shared")]
SEEN = pathlib.Path(__file__).with_name("seen")
LEFT = []

def test_first(): LEFT.append("what the others need")
def test_second():
    assert LEFT
    if not SEEN.exists():
        SEEN.touch()
        pytest.fail("too busy")
"""

FAILS_THEN = """
import pathlib, pytest
pytestmark = pytest.mark.real_time
SEEN = pathlib.Path(__file__).with_name("seen")
def test_it():
    if not SEEN.exists():
        SEEN.touch()
        pytest.fail("a fault")
    {then}
"""


def failing(count: int) -> str:
    body = "import pytest\npytestmark = pytest.mark.real_time\n"
    return body + "".join(f"def test_{n}(): assert {n} < 0\n" for n in range(count))


def tried(*tests: str, exit_code: int = 1, **more: object) -> Try:
    failures = tuple(Failure(test=test, when="call", text="") for test in tests)
    fields = {"command": "pytest", "seconds": 1.0, "failures": failures, **more}
    return Try(exit_code=exit_code, **fields)  # type: ignore[arg-type]


WELL = PartRun(name="tests", first=tried(exit_code=0))
LOST = Failure(test="tests/test_x.py", when="collection", text="")


@pytest.mark.parametrize(
    ("first", "before", "words"),
    [
        (tried("a"), [WELL], None),
        (tried("a", "a", "b", "c", "d", "e"), [WELL], None),
        (tried("a", "b", "c", "d", "e", "f"), [WELL], "6 tests failed"),
        (tried("a", uncollected=(LOST,)), [WELL], "not everything could be collected"),
        (tried("a", crashes=("gw0: gone",)), [WELL], "a process that ran tests died"),
        (tried("a", is_interrupted=True), [WELL], "interrupted"),
        (tried("a", exit_code=3), [WELL], "pytest itself failed"),
        (tried(), [WELL], "pytest itself failed"),
        (tried("a"), [PartRun(name="tests", first=tried("z"))], "earlier part"),
        (tried("a"), [PartRun(name="tests", first=tried(exit_code=4))], "earlier part"),
        (tried("a"), [PartRun(name="tests", first=tried(exit_code=5))], None),
    ],
)
def test_who_gets_a_second_try(first: Try, before: list[PartRun], words: str | None) -> None:
    found = why_none(first, before)

    assert found is None if words is None else words in (found or "")


@pytest.mark.real_time
def test_the_check_passes_at_the_second_try_and_says_so_loudly(tiny: Tiny) -> None:
    tiny.write("thing.py", "X = 1\n")
    tiny.write("tests/test_plain.py", "def test_plain(): pass\n")
    tiny.write("tests/test_hurried.py", FAILS_FIRST)

    done = tiny.start(ROOT / "tools/check.py", "--only", "tests,tests in real time")

    hurried = "tests/test_hurried.py::test_hurried[a@b]"
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"!! 1 passed only at the second try, alone:\n!!   {hurried}" in done.stdout
    assert "== all passed" in done.stdout
    told = tiny.latest()
    assert (told["status"], told["passed_at_second_try"]) == ("passed", [hurried])
    plain, in_real_time = told["parts"]
    assert plain["second"] is None
    assert in_real_time["first"]["outcomes"][hurried] == "failed"
    assert "too busy" in in_real_time["first"]["failures"][0]["text"]
    assert in_real_time["second"]["outcomes"] == {hurried: "passed"}


@pytest.mark.real_time
def test_one_of_a_group_is_tried_again_with_its_group(tiny: Tiny) -> None:
    tiny.write("tests/test_shared.py", NEEDS_ANOTHER)
    tiny.write("tests/test_other.py", NEEDS_ANOTHER.replace("def test_second", "def second"))

    done = tiny.run("all")

    assert done.returncode == 0, done.stdout + done.stderr
    shared = "tests/test_shared.py::test_"
    told = tiny.latest()
    assert told["passed_at_second_try"] == [f"{shared}second"]
    assert list(told["parts"][1]["second"]["outcomes"]) == [f"{shared}first", f"{shared}second"]


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("files", "second", "words"),
    [
        ({"test_one.py": failing(1)}, ["test_0"], "test_0: failed at the second try"),
        ({"test_six.py": failing(6)}, None, "no second try: 6 tests failed"),
        (
            {"test_one.py": failing(1), "test_plain.py": "def test_plain(): assert False\n"},
            None,
            "no second try: an earlier part failed too",
        ),
        (
            {
                "test_one.py": "import os, pytest\n"
                "@pytest.mark.real_time\n"
                "def test_dies(): os._exit(9)\n"
            },
            None,
            "no second try: a process that ran tests died",
        ),
    ],
)
def test_what_is_no_matter_of_haste_stays_failed(
    tiny: Tiny, files: dict[str, str], second: list[str] | None, words: str
) -> None:
    for name, text in files.items():
        tiny.write(f"tests/{name}", text)

    done = tiny.run("all")

    assert done.returncode == 1, done.stdout + done.stderr
    assert words in done.stdout
    part = tiny.latest()["parts"][1]
    tried_again = None if part["second"] is None else list(part["second"]["outcomes"])
    assert tried_again == (None if second is None else [f"tests/test_one.py::{s}" for s in second])


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("then", "outcome"), [("pytest.skip('no')", "skipped"), ("pytest.xfail('no')", "xfailed")]
)
def test_what_does_not_pass_the_second_time_has_failed(tiny: Tiny, then: str, outcome: str) -> None:
    tiny.write("tests/test_it.py", FAILS_THEN.format(then=then))

    done = tiny.run("all")

    assert done.returncode == 1, done.stdout + done.stderr
    assert f"== tests/test_it.py::test_it: {outcome} at the second try" in done.stdout
    told = tiny.latest()
    assert (told["status"], told["counts"]) == ("failed", {"failed": 1})
    assert "a fault" in told["failures"][0]["text"]


@pytest.mark.real_time
def test_what_was_wanted_of_pytest_is_wanted_of_the_second_try_too(tiny: Tiny) -> None:
    tiny.write("tests/conftest.py", """def pytest_addoption(parser): parser.addoption("--who")\n""")
    tiny.write(
        "tests/test_who.py",
        FAILS_THEN.replace("def test_it():", "def test_it(request):").format(
            then="assert request.config.getoption('who') == 'me'"
        ),
    )
    tiny.write("tests/test_other.py", "def test_other(): pass\n")

    done = tiny.run("all", "--", "-n", "2", "--who=me", "tests")

    assert done.returncode == 0, done.stdout + done.stderr
    assert tiny.latest()["parts"][1]["second"]["outcomes"] == {
        "tests/test_who.py::test_it": "passed"
    }
