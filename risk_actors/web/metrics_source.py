"""Where metrics are read from: all of it is there already, and read when somebody asks."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from risk_actors.actors.picture import Picture
from risk_actors.actors.tally import Tally
from risk_actors.projectx.budget import BudgetState
from risk_actors.runtime.topology import MailboxStats

NAMESPACE = "risk_actors_"


class Counted(NamedTuple):
    """What was counted of the actors since the process began; each may be called by any thread."""

    tally: Tally
    mailboxes: Callable[[], Sequence[MailboxStats]]
    """By address, with what actors counted in whose place there are others now."""
    dead_letters: Callable[[], Mapping[str, int]]
    """By address."""
    times_made: Callable[[], int]
    """How often all actors were made."""


class MetricsSource(NamedTuple):
    """Everything that `GET /metrics` shows; each may be called by any thread."""

    picture: Callable[[], Picture]
    counted: Counted
    budget: Callable[[], BudgetState | None]
    quotes_told: Callable[[], tuple[int, int | None]]
    """How many quotes the market hub told, and when (ns of UTC) last."""
    now_ns: Callable[[], int]
    wrong: Callable[[], Sequence[str]]
    """What is wrong with the process, in words; nothing while it is alive and well."""
    stale: Callable[[], Sequence[str]]
    """Why the picture may be old, in words; nothing while it is painted."""
    with_pnl: bool = False
    """Whether balances and P&L are shown too."""
