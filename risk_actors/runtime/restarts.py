"""When a failed actor is made anew, with whom, after what pause, and when it is given up.

Policies are data and the decisions are pure, so that the supervisor, which runs threads, and the
stepped scheduler, which runs none, restart in the same way.
"""

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S

MAX_RESTARTS = 5
"""More failures than this within the window and the actor is given up."""
RESTART_WINDOW_NS = 30 * NS_PER_S
FIRST_PAUSE_NS = NS_PER_S // 20
"""Before the second restart within the window; it doubles from there."""
LONGEST_PAUSE_NS = NS_PER_S
STOP_TIMEOUT_S = 2.0
"""How long an actor may take to end; after that it is left behind."""
MAX_REPLACEMENTS = 2
"""An actor that gets stuck more often than this is given up: each one leaves a thread behind that
may never end, and that may take half of the processor for as long as it runs."""
REPLACEMENTS_WINDOW_NS = 600 * NS_PER_S
MAX_LEFT_BEHIND = 5
"""With so many threads left behind that have not ended, no further one is risked."""


class WhenGivenUp(StrEnum):
    """What becomes of the work of an actor that failed too often."""

    REMAKE = "remake"
    """Protection lacks it: whoever owns the supervisor has to make all actors anew."""
    FAIL_CLOSED = "fail_closed"
    """An actor at its address says that it does nothing, and is tried again after growing gaps."""
    DO_WITHOUT = "do_without"
    """Protection goes on without it."""


class WhenStuck(StrEnum):
    """What is done about an actor whose handler does not come back."""

    REPLACE = "replace"
    """It is abandoned and muted, and another begins with a state of its own."""
    REPORT = "report"
    """It holds what no other may touch (the store, a command half sent): only the end of the
    process lets go of that."""


class RestartPolicy(NamedTuple):
    """How the actors of one kind are looked after."""

    max_restarts: int = MAX_RESTARTS
    window_ns: int = RESTART_WINDOW_NS
    first_pause_ns: int = FIRST_PAUSE_NS
    longest_pause_ns: int = LONGEST_PAUSE_NS
    stop_timeout_s: float = STOP_TIMEOUT_S
    brings: tuple[str, ...] = ()
    """Kinds that are stopped before it is made anew, the last started first, and started after."""
    given_up: WhenGivenUp = WhenGivenUp.REMAKE
    stuck: WhenStuck = WhenStuck.REPORT
    max_replacements: int = MAX_REPLACEMENTS
    tried_again_after_ns: tuple[int, ...] = ()
    """Gaps after which one that fails closed is tried again; the last one holds from there on."""
    is_needed: bool = True
    """Whether an account is less protected without it."""
    handles_every_ns: int | None = None
    """It has to handle something at least this often, or it is not well; None where it may idle."""


class Restart(NamedTuple):
    """Make it anew."""

    pause_ns: int
    """How long to wait before, so that whatever made it fail may pass."""
    brings: tuple[str, ...]
    """Addresses that go down before it and come up after it, in the order to start."""


class GiveUp(NamedTuple):
    """Do not make it anew as it was."""

    how: WhenGivenUp
    detail: str


type Decision = Restart | GiveUp


class _Standing:
    """What is remembered of one address."""

    def __init__(self, kind: str, policy: RestartPolicy) -> None:
        self.kind = kind
        self.policy = policy
        self.failed_ns: deque[int] = deque()
        self.replaced_ns: deque[int] = deque()
        self.is_closed = False
        """Whether what stands there now only says that nothing is done."""
        self.tries = 0
        """How often it was tried again without lasting."""
        self.try_ns: int | None = None
        self.tried_ns: int | None = None


