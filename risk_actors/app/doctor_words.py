"""What the doctor says of one thing it looked at."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec


class State(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and something about it is wise to change."""
    FAILED = "failed"
    """The guard does not start with it, or does not protect."""
    NOT_CHECKED = "not checked"
    """Nobody knows."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's."""

    id: str
    """For programs; the page shows `title`."""
    title: str
    state: State
    says: str
    """What was found; never a credential."""
    todo: str | None = None
    """What to do; None only where all is well."""


class Finding(NamedTuple):
    """What a judgement makes of what was found."""

    state: State
    says: str
    todo: str | None = None


class Unseen(NamedTuple):
    """What a probe gives when it could not be made."""

    why: str
    todo: str = "nothing is known of it; look at it yourself"


def fine(says: str) -> Finding:
    """Return that all is well."""
    return Finding(State.OK, says)


def warning(says: str, todo: str) -> Finding:
    """Return that it works, and what would be better."""
    return Finding(State.WARNING, says, todo)


def failed(says: str, todo: str) -> Finding:
    """Return that it does not work, and what to do."""
    return Finding(State.FAILED, says, todo)


def judged[T](id_: str, title: str, found: T | Unseen, judge: Callable[[T], Finding]) -> Check:
    """Return the line of what was found; what could not be looked at is never well."""
    if isinstance(found, Unseen):
        state, says, todo = Finding(State.NOT_CHECKED, found.why, found.todo)
    else:
        state, says, todo = judge(found)
    return Check(id=id_, title=title, state=state, says=says, todo=todo)
