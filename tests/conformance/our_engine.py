"""Our engine on the corpus: the core's own books, rules and locks, on a clock that steps by hand.

No actor is needed; what they would do with each row and each instant is done here. The broker's
rows are those of `our_broker.py`.
"""

from enum import Enum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from conformance.corpus import RuleTable, Session, Step, WorkedCase, contracts
from conformance.engine import ACCOUNT, Seen
from conformance.our_broker import ACCOUNT_ID, Broker, Row

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Account, Fill, Order, Position, Quote
from risk_actors.core.instruments import Instrument
from risk_actors.core.lock_book import LockBook
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.marks import Marks
from risk_actors.core.news import NewsCalendar
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_book import PositionBook
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.rules.response import respond
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import VERDICT_NAMES, Breached, Reduce, Unknown, Verdict

PRICES_STAND_NS = 10**18
"""A price of the corpus stands until the next one; staleness is no firm's rule."""
WITHOUT_END_NS = 2**63
"""Stands for the end of a lock that waits for a condition."""
MS = 1_000_000

_SYMBOLS = {product.gateway_id: symbol for symbol, product in contracts().items()}
_TRAILS = {
    "nothing": "static",
    "day_end_balance": "end_of_day",
    "closed_balance": "closed_balance",
    "equity": "intraday",
}


class Manner(Enum):
    """How the broker's facts reach the engine; what follows from them must be the same."""

    IN_ORDER = "in order"
    TWICE = "every row twice"
    REVERSED = "rows of a fill in reverse"
    SHUFFLED = "rows of a fill in any order"
    RESTARTED = "restarted before every step"