class RestartBook:
    """Remembers failures and decides; `now_ns` never steps back."""

    def __init__(self, resync: Sequence[str] = ()) -> None:
        """Take the kinds of actors that can say again what is true."""
        self._resync = tuple(resync)
        self._standing: dict[str, _Standing] = {}

    def add(self, address: str, kind: str, policy: RestartPolicy) -> None:
        """Take an actor; in the order to start."""
        self._standing[address] = _Standing(kind, policy)

    def policy(self, address: str) -> RestartPolicy:
        """Return how an actor is looked after."""
        return self._standing[address].policy

    def is_closed(self, address: str) -> bool:
        """Tell whether what stands at an address only says that nothing is done there."""
        return self._standing[address].is_closed

    def to_resync(self) -> tuple[str, ...]:
        """Return who says again what is true once somebody was made anew."""
        return tuple(a for a, each in self._standing.items() if each.kind in self._resync)

    def failed(self, address: str, now_ns: int, left_behind: int = 0) -> Decision:
        """Decide on an actor that failed; the arguments are those of `stuck`."""
        standing = self._standing[address]
        policy, failed_ns = standing.policy, standing.failed_ns
        if standing.is_closed:
            return GiveUp(WhenGivenUp.REMAKE, "failed even where it had only to say that it fails")
        if left_behind >= MAX_LEFT_BEHIND:
            return self._give_up_for_good(standing, "failed", left_behind, now_ns)
        failed_ns.append(now_ns)
        while now_ns - failed_ns[0] > policy.window_ns:
            failed_ns.popleft()
        if standing.tried_ns is not None:
            if now_ns - standing.tried_ns <= policy.window_ns:
                return self._give_up(standing, "failed again when it was tried", now_ns)
            standing.tried_ns, standing.tries = None, 0
        if len(failed_ns) > policy.max_restarts:
            window_s = policy.window_ns // NS_PER_S
            detail = f"failed {len(failed_ns)} times within {window_s} s"
            return self._give_up(standing, detail, now_ns)
        again = len(failed_ns) - 1
        pause_ns = policy.first_pause_ns << (again - 1) if again else 0
        return Restart(min(pause_ns, policy.longest_pause_ns), self.brings(address))

    def may_be_replaced(self, address: str) -> bool:
        """Tell whether another may begin beside an actor that does not end."""
        return self._standing[address].policy.stuck is WhenStuck.REPLACE

    def stuck(self, address: str, now_ns: int, left_behind: int) -> Decision:
        """Decide on an actor that was stuck and may be replaced.

        Args:
            address: whose.
            now_ns: the present.
            left_behind: how many threads of actors at this address still run, that one's included.
        """
        standing = self._standing[address]
        policy, replaced_ns = standing.policy, standing.replaced_ns
        if standing.is_closed:
            return GiveUp(WhenGivenUp.REMAKE, "was stuck where it had only to say that it fails")
        if left_behind >= MAX_LEFT_BEHIND:
            return self._give_up_for_good(standing, "was stuck", left_behind, now_ns)
        if standing.tried_ns is not None:
            if now_ns - standing.tried_ns <= REPLACEMENTS_WINDOW_NS:
                return self._give_up(standing, "was stuck again when it was tried", now_ns)
            standing.tried_ns, standing.tries = None, 0
        replaced_ns.append(now_ns)
        while now_ns - replaced_ns[0] > REPLACEMENTS_WINDOW_NS:
            replaced_ns.popleft()
        if len(replaced_ns) > policy.max_replacements:
            detail = (
                f"was stuck {len(replaced_ns)} times within {REPLACEMENTS_WINDOW_NS // NS_PER_S} s"
            )
            return self._give_up(standing, detail, now_ns)
        return Restart(0, ())

    def due(self, now_ns: int) -> list[str]:
        """Return who is to be tried again now."""
        due = [
            address
            for address, standing in self._standing.items()
            if standing.try_ns is not None and standing.try_ns <= now_ns
        ]
        for address in due:
            standing = self._standing[address]
            standing.is_closed, standing.try_ns, standing.tried_ns = False, None, now_ns
        return due

    def _give_up_for_good(
        self, standing: _Standing, what: str, left_behind: int, now_ns: int
    ) -> GiveUp:
        detail = f"{what}, and {left_behind} of its threads do not end"
        return self._give_up(standing, detail, now_ns, is_final=True)

    def _give_up(
        self, standing: _Standing, detail: str, now_ns: int, *, is_final: bool = False
    ) -> GiveUp:
        policy = standing.policy
        standing.failed_ns.clear()
        standing.replaced_ns.clear()
        standing.tried_ns = None
        standing.is_closed = policy.given_up is WhenGivenUp.FAIL_CLOSED
        if standing.is_closed and is_final:
            detail += "; not tried again before the program restarts"
        elif standing.is_closed and policy.tried_again_after_ns:
            gaps_ns = policy.tried_again_after_ns
            gap_ns = gaps_ns[min(standing.tries, len(gaps_ns) - 1)]
            standing.tries += 1
            standing.try_ns = now_ns + gap_ns
            detail += f"; tried again in {gap_ns // NS_PER_S} s"
        return GiveUp(policy.given_up, detail)

    def brings(self, address: str) -> tuple[str, ...]:
        """Return who goes down and comes up with an actor, in the order to start."""
        kinds = self._standing[address].policy.brings
        return tuple(a for a, each in self._standing.items() if each.kind in kinds and a != address)
