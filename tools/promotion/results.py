"""What each stage left behind, so that a promotion that was interrupted goes on where it was.

Every stage writes one JSON file when it is over. While one is under way its name stands in
`running.json`; that file outlives a kill, and tells the next start which stage was broken off.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from workshop.files import FileError, read_json, write_json

STAGES = ("specification", "tests", "gates", "staging", "production")
RUNNING_FILE = "running.json"


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one stage."""

    stage: str
    key: str
    """Of what it was made with: specification, source, settings; from the tests on all code."""
    verdict: Literal["passed", "failed"]
    sentence: str
    began: str
    """UTC, ISO 8601."""
    took_s: float
    problems: tuple[str, ...] = ()
    """Why it failed, each with what to do."""
    notes: tuple[str, ...] = ()
    """What a reader should know, although nothing failed by it."""
    facts: Mapping[str, Any] = {}
    """Figures and lists, for whoever reads the JSON."""

    @property
    def has_passed(self) -> bool:
        """Whether the next stage may begin."""
        return self.verdict == "passed"


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """The stage that is under way."""

    stage: str
    key: str
    began: str


class Results:
    """The results of one specification, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def of(self, stage: str) -> StageResult | None:
        """Return what a stage left, None when there is nothing that can be read."""
        return self._read(self.directory / f"{stage}.json", StageResult)

    def keep(self, result: StageResult) -> None:
        """Keep what came of a stage, which is then over."""
        write_json(self.directory / f"{result.stage}.json", msgspec.to_builtins(result))
        (self.directory / RUNNING_FILE).unlink(missing_ok=True)

    def begin(self, stage: str, key: str, began: str) -> None:
        """Note that a stage is under way."""
        told = Running(stage=stage, key=key, began=began)
        write_json(self.directory / RUNNING_FILE, msgspec.to_builtins(told))

    def running(self) -> Running | None:
        """Return the stage that is under way, or was broken off."""
        return self._read(self.directory / RUNNING_FILE, Running)

    def forget(self, stages: Sequence[str] = STAGES) -> None:
        """Begin anew: none of these stages has been passed, and none is under way."""
        for stage in stages:
            (self.directory / f"{stage}.json").unlink(missing_ok=True)
        (self.directory / RUNNING_FILE).unlink(missing_ok=True)

    @staticmethod
    def _read[T](path: Path, kind: type[T]) -> T | None:
        if not path.is_file():
            return None
        try:
            return msgspec.convert(read_json(path), kind)
        except (FileError, msgspec.ValidationError):
            # A file that was damaged proves nothing: its stage is done again.
            return None
