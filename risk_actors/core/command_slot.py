"""One outstanding command at most: the state machine behind every close, cancel and move (I2).

Everything that moves a slot is in the table below. A slot is free again only when the command's
effect was seen, when the broker refused it, or when a snapshot asked for afterwards shows that it
did not happen; "accepted" alone frees nothing (I3). An event that the table does not list for a
state is a fault in the caller: it raises, and the slot stays as it was.
"""

from collections import Counter
from enum import StrEnum

from risk_actors.core.account_state import AccountState
from risk_actors.core.commands import Answer, Outcome, Refusal
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.retry_pace import (
    LOOK_AFTER_NS,
    LOOK_HURRIES_TIMES,
    RETRY_AFTER_NS,
    TURNED_AWAY,
    pause_ns,
)


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
    UNDONE = "undone"
    """The broker turned it away before looking at it, so that it certainly did not happen."""
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
        _E.UNDONE: _S.WAITING,
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
        _E.UNDONE: _S.WAITING,
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
TURNED_AWAY_FOR_CERTAIN_NS = 15 * NS_PER_S
"""What must not happen twice and was turned away is believed to be undone, without a look, then."""
EXPLAINED_WITHIN_NS = NS_PER_S * 3 // 10
"""\"There is nothing to close or cancel\": the event that says why is on its way this long."""
NO_SUCH_THING = "the broker says that there is no such thing any more, and still lists it"
"""What is doubtful about such an answer while the account shows what was to go."""


