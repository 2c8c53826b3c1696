"""What a stage says when it is over, before it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """Gathered while a stage runs; it has passed when it found no problem."""

    sentence: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, other: "Outcome", name: str) -> None:
        """Take in what a part of the stage found."""
        self.problems += other.problems
        self.notes += other.notes
        if other.facts:
            self.facts[name] = other.facts


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 day` or `2 days`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def share(part: int, whole: int) -> str:
    """Return a rate for a person: `2 of 40 (5.0 %)`."""
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else f"{part} of 0"


def rates(counts: Mapping[str, int]) -> dict[str, float | None]:
    """Return the false-flatten and missed-breach rates, None where nothing was there to count."""
    found, seeable = counts["found"], counts["seeable"]
    return {
        "false_flatten_rate": counts["false"] / found if found else None,
        "missed_breach_rate": counts["missed"] / seeable if seeable else None,
    }
