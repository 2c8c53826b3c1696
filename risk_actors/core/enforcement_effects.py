"""What an enforcement plan is for, and what it asks its owner to do."""

from typing import NamedTuple

from risk_actors.core.commands import Command
from risk_actors.core.verdict import Action, Flatten

RULE_BROKEN = "a rule is broken"
"""Why an enforcement began, where no lock did it."""
UNDER_LOCK = "something appeared under a lock"
"""Why it began where a lock did it."""
RESUMED = "sending is free again"
"""What ends a pause that we gave ourselves."""
STOPS = "stops"
"""What a pause serves where moves of stops alone were braked."""

FLAT = "no position and no working order in scope"
REDUCED = "no more than allowed is open"
"""What is observed at the end: everything gone, or as much as had to go."""


class AskSnapshot(NamedTuple):
    """Read the account from the broker."""

    reason: str
    correlation_id: str


class Started(NamedTuple):
    """An enforcement began."""

    cause: str
    detail: str
    correlation_id: str


class Stuck(NamedTuple):
    """An enforcement makes no progress; it goes on."""

    cause: str
    detail: str
    correlation_id: str
    took_ns: int
    next_try_ns: int | None = None
    """When the next command that waits is sent; None when none waits for a time."""


class Braked(NamedTuple):
    """We stopped ourselves, for our commands change nothing; probes go on."""

    cause: str
    detail: str
    correlation_id: str
    took_ns: int
    next_try_ns: int


class Resumed(NamedTuple):
    """The broker's state changed, so we send again."""

    cause: str
    correlation_id: str
    took_ns: int
    is_under_way: bool
    """Whether an enforcement goes on; else moves of stops alone were braked."""


class FlatObserved(NamedTuple):
    """The broker shows what was wanted."""

    cause: str
    detail: str
    correlation_id: str
    took_ns: int


type Told = Started | Stuck | Braked | Resumed | FlatObserved
"""What the trader is told."""

type Effect = Command | AskSnapshot | Told


class Goal(NamedTuple):
    """What a breach wants done; it is dropped once it is observed."""

    cause: str
    action: Action
    correlation_id: str

    def covers(self, contract_id: str) -> bool:
        """Tell whether a flatten includes a contract."""
        return isinstance(self.action, Flatten) and (
            not self.action.contract_ids or contract_id in self.action.contract_ids
        )

    def names(self, order_id: int) -> bool:
        """Tell whether this very order is to be cancelled."""
        return not isinstance(self.action, Flatten) and order_id in self.action.cancel_order_ids

    def target(self, contract_id: str) -> int | None:
        """Return the largest size that may stay in a contract; None where any may."""
        if isinstance(self.action, Flatten):
            return 0 if self.covers(contract_id) else None
        return dict(self.action.targets).get(contract_id)
