"""A brake on ourselves: many commands that change nothing at the broker mean something is wrong.

So many commands within a minute without a change of the broker's state (`broker_changes` tells
what counts as one), and sending pauses. First for a moment only, because what a burst changes is
seen a round trip later; then aloud. From then on a small probe is let through after each gap, and
the gaps grow. A change of the broker's state releases the brake and the count starts anew.

Everything that moves the brake is in the table below.

- At most `limit` commands go out in any minute without a change (I6). Two of them are kept for the
  probes of the first minute, which are one command each.
- The probes never stop (I3).

Which commands share a brake, and so what the bound of an account is, `command_gate` tells.
"""

from collections import deque
from enum import StrEnum

from risk_actors.core.evidence import NS_PER_S

WINDOW_NS = 60 * NS_PER_S
PATIENCE_NS = 3 * NS_PER_S
"""So long the effects of a burst are waited for before anything is said."""
GAPS_NS = tuple(s * NS_PER_S for s in (10, 20, 40, 80, 160, 300))
"""From the first command of a probe to the next probe; the last one repeats."""
PROBE_COMMANDS = 4
KEPT_FOR_PROBES = 2


class BrakeState(StrEnum):
    """Whether commands may be sent."""

    FREE = "free"
    HELD = "held"
    """The count is full; what the last commands change may still be on its way."""
    BRAKED = "braked"


class BrakeEvent(StrEnum):
    """What moves the brake."""

    FULL = "full"
    """A command is wanted and the count is full."""
    UNCHANGED = "unchanged"
    """The wait for effects is over."""
    CHANGED = "changed"
    """The broker's state changed."""
    IDLE = "idle"
    """For long nothing was wanted although it could have been sent."""


TRANSITIONS: dict[BrakeState, dict[BrakeEvent, BrakeState]] = {
    BrakeState.FREE: {
        BrakeEvent.FULL: BrakeState.HELD,
        BrakeEvent.CHANGED: BrakeState.FREE,
    },
    BrakeState.HELD: {
        BrakeEvent.FULL: BrakeState.HELD,
        BrakeEvent.UNCHANGED: BrakeState.BRAKED,
        BrakeEvent.CHANGED: BrakeState.FREE,
        BrakeEvent.IDLE: BrakeState.FREE,
    },
    BrakeState.BRAKED: {
        BrakeEvent.FULL: BrakeState.BRAKED,
        BrakeEvent.CHANGED: BrakeState.FREE,
        BrakeEvent.IDLE: BrakeState.FREE,
    },
}
"""An event that is not listed for a state does nothing to it."""


class Brake:
    """The brake of commands that are counted together."""

    def __init__(self, limit: int) -> None:
        """Take how many commands may go out in a minute without any change; at least 1."""
        self._limit = limit
        self._free_limit = max(limit - KEPT_FOR_PROBES, 1)
        self.state = BrakeState.FREE
        self._since_ns = 0
        self._sent_ns: deque[int] = deque()
        self.is_fresh = True
        """Whether nothing was tried since the last change."""
        self._gaps = 0
        self._probe_ns: int | None = None
        self._probe_left = 0
        self.opens_ns = 0
        """While braked, when the next probe is let through."""

    @property
    def is_on(self) -> bool:
        """Whether it is braked, and not just waiting for effects."""
        return self.state is BrakeState.BRAKED

    def count(self, now_ns: int) -> int:
        """Return how many commands went out within the last minute without a change."""
        sent_ns = self._sent_ns
        # On a clock that was set back nothing may lie ahead for long.
        while sent_ns and not 0 <= now_ns - sent_ns[0] < WINDOW_NS:
            sent_ns.popleft()
        return len(sent_ns)

    def admits(self, now_ns: int) -> bool:
        """Tell whether one more command may be sent now; asking for one too many holds it."""
        if self._room(now_ns) > 0:
            return True
        self._move(BrakeEvent.FULL, now_ns)
        return False

    def note_sent(self, now_ns: int) -> None:
        """Take that a command goes out now."""
        if self.is_on and self._room(now_ns) > 0:
            if self._probe_ns != now_ns:
                self._probe_left = self._probe_size(now_ns)
                self._probe_ns = now_ns
                self.opens_ns = now_ns + self.gap_ns
                self._gaps += 1
            self._probe_left -= 1
        self._sent_ns.append(now_ns)
        self.is_fresh = False

    def take_back(self) -> None:
        """Take that the last command never left."""
        if self._sent_ns:
            self._sent_ns.pop()

    def changed(self, now_ns: int) -> bool:
        """Take a change of the broker's state; tell whether that released the brake."""
        was_on = self.is_on
        self._sent_ns.clear()
        self.is_fresh = True
        self._move(BrakeEvent.CHANGED, now_ns)
        return was_on

    def run_clock(self, now_ns: int) -> None:
        """Let time pass."""
        self._since_ns = min(self._since_ns, now_ns)
        self.opens_ns = min(self.opens_ns, now_ns + GAPS_NS[-1])
        held_ns = now_ns - self._since_ns if self.state is BrakeState.HELD else 0
        if held_ns >= WINDOW_NS or (self.is_on and now_ns - self.opens_ns >= GAPS_NS[-1]):
            self._move(BrakeEvent.IDLE, now_ns)
        elif held_ns >= PATIENCE_NS:
            self.opens_ns = self._since_ns + GAPS_NS[0]
            self._gaps, self._probe_ns = 1, None
            self._move(BrakeEvent.UNCHANGED, now_ns)

    @property
    def gap_ns(self) -> int:
        """How long the gap after the next probe is."""
        return GAPS_NS[min(self._gaps, len(GAPS_NS) - 1)]

    def _room(self, now_ns: int) -> int:
        match self.state:
            case BrakeState.FREE:
                return self._free_limit - self.count(now_ns)
            case BrakeState.HELD:
                return 0
            case BrakeState.BRAKED if now_ns == self._probe_ns:
                return self._probe_left
            case BrakeState.BRAKED:
                return self._probe_size(now_ns) if now_ns >= self.opens_ns else 0

    def _probe_size(self, now_ns: int) -> int:
        """Return how many commands a probe may have; one at least, whatever the count is."""
        return max(min(PROBE_COMMANDS, self._free_limit - self.count(now_ns)), 1)

    def _move(self, event: BrakeEvent, now_ns: int) -> None:
        following = TRANSITIONS[self.state].get(event, self.state)
        if following is not self.state:
            self._since_ns = now_ns
        self.state = following
