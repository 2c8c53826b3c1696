"""An enforcement plan and a broker of a few lines that answers every command the same way."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from core.builders import ACCOUNT, MS, account

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill
from risk_actors.core.commands import (
    Answer,
    CancelOrder,
    CloseContract,
    Command,
    MoveStop,
    Outcome,
    Refusal,
)
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import AskSnapshot, Braked, Effect, Stuck
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Existing, Flatten

TICK_NS = 100 * MS


def refused(reason: Refusal | None, detail: str = "no") -> dict[str, Any]:
    return {"answer": Answer.REFUSED, "reason": reason, "detail": detail}


def turned_away(reason: Refusal) -> dict[str, Any]:
    return {
        "answer": Answer.UNCERTAIN,
        "reason": reason,
        "is_undone": True,
        "detail": f"HTTP {429 if reason is Refusal.BUSY else 401}",
    }


ACCEPTED: dict[str, Any] = {"answer": Answer.ACCEPTED}


def whole_lock(existing: Existing = Existing.FLATTEN) -> Lock:
    return Lock(
        id=1,
        account_id=ACCOUNT,
        contract_id=None,
        rule_id="daily-loss",
        since_ns=0,
        until_ns=None,
        evidence=Evidence(template="because"),
        correlation_id="c-lock",
        existing=existing,
    )


class PlanDesk:
    """Shows the plan what the broker shows, and notes what it does and when."""

    def __init__(self, state: AccountState, **terms: Any) -> None:
        self.plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1), **terms)
        self.state = state
        self.now_ns = 0
        self.sent: list[tuple[int, Command]] = []
        self.told: list[tuple[int, Effect]] = []
        self.asked: list[int] = []
        self.answers: Callable[[Command], dict[str, Any] | None] = lambda _: None
        """How the broker answers, None for not at all."""
        self._is_read_due = False
        self.reads = True
        """Whether a snapshot that is asked for comes, at the next tick."""
        self._take(self.plan.on_account(state, "e-0", 0))

    def flatten(self, *contracts: str) -> None:
        """Break a rule that wants the contracts flat, all where none is named."""
        cause = " ".join(("rule", *contracts))
        action = Flatten(contract_ids=contracts)
        self._take(self.plan.on_breach(cause, action, "e-1", self.now_ns))

    def lock(self) -> None:
        self._take(self.plan.on_locks((whole_lock(),), "e-1", self.now_ns))

    def unlock(self) -> None:
        """Let all locks end."""
        self._take(self.plan.on_locks((), "e-3", self.now_ns))

    def show(self, state: AccountState, *fills: Fill) -> None:
        asked_ns = self.state.snapshot_asked_ns
        self.state = msgspec.structs.replace(state, snapshot_asked_ns=asked_ns)
        self._take(self.plan.on_account(self.state, "e-2", self.now_ns, fills))

    def read(self) -> None:
        """Show a snapshot asked for just now."""
        self.state = msgspec.structs.replace(self.state, snapshot_asked_ns=self.now_ns)
        self._take(self.plan.on_account(self.state, "snap", self.now_ns))

    def answer(self, command_id: int, **terms: Any) -> None:
        outcome = Outcome(command_id=command_id, account_id=ACCOUNT, **terms)
        self._take(self.plan.on_outcome(outcome, "a", self.now_ns))

    def run(self, seconds: float) -> None:
        """Let time pass, a tick every 100 ms."""
        end_ns = self.now_ns + int(seconds * 1e9)
        while self.now_ns < end_ns:
            self.now_ns += TICK_NS
            if self.reads and self._is_read_due:
                self._is_read_due = False
                self.read()
            self._take(self.plan.on_tick("t", self.now_ns))

    def _take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case CloseContract() | CancelOrder() | MoveStop():
                    self.sent.append((self.now_ns, effect))
                    terms = self.answers(effect)
                    if terms is not None:
                        self.answer(effect.id, **terms)
                case AskSnapshot():
                    self.asked.append(self.now_ns)
                    self._is_read_due = True
                case _:
                    self.told.append((self.now_ns, effect))

    @property
    def closes(self) -> list[float]:
        """When closes were sent, in seconds."""
        return [at_ns / 1e9 for at_ns, command in self.sent if isinstance(command, CloseContract)]

    @property
    def cancelled(self) -> list[int]:
        return [command.order_id for _, command in self.sent if isinstance(command, CancelOrder)]

    @property
    def stuck(self) -> list[tuple[float, str]]:
        """What was said of being stuck, and when in seconds."""
        return [(at_ns / 1e9, e.detail) for at_ns, e in self.told if isinstance(e, Stuck)]

    @property
    def braked(self) -> list[tuple[float, str]]:
        return [(at_ns / 1e9, e.detail) for at_ns, e in self.told if isinstance(e, Braked)]

    def most_in_a_minute(self) -> int:
        """Return the largest number of commands in any minute."""
        at = [at_ns for at_ns, _ in self.sent]
        return max((sum(a <= b < a + 60 * 10**9 for b in at) for a in at), default=0)


def barred(state: AccountState, *, can_trade: bool = False) -> AccountState:
    return msgspec.structs.replace(state, can_trade=can_trade)


def flat() -> AccountState:
    return account()


def price(number: float) -> Decimal:
    return Decimal(str(number))
