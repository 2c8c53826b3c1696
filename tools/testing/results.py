"""What came of a run: of each test, each part, and the whole; as it is kept in JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

PASSED, FAILED, INTERRUPTED, NOTHING_RAN = "passed", "failed", "interrupted", "nothing ran"

CODE_FAILED, CODE_INTERRUPTED, CODE_NOTHING_RAN = 1, 2, 5
"""Exit codes of pytest: some tests failed; Ctrl-C; nothing was found that was asked for."""

_VERDICTS = frozenset({PASSED, FAILED, "error"})
"""Outcomes of a test that was run to its end."""

LOW_PERCENT = 80.0
"""Modules that are covered less than this are named."""

SLOWEST = 20
"""So many of the slowest tests are named."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong with one test, or with collecting."""

    test: str
    when: str
    """`setup`, `call`, `teardown`, or `collection`."""
    text: str


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """What came of running one command."""

    command: str
    exit_code: int
    seconds: float
    is_interrupted: bool = False
    outcomes: dict[str, str] = {}
    """By test: passed, failed, error (outside of the test itself), skipped, xfailed, xpassed, or
    unfinished where it was broken off."""
    durations: dict[str, float] = {}
    """By test, in seconds, with what is set up and torn down for it."""
    groups: dict[str, str] = {}
    """By test its group: those that share what is dear, and stay together in one process."""
    failures: tuple[Failure, ...] = ()
    uncollected: tuple[Failure, ...] = ()
    crashes: tuple[str, ...] = ()
    """Processes that ran tests and died."""

    @property
    def failed_tests(self) -> list[str]:
        """The tests that failed, each once, in the order in which they did."""
        return list(dict.fromkeys(failure.test for failure in self.failures))

    def with_neighbours(self, tests: Iterable[str]) -> list[str]:
        """Return tests and those of the same group in the same file, in the order they began in."""
        wanted = set(tests)
        shared = {(_file(test), self.groups[test]) for test in wanted if test in self.groups}
        return [
            test
            for test in self.outcomes
            if test in wanted or (_file(test), self.groups.get(test)) in shared
        ]

    def has_passed(self, tests: Iterable[str]) -> bool:
        """Tell whether each of these tests passed; one that was skipped did not."""
        return all(self.outcomes.get(test) == PASSED for test in tests)