class OurEngine:
    """One account under one rule."""

    def __init__(self, worked: WorkedCase, manner: Manner = Manner.IN_ORDER) -> None:
        self._worked = worked
        self._manner = manner
        self._now_ns = worked.watched_ns
        self._has_started = False
        self._calendar = calendar_of(worked.session)
        self._broker = Broker(worked.case.balance_usd, worked.ns)
        self._rule = self._made(worked.rule)
        self._memory = RuleMemory(state=self._rule.initial_state())
        self._locks = LockBook(self._calendar)
        self._random = Random(worked.name)
        self._verdict: Verdict | None = None
        self._cause: str | None = None
        self._broken_ns: int | None = None

    def step(self, step: Step) -> Seen:
        """Let time pass until the step, let it happen, and say what is so then."""
        at_ns = self._worked.ns(step.at)
        if at_ns < self._worked.watched_ns:
            self._broker.happen(step, at_ns)
            return Seen(verdict="unknown")
        if not self._has_started:
            self._has_started = True
            self._start()
        if self._manner is Manner.RESTARTED and at_ns - self._now_ns > MS:
            self._pass_time(at_ns - MS)
            self._restart()
        self._pass_time(at_ns)
        if step.rule is not None:
            self._rule = self._made(self._worked.rules[step.rule])
            self._restart()
        for row in self._rows(step):
            self._take(row)
        if step.paid_usd is not None:
            # What no fill explains is cleared up by reading the account from the broker.
            self._now_ns += 2
            self._read()
        return self._seen()

    def _made(self, table: RuleTable) -> Rule[Any, Any]:
        settings = settings_of(table)
        rule_class = catalogue()[settings["type"]]
        context = RuleContext(self._calendar, MarketCalendar(), NewsCalendar())
        return rule_class(msgspec.convert(settings, rule_class.Settings), context)

    # --- start and restart ------------------------------------------------------------------

    def _start(self) -> None:
        """Know nothing but what is stored, and read the rest from the broker."""
        self._book = PositionBook(ACCOUNT_ID, "conformance", self._calendar.day(self._now_ns))
        self._pnl = PnlBook(ACCOUNT_ID, self._calendar, self._now_ns)
        self._marks = Marks(PRICES_STAND_NS)
        self._fact: AccountState | PnlState | None = None
        self._look_ns: int | None = None
        for symbol, product in contracts().items():
            self._book.name_symbol(product.gateway_id, symbol)
            self._marks.on_instrument(
                Instrument(
                    contract_id=product.gateway_id,
                    symbol=symbol,
                    tick_size=product.tick_size,
                    tick_value_usd=product.tick_value_usd,
                )
            )
        for quote in self._broker.quotes():
            self._marks.on_quote(quote)
        self._book.on_locks(self._locks.spans(ACCOUNT_ID))
        self._read()

    def _restart(self) -> None:
        self._memory = decode_memory(self._rule, encode_memory(self._memory))
        past = [
            (ACCOUNT_ID, span)
            for span in self._locks.spans(ACCOUNT_ID)
            if span.until_ns is not None and span.until_ns <= self._now_ns
        ]
        self._locks = LockBook(self._calendar, self._locks.in_force(ACCOUNT_ID), past)
        self._start()

    def _read(self) -> None:
        """Reconcile with the broker's account as it is now, with the fills of the week."""
        day, week = self._calendar.day(self._now_ns), self._calendar.week(self._now_ns)
        since_ns = min(day.start_ns, week.start_ns)
        self._book.on_snapshot(self._broker.snapshot(self._now_ns - 1, since_ns), self._now_ns)
        self._tell(self._book.fills, after_snapshot=True)

    # --- time -------------------------------------------------------------------------------

    def _pass_time(self, until_ns: int) -> None:
        """Come by every instant at which something is due, as the timer would."""
        while (due_ns := self._due_ns()) <= until_ns:
            day, week = self._calendar.day(self._now_ns), self._calendar.week(self._now_ns)
            self._now_ns = due_ns
            self._expire()
            if due_ns in (day.end_ns, week.end_ns):
                self._reset()
            self._evaluate()
        self._now_ns = until_ns

    def _due_ns(self) -> int:
        day, week = self._calendar.day(self._now_ns), self._calendar.week(self._now_ns)
        ends = [lock.until_ns for lock in self._locks.in_force(ACCOUNT_ID) if lock.until_ns]
        looks = [] if self._look_ns is None else [max(self._look_ns, self._now_ns + 1)]
        return min([day.end_ns, week.end_ns, *ends, *looks])

    def _reset(self) -> None:
        day, week = self._calendar.day(self._now_ns), self._calendar.week(self._now_ns)
        self._book.on_day(day)
        if week.start_ns == self._now_ns:
            self._book.forget_fills_before(min(week.start_ns, day.start_ns))
        self._pnl.on_clock(self._now_ns)
        self._tell()

    def _expire(self) -> None:
        if self._locks.expire(self._now_ns):
            self._book.on_locks(self._locks.spans(ACCOUNT_ID))
            self._tell()

    # --- the broker's facts -----------------------------------------------------------------

    def _rows(self, step: Step) -> list[Row]:
        rows = self._broker.happen(step, self._now_ns)
        if self._manner is Manner.TWICE:
            return [row for row in rows for _ in range(2)]
        quotes = [row for row in rows if isinstance(row, Quote)]
        others = [row for row in rows if not isinstance(row, Quote)]
        if self._manner is Manner.REVERSED:
            others.reverse()
        if self._manner is Manner.SHUFFLED:
            self._random.shuffle(others)
        return [*quotes, *others]

    def _take(self, row: Row) -> None:
        fills: tuple[Fill, ...] = ()
        match row:
            case Quote():
                self._marks.on_quote(row)
            case Fill():
                known = self._book.on_fill(row, self._now_ns)
                fills = () if known is None else (known,)
            case Order():
                self._book.on_order(row, self._now_ns)
            case Position():
                self._book.on_position(row, self._now_ns)
            case Account():
                self._book.on_account(row, self._now_ns)
        self._tell(fills)

    def _tell(self, fills: tuple[Fill, ...] = (), *, after_snapshot: bool = False) -> None:
        """Value the account, and show the rule the kind of fact that it wants."""
        state = self._book.state()
        self._pnl.on_account(state, fills, after_snapshot=after_snapshot)
        wants_account = AccountState in self._rule.facts
        self._fact = state if wants_account else self._pnl.pnl(self._marks, self._now_ns)
        self._evaluate()

    def _evaluate(self) -> None:
        fact = self._fact
        if fact is None:
            return
        state, verdict = self._rule.evaluate(self._memory.state, fact, self._now_ns)
        self._memory = msgspec.structs.replace(self._memory, state=state)
        self._look_ns = self._rule.next_look_ns(state, fact, self._now_ns)
        self._verdict = verdict
        if isinstance(verdict, Breached):
            self._break(verdict, fact if isinstance(fact, AccountState) else fact.account)
        elif not isinstance(verdict, Unknown):
            self._cause = self._broken_ns = None

    def _break(self, breached: Breached, account: AccountState | None) -> None:
        """Report a breach once for its cause."""
        if breached.cause == self._cause:
            return
        self._cause, self._broken_ns = breached.cause, self._now_ns
        answered = respond(breached, self._rule.settings.lock, account, self._now_ns)
        for terms in answered.locks:
            self._locks.engage(
                account_id=ACCOUNT_ID,
                rule_id=self._rule.settings.id,
                terms=terms,
                evidence=breached.evidence,
                correlation_id="conformance",
                now_ns=self._now_ns,
            )
        if self._book.on_locks(self._locks.spans(ACCOUNT_ID)):
            self._tell()

    def _seen(self) -> Seen:
        verdict = self._verdict
        if verdict is None:
            raise AssertionError("the rule was never shown a fact")
        action = verdict.action if isinstance(verdict, Breached) else None
        targets = action.targets if isinstance(action, Reduce) else ()
        return Seen(
            verdict=VERDICT_NAMES[type(verdict)],
            broken_ns=self._broken_ns,
            value=None if isinstance(verdict, Unknown) else verdict.value,
            limit=verdict.limit,
            reduce_to={_SYMBOLS[contract_id]: size for contract_id, size in targets},
            locked={
                _SYMBOLS.get(lock.contract_id or "", ACCOUNT): lock.until_ns or WITHOUT_END_NS
                for lock in self._locks.in_force(ACCOUNT_ID)
            },
        )


