"""The pure core as the actors use it, without actors: books, marks, and every rule on one account.

Each event takes the way it takes in a run: the position book, the P&L book where something is news,
then the rules which declare the fact. Each rule's state and verdict are compared with those of
before, as its actor does it, and what is due to be looked at again is, with the tick.
"""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.balance_check import BalanceCheck
from risk_actors.core.broker import Account, Fill, Order, Position, Quote
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.gap_watch import GapWatch
from risk_actors.core.marks import SHIPPED_TERMS, Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Snapshot
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.base import RuleContext, default_context
from risk_actors.core.rules.calm import Calm
from risk_actors.core.rules.examples import example_of
from risk_actors.core.verdict import VERDICT_NAMES, Verdict

from .core_stream import ACCOUNT_ID, NOON, START_USD, Event, Tick

STALE_NS = 10 * NS_PER_S
_WIDE = {
    "max_trades": {"per_day": 100_000, "per_hour": 1_000},
    "trade_cooldown": {
        "seconds": None,
        "after": None,
        "tiers": [{"loss_usd": 300, "seconds": 300}],
    },
    "rapid_fire": {"max_entries": 30},
    "max_consecutive_losses": {"limit": 40},
    "daily_profit_target": {"target_usd": 50_000},
    "daily_loss_limit": {"limit_usd": 50_000},
    "weekly_loss_limit": {"limit_usd": 50_000},
    "profit_giveback": {"arm_at_usd": 50_000},
    "trailing_drawdown": {"amount_usd": 50_000, "lock_at_usd": None},
    "scaling_plan": {"steps": [{"max_contracts": 2}, {"above_usd": 50_000, "max_contracts": 3}]},
}
"""So wide that no rule is broken: a broken one locks the account, and the session would end."""


def all_rules(context: RuleContext) -> list[Rule[Any, Any]]:
    """Return every rule, with the settings of its example but for limits that are wide."""
    rules = []
    for name, made in catalogue().items():
        table = tomllib.loads(example_of(name))["rules"][0] | _WIDE.get(name, {})
        table = {key: value for key, value in table.items() if value is not None}
        rules.append(made(msgspec.convert(table, made.Settings), context))
    return rules


class _Watched:
    """What is kept of one rule between two facts."""

    __slots__ = ("calm", "evaluate", "fact", "look_ns", "next_look_ns", "rule", "state", "verdict")

    def __init__(self, rule: Rule[Any, Any]) -> None:
        self.rule = rule
        self.evaluate, self.next_look_ns = rule.evaluate, rule.next_look_ns
        self.calm = Calm(rule) if rule.reads else None
        self.state: Any = rule.initial_state()
        self.fact: AccountState | PnlState | None = None
        self.look_ns: int | None = None
        self.verdict: Verdict | None = None

    def take(self, fact: AccountState | PnlState, now_ns: int) -> bool:
        """Show the rule a fact; tell whether its verdict changed."""
        self.fact = fact
        calm = self.calm
        if calm is not None and calm.holds(fact, self.look_ns, now_ns):
            return False
        state, verdict = self.evaluate(self.state, fact, now_ns)
        self.look_ns = self.next_look_ns(state, fact, now_ns)
        if state != self.state:
            self.state = state
        if calm is not None:
            calm.note(fact, verdict, now_ns)
        if verdict == self.verdict:
            return False
        self.verdict = verdict
        return True


