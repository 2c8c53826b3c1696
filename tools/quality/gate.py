"""What a gate is, and what it finds."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from quality.config import Config
from quality.project import Project


class Verdict(StrEnum):
    """What a gate says. Skipped is no kind of passed: nothing is known then."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Found(NamedTuple):
    """What a gate found."""

    verdict: Verdict
    measured: str
    """In a few words; of one that was skipped, why."""
    advice: tuple[str, ...] = ()
    """What to do, line by line; what was wrong where."""
    figures: Mapping[str, float] = {}
    """What can be followed over many runs."""


class Gate(NamedTuple):
    """One thing that has to hold."""

    name: str
    threshold: Callable[[Config], str]
    """What has to hold, in words."""
    judge: Callable[[Project], Found]
    fixes: Callable[[Config], tuple[tuple[str, ...], ...]] = lambda _: ()
    """Commands (of Python, such as `-m ruff format`) that mend what can be mended by itself."""


ADVICE_LINES = 20


def verdict(is_good: object) -> Verdict:
    """Return passed or failed."""
    return Verdict.PASSED if is_good else Verdict.FAILED


def shortened(lines: list[str]) -> tuple[str, ...]:
    """Return the first lines, and how many more there are."""
    if len(lines) <= ADVICE_LINES:
        return tuple(lines)
    return (*lines[:ADVICE_LINES], f"... and {len(lines) - ADVICE_LINES} more")


def last_of(text: str) -> tuple[str, ...]:
    """Return the last lines of what a tool printed: there it says what came of it."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return tuple(lines[-ADVICE_LINES:])
