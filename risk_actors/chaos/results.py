"""What came of a run, kept as one line of JSON, so that later runs can be held against it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

type Since = Literal["breach", "heal"]


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went wrong on purpose. Seconds count from the run's start."""

    what: str
    at_s: float
    ended_at_s: float | None
    """When it healed, or struck the last time; None where it lasted to the end."""
    strikes: int
    """How many calls, events or connections it struck."""


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """How long protection took to return, once."""

    step: int
    """Of the scenario, counted from 1."""
    what: str
    since: Since
    """`breach`: from the event that broke a rule, the fault still there, until all was so that the
    step expects. `heal`: from the end of the faults until the daemon agreed
    with the broker again and was armed."""
    took_s: float | None
    """None where it did not return in time."""
    locked_s: float | None = None
    """After a breach: until the lock stood. None where none was expected, or none came."""
    flat_s: float | None = None
    """After a breach: until the broker showed no position and no working order, and that stayed
    so, in this step or a later one. None where that was never seen."""

    @property
    def measure_s(self) -> float | None:
        """What is held against earlier runs: a position that is open is no protection."""
        return self.flat_s if self.since == "breach" else self.took_s


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    scenario: str
    digest: str
    """Of the scenario's text: runs of another text are not compared."""
    at: str
    """When it began, ISO 8601, UTC."""
    version: str
    """Of the program."""
    seed: int
    recoveries: tuple[Recovery, ...]
    injected: tuple[Injected, ...]
    commands: int
    """Closes, cancels and moves that reached the broker."""
    failures: tuple[str, ...]
    """What was not as expected."""

    @property
    def passed(self) -> bool:
        """Tell whether everything was as expected."""
        return not self.failures


class ResultBook:
    """The results of past runs, one file for each scenario, oldest first."""

    def __init__(self, directory: Path) -> None:
        """Take the directory; it is made when the first result is kept."""
        self._directory = directory

    def path(self, scenario: str) -> Path:
        """Return the file of a scenario."""
        return self._directory / f"{scenario}.jsonl"

    def log_path(self, scenario: str) -> Path:
        """Return where the log of the last daemon whose run failed is kept."""
        return self._directory / f"{scenario}.failed.log"

    def keep(self, result: Result) -> None:
        """Add a result.

        Raises:
            OSError: it cannot be written.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        with self.path(result.scenario).open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")

    def past(self, scenario: str, digest: str) -> tuple[Result, ...]:
        """Return the earlier runs of this text of a scenario; what cannot be read is left out.

        Raises:
            OSError: the file is there and cannot be read.
        """
        path = self.path(scenario)
        lines = path.read_bytes().splitlines() if path.exists() else []
        return tuple(result for result in _decoded(lines) if result.digest == digest)


def digest_of(text: str) -> str:
    """Return what tells one text of a scenario from another."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _decoded(lines: Iterable[bytes]) -> Iterable[Result]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Result)
        except msgspec.DecodeError:
            # A line cut short by a full disk, or of a version to come, is no reason to fail a run.
            continue
