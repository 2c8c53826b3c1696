"""What holds before a change is taken: what did not run has not passed, and two gates judge too."""

import pytest

from tests.tools.testing.conftest import ROOT, SETTINGS, Tiny

pytestmark = pytest.mark.real_time

CHECK = ROOT / "tools/check.py"
BOTH = "tests,tests in real time"
GATES = """
[tool.gates]
sources = ["thing"]
coverage_groups = {}
coverage_percent = 90
"""
THING = '''"""A thing."""


def used() -> int:
    """Return one."""
    return 1
'''
TEST = "from thing import used\ndef test_plain(): assert used() == 1\n"
UNUSED = "\n\ndef unused() -> int:\n    first = 1\n    second = 2\n    return first + second\n"
IN_REAL_TIME = "import pytest\n@pytest.mark.real_time\ndef test_timely(): pass\n"


@pytest.fixture
def tiny(tiny: Tiny) -> Tiny:
    tiny.write("pyproject.toml", f'{SETTINGS}\n[tool.mypy]\nfiles = ["thing"]\n{GATES}')
    tiny.write("thing/__init__.py", THING)
    tiny.write("tests/test_plain.py", TEST)
    tiny.write("tests/test_timely.py", IN_REAL_TIME)
    return tiny


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--only", "tests", "-k", "zzz"), 1, "== failed: tests\n"),
        (("--only", BOTH, "-k", "zzz"), 1, "== failed: tests, tests in real time\n"),
        (
            ("--only", f"complexity,{BOTH}", "-k", "zzz"),
            1,
            "== failed: tests, tests in real time\n",
        ),
        (("--only", f"{BOTH},coverage", "-k", "plain"), 0, "coverage: not judged"),
        (("--fix", "--only", "types"), 1, "== nothing ran, so nothing has passed\n"),
    ],
)
def test_what_did_not_run_has_not_passed(
    tiny: Tiny, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = tiny.start(CHECK, *arguments)

    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout
    assert ("== all passed" in done.stdout) == (code == 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "lint", "-k", "zzz"), "No tests are run that could take -k zzz"),
        (("--fix", "--nonsense"), "No tests are run that could take --nonsense"),
        (("--only", "beauty"), "There is no such step; the steps are: lint, format, types, comp"),
    ],
)
def test_wrong_arguments_are_told(tiny: Tiny, arguments: tuple[str, ...], words: str) -> None:
    done = tiny.start(CHECK, *arguments)

    assert (done.returncode, words in done.stderr) == (2, True), done.stdout + done.stderr


def test_complexity_and_coverage_decide_and_the_tests_run_once(tiny: Tiny) -> None:
    whole = f"complexity,{BOTH},coverage"
    well = tiny.start(CHECK, "--only", whole)
    assert well.returncode == 0, well.stdout + well.stderr
    assert "== coverage: passed" in well.stdout
    assert well.stdout.count("== tests: pytest") == 1

    many = "".join(f"    if count == {n}:\n        return {n}\n" for n in range(12))
    hard = f"\n\ndef hard(count: int) -> int:\n{many}    return count\n"
    tiny.write("thing/__init__.py", THING + UNUSED + hard)
    worse = tiny.start(CHECK, "--only", whole)
    assert worse.returncode == 1
    assert worse.stdout.endswith("== failed: complexity, coverage\n")
