"""One outstanding command at most: the state machine behind every close, cancel and move (I2).

Everything that moves a slot is in the table below. A slot is free again only when the command's
effect was seen, when the broker refused it, or when a snapshot asked for afterwards shows that it
did not happen; "accepted" alone frees nothing (I3). An event that the table does not list for a
state is a fault in the caller: it raises, and the slot stays as it was.
"""

from enum import StrEnum

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S


class SlotState(StrEnum):
    """Where a command stands."""

    IDLE = "idle"
    """Nothing is outstanding."""
    SENT = "sent"
    """Handed to the gateway, not answered."""
    ACCEPTED = "accepted"
    """The broker took it; its effect has not been seen."""
    UNCERTAIN = "uncertain"
    """It may or may not have happened; a snapshot will tell."""
    WAITING = "waiting"
    """It did not happen; to be tried again when due."""


class SlotEvent(StrEnum):
    """What moves a slot."""

    SEND = "send"
    ACCEPT = "accept"
    REFUSE = "refuse"
    DOUBT = "doubt"
    """No answer, an answer that settles nothing, or no effect in time."""
    SEEN = "seen"
    """The effect was observed."""
    NOT_SEEN = "not_seen"
    """A snapshot asked for after the doubt shows that it did not happen."""
    PENDING = "pending"
    """Such a snapshot shows the broker still working on it."""
    DUE = "due"
    """The time to try again has come."""
    OVERTAKE = "overtake"
    """A flatten takes the place of a reduction that had its 3 seconds."""


class IllegalTransitionError(Exception):
    """An event that the table does not list for the state."""


_S, _E = SlotState, SlotEvent

TRANSITIONS: dict[SlotState, dict[SlotEvent, SlotState]] = {
    _S.IDLE: {_E.SEND: _S.SENT},
    _S.SENT: {
        _E.ACCEPT: _S.ACCEPTED,
        _E.REFUSE: _S.WAITING,
        _E.DOUBT: _S.UNCERTAIN,
        _E.SEEN: _S.IDLE,
        _E.OVERTAKE: _S.IDLE,
    },
    _S.ACCEPTED: {_E.SEEN: _S.IDLE, _E.DOUBT: _S.UNCERTAIN, _E.OVERTAKE: _S.IDLE},
    _S.UNCERTAIN: {
        # A late answer: acceptance tells nothing new, refusal settles the doubt.
        _E.ACCEPT: _S.UNCERTAIN,
        _E.DOUBT: _S.UNCERTAIN,
        _E.REFUSE: _S.WAITING,
        _E.SEEN: _S.IDLE,
        _E.NOT_SEEN: _S.WAITING,
        _E.PENDING: _S.ACCEPTED,
        _E.OVERTAKE: _S.IDLE,
    },
    _S.WAITING: {_E.DUE: _S.IDLE, _E.SEEN: _S.IDLE, _E.OVERTAKE: _S.IDLE},
}

ANSWER_TIMEOUT_NS = 3 * NS_PER_S
"""A command without an answer for this long is uncertain."""
EFFECT_TIMEOUT_NS = 1 * NS_PER_S
"""An accepted command whose effect is not seen for this long is looked into."""
RETRY_AFTER_NS = tuple(int(s * NS_PER_S) for s in (0.5, 1, 2, 4, 8, 15, 30))
"""Pause before the second, third, … attempt; the last one repeats."""
RETRY_LASTING_AFTER_NS = tuple(int(s * NS_PER_S) for s in (5, 30, 60, 120))
"""The same where the broker refuses the account as a whole."""


class CommandSlot:
    """The one command that may be outstanding for a contract's close, an order's cancel or move."""

    def __init__(self) -> None:
        self.state = SlotState.IDLE
        self.attempts = 0
        """Commands sent since an effect was last seen."""
        self.command_id = 0
        self.changed_ns = 0
        self.due_ns = 0
        self.look_ns = 0
        """When doubt is worth a snapshot: at once, or after the event that explains it is due."""
        self.correlation_id = ""
        """What the command was sent for, where that is not the enforcement under way."""
        self.refusal: str | None = None
        """What the broker last said against it."""
        self.refusal_lasts = False
        """Whether that was said of the account as a whole."""
        self._looks = 0

    @property
    def is_outstanding(self) -> bool:
        """Whether a command may still take effect."""
        return self.state in (SlotState.SENT, SlotState.ACCEPTED, SlotState.UNCERTAIN)

    def is_refuted_by(self, state: AccountState) -> bool:
        """Tell whether a snapshot asked for after the doubt has come, and so settles it."""
        return self.state is SlotState.UNCERTAIN and state.snapshot_asked_ns > self.changed_ns

    def apply(self, event: SlotEvent, now_ns: int) -> None:
        """Move by an event.

        Raises:
            IllegalTransitionError: the table lists no such move; the slot is unchanged.
        """
        following = TRANSITIONS[self.state].get(event)
        if following is None:
            raise IllegalTransitionError(f"{event.value} in state {self.state.value}")
        if event is SlotEvent.SEND:
            self.attempts += 1
            self._looks = 0
        elif event is SlotEvent.PENDING:
            self._looks += 1
        elif event is SlotEvent.SEEN:
            self.attempts = 0
            self.refusal = None
            self.refusal_lasts = False
        elif event is SlotEvent.DOUBT:
            self.look_ns = now_ns
        elif following is SlotState.WAITING:
            self.due_ns = now_ns + self._pause_ns(event)
        if following is not self.state:
            self.changed_ns = now_ns
        self.state = following

    def _effect_timeout_ns(self) -> int:
        """Return how long to wait for an effect: longer each time it was found still pending."""
        longer_ns = RETRY_AFTER_NS[min(self._looks, len(RETRY_AFTER_NS) - 1)]
        return max(EFFECT_TIMEOUT_NS, longer_ns)

    def _pause_ns(self, event: SlotEvent) -> int:
        """Return how long to wait before the next attempt.

        The first command that turns out not to have happened is repeated at once: the doubt took
        its time already.
        """
        if event is SlotEvent.NOT_SEEN and self.attempts == 1:
            return 0
        lasts = event is SlotEvent.REFUSE and self.refusal_lasts
        pauses_ns = RETRY_LASTING_AFTER_NS if lasts else RETRY_AFTER_NS
        return pauses_ns[min(self.attempts, len(pauses_ns)) - 1]

    def run_clock(self, now_ns: int) -> None:
        """Let time pass: no answer, no effect, or time to try again."""
        waited_ns = now_ns - self.changed_ns
        if (self.state is SlotState.SENT and waited_ns >= ANSWER_TIMEOUT_NS) or (
            self.state is SlotState.ACCEPTED and waited_ns >= self._effect_timeout_ns()
        ):
            self.apply(SlotEvent.DOUBT, now_ns)
        elif self.state is SlotState.WAITING and now_ns >= self.due_ns:
            self.apply(SlotEvent.DUE, now_ns)
