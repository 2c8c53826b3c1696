"""Which kinds of tests there are, and how they are run: the one plan of the menu, `check` and CI.

Every test is of exactly one of three kinds, by the markers that tests/conftest.py gives by folder:

    unit         one part at a time, and nothing is needed but the processor
    integration  parts with each other: over sockets or waiting in real time, the whole system on a
                 virtual clock, or gone over broadly (conformance, fuzz, properties)
    system       the daemon as a process of its own, against the simulator

`slow` is no fourth kind: it marks those of any kind that take longer than a few seconds.

What is run, is run in two parts, each on several processes. Tests that need nothing but the
processor come first, one process for each core. Those that wait for others in real time follow on
a machine that is quiet then; they wait most of the time, so that one process more than there are
cores is right.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

CORES = os.cpu_count() or 1
AT_ONCE_AT_LEAST = 2

KINDS = {
    "all": "",
    "unit": "not integration and not system",
    "integration": "integration",
    "system": "system",
    "slow": "slow",
}
"""Each kind's marker expression."""

SCENARIOS = "tests/system/test_scenarios.py"
ALONE = ("-n", "0")
"""In one process, one test at a time."""

_HERE = Path(__file__).resolve().parent


class Part(NamedTuple):
    """Something that is run as one process: a part of the tests, or a tool."""

    name: str
    arguments: tuple[str, ...]
    """Of pytest; for a tool its script and its arguments."""
    is_pytest: bool = True
    has_second_try: bool = False
    """Whether a few that failed may have wanted for processor, and are run once more, alone."""
    more: tuple[str, ...] = ()
    """Those of its arguments that whoever started it wants of every try."""


class Wishes(NamedTuple):
    """What is wanted of pytest besides the choice of tests."""

    coverage: bool = False
    verbose: bool = False
    more: tuple[str, ...] = ()
    """Arguments that are handed on to pytest."""


def split_parts(
    wishes: Wishes, expression: str = "", targets: Sequence[str] = ()
) -> tuple[Part, ...]:
    """Return the two parts in which tests are run.

    Args:
        wishes: for each part.
        expression: markers that choose among the tests; empty for all.
        targets: files, or whatever else narrows the choice; empty for all.
    """
    narrowed = f" and ({expression})" if expression else ""
    shared = (*options(wishes), *wishes.more, *targets)
    first = ("-m", f"not real_time{narrowed}", "-n", str(max(CORES, AT_ONCE_AT_LEAST)))
    second = ("-m", f"real_time{narrowed}", "-n", str(CORES + 1))
    append = ("--cov-append",) if wishes.coverage else ()
    return (
        Part("tests", (*first, "--dist", "worksteal", *shared)),
        Part(
            "tests in real time",
            (*second, "--dist", "loadgroup", *append, *shared),
            has_second_try=True,
            more=wishes.more,
        ),
    )


def one_process(wishes: Wishes, targets: Sequence[str]) -> tuple[Part, ...]:
    """Return the one part in which a few tests are run, as they print best."""
    return (Part("tests", (*ALONE, *options(wishes), *wishes.more, *targets)),)


def second_try(tests: Sequence[str], part: Part, root: Path, *, coverage: bool) -> Part:
    """Return what runs some tests of a part once more, alone and one at a time.

    Args:
        tests: their ids.
        part: which they are of; what was wanted of it holds again.
        root: the project.
        coverage: whether it is measured.
    """
    append = ("--cov-append",) if coverage else ()
    shared = (*append, *options(Wishes(coverage=coverage)), *_without_targets(part.more, root))
    return Part("second try, alone", (*shared, *ALONE, *tests))


def _without_targets(arguments: Sequence[str], root: Path) -> Iterator[str]:
    """Yield arguments of pytest without files and directories: these would add other tests.

    What follows an option may be its value and stays, at the price of some tests more.
    """
    for before, word in pairwise(("", *arguments)):
        is_value = before.startswith("-") and "=" not in before
        if is_value or not (root / word.partition("::")[0]).exists():
            yield word


def tool(name: str, script: str, *arguments: str) -> Part:
    """Return a tool as something to run."""
    return Part(name, (script, *arguments), is_pytest=False)


def options(wishes: Wishes) -> tuple[str, ...]:
    """Return pytest's options for the wishes; coverage is reported once all parts are done."""
    covered = ("--cov", "--cov-report=") if wishes.coverage else ()
    return (*covered, *(("-v",) if wishes.verbose else ()))


def command(part: Part, record: Path) -> list[str]:
    """Return the command line of a part.

    Args:
        part: what to run.
        record: where pytest leaves what came of each test.
    """
    if part.is_pytest:
        return [sys.executable, str(_HERE / "recorded_pytest.py"), str(record), *part.arguments]
    return [sys.executable, str(_HERE / "tethered.py"), *part.arguments]


def in_words(part: Part) -> str:
    """Return a part as one would type it."""
    words = [f"'{word}'" if " " in word else word for word in part.arguments]
    return " ".join(("pytest" if part.is_pytest else "python", *words))
