"""What the plan of one account was told and still holds, and when a plan that broke is made anew.

A plan that raised may be broken for good, and one that takes its place may break on the same thing.
The other accounts have nothing to do with it, so the actor goes on; the account's new plan is told
again what is in force, and looks at the broker before it sends anything.
"""

from collections.abc import Iterator

from risk_actors import messages as m
from risk_actors.core.evidence import NS_PER_S

ANEW_AFTER_NS = tuple(s * NS_PER_S for s in (0.1, 1, 2, 5, 10, 20, 30))
"""From the first, second, … failure to the next plan; the last one repeats."""
WELL_AFTER_NS = 300 * NS_PER_S
"""A plan that did not fail for so long is well, and the gaps begin anew."""

type Standing = m.LocksChanged | m.BreachFound | m.StopMovesWanted


class PlanNotes:
    """The notes of one account."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], Standing] = {}
        self._failures = 0
        self._failed_ns = 0
        self._due_ns: int | None = None

    @property
    def standing(self) -> Iterator[Standing]:
        """What is in force, locks first: what they keep is known before a rule asks for more."""
        yield from sorted(
            self._standing.values(), key=lambda told: not isinstance(told, m.LocksChanged)
        )

    def take(self, message: object) -> None:
        """Note what a message puts in force, or ends."""
        if isinstance(message, m.AccountUpdated):
            return  # most are, and the plan itself takes them
        match message:
            case m.LocksChanged():
                self._standing["locks", ""] = message
            case m.BreachFound(rule_id=rule_id):
                self._standing["breach", rule_id] = message
            case m.BreachEnded(rule_id=rule_id):
                self._standing.pop(("breach", rule_id), None)
            case m.StopMovesWanted(rule_id=rule_id):
                self._standing["moves", rule_id] = message
            case _:
                pass

    def ended(self) -> None:
        """Take that an enforcement has ended: what breaches wanted has been seen to be done.

        Told again to a later plan it would take what the trader may have opened since.
        """
        self._standing = {
            key: told for key, told in self._standing.items() if not isinstance(told, m.BreachFound)
        }

    def failed(self, now_ns: int) -> int:
        """Take that the plan raised; return how long to wait before a new one is made, in ns."""
        if now_ns - self._failed_ns >= WELL_AFTER_NS:
            self._failures = 0
        self._failed_ns = now_ns
        gap_ns = int(ANEW_AFTER_NS[min(self._failures, len(ANEW_AFTER_NS) - 1)])
        self._failures += 1
        self._due_ns = now_ns + gap_ns
        return gap_ns

    def is_due(self, now_ns: int) -> bool:
        """Tell whether a new plan may be made now."""
        # On a clock that was set back the wait must not become long.
        longest_ns = ANEW_AFTER_NS[-1]
        return self._due_ns is None or not 0 < self._due_ns - now_ns <= longest_ns
