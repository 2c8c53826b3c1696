"""Breaches that were missed or never carried out, by naive readings of a few rules.

Only rules whose meaning takes a line are read here; the others have models of their own
(`tests/properties`, `tests/conformance`). A rule in shadow sends nothing.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.lockout import PANIC
from risk_actors.actors.record import Entry
from risk_actors.core.rules import Mode, Rule
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.sight import Truth
from risk_actors.fuzz.stage import CHECKED_BY, Stage

ENFORCED_WITHIN_NS = 5 * S


class RuleCheck:
    """Looks for what no rule should let stand."""

    def __init__(self, truth: Truth, stage: Stage) -> None:
        self._truth, self._stage = truth, stage
        self._enforcing = [r for r in stage.rules if r.settings.mode is Mode.ENFORCE]
        self._may_act = {rule.settings.id for rule in self._enforcing} | {PANIC}
        self._locked_by: set[tuple[str, int, int]] = set()

    def take(self, entry: Entry) -> list[tuple[str, str]]:
        """Take the next entry of the record."""
        message = entry.message
        if isinstance(message, m.EnforcementChanged):
            strangers = set(message.cause.split(", ")) - self._may_act
            if strangers:
                return [("rule", f"enforced for {strangers}, which enforce nothing")]
        if isinstance(message, m.LocksChanged) and message.engaged is not None:
            day_ns = CHECKED_BY.day(message.at_ns).start_ns
            self._locked_by.add((message.engaged.rule_id, message.account_id, day_ns))
        return []

    def look(self, now_ns: int, *, is_well: bool) -> list[tuple[str, str]]:
        """Return what stands against a rule for too long."""
        if not is_well:
            return []
        return [
            ("rule", f"{rule.settings.id}: {what} in account {account_id}")
            for rule in self._enforcing
            for account_id, name in self._stage.broker.accounts.items()
            if rule.settings.selects(name)
            for what in self._stands(rule, account_id, now_ns)
        ]

    def _stands(self, rule: Rule[Any, Any], account_id: int, now_ns: int) -> Iterator[str]:
        settings: Any = rule.settings
        # A lock that keeps what is open was the trader's choice, and an unlock waives.
        if self._is_waived(settings.id, account_id):
            return
        match settings.type:
            case "symbol_block":
                for symbol, size in self._old_sizes(account_id, now_ns):
                    blocked = symbol in settings.blocked or (
                        settings.allowed and symbol not in settings.allowed
                    )
                    if blocked and (settings.lock is None or settings.lock.existing is None):
                        yield f"{size} {symbol} are open"
            case "max_contracts_per_instrument":
                for symbol, size in self._old_sizes(account_id, now_ns):
                    limit = settings.limits.get(symbol, settings.default)
                    if limit is not None and abs(size) > limit and settings.lock is None:
                        yield f"{size} {symbol} are open, {limit} are allowed"
            case "daily_loss_limit":
                yield from self._lost_too_much(settings, account_id, now_ns)

    def _old_sizes(self, account_id: int, now_ns: int) -> Iterator[tuple[str, int]]:
        for symbol, contract_id in self._stage.contract_ids.items():
            key = (account_id, contract_id)
            if now_ns - self._truth.opened_ns.get(key, 0) > ENFORCED_WITHIN_NS:
                size = self._truth.now(*key).size
                if size:
                    yield symbol, size

    def _is_waived(self, rule_id: str, account_id: int) -> bool:
        locks = self._stage.store.locks
        return any(
            locks.saved[lock_id].rule_id == rule_id
            and locks.saved[lock_id].account_id == account_id
            for lock_id in locks.unlocked
        )

    def _lost_too_much(self, settings: Any, account_id: int, now_ns: int) -> Iterator[str]:
        if now_ns - self._truth.changed_ns.get(account_id, 0) <= ENFORCED_WITHIN_NS:
            return
        day_ns = CHECKED_BY.day(now_ns).start_ns
        if (settings.id, account_id, day_ns) in self._locked_by or self._holds(account_id):
            return
        lost = sum(
            (
                (trade.pnl_usd or Decimal(0)) - trade.fees_usd - trade.commissions_usd
                for trade in self._stage.broker.exchange.trades
                if trade.account_id == account_id and trade.created_ns >= day_ns
            ),
            Decimal(0),
        )
        if lost <= -Decimal(str(settings.limit_usd)):
            yield f"{lost} were lost today and nothing is locked"

    def _holds(self, account_id: int) -> bool:
        return bool(self._stage.broker.open_sizes(account_id))
