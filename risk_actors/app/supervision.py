"""How each kind of actor is looked after, as one table with the reason for each row.

What holds for all: an actor that fails is made anew at its address with the same mailbox, so only
the message that killed it is lost; then locks, breaches, P&L and the broker's state are said again
(`RESYNC`). It is given up after more than five failures in 30 s.

What is said again may be seen twice, and each receiver is built for that:
- `AccountUpdated`, after the snapshot that `gateway.out` asks for: by P&L, rules, enforcer, view;
  fills count once by their id, an equal fact moves nothing.
- `PnlUpdated` with the same figures, with P&L's next look: by rules and view.
- `BreachFound` with `is_repeat`: by enforcer (it joins what is under way), lockout (a scope is
  locked once) and the record; `StopMovesWanted` and `ConditionEnded`: by enforcer and lockout.
- `LocksChanged` with the same locks, and `NoteLocks`: by the enforcer and the session.
- Commands are never repeated by a restart: the enforcer's plans outlive it, and one whose answer
  is missing is looked into at the broker first (I2).
"""

from collections.abc import Mapping
from types import MappingProxyType

from risk_actors.actors.alerts import AlertsActor
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.gateway import OUTBOUND
from risk_actors.actors.journal import JournalActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.pnl import PnlActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.rule import RuleActor
from risk_actors.actors.timer import TimerActor
from risk_actors.actors.view import ViewActor
from risk_actors.core.evidence import NS_PER_S
from risk_actors.runtime.restarts import RestartPolicy, WhenGivenUp, WhenStuck

RESYNC: tuple[str, ...] = (LockoutActor.kind, RuleActor.kind, PnlActor.kind, OUTBOUND)
"""Who can say again what is true: locks, breaches, P&L, and the broker's state."""

TRIED_AGAIN_AFTER_NS = tuple(seconds * NS_PER_S for seconds in (30, 60, 120, 300))
"""When a rule that was given up is tried again; one that hangs each time leaves a thread behind, so
that it is not tried any more once there are too many (`restarts.MAX_LEFT_BEHIND`)."""
TIMER_SILENT_NS = 10 * NS_PER_S
"""A hundred ticks: without time no lock ends, no deadline comes and no answer is missed."""

POLICIES: Mapping[str, RestartPolicy] = MappingProxyType(
    {
        # The session outlives it, so no stream is torn down. What the enforcer decides while
        # nothing can leave would leave late and all at once: it waits too, with its plans and its
        # mailbox, and then decides by what is true by then; where it does not end in time it is
        # stuck itself, and its plans are renewed as below. Stuck, this may hold a command half
        # sent, and a second one beside it could send another after that one (I2).
        OUTBOUND: RestartPolicy(brings=(EnforcerActor.kind,), stuck=WhenStuck.REPORT),
        # Its plans outlive it, but for the one that raised; rules, lockout and broker say again
        # what is to be done. Nobody waits for its answers, so it brings nobody. Stuck, it is
        # replaced with new plans: muted, the old one can send no command any more, and the new one
        # reduces nothing before what the old one sent must have been answered.
        EnforcerActor.kind: RestartPolicy(stuck=WhenStuck.REPLACE),
        # The book outlives it and what is not in the store yet too. Stuck, it is in the middle of
        # a write that holds the store, and it is the single writer of locks: a second one could
        # not write, or would number locks twice. The enforcer goes on with the locks it was told,
        # and with breaches at once, so they stay in force until the process is started again.
        LockoutActor.kind: RestartPolicy(stuck=WhenStuck.REPORT),
        # Each judges by itself, so it brings nobody, and its memories outlive it. Given up, it
        # fails closed for the accounts it guards. Stuck, it is replaced with what it remembered.
        RuleActor.kind: RestartPolicy(
            given_up=WhenGivenUp.FAIL_CLOSED,
            stuck=WhenStuck.REPLACE,
            tried_again_after_ns=TRIED_AGAIN_AFTER_NS,
        ),
        # It begins with empty books and says so (unknown, never zero); the snapshot brings the
        # fills, the next quotes the marks. Rules keep their own state.
        PnlActor.kind: RestartPolicy(stuck=WhenStuck.REPLACE),
        # It begins with an empty book that is not reconciled, which all others take for unknown,
        # until the snapshot comes. P&L keeps its fills, and takes those of the snapshot in their
        # place.
        PositionActor.kind: RestartPolicy(stuck=WhenStuck.REPLACE),
        # Which day and week it told outlives it, so no reset is missed or told twice. Stuck, it
        # could tell a reset a second time, for what it told is shared.
        TimerActor.kind: RestartPolicy(stuck=WhenStuck.REPORT, handles_every_ns=TIMER_SILENT_NS),
        # They keep and show what was decided; protection goes on without them. Stuck, the journal
        # holds the store.
        JournalActor.kind: RestartPolicy(
            given_up=WhenGivenUp.DO_WITHOUT, stuck=WhenStuck.REPORT, is_needed=False
        ),
        ViewActor.kind: RestartPolicy(
            given_up=WhenGivenUp.DO_WITHOUT, stuck=WhenStuck.REPORT, is_needed=False
        ),
        AlertsActor.kind: RestartPolicy(
            given_up=WhenGivenUp.DO_WITHOUT, stuck=WhenStuck.REPORT, is_needed=False
        ),
    }
)
"""By kind of actor; in the order in which they start, from the broker's side."""
