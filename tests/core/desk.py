"""One account's books and one rule, wired as in the system but without actors."""

from typing import Any

from core.builders import ACCOUNT, NAME, NOON, S, account_row, chicago_calendar, snapshot

from risk_actors.core.broker import Account, Fill, Order, Position, Quote
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Snapshot
from risk_actors.core.rules import Rule
from risk_actors.core.verdict import Verdict

NEVER_STALE_NS = 10**18


class RuleDesk:
    """Takes broker facts in the order in which they arrive, and shows each result to the rule."""

    def __init__(
        self, judging: Rule[Any, Any], *, balance: float = 50_000, now_ns: int = NOON
    ) -> None:
        self.rule = judging
        self.state = judging.initial_state()
        self.now_ns = now_ns
        self.calendar = chicago_calendar()
        self.marks = Marks(NEVER_STALE_NS)
        self.positions = PositionBook(ACCOUNT, NAME, self.calendar.day(now_ns))
        self.book = PnlBook(ACCOUNT, self.calendar, now_ns)
        self.verdicts: list[Verdict] = []
        self.is_down = False
        """Whether the rule is not running; the broker's facts are there when it is again."""
        self.see(snapshot(now_ns - S, account=account_row(balance)))

    def see(self, *facts: Any) -> Verdict:
        """Take facts a millisecond apart; return what the rule says last."""
        for fact in facts:
            self.now_ns += 1_000_000
            fills: tuple[Fill, ...] = ()
            match fact:
                case Fill():
                    new = self.positions.on_fill(fact, self.now_ns)
                    fills = () if new is None else (new,)
                case Position():
                    self.positions.on_position(fact, self.now_ns)
                case Order():
                    self.positions.on_order(fact, self.now_ns)
                case Account():
                    self.positions.on_account(fact, self.now_ns)
                case Snapshot():
                    self.positions.on_snapshot(fact, self.now_ns)
                    fills = self.positions.fills
                case Quote():
                    self.marks.on_quote(fact)
            self.book.on_account(self.positions.state(), fills)
            self.judge()
        return self.verdicts[-1]

    def judge(self) -> Verdict:
        """Show the rule the account as it is now."""
        if self.is_down:
            return self.verdicts[-1]
        fact = self.fact() if PnlState in self.rule.facts else self.positions.state()
        self.state, verdict = self.rule.evaluate(self.state, fact, self.now_ns)
        self.verdicts.append(verdict)
        return verdict

    def fact(self) -> PnlState:
        self.book.on_clock(self.now_ns)
        return self.book.pnl(self.marks, self.now_ns)

    def at(self, now_ns: int) -> Verdict:
        """Let time pass until an instant, with the resets on the way."""
        self.now_ns = now_ns
        self.positions.on_day(self.calendar.day(now_ns))
        self.positions.forget_fills_before(self.calendar.week(now_ns).start_ns)
        self.book.on_clock(now_ns)
        self.book.on_account(self.positions.state(), ())
        return self.judge()