class CommandSlot:
    """The one command that may be outstanding for a contract's close, an order's cancel or move."""

    def __init__(self) -> None:
        self.state = SlotState.IDLE
        self.attempts = 0
        """Commands sent since an effect was last seen."""
        self.command_id = 0
        self.tried_ns = 0
        """When a command was last sent; 0 before the first."""
        self.changed_ns = 0
        self.due_ns = 0
        self.look_ns = 0
        """When doubt is worth a snapshot: at once, or after the event that explains it is due."""
        self.correlation_id = ""
        """What the command was sent for, where that is not the enforcement under way."""
        self.reason: Refusal | None = None
        """Why the last command did not happen, where that was said."""
        self.refusal: str | None = None
        """What the broker last said against it."""
        self.doubt: str | None = None
        """What was unclear about its answer; None where there was none."""
        self.was_accepted = False
        """Whether the broker said that it took the last command."""
        self.was_in_vain = False
        """Whether the broker took a command and did not carry it out, since an effect was seen."""
        self.turned_away_for: Refusal | None = None
        """Why the command in doubt was turned away, as far as the answer can be believed."""
        self._refused: Counter[Refusal] = Counter()
        self._is_look_due = False
        self._looks = 0

    @property
    def is_outstanding(self) -> bool:
        """Whether a command may still take effect."""
        return self.state in (SlotState.SENT, SlotState.ACCEPTED, SlotState.UNCERTAIN)

    def is_refuted_by(self, state: AccountState) -> bool:
        """Tell whether a snapshot asked for after the doubt has come, and so settles it."""
        return self.state is SlotState.UNCERTAIN and state.snapshot_asked_ns > self.changed_ns

    def wants_look(self, now_ns: int) -> bool:
        """Tell whether only a snapshot can say how the command went, or whether to repeat it."""
        in_doubt = self.state is SlotState.UNCERTAIN or self._is_look_due
        return in_doubt and self.look_ns <= now_ns

    def take(self, outcome: Outcome, now_ns: int) -> None:
        """Take the answer to the command that is outstanding."""
        match outcome.answer:
            case Answer.ACCEPTED:
                if self.state is not SlotState.ACCEPTED:
                    self.apply(SlotEvent.ACCEPT, now_ns)
            case Answer.REFUSED:
                if self.state is SlotState.ACCEPTED:
                    self.apply(SlotEvent.DOUBT, now_ns)
                self._note_reason(outcome)
                self.apply(SlotEvent.REFUSE, now_ns)
            case Answer.GONE:
                self.apply(SlotEvent.DOUBT, now_ns)
                self.doubt = NO_SUCH_THING
                self.look_ns = now_ns + EXPLAINED_WITHIN_NS
            case Answer.UNCERTAIN if self._is_undone(outcome):
                self._note_reason(outcome)
                self.apply(SlotEvent.UNDONE, now_ns)
            case Answer.UNCERTAIN:
                self.apply(SlotEvent.DOUBT, now_ns)
                self.doubt = outcome.detail
                self.turned_away_for = outcome.reason if outcome.is_undone else None

    def _is_undone(self, outcome: Outcome) -> bool:
        is_certain = self.may_be_repeated or outcome.reason is Refusal.UNREACHABLE
        # Its order was seen at work, so it did happen whatever a late answer says.
        was_seen = self.was_accepted or self.state is SlotState.ACCEPTED
        return outcome.is_undone and is_certain and not was_seen

    @property
    def may_be_repeated(self) -> bool:
        """Whether sending it twice does no more than sending it once.

        What is turned away (401, 429) has not happened; but something in between may answer so
        after the broker has executed it. A full close, a cancel and a move are the same thing
        twice, so they need not wait for a look. A close under a flatten stays right even if the
        trader entered again in between.
        """
        return True

    def _note_reason(self, outcome: Outcome) -> None:
        self.reason = outcome.reason or Refusal.OTHER
        # What we did not send, the broker has not refused.
        is_ours = self.reason is Refusal.DISARMED
        self.refusal = None if is_ours else outcome.detail or "no reason given"

    def apply(self, event: SlotEvent, now_ns: int) -> None:
        """Move by an event.

        Raises:
            IllegalTransitionError: the table lists no such move; the slot is unchanged.
        """
        following = TRANSITIONS[self.state].get(event)
        if following is None:
            raise IllegalTransitionError(f"{event.value} in state {self.state.value}")
        match event:
            case SlotEvent.SEND:
                self._begin(now_ns)
            case SlotEvent.ACCEPT:
                self.was_accepted = True
            case SlotEvent.PENDING:
                self._looks += 1
            case SlotEvent.SEEN:
                self._forget()
            case SlotEvent.DOUBT:
                self.look_ns = now_ns
                self.reason = self.refusal = None
            case SlotEvent.REFUSE | SlotEvent.UNDONE | SlotEvent.NOT_SEEN:
                self.was_in_vain |= self.was_accepted
                self.due_ns = now_ns + self._pause_ns(event)
                self._plan_look(event, now_ns)
            case _:
                pass
        if following is not self.state:
            self.changed_ns = now_ns
        self.state = following

    def _begin(self, now_ns: int) -> None:
        self.attempts += 1
        self.tried_ns = now_ns
        self.doubt = self.turned_away_for = None
        self.was_accepted = self._is_look_due = False
        self._looks = 0

    def _forget(self) -> None:
        self.attempts = 0
        self.reason = self.refusal = self.doubt = None
        self.was_in_vain = self._is_look_due = False
        self._refused.clear()

    def _plan_look(self, event: SlotEvent, now_ns: int) -> None:
        after_ns = None if self.reason is None else LOOK_AFTER_NS.get(self.reason)
        self._is_look_due = event is not SlotEvent.NOT_SEEN and after_ns is not None
        self.look_ns = now_ns + (after_ns or 0)

    def observe_look(self, state: AccountState, now_ns: int) -> None:
        """Take a snapshot that shows that what was refused has still to be done."""
        if not self._is_look_due or state.snapshot_asked_ns <= self.changed_ns:
            return
        self._is_look_due = False
        reason = self.reason
        # Too many requests are not fewer because one of them was answered.
        if self.state is not SlotState.WAITING or reason is None or reason is Refusal.BUSY:
            return
        if self._refused[reason] <= LOOK_HURRIES_TIMES:
            self.apply(SlotEvent.DUE, now_ns)

    def let_in_again(self, now_ns: int) -> None:
        """Take that the broker has just let the account trade again."""
        if self.state is SlotState.WAITING and self.reason is Refusal.ACCOUNT:
            self._refused.clear()
            self.apply(SlotEvent.DUE, now_ns)

    def hurry(self, now_ns: int) -> None:
        """Let what waits go at once."""
        if self.state is SlotState.WAITING:
            self.apply(SlotEvent.DUE, now_ns)

    @property
    def was_turned_away(self) -> bool:
        """Whether the broker did not look at the last command at all."""
        return self.state is SlotState.WAITING and self.reason in TURNED_AWAY

    def _effect_timeout_ns(self) -> int:
        """Return how long to wait for an effect: longer each time it was found still pending."""
        longer_ns = RETRY_AFTER_NS[min(self._looks, len(RETRY_AFTER_NS) - 1)]
        return max(EFFECT_TIMEOUT_NS, longer_ns)

    def _pause_ns(self, event: SlotEvent) -> int:
        """Return how long to wait before the next attempt.

        The first command that turns out not to have happened is repeated at once: the doubt took
        its time already.
        """
        if event is SlotEvent.NOT_SEEN:
            self.reason, self.refusal = self.turned_away_for, None
        if event is SlotEvent.NOT_SEEN and self.reason is None:
            return 0 if self.attempts == 1 else pause_ns(Refusal.OTHER, 0, self.attempts)
        reason = self.reason or Refusal.OTHER
        self._refused[reason] += 1
        return pause_ns(reason, self._refused[reason], self.attempts)

    def run_clock(self, now_ns: int) -> None:
        """Let time pass: no answer, no effect, or time to try again."""
        waited_ns = now_ns - self.changed_ns
        if (self.state is SlotState.SENT and waited_ns >= ANSWER_TIMEOUT_NS) or (
            self.state is SlotState.ACCEPTED and waited_ns >= self._effect_timeout_ns()
        ):
            self.apply(SlotEvent.DOUBT, now_ns)
        elif (
            self.state is SlotState.UNCERTAIN
            and self.turned_away_for is not None
            and waited_ns >= TURNED_AWAY_FOR_CERTAIN_NS
        ):
            self.apply(SlotEvent.NOT_SEEN, now_ns)
        elif self.state is SlotState.WAITING and now_ns >= self.due_ns:
            self.apply(SlotEvent.DUE, now_ns)
