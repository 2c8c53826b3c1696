"""The rule actor: hosts any rule, shows it its facts and passes on what it says."""

from collections.abc import Mapping
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.core.account_state import AccountState
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Fact, Mode, Rule
from risk_actors.core.verdict import Breached, Reduce, Unknown, Verdict
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Resync

FACT_MESSAGES: Mapping[type, type] = {
    AccountState: m.AccountUpdated,
    PnlState: m.PnlUpdated,
}
"""The message that brings each fact."""


class RuleActor(Actor):
    """One rule over the accounts it selects, with a state for each."""

    kind = "rule"
    one_per = "rule"
    receives = frozenset({m.AccountUpdated, m.PnlUpdated})
    sends = frozenset({m.BreachFound, m.BreachEnded, m.VerdictChanged})

    def __init__(
        self, context: ActorContext, *, rule: Rule[Any, Any], mode: Mode, accounts: set[int]
    ) -> None:
        """Take the rule, the mode in force (shadow while not armed) and the accounts it guards."""
        super().__init__(context)
        self._rule = rule
        self._mode = mode
        self._accounts = frozenset(accounts)
        self._states: dict[int, Any] = {}
        self._told: dict[int, Verdict] = {}
        self._reported: dict[int, m.BreachFound] = {}

    def handle(self, message: Any) -> None:
        """Evaluate the rule on a fact."""
        match message:
            case m.AccountUpdated():
                self._evaluate(message.state, message)
            case m.PnlUpdated():
                self._evaluate(message.pnl, message)

    def handle_control(self, message: Control) -> None:
        """Report breaches that still hold again to whoever acts on them and may have lost them."""
        if (
            isinstance(message, Resync)
            and message.address in (EnforcerActor.kind, LockoutActor.kind)
            and self._mode is Mode.ENFORCE
        ):
            for found in self._reported.values():
                self.outbox.send(found)

    def _evaluate(self, fact: Fact, message: m.AccountUpdated | m.PnlUpdated) -> None:
        account_id = fact.account_id
        if account_id not in self._accounts:
            return
        now_ns = self.clock.now_ns()
        state = self._states.get(account_id)
        if account_id not in self._states:
            state = self._rule.initial_state()
        self._states[account_id], verdict = self._rule.evaluate(state, fact, now_ns)
        self._report_breach(account_id, verdict, message, now_ns)
        if verdict != self._told.get(account_id):
            self._told[account_id] = verdict
            self.outbox.send(
                m.VerdictChanged(
                    correlation_id=message.correlation_id,
                    at_ns=now_ns,
                    rule_id=self._rule.settings.id,
                    rule_type=self._rule.settings.type,
                    mode=self._mode.value,
                    account_id=account_id,
                    verdict=verdict,
                )
            )

    def _end_breach(
        self, account_id: int, message: m.AccountUpdated | m.PnlUpdated, now_ns: int
    ) -> None:
        ended = self._reported.pop(account_id, None)
        if ended is None or self._mode is not Mode.ENFORCE:
            return
        if isinstance(ended.breach.action, Reduce):
            self.outbox.send(
                m.BreachEnded(
                    correlation_id=message.correlation_id,
                    at_ns=now_ns,
                    rule_id=self._rule.settings.id,
                    account_id=account_id,
                )
            )

    def _report_breach(
        self,
        account_id: int,
        verdict: Verdict,
        message: m.AccountUpdated | m.PnlUpdated,
        now_ns: int,
    ) -> None:
        """Send a breach once per cause; a check that cannot be made does not end a breach."""
        if not isinstance(verdict, Breached):
            if not isinstance(verdict, Unknown):
                self._end_breach(account_id, message, now_ns)
            return
        reported = self._reported.get(account_id)
        if reported is not None and reported.breach.cause == verdict.cause:
            return
        found = m.BreachFound(
            correlation_id=message.correlation_id,
            at_ns=now_ns,
            rule_id=self._rule.settings.id,
            account_id=account_id,
            breach=verdict,
            event=message.event,
        )
        self._reported[account_id] = found
        if self._mode is Mode.ENFORCE:
            self.outbox.send(found)
