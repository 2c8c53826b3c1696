"""From marks of time to the stages of one answer: pure reckoning."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, Self

NS_PER_MS = 1_000_000


class Kind(StrEnum):
    """What happened at a mark."""

    READ = "read"
    """The second line's thread has bytes of the broker."""
    ROW = "row"
    """It has told a row that was news."""
    BOOK = "book"
    """The account's book begins with a row."""
    RULE = "rule"
    """A rule begins to judge."""
    PLAN = "plan"
    """The enforcer begins with a breach."""
    WRITE = "write"
    """A command is about to be written."""


class Mark(NamedTuple):
    """One instant in the daemon."""

    at_ns: int
    """By the clock that all processes of the machine share (monotonic)."""
    cpu_ns: int
    """What its thread had computed so far."""
    thread: int
    kind: Kind

    def line(self) -> str:
        """Return it as a line of text."""
        return f"{self.at_ns} {self.cpu_ns} {self.thread} {self.kind}"

    @classmethod
    def of(cls, line: str) -> Self:
        """Read a line of text.

        Raises:
            ValueError: it is none.
        """
        at_ns, cpu_ns, thread, kind = line.split()
        return cls(int(at_ns), int(cpu_ns), int(thread), Kind(kind))


STAGES = (
    "broker writes, second line wakes",
    "rows are read",
    "crew wakes",
    "book and enforcer take the rows",
    "rules, until one is broken",
    "the enforcer plans",
    "written, and read by the broker",
)


class Answer(NamedTuple):
    """One answer, stage by stage."""

    stages_ms: tuple[float, ...]
    """As `STAGES`; together the whole."""
    computed_ms: float
    """What both threads computed between the first byte read and the command."""
    waited_ms: float
    """The rest of that time: for the interpreter, the processor, or the other thread to wake."""


def split(marks: Sequence[Mark], proof_ns: int, answer_ns: int) -> Answer | None:
    """Return the stages of an answer; None where it took another way, such as by the first line.

    Args:
        marks: those of the time around it, in their order.
        proof_ns: when the broker wrote what proves the breach.
        answer_ns: when it had read the close.
    """
    inside = [mark for mark in marks if proof_ns <= mark.at_ns <= answer_ns]
    read = next((mark for mark in inside if mark.kind is Kind.READ), None)
    if read is None:
        return None
    book = _next(inside, Kind.BOOK, read.at_ns)
    rows = [m for m in inside if m.kind is Kind.ROW and book is not None and m.at_ns <= book.at_ns]
    if book is None or not rows:
        return None
    row = rows[-1]
    rule = _next(inside, Kind.RULE, book.at_ns)
    plan = None if rule is None else _next(inside, Kind.PLAN, rule.at_ns)
    write = None if plan is None else _next(inside, Kind.WRITE, plan.at_ns)
    if rule is None or plan is None or write is None:
        return None
    if row.thread != read.thread or write.thread != book.thread:
        return None
    times = (proof_ns, *(each.at_ns for each in (read, row, book, rule, plan, write)), answer_ns)
    stages = tuple((after - before) / NS_PER_MS for before, after in pairwise(times))
    computed_ms = (row.cpu_ns - read.cpu_ns + write.cpu_ns - book.cpu_ns) / NS_PER_MS
    return Answer(stages, computed_ms, (write.at_ns - read.at_ns) / NS_PER_MS - computed_ms)


def _next(marks: Sequence[Mark], kind: Kind, from_ns: int) -> Mark | None:
    return next((mark for mark in marks if mark.kind is kind and mark.at_ns >= from_ns), None)
