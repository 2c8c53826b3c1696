"""The position actor: one account's positions, working orders and fills."""

from typing import Any

from risk_actors import messages as m
from risk_actors.core.broker import Fill
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Snapshot
from risk_actors.core.trade_history import TradeHistory
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.core.trading_calendar import TradingCalendar, Window
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.awake import Awake

UNSETTLED_FOR_NS = NS_PER_S // 4
"""Report and fills may differ this long before a snapshot has to settle it."""
ASK_FOR_PROFIT_EVERY_NS = 10 * NS_PER_S
"""The broker may never tell the profit of a fill; asking each second would not change that."""
ASK_AGAIN_AFTER_NS = 1 * NS_PER_S
"""A snapshot that did not settle it is followed by another after this long."""


class PositionActor(Actor):
    """Keeps the book of one account and tells what changed."""

    kind = "position"
    one_per = "account"
    receives = frozenset(
        {
            m.AccountReported,
            m.PositionReported,
            m.OrderReported,
            m.FillReported,
            m.AccountSnapshot,
            m.SnapshotFailed,
            m.InstrumentResolved,
            m.LocksNoted,
            m.DailyReset,
            m.WeeklyReset,
            m.Tick,
        }
    )
    sends = frozenset({m.AccountUpdated, m.ReconciliationDiffered, m.RequestSnapshot})

    def __init__(
        self,
        context: ActorContext,
        *,
        account_id: int,
        name: str,
        calendar: TradingCalendar,
        seen_before: dict[int, SeenBefore] | None = None,
        symbols: dict[str, str] | None = None,
        awake: Awake | None = None,
    ) -> None:
        """Take the account, and what outlives this actor, for it is told only once.

        Args:
            context: what every actor is given.
            account_id: the account.
            name: how the broker calls it.
            calendar: tells the trading day and week.
            seen_before: by id when the run before, or an actor before this one, saw fills come;
                those that come are put in.
            symbols: the same of symbols by contract.
            awake: where it says whether it has a use for the next tick.
        """
        super().__init__(context)
        self._account_id = account_id
        day = calendar.day(self.clock.now_ns())
        self._day_start_ns = day.start_ns
        self._book = PositionBook(account_id, name, day, seen_before)
        self._symbols = {} if symbols is None else symbols
        for contract_id, symbol in self._symbols.items():
            self._book.name_symbol(contract_id, symbol)
        self._asked_ns = 0
        self._strange_since_ns: int | None = None
        self._unpriced_ns: int | None = None
        self._week_start_ns = calendar.week(self.clock.now_ns()).start_ns
        self._unpriced_of: tuple[TradeHistory, int] | None = None
        """The trades and the week of which it was found out last."""
        self._has_unpriced = False
        self._awake = Awake() if awake is None else awake
        self._is_awake = True
        self._awake.wait(account_id, self)

    def closed(self) -> None:
        """Wait for no tick any more."""
        self._awake.rest(self._account_id, self)

    def handle(self, message: Any) -> None:
        """Move the book."""
        self._take(message)
        is_awake = self._waits_for_time()
        if is_awake is not self._is_awake:
            self._is_awake = is_awake
            (self._awake.wait if is_awake else self._awake.rest)(self._account_id, self)

    def _take(self, message: Any) -> None:
        now_ns = self.clock.now_ns()
        match message:
            case m.FillReported():
                fill = self._book.on_fill(message.fill, message.at_ns)
                if fill is not None:
                    self._tell(message, now_ns, (fill,))
            case m.PositionReported() | m.OrderReported() | m.AccountReported():
                if self._is_news(message, now_ns):
                    self._tell(message, now_ns)
            case m.Tick():
                self._look_for_trouble(message.correlation_id, now_ns)
            case m.AccountSnapshot():
                self._reconcile(message, now_ns)
            case m.SnapshotFailed():
                self._asked_ns = now_ns
            case m.InstrumentResolved() | m.LocksNoted():
                self._learn(message, now_ns)
            case _:
                self._reset(message, now_ns)

    def _is_news(
        self, message: m.PositionReported | m.OrderReported | m.AccountReported, now_ns: int
    ) -> bool:
        match message:
            case m.PositionReported():
                return self._book.on_position(message.position, now_ns)
            case m.OrderReported():
                return self._book.on_order(message.order, now_ns)
            case m.AccountReported():
                return self._book.on_account(message.account, now_ns)

    def _learn(self, message: m.InstrumentResolved | m.LocksNoted, now_ns: int) -> None:
        """Take a contract's symbol or when the account was locked: what is known reads anew."""
        match message:
            case m.InstrumentResolved(instrument=instrument):
                before = self._book.state()
                self._symbols[instrument.contract_id] = instrument.symbol
                self._book.name_symbol(instrument.contract_id, instrument.symbol)
                changed = self._book.state() != before
            case m.LocksNoted():
                changed = self._book.on_locks(message.spans, message.unlocked)
        if changed:
            self._tell(message, now_ns)

    def _reset(self, message: m.DailyReset | m.WeeklyReset, now_ns: int) -> None:
        match message:
            case m.DailyReset():
                self._day_start_ns = message.day_start_ns
                self._book.on_day(Window(message.day_start_ns, message.day_end_ns))
                self._tell(message, now_ns)
            case m.WeeklyReset():
                self._week_start_ns = message.week_start_ns
                # A week may begin in the middle of a day, whose counters still need its fills.
                self._book.forget_fills_before(min(message.week_start_ns, self._day_start_ns))

    def _tell(
        self,
        event: m.Message,
        now_ns: int,
        fills: tuple[Fill, ...] = (),
        *,
        after_snapshot: bool = False,
    ) -> None:
        self.outbox.send(
            m.AccountUpdated(
                correlation_id=event.correlation_id,
                at_ns=now_ns,
                state=self._book.state(),
                event=event,
                fills=fills,
                after_snapshot=after_snapshot,
            )
        )

    def _reconcile(self, message: m.AccountSnapshot, now_ns: int) -> None:
        differences = self._book.on_snapshot(
            Snapshot(
                account=message.account,
                positions=message.positions,
                orders=message.orders,
                covers_suspended=message.covers_suspended,
                fills=message.fills,
                asked_ns=message.asked_ns,
                fills_since_ns=message.fills_since_ns,
                account_read=message.account_read,
            ),
            now_ns,
        )
        self._tell(message, now_ns, self._book.fills, after_snapshot=True)
        if differences:
            self.outbox.send(
                m.ReconciliationDiffered(
                    correlation_id=message.correlation_id,
                    at_ns=now_ns,
                    account_id=self._account_id,
                    differences=differences,
                )
            )

    def _waits_for_time(self) -> bool:
        """Tell whether a tick could change anything, or end what one began."""
        book = self._book
        return (
            book.unsettled_since_ns is not None
            or book.distrusted is not None
            or self._strange_since_ns is not None
            or self._unpriced_ns is not None
            or book.unexplained_balance_usd is not None
            or self._is_unpriced()
        )

    def _is_unpriced(self) -> bool:
        """Tell whether the profit of a trade of this week has not been told."""
        key = (self._book.history, self._week_start_ns)
        known = self._unpriced_of
        if known is None or known[0] is not key[0] or known[1] != key[1]:
            self._unpriced_of = key
            self._has_unpriced = key[0].is_unpriced_since(key[1])
        return self._has_unpriced

    def _has_strange_balance(self, now_ns: int) -> bool:
        """Tell whether the balance has differed from what fills explain for a while."""
        if self._book.unexplained_balance_usd is None:
            self._strange_since_ns = None
            return False
        if self._strange_since_ns is None:
            self._strange_since_ns = now_ns
        return now_ns - self._strange_since_ns >= UNSETTLED_FOR_NS

    def _lacks_profit(self, now_ns: int) -> bool:
        """Tell whether it is time to ask for the profit of a fill that came without."""
        if not self._is_unpriced():
            self._unpriced_ns = None
            return False
        if self._unpriced_ns is None:
            self._unpriced_ns = now_ns + UNSETTLED_FOR_NS
        if now_ns < self._unpriced_ns:
            return False
        self._unpriced_ns = now_ns + ASK_FOR_PROFIT_EVERY_NS
        return True

    def _look_for_trouble(self, correlation_id: str, now_ns: int) -> None:
        """Ask for a snapshot where only the broker can say what is true."""
        since_ns = self._book.unsettled_since_ns
        if self._book.distrusted is not None:
            reason = self._book.distrusted
        elif since_ns is None and self._has_strange_balance(now_ns):
            reason = "balance and fills differ"
        elif since_ns is not None and now_ns - since_ns >= UNSETTLED_FOR_NS:
            reason = "fills and reported position differ"
        elif self._lacks_profit(now_ns):
            reason = "the profit of a fill has not been told"
        else:
            return
        if now_ns - self._asked_ns < ASK_AGAIN_AFTER_NS:
            return
        self._asked_ns = now_ns
        self.outbox.send(
            m.RequestSnapshot(
                correlation_id=correlation_id,
                at_ns=now_ns,
                account_id=self._account_id,
                reason=reason,
            )
        )