class PartRun(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one part, and of its second try if there was one."""

    name: str
    first: Try
    second: Try | None = None
    no_second_try: str | None = None
    """Why there was none although tests failed that might have had one."""

    @property
    def saved_tests(self) -> list[str]:
        """The tests that passed only at the second try; none unless all did."""
        if self.second is None or self.second.exit_code != 0:
            return []
        return self.first.failed_tests

    @property
    def exit_code(self) -> int:
        """The exit code that counts."""
        return self.first.exit_code if self.second is None else self.second.exit_code

    @property
    def outcomes(self) -> dict[str, str]:
        """By test what counts: that of the second try where there was one and it has a verdict."""
        if self.second is None:
            return dict(self.first.outcomes)
        failed = set(self.first.failed_tests)
        # That it was skipped then takes nothing back.
        told = {
            test: outcome
            for test, outcome in self.second.outcomes.items()
            if test not in failed or outcome in _VERDICTS
        }
        return {**self.first.outcomes, **told}

    @property
    def problems(self) -> tuple[Failure, ...]:
        """All that stands in the way of a pass."""
        crashes = tuple(
            Failure(test="", when="crash of a process", text=text) for text in self.first.crashes
        )
        return (*self.first.uncollected, *crashes, *self._failures())

    def _failures(self) -> Iterable[Failure]:
        if self.second is None:
            return self.first.failures
        known = {test for test, outcome in self.second.outcomes.items() if outcome in _VERDICTS}
        unknown = (failure for failure in self.first.failures if failure.test not in known)
        return (*unknown, *self.second.failures)


class ModuleCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a module the tests went through."""

    percent: float
    """Of lines and branches together."""
    lines: int
    missing_lines: int
    branches: int
    missing_branches: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything the tests went through."""

    percent: float
    modules: dict[str, ModuleCoverage]
    """By file."""
    low: tuple[str, ...]
    """Below 80 %, the least covered first."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as its JSON file has it."""

    what: str
    started: str
    ended: str
    seconds: float
    status: str
    exit_code: int
    counts: dict[str, int]
    """By outcome, how many tests."""
    parts: tuple[PartRun, ...]
    """With both tries of each, and in them how every test ended and how long it took."""
    slowest: dict[str, float]
    """The slowest tests with their seconds."""
    failures: tuple[Failure, ...]
    passed_at_second_try: tuple[str, ...]
    coverage: Coverage | None = None


def read_record(path: Path) -> dict[str, Any]:
    """Return what a record says, as the fields of a `Try`; a last line that broke off is left."""
    outcomes: dict[str, str] = {}
    durations: Counter[str] = Counter()
    groups: dict[str, str] = {}
    failures: list[Failure] = []
    uncollected: list[Failure] = []
    crashes: list[str] = []
    for told in _lines(path):
        match told["kind"]:
            case "phase":
                test, group = split_group(told["test"])
                if group:
                    groups[test] = group
                durations[test] += told["seconds"]
                outcomes[test] = _outcome(outcomes.get(test), told["when"], told["outcome"])
                if told["outcome"] == FAILED:
                    failures.append(Failure(test=test, when=told["when"], text=told["text"]))
            case "uncollected":
                failure = Failure(test=told["test"], when="collection", text=told["text"])
                # Every process that collects says the same.
                if failure.test not in {each.test for each in uncollected}:
                    uncollected.append(failure)
            case "crash":
                crashes.append(told["text"])
    return {
        "outcomes": outcomes,
        "durations": {test: round(seconds, 3) for test, seconds in durations.items()},
        "groups": groups,
        "failures": tuple(failures),
        "uncollected": tuple(uncollected),
        "crashes": tuple(crashes),
    }


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def _file(test: str) -> str:
    return test.partition("::")[0]


def split_group(test: str) -> tuple[str, str]:
    """Return a test's id, and the group that pytest-xdist appends to it (empty: none)."""
    head, _, name = test.rpartition("::")
    at = name.rfind("@")
    is_group = at > name.rfind("]")
    return (f"{head}::{name[:at]}", name[at + 1 :]) if head and is_group else (test, "")


def _outcome(before: str | None, when: str, outcome: str) -> str:
    """Return what a test comes to with one more of its phases."""
    match outcome:
        case "failed":
            now = FAILED if when == "call" else "error"
        case "xskipped":
            now = "xfailed"
        case "xpassed":
            now = "xpassed"
        case _:
            # Until it has been called: it may be broken off before.
            now = "unfinished" if (outcome, when) == (PASSED, "setup") else outcome
    is_plain_end = now == PASSED and when != "call"
    return before if before is not None and (is_plain_end or before == FAILED) else now


def exit_code(parts: Iterable[PartRun]) -> int:
    """Return the exit code of a whole run: that of the first part that has one to tell.

    That a part holds nothing of what was asked for is no failure, unless no part does.
    """
    codes = [part.exit_code for part in parts]
    if any(part.first.is_interrupted for part in parts) or _second_interrupted(parts):
        return CODE_INTERRUPTED
    told = [code for code in codes if code not in (0, CODE_NOTHING_RAN)]
    if told:
        return told[0]
    return CODE_NOTHING_RAN if codes and 0 not in codes else 0


def _second_interrupted(parts: Iterable[PartRun]) -> bool:
    return any(part.second is not None and part.second.is_interrupted for part in parts)


def status(code: int, parts: Iterable[PartRun]) -> str:
    """Return the exit code in a word."""
    if _second_interrupted(parts) or any(part.first.is_interrupted for part in parts):
        return INTERRUPTED
    if code == CODE_NOTHING_RAN and not any(part.outcomes for part in parts):
        return NOTHING_RAN
    return FAILED if code else PASSED


def slowest(parts: Iterable[PartRun]) -> dict[str, float]:
    """Return the slowest tests, the slowest first."""
    took = {test: s for part in parts for test, s in part.first.durations.items()}
    return dict(sorted(took.items(), key=lambda item: -item[1])[:SLOWEST])


def counts(parts: Iterable[PartRun]) -> dict[str, int]:
    """Return how many tests came to each outcome."""
    return dict(Counter(outcome for part in parts for outcome in part.outcomes.values()))


def counts_in_words(found: Mapping[str, int]) -> str:
    """Return the counts as a sentence's part."""
    order = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "unfinished")
    return ", ".join(f"{found[name]} {name}" for name in order if found.get(name)) or "no tests"
