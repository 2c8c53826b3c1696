"""The record: a row for each thing worth keeping, and what is written along with it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from risk_actors import messages as m
from risk_actors.runtime.tape import Note


class Entry(NamedTuple):
    """One row of the record."""

    at_ns: int
    correlation_id: str
    kind: str
    account_id: int | None
    text: str
    message: m.Message


class Batch(NamedTuple):
    """What is written in one transaction: all of it, or nothing."""

    entries: Sequence[Entry] = ()
    """In the order in which the journal was told."""
    memories: Sequence[m.RuleStateChanged] = ()
    """What rules remember, the newest of each rule and account."""
    accounts: Sequence[m.AccountUpdated] = ()
    """Where accounts stand, the newest of each."""
    tape: Mapping[str, Sequence[Note]] = MappingProxyType({})
    """What judging actors were given, by address; who is sent to comes before who sends."""
    tape_lost: int = 0
    """Notes that are missing before those; what follows in this run cannot be replayed."""
    alive_ns: int = 0
    """When it was put together, by our clock."""


class JournalStore(Protocol):
    """Where the record is kept. Opened, used and closed in the actor's own thread."""

    def write(self, batch: Batch) -> None:
        """Commit a batch.

        Raises:
            Exception: nothing of it was committed.
        """

    def tidy(self, now_ns: int) -> bool:
        """Do one small step of dropping what is too old; tell whether more is left to do."""

    def close(self) -> None:
        """Note that the run ended with the last batch, and close the store."""
