"""What rule actors send."""

from risk_actors.core.rules.measure import Measure
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.verdict import Breached, StopMove, Verdict, Warned
from risk_actors.messages.base import Message


class VerdictChanged(Message, frozen=True, kw_only=True):
    """A rule's verdict on an account, sent when it changes; for show and record only."""

    rule_id: str
    rule_type: str
    mode: str
    account_id: int
    verdict: Verdict
    measure: Measure
    is_waived: bool = False
    """Whether an unlock waived what is found: it is not enforced again."""
    next_cause_ns: int | None = None
    """Once broken, before when the rule finds nothing else; None where that may be at any time."""


class WarningRaised(Message, frozen=True, kw_only=True):
    """A rule warns: once a day for each fraction of its limit."""

    rule_id: str
    account_id: int
    warned: Warned
    event: Message


class ShadowBreachFound(Message, frozen=True, kw_only=True):
    """A rule in shadow is broken, once per cause: what would have been done, and is not."""

    rule_id: str
    account_id: int
    breach: Breached
    event: Message


class StopMovesWanted(Message, frozen=True, kw_only=True):
    """A rule wants stops moved toward less risk; told again when it wants others."""

    rule_id: str
    account_id: int
    moves: tuple[StopMove, ...]
    event: Message


class ShadowStopMoves(Message, frozen=True, kw_only=True):
    """A rule in shadow would have had these stops moved; nothing is sent."""

    rule_id: str
    account_id: int
    moves: tuple[StopMove, ...]
    event: Message


class RuleStateChanged(Message, frozen=True, kw_only=True):
    """What a rule remembers of an account changed and is to outlive the process (I5)."""

    rule_id: str
    rule_type: str
    account_id: int
    memory: RuleMemory

    @property
    def conflation_key(self) -> str:
        """Only the newest is worth writing."""
        return f"state {self.rule_id} {self.account_id}"


class BreachFound(Message, frozen=True, kw_only=True):
    """An enforced rule is broken, once per cause."""

    rule_id: str
    account_id: int
    breach: Breached
    event: Message
    """What the rule was shown: the broker event at the head of the chain (I9)."""
    is_repeat: bool = False
    """Whether it was found before, and is told to who may not know of it any more."""


class BreachEnded(Message, frozen=True, kw_only=True):
    """A rule that asked for a reduction is kept again; what is left of it is not wanted."""

    rule_id: str
    account_id: int


class ConditionEnded(Message, frozen=True, kw_only=True):
    """What a rule's locks on an account were waiting for has come."""

    rule_id: str
    account_id: int
