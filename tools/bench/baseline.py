"""A run as a file, and what got slower since such a run."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .figures import Figure, Part, Terms
from .parts import Outcome

TOLERATED = 0.2
"""Less than this much worse is taken as noise."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    at: str
    """When it began, ISO 8601 with UTC."""
    machine: dict[str, Any]
    terms: Terms
    parts: list[Part]
    not_measured: dict[str, str] = {}
    """By part, why."""


class Slower(NamedTuple):
    """A figure that is worse than it was."""

    part: str
    name: str
    before: float
    now: float
    unit: str
    by: float
    """How much worse, as a share of what it was: 0.5 is half as much again."""


def save(run: Saved, file: Path) -> None:
    """Write a run, and the directory that it goes to."""
    written = {
        "at": run.at,
        "machine": run.machine,
        "terms": run.terms._asdict(),
        "parts": [
            {**part._asdict(), "figures": [figure._asdict() for figure in part.figures]}
            for part in run.parts
        ],
        "not_measured": run.not_measured,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=2) + b"\n")


def load(file: Path) -> Saved:
    """Read a run.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no run.
    """
    read = msgspec.json.decode(file.read_bytes())
    try:
        return Saved(
            at=read["at"],
            machine=dict(read["machine"]),
            terms=_checked(Terms, read["terms"]),
            parts=[_part(each) for each in read["parts"]],
            not_measured=dict(read["not_measured"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is not a run of the benchmark ({error})") from error


def _part(row: dict[str, Any]) -> Part:
    figures = tuple(_checked(Figure, each) for each in row["figures"])
    return Part(row["name"], figures, row["detail"])


def _checked[Row: (Figure, Terms)](kind: type[Row], row: dict[str, Any]) -> Row:
    return msgspec.convert(tuple(kind(**row)), kind)


def saved(at: str, machine: dict[str, Any], terms: Terms, outcomes: list[Outcome]) -> Saved:
    """Return a run as it is written."""
    return Saved(
        at=at,
        machine=machine,
        terms=terms,
        parts=[outcome.part for outcome in outcomes if outcome.part is not None],
        not_measured={each.name: each.reason for each in outcomes if each.part is None},
    )


def slower(before: Saved, now: Saved) -> list[Slower]:
    """Return what is worse than before by more than the tolerance, worst first."""
    known = {
        (part.name, figure.name): figure
        for part in before.parts
        for figure in part.figures
        if figure.value is not None
    }
    found = []
    for part in now.parts:
        for figure in part.figures:
            old = known.get((part.name, figure.name))
            if old is None or not figure.is_saved or old.unit != figure.unit:
                continue
            by = worse_by(old, figure)
            if by is not None and by > TOLERATED:
                assert old.value is not None  # noqa: S101 - `worse_by` looked
                assert figure.value is not None  # noqa: S101 - the same
                found.append(
                    Slower(part.name, figure.name, old.value, figure.value, figure.unit, by)
                )
    return sorted(found, key=lambda each: -each.by)


def worse_by(before: Figure, now: Figure) -> float | None:
    """Return how much worse a figure is, as a share; below 0 is better; None cannot be told."""
    if not before.value or not now.value or before.value < 0 or now.value < 0:
        return None
    if now.is_at_most:
        return now.value / before.value - 1
    return before.value / now.value - 1
