"""One run: each gate judged, whatever happens in it, and the whole as it is kept."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from workshop.steady import BreakerOpenError

from quality.gate import Found, Gate, Verdict
from quality.project import NotRunError, Project


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one gate."""

    name: str
    threshold: str
    verdict: Verdict
    measured: str
    seconds: float
    advice: tuple[str, ...] = ()
    figures: dict[str, float] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all of them, as its JSON file has it."""

    at: str
    """When it began, ISO 8601 in UTC."""
    verdict: Verdict
    """Failed when any gate failed; skipped when none was judged; else passed."""
    seconds: float
    gates: tuple[Judged, ...]

    def of(self, *verdicts: Verdict) -> list[str]:
        """Return the names of the gates with these verdicts."""
        return [gate.name for gate in self.gates if gate.verdict in verdicts]


def judge(gate: Gate, project: Project) -> Judged:
    """Judge one gate; trouble in it is its own failure and ends nothing else."""
    began_s = time.monotonic()
    try:
        found = gate.judge(project)
    except (NotRunError, BreakerOpenError) as error:
        found = Found(Verdict.FAILED, "could not be judged", (str(error),))
    except Exception as error:  # noqa: BLE001 - the other gates have their say all the same
        found = Found(Verdict.FAILED, "could not be judged", (f"{type(error).__name__}: {error}",))
    return Judged(
        name=gate.name,
        threshold=gate.threshold(project.config),
        verdict=found.verdict,
        measured=found.measured,
        seconds=round(time.monotonic() - began_s, 2),
        advice=found.advice,
        figures=dict(found.figures),
    )


def without_skip(judged: Judged) -> Judged:
    """Return a gate as it is where every one has to be judged: one that was not has failed."""
    if judged.verdict is not Verdict.SKIPPED:
        return judged
    return msgspec.structs.replace(
        judged,
        verdict=Verdict.FAILED,
        advice=(*judged.advice, "nothing may be skipped here (`--no-skips`)"),
    )


def mend(gates: Iterable[Gate], project: Project, say: Callable[[str], None]) -> None:
    """Run what mends by itself, and say what could not be run."""
    for gate in gates:
        for command in gate.fixes(project.config):
            say(f"== mending {gate.name}: {' '.join(command)}")
            try:
                done = project.run(*command)
            except (NotRunError, BreakerOpenError) as error:
                say(str(error))
                continue
            if done.code:
                say(done.text.strip())


def summed(at: str, gates: Iterable[Judged]) -> Run:
    """Return the run that these gates make."""
    rows = tuple(gates)
    verdicts = {row.verdict for row in rows}
    if Verdict.FAILED in verdicts:
        whole = Verdict.FAILED
    else:
        whole = Verdict.PASSED if Verdict.PASSED in verdicts else Verdict.SKIPPED
    seconds = round(sum(row.seconds for row in rows), 2)
    return Run(at=at, verdict=whole, seconds=seconds, gates=rows)


def as_json(run: Run) -> Any:
    """Return a run as plain JSON values."""
    return msgspec.to_builtins(run)
