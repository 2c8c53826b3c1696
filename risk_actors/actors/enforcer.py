"""The enforcer actor: one enforcement plan per account; the only source of commands."""

import itertools
from collections.abc import Iterable
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.lockout import PANIC
from risk_actors.core import enforcement_effects as fx
from risk_actors.core.commands import CancelOrder, CloseContract
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.verdict import Flatten
from risk_actors.runtime.actor import Actor, ActorContext


class EnforcerActor(Actor):
    """Shows each plan what happened and sends what it wants done."""

    kind = "enforcer"
    receives = frozenset(
        {
            m.BreachFound,
            m.PanicRequested,
            m.LocksChanged,
            m.AccountUpdated,
            m.CommandAnswered,
            m.Tick,
        }
    )
    sends = frozenset({m.SendClose, m.SendCancel, m.RequestSnapshot, m.EnforcementChanged})

    def __init__(self, context: ActorContext, *, account_ids: Iterable[int], armed: bool) -> None:
        """Take the accounts; while not armed nothing is sent whatever happens."""
        super().__init__(context)
        # Microseconds since 1970, so that no id of an earlier run is given again.
        now_ns = context.clock.now_ns()
        command_ids = itertools.count(now_ns // 1000)
        self._plans = {
            account_id: EnforcementPlan(
                account_id, command_ids=command_ids, armed=armed, made_ns=now_ns
            )
            for account_id in account_ids
        }

    def handle(self, message: Any) -> None:
        """Show the plan of the message's account what happened."""
        now_ns = self.clock.now_ns()
        cid = message.correlation_id
        event: m.Message | None = None
        match message:
            case m.AccountUpdated():
                account_id = message.state.account_id
                fills = () if message.after_snapshot else message.fills
                effects = self._plans[account_id].on_account(message.state, cid, now_ns, fills)
                event = message.event
            case m.BreachFound():
                account_id = message.account_id
                effects = self._plans[account_id].on_breach(
                    message.rule_id, message.breach.action, cid, now_ns
                )
            case m.CommandAnswered():
                account_id = message.outcome.account_id
                effects = self._plans[account_id].on_outcome(message.outcome, cid, now_ns)
            case m.LocksChanged():
                if message.account_id not in self._plans:
                    return
                account_id = message.account_id
                effects = self._plans[account_id].on_locks(message.locks, cid, now_ns)
            case m.PanicRequested():
                account_id = message.account_id
                effects = self._plans[account_id].on_breach(PANIC, Flatten(), cid, now_ns)
            case _:
                for account_id, plan in self._plans.items():
                    self._carry_out(account_id, plan.on_tick(cid, now_ns), now_ns)
                return
        self._carry_out(account_id, effects, now_ns, event)

    def _carry_out(
        self,
        account_id: int,
        effects: list[fx.Effect],
        now_ns: int,
        event: m.Message | None = None,
    ) -> None:
        for effect in effects:
            match effect:
                case CloseContract():
                    self.outbox.send(
                        m.SendClose(
                            correlation_id=effect.correlation_id, at_ns=now_ns, command=effect
                        )
                    )
                case CancelOrder():
                    self.outbox.send(
                        m.SendCancel(
                            correlation_id=effect.correlation_id, at_ns=now_ns, command=effect
                        )
                    )
                case fx.AskSnapshot():
                    self.outbox.send(
                        m.RequestSnapshot(
                            correlation_id=effect.correlation_id,
                            at_ns=now_ns,
                            account_id=account_id,
                            reason=effect.reason,
                        )
                    )
                case _:
                    self._tell(account_id, effect, now_ns, event)

    def _tell(
        self,
        account_id: int,
        effect: fx.Started | fx.Stuck | fx.FlatObserved,
        now_ns: int,
        event: m.Message | None,
    ) -> None:
        match effect:
            case fx.Started():
                phase, took_ns = m.EnforcementPhase.STARTED, 0
            case fx.Stuck():
                phase, took_ns = m.EnforcementPhase.STUCK, effect.took_ns
            case fx.FlatObserved():
                phase, took_ns = m.EnforcementPhase.FLAT_OBSERVED, effect.took_ns
        self.outbox.send(
            m.EnforcementChanged(
                correlation_id=effect.correlation_id,
                at_ns=now_ns,
                account_id=account_id,
                phase=phase,
                cause=effect.cause,
                detail=effect.detail,
                took_ns=took_ns,
                event=event if isinstance(effect, fx.Started) else None,
            )
        )
