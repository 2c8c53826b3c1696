"""Breaches that were missed or never carried out, by naive readings of some rules.

Only rules whose meaning takes a few lines are read here; the others have models of their own
(`tests/properties`, `tests/conformance`). A rule that does not enforce sends nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from risk_actors import messages as m
from risk_actors.actors.lockout import PANIC
from risk_actors.actors.record import Entry
from risk_actors.core.rules import Mode, Rule
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.check_locks import in_force
from risk_actors.fuzz.sight import Told, Truth
from risk_actors.fuzz.stage import CHECKED_BY, CLOCK_DOUBT_NS, Stage
from risk_actors.simulator.records import OrderType

ENFORCED_WITHIN_NS = 5 * S
"""With a broker that is well, a breach is gone within this long of when it could first be seen."""
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_NEW_NS = 3 * S
"""A price older than this proves nothing; it is told every 2 s."""


class _Case(NamedTuple):
    settings: Any
    account_id: int
    now_ns: int


class RuleCheck:
    """Looks for what no rule should let stand."""

    def __init__(self, truth: Truth, told: Told, stage: Stage) -> None:
        self._truth, self._told, self._stage = truth, told, stage
        # On the broker's own clock the guard has no excuse.
        self._behind_ns = 0 if stage.day.pc_ahead_s is None else CLOCK_DOUBT_NS
        self._enforcing = [r for r in stage.rules if r.settings.mode is Mode.ENFORCE]
        self._may_act = {rule.settings.id for rule in self._enforcing} | {PANIC}
        self._locked_by: set[tuple[str, int, int]] = set()
        self._standing: dict[tuple[str, int, str], int] = {}
        self._readings: Mapping[str, Callable[[_Case], Iterator[str]]] = {
            "symbol_block": self._blocked,
            "max_contracts_per_instrument": self._too_many_of_one,
            "max_contracts": self._too_many,
            "position_hold_time": self._too_old,
            "stop_required": self._uncovered,
            "max_unrealized_loss": self._losing_too_much,
            "daily_loss_limit": self._lost_too_much,
            "daily_profit_target": self._won_enough,
        }

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

    def look(self, now_ns: int, well: Sequence[int]) -> list[tuple[str, str]]:
        """Return what stands against a rule for too long in accounts that are well."""
        before, self._standing = self._standing, {}
        found = []
        for rule in self._enforcing:
            for account_id, name in self._stage.broker.accounts.items():
                if account_id not in well or not rule.settings.selects(name):
                    continue
                for what in self._stands(rule, account_id, now_ns):
                    key = (rule.settings.id, account_id, what)
                    since_ns = self._standing[key] = before.get(key, now_ns)
                    if now_ns - since_ns > ENFORCED_WITHIN_NS:
                        found.append(("rule", f"{key[0]}: account {account_id} {what}"))
        return found

    def _stands(self, rule: Rule[Any, Any], account_id: int, now_ns: int) -> Iterator[str]:
        reading = self._readings.get(rule.settings.type)
        if reading is None or self._is_waived(rule.settings.id, account_id):
            return
        # A lock of the trader's own choosing may keep what is open.
        lock = rule.settings.lock
        if lock is None or lock.existing is None:
            yield from reading(_Case(rule.settings, account_id, now_ns))

    def _is_waived(self, rule_id: str, account_id: int) -> bool:
        """An unlock waives what was found."""
        locks = self._stage.store.locks
        return any(
            locks.saved[lock_id].rule_id == rule_id
            and locks.saved[lock_id].account_id == account_id
            for lock_id in locks.unlocked
        )

    def _open(self, account_id: int) -> Iterator[tuple[str, str, int]]:
        for symbol, contract_id in self._stage.contract_ids.items():
            size = self._truth.now(account_id, contract_id).size
            if size:
                yield symbol, contract_id, size

    # --- readings: each says what stands against a rule ---------------------------------------

    def _blocked(self, case: _Case) -> Iterator[str]:
        settings = case.settings
        for symbol, _, _ in self._open(case.account_id):
            if symbol in settings.blocked or (settings.allowed and symbol not in settings.allowed):
                yield f"holds {symbol}, which is blocked"

    def _too_many_of_one(self, case: _Case) -> Iterator[str]:
        for symbol, _, size in self._open(case.account_id):
            limit = case.settings.limits.get(symbol, case.settings.default)
            if limit is not None and abs(size) > limit:
                yield f"holds more than {limit} {symbol}"

    def _too_many(self, case: _Case) -> Iterator[str]:
        settings = case.settings
        if settings.count.value == "gross" and settings.micro_ratio is None:
            held = sum(abs(size) for _, _, size in self._open(case.account_id))
            if held > settings.limit:
                yield f"holds more than {settings.limit} contracts"

    def _too_old(self, case: _Case) -> Iterator[str]:
        most_s = case.settings.max_s
        for symbol, contract_id, _ in self._open(case.account_id):
            begun_ns = self._truth.begun_ns[case.account_id, contract_id]
            if most_s is not None and case.now_ns - begun_ns > most_s * S + self._behind_ns:
                yield f"holds {symbol} for longer than {most_s} s"

    def _uncovered(self, case: _Case) -> Iterator[str]:
        orders = self._stage.broker.exchange.working_orders(case.account_id)
        for symbol, contract_id, size in self._open(case.account_id):
            covered = sum(
                order.remaining
                for order in orders
                if order.contract_id == contract_id
                and order.type in _STOPS
                and order.side.sign * size < 0
                and order.status.name == "OPEN"
            )
            key = (case.account_id, contract_id)
            # The grace begins when it is told, and anew once it was covered.
            changed_ns = max(self._truth.touched_ns.get(key, 0), self._told.now(*key).since_ns)
            grace_ns = case.settings.grace_s * S + self._behind_ns
            if covered < abs(size) and case.now_ns - changed_ns > grace_ns:
                yield f"holds {symbol} without a stop"

    def _losing_too_much(self, case: _Case) -> Iterator[str]:
        exchange = self._stage.broker.exchange
        for symbol, contract_id, size in self._open(case.account_id):
            age_ns = case.now_ns - self._told.quoted_ns.get(contract_id, 0)
            position = exchange.positions[case.account_id, contract_id]
            contract, quote = exchange.contracts[contract_id], exchange.quotes[contract_id]
            price = quote.bid if size > 0 else quote.ask
            ticks = (price - position.average_price) / contract.tick_size
            loss = -ticks * contract.tick_value_usd * size
            if age_ns < _NEW_NS and loss > Decimal(str(case.settings.limit_usd)):
                yield f"loses more than {case.settings.limit_usd} in {symbol}"

    def _lost_too_much(self, case: _Case) -> Iterator[str]:
        if self._made_today(case) <= -Decimal(str(case.settings.limit_usd)):
            yield "lost too much today, and nothing is locked"

    def _won_enough(self, case: _Case) -> Iterator[str]:
        if self._made_today(case) >= Decimal(str(case.settings.target_usd)):
            yield "won enough today, and nothing is locked"

    def _made_today(self, case: _Case) -> Decimal:
        """Return the day's result where it is all realised and nothing was locked for it."""
        day_ns = CHECKED_BY.day(case.now_ns).start_ns
        # A lock of a day before may last longer than that day: no other is engaged beside it.
        is_locked = (case.settings.id, case.account_id, day_ns) in self._locked_by or any(
            (lock.rule_id, lock.account_id) == (case.settings.id, case.account_id)
            for lock in in_force(self._stage)
        )
        if is_locked or any(True for _ in self._open(case.account_id)):
            return Decimal(0)
        return sum(
            (
                (trade.pnl_usd or Decimal(0)) - trade.fees_usd - trade.commissions_usd
                for trade in self._stage.broker.exchange.trades
                if trade.account_id == case.account_id and trade.created_ns >= day_ns
            ),
            Decimal(0),
        )