class CoreEngine:
    """One account under all rules, or the first ones of the catalogue."""

    def __init__(self, now_ns: int = NOON, rules_at_most: int | None = None) -> None:
        context = default_context()
        self._calendar = context.calendar
        rules = [_Watched(rule) for rule in all_rules(context)[:rules_at_most]]
        self.rules = {each.rule.settings.type: each for each in rules}
        self._on_account = [each for each in rules if AccountState in each.rule.facts]
        self._on_pnl = [each for each in rules if PnlState in each.rule.facts]
        self._book = PositionBook(ACCOUNT_ID, "A-101", self._calendar.day(now_ns))
        self._pnl = PnlBook(ACCOUNT_ID, self._calendar, now_ns)
        self._marks = Marks(STALE_NS, SHIPPED_TERMS)
        self._watch = GapWatch(now_ns)
        self._check = BalanceCheck()
        self._told: PnlState | None = None
        self._day = self._calendar.day(now_ns)
        self._looked_ns = 0
        self.changed = 0
        """Verdicts that were other than the one before."""
        self._book.on_locks(())
        self._begin(now_ns)

    @property
    def verdicts(self) -> dict[str, Verdict | None]:
        """What each rule said last, by its type."""
        return {name: each.verdict for name, each in self.rules.items()}

    def counts(self) -> dict[str, int]:
        """Return how many rules say what."""
        names = [VERDICT_NAMES[type(each.verdict)] for each in self.rules.values()]
        return {name: names.count(name) for name in sorted(set(names))}

    def take(self, event: Event, now_ns: int) -> None:
        """Let an event go through the books and the rules."""
        match event:
            case Quote():
                is_believed = self._marks.on_quote(event, now_ns)
                if is_believed and event.contract_id in self._pnl.contracts:
                    self._value(now_ns)
            case Tick():
                self._beat(now_ns)
            case Fill():
                fill = self._book.on_fill(event, now_ns)
                if fill is not None:
                    self._show(now_ns, (fill,))
            case _:
                if self._is_news(event, now_ns):
                    self._show(now_ns)

    def _is_news(self, row: Position | Order | Account, now_ns: int) -> bool:
        match row:
            case Position():
                return self._book.on_position(row, now_ns)
            case Order():
                return self._book.on_order(row, now_ns)
            case Account():
                return self._book.on_account(row, now_ns)

    def begin_day(self, now_ns: int) -> None:
        """Begin the trading day of an instant, as the timer would with the daily reset."""
        self._day = self._calendar.day(now_ns)
        self._book.on_day(self._day)
        week = self._calendar.week(now_ns)
        self._book.forget_fills_before(min(week.start_ns, self._day.start_ns))
        self._show(now_ns)

    def _begin(self, now_ns: int) -> None:
        account = Account(id=ACCOUNT_ID, name="A-101", balance_usd=START_USD, can_trade=True)
        self._book.on_snapshot(
            Snapshot(
                account=account,
                positions=(),
                orders=(),
                covers_suspended=True,
                fills=(),
                asked_ns=now_ns - 1,
                fills_since_ns=self._calendar.week(now_ns).start_ns,
            ),
            now_ns,
        )
        self._show(now_ns, after_snapshot=True)

    def _show(
        self, now_ns: int, fills: tuple[Fill, ...] = (), *, after_snapshot: bool = False
    ) -> None:
        """Show the account to the P&L book and the rules that judge it."""
        state = self._book.state()
        for position in state.positions:
            self._marks.on_entry_price(position.contract_id, position.average_price)
        self._pnl.on_account(state, fills, after_snapshot=after_snapshot)
        self._value(now_ns)
        for each in self._on_account:
            self.changed += each.take(state, now_ns)

    def _value(self, now_ns: int, *, settles_gap: bool = False) -> None:
        """Value the account, and show it to the rules that judge P&L where that is news."""
        before = self._pnl.day
        if self._pnl.on_clock(now_ns) and self._pnl.day != before:
            self._check.begin(self._pnl.day.start_ns)
        pnl = self._pnl.pnl(self._marks, now_ns)
        self._check.open(pnl, now_ns)
        if self._watch.observe(pnl, now_ns) or settles_gap:
            self._watch.settle(pnl, self._pnl.fills, self._marks.instrument, now_ns)
        pnl = self._watch.show(pnl)
        if pnl == self._told:
            return
        self._told = pnl
        for each in self._on_pnl:
            self.changed += each.take(pnl, now_ns)

    def _beat(self, now_ns: int) -> None:
        if self._marks.on_tick(now_ns):
            self._value(now_ns)
        if now_ns - self._looked_ns >= NS_PER_S:
            self._looked_ns = now_ns
            self._value(now_ns, settles_gap=True)
        for each in self.rules.values():
            if each.look_ns is not None and each.look_ns <= now_ns and each.fact is not None:
                self.changed += each.take(each.fact, now_ns)