def calendar_of(session: Session) -> TradingCalendar:
    """Return a session as cron schedules."""
    weekday, at = session.week_begins.split()
    return TradingCalendar(
        zone=ZoneInfo(session.zone),
        daily_reset=_cron(session.day_begins, "*"),
        weekly_reset=_cron(at, weekday.upper()),
    )


def _cron(at: str, weekday: str) -> str:
    hour, minute = at.split(":")
    return f"{int(minute)} {int(hour)} * * {weekday}"


def settings_of(table: RuleTable) -> dict[str, Any]:
    """Return a rule of the corpus in the words of our settings."""
    match table.kind:
        case "loss_floor":
            words: dict[str, Any] = {
                "type": "trailing_drawdown",
                "amount_usd": table.allowance_usd,
                "trail": _TRAILS[table.follows or ""],
                "start_balance_usd": table.start_balance_usd,
                "lock_at_usd": table.stops_at_usd,
                "floor_usd": table.set_floor_usd,
                "keep_away_usd": table.act_above_usd,
            }
        case "day_loss" | "week_loss":
            name = "daily_loss_limit" if table.kind == "day_loss" else "weekly_loss_limit"
            words = {"type": name, "limit_usd": table.limit_usd}
        case "day_profit":
            words = {"type": "daily_profit_target", "target_usd": table.limit_usd}
        case "day_giveback":
            words = {
                "type": "profit_giveback",
                "arm_at_usd": table.arm_at_usd,
                "giveback_usd": table.limit_usd,
            }
        case "contracts":
            words = {
                "type": "max_contracts",
                "limit": table.contracts,
                "micro_ratio": table.micros_per_mini,
            }
        case "scaling":
            words = {
                "type": "scaling_plan",
                "micro_ratio": table.micros_per_mini,
                "steps": [
                    _named(above_usd=step.above_usd, max_contracts=step.contracts)
                    for step in table.steps
                ],
            }
        case "hours":
            words = {
                "type": "trading_hours",
                "holidays": table.follows_early_closes,
                "flatten_before_close_s": table.ends_early_s,
                "windows": [
                    {
                        "days": hours.days,
                        "start": hours.start,
                        "end": hours.end,
                        "zone": hours.zone,
                        "symbols": hours.contracts,
                    }
                    for hours in table.hours
                ],
            }
    return _named(id=table.kind, **words)


def _named(**words: Any) -> dict[str, Any]:
    """Return settings as TOML would give them: amounts as floats, what is absent left out."""
    return {
        key: float(value) if key.endswith("_usd") else value
        for key, value in words.items()
        if value is not None
    }
