"""The enforcer actor: one enforcement plan per account; the only source of commands."""

import itertools
from collections.abc import Iterable
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.lockout import PANIC
from risk_actors.actors.plan_notes import PlanNotes
from risk_actors.core import enforcement_effects as fx
from risk_actors.core.command_slot import ANSWER_TIMEOUT_NS
from risk_actors.core.commands import CancelOrder, CloseContract, MoveStop
from risk_actors.core.enforcement import BRAKE_AFTER_COMMANDS, EnforcementPlan
from risk_actors.core.enforcement_words import HELP_YOURSELF
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.tape import MADE

PLAN_BROKE = "its enforcement failed on"
"""In the words of the fault that says so."""


class PlanShelf:
    """The plans, kept where they outlive the actor: what is under way is not forgotten with it.

    A plan that raised is taken off, for it may be broken; what it was told stays.
    """

    def __init__(self) -> None:
        self.plans: dict[int, EnforcementPlan] = {}
        self.notes: dict[int, PlanNotes] = {}
        self.was_filled = False


class EnforcerActor(Actor):
    """Shows each plan what happened and sends what it wants done."""

    kind = "enforcer"
    receives = frozenset(
        {
            m.BreachFound,
            m.BreachEnded,
            m.StopMovesWanted,
            m.PanicRequested,
            m.LocksChanged,
            m.AccountUpdated,
            m.CommandAnswered,
            m.Tick,
        }
    )
    sends = frozenset(
        {m.SendClose, m.SendCancel, m.SendMoveStop, m.RequestSnapshot, m.EnforcementChanged}
    )

    def __init__(
        self,
        context: ActorContext,
        *,
        account_ids: Iterable[int],
        armed: bool,
        shelf: PlanShelf,
        last_alive_ns: int | None = None,
        brake_after: int = BRAKE_AFTER_COMMANDS,
        market: MarketCalendar | None = None,
    ) -> None:
        """Take the accounts; while not armed nothing is sent whatever happens.

        After `brake_after` commands for one account in a minute that change nothing at the broker,
        sending pauses. The market's hours say when what a closed market refused is tried again.

        What the run before this one had under way may still take effect for a while after it was
        last alive, and no snapshot may show it yet; nothing is reduced before that is over.
        """
        super().__init__(context)
        # Microseconds since 1970, so that no id of an earlier run is given again.
        now_ns = self.clock.now_ns()
        self._command_ids = itertools.count(now_ns // 1000)
        self._armed, self._brake_after, self._market = armed, brake_after, market
        self._plans, self._notes = shelf.plans, shelf.notes
        under_way_until_ns = _under_way_until_ns(shelf, now_ns, last_alive_ns)
        for account_id in account_ids:
            notes = self._notes.setdefault(account_id, PlanNotes())
            if account_id in self._plans:
                if context.made_as == MADE:
                    # The message that the actor before failed on may have been what it showed.
                    self._plans[account_id].doubt_account()
            elif notes.is_due(now_ns):
                self._plans[account_id] = self._new_plan(account_id, now_ns, under_way_until_ns)
        shelf.was_filled = True
        self._awake = set(self._notes)
        """Accounts to which a tick may matter."""

    def _new_plan(self, account_id: int, now_ns: int, under_way_until_ns: int) -> EnforcementPlan:
        return EnforcementPlan(
            account_id,
            command_ids=self._command_ids,
            armed=self._armed,
            made_ns=now_ns,
            under_way_until_ns=under_way_until_ns,
            brake_after=self._brake_after,
            market=self._market,
        )

    def handle(self, message: Any) -> None:
        """Show the plan of the message's account, or all plans, what happened."""
        now_ns = self.clock.now_ns()
        if isinstance(message, m.Tick):
            # Those that have nothing to wait for are not asked: there may be hundreds.
            for account_id in sorted(self._awake):
                self._has_plan(account_id, now_ns)
                self._show(account_id, message, now_ns)
            return
        account_id = message.account_id
        notes = self._notes.get(account_id)
        if notes is not None:
            self._has_plan(account_id, now_ns)
            notes.take(message)
            self._show(account_id, message, now_ns)

    def _has_plan(self, account_id: int, now_ns: int) -> None:
        if account_id not in self._plans and self._notes[account_id].is_due(now_ns):
            self._make_anew(account_id, now_ns)

    def _make_anew(self, account_id: int, now_ns: int) -> None:
        """Put a new plan in the place of one that broke, and tell it what is in force."""
        self._plans[account_id] = self._new_plan(account_id, now_ns, now_ns + ANSWER_TIMEOUT_NS)
        for told in self._notes[account_id].standing:
            self._show(account_id, told, now_ns)

    def _show(self, account_id: int, message: Any, now_ns: int) -> None:
        plan = self._plans.get(account_id)
        if plan is None:
            return
        try:
            if isinstance(message, m.Tick):
                effects = plan.on_tick(message.correlation_id, now_ns)
            else:
                effects = _shown(plan, message, now_ns)
            (self._awake.add if plan.waits_for_time else self._awake.discard)(account_id)
        except Exception as error:  # noqa: BLE001 - one account's plan takes no other's with it
            del self._plans[account_id]
            self._awake.add(account_id)
            wait_s = self._notes[account_id].failed(now_ns) / NS_PER_S
            self.fault(
                f"account {account_id} is NOT protected: {PLAN_BROKE} "
                f"{type(message).__name__} ({type(error).__name__}: {error}); "
                f"it begins anew in {wait_s:g} s; {HELP_YOURSELF}"
            )
            return
        if effects:
            event = message.event if isinstance(message, m.AccountUpdated) else None
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
                case MoveStop():
                    self.outbox.send(
                        m.SendMoveStop(
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
        effect: fx.Told,
        now_ns: int,
        event: m.Message | None,
    ) -> None:
        detail, took_ns, is_under_way = fx.RESUMED, 0, True
        next_try_ns: int | None = None
        match effect:
            case fx.Started():
                phase, detail = m.EnforcementPhase.STARTED, effect.detail
            case fx.Stuck() | fx.Braked():
                is_braked = isinstance(effect, fx.Braked)
                phase = m.EnforcementPhase.BRAKED if is_braked else m.EnforcementPhase.STUCK
                detail, took_ns = effect.detail, effect.took_ns
                next_try_ns = effect.next_try_ns
            case fx.Resumed():
                phase, took_ns = m.EnforcementPhase.RESUMED, effect.took_ns
                is_under_way = effect.is_under_way
            case fx.FlatObserved():
                self._notes[account_id].ended()
                phase = m.EnforcementPhase.FLAT_OBSERVED
                detail, took_ns = effect.detail, effect.took_ns
        self.outbox.send(
            m.EnforcementChanged(
                correlation_id=effect.correlation_id,
                at_ns=now_ns,
                account_id=account_id,
                phase=phase,
                cause=effect.cause,
                detail=detail,
                took_ns=took_ns,
                event=event if isinstance(effect, fx.Started) else None,
                next_try_ns=next_try_ns,
                is_under_way=is_under_way,
            )
        )


def _shown(plan: EnforcementPlan, message: Any, now_ns: int) -> list[fx.Effect]:
    """Return what a plan wants done when it is shown a message."""
    cid = message.correlation_id
    match message:
        case m.AccountUpdated():
            heard_ns = _heard_ns(message.event, now_ns)
            if message.after_snapshot:
                return plan.on_account(
                    message.state, cid, now_ns, (), message.fills, heard_ns=heard_ns
                )
            return plan.on_account(message.state, cid, now_ns, message.fills, heard_ns=heard_ns)
        case m.BreachFound():
            return plan.on_breach(message.rule_id, message.breach.action, cid, now_ns)
        case m.BreachEnded():
            return plan.on_breach_over(message.rule_id, cid, now_ns)
        case m.StopMovesWanted():
            return plan.on_stop_moves(message.rule_id, message.moves, cid, now_ns)
        case m.CommandAnswered():
            return plan.on_outcome(message.outcome, cid, now_ns)
        case m.LocksChanged():
            return plan.on_locks(message.locks, cid, now_ns)
        case _:
            return plan.on_panic(PANIC, cid, now_ns)


def _under_way_until_ns(shelf: PlanShelf, now_ns: int, last_alive_ns: int | None) -> int:
    """Return until when a command that nobody remembers may still take effect."""
    if shelf.was_filled:
        return now_ns + ANSWER_TIMEOUT_NS
    if last_alive_ns is None:
        return 0
    # A run on a clock that was wrong may have been alive tomorrow.
    return min(last_alive_ns, now_ns) + ANSWER_TIMEOUT_NS


def _heard_ns(event: m.Message, now_ns: int) -> int:
    """Return as of when the broker said what moved an account; 0 where it was not the broker."""
    match event:
        case m.AccountSnapshot():
            return event.asked_ns
        case m.PositionReported() | m.OrderReported() | m.FillReported() | m.AccountReported():
            return now_ns
        case _:
            return 0
