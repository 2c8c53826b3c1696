"""Rule 011: too many losing trades in a row lock the account."""

from decimal import Decimal
from itertools import takewhile
from typing import Annotated, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import LOWER, Effect, as_one, higher
from risk_actors.core.evidence import Evidence
from risk_actors.core.money import ZERO, decimal_from
from risk_actors.core.rules.base import (
    PositiveInt,
    PositiveSeconds,
    Rule,
    RuleContext,
    RuleSettings,
)
from risk_actors.core.rules.habits import (
    HABITS_READ,
    Hold,
    unknown_habits,
    unknown_net,
    until_words,
)
from risk_actors.core.rules.limits import ANY_USD, UsdMarks, reached_fraction
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.trade_history import Trade
from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Flatten, Ok, Verdict, Warned

UsdOrNothing = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


_ROW = as_one(limit=LOWER, min_loss_usd=LOWER)


class MaxConsecutiveLossesSettings(
    RuleSettings, frozen=True, kw_only=True, tag="max_consecutive_losses"
):
    """Settings of rule 011."""

    limit: Annotated[PositiveInt, _ROW]
    """The number of losing trades in a row that breaks the rule."""
    min_loss_usd: Annotated[UsdOrNothing, _ROW] = 0
    """A trade that lost less than this, net of fees and commissions, neither counts nor ends the
    row; 0 counts any loss."""
    lock_s: Annotated[PositiveSeconds | None, higher(none=Effect.UNCLEAR)] = None
    """How long the account is locked, from the close of the trade that broke the rule; without it
    until the daily reset."""


class _Row(NamedTuple):
    """Losing trades in a row, up to one that closed."""

    trade: Trade
    losses: int
    lost_usd: Decimal
    """What they lost together."""


class _Rows(NamedTuple):
    """The rows of the days that may still matter, and what they were counted from."""

    closed: tuple[Trade, ...]
    since: Window
    """The first of those days."""
    rows: list[_Row]
    broken: list[_Row]
    """Those of them that break the rule."""


class MaxConsecutiveLosses(Rule[MaxConsecutiveLossesSettings, None]):
    """A winner ends the row and so does the daily reset; net 0 is neither a win nor a loss.

    After the lock a further loss in the same row breaks the rule anew.
    """

    number = 11
    Settings = MaxConsecutiveLossesSettings
    facts = frozenset({AccountState})
    reads = HABITS_READ
    breaks_when = "`limit` losing trades in a row; a win resets, a scratch does not"
    response = "lock account for `lock_s`, else until daily reset"
    measure = Measure(Unit.LOSSES, MovedBy.ENTRY)

    def __init__(
        self, settings: MaxConsecutiveLossesSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._limit = Decimal(settings.limit)
        self._min_loss_usd = decimal_from(settings.min_loss_usd)
        self._loss = UsdMarks(self._min_loss_usd)
        self._known: _Rows | None = None

    def initial_state(self) -> None:
        """The rule looks at the closed trades alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        least = f" of ${self._min_loss_usd:,.2f} or more" if self._min_loss_usd else ""
        is_one = self.settings.limit == 1
        what = f"1 loss{least}" if is_one else f"{self.settings.limit} losses{least} in a row"
        does = "flattens and locks" if is_one else "flatten and lock"
        return (
            f"{what} within a trading day {does} the account {until_words(self.settings.lock_s)}."
        )

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when a lock has run out, or another day begins."""
        hold = self._hold(now_ns)
        broken = self._rows(fact, hold).broken
        ends = (hold.until_ns(row.trade.closed_ns or 0) for row in broken)
        return min([hold.day.end_ns, *(end for end in ends if end is not None)])

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Count the losing trades in a row, up to each trade that closed."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        unknown = unknown_habits(account, self._limit)
        if unknown is not None:
            return unknown
        hold = self._hold(now_ns)
        counted = self._rows(account, hold)
        for row in reversed(counted.broken):
            until_ns = hold.until_ns(row.trade.closed_ns or 0)
            if until_ns is not None:
                return self._breach(row, hold, until_ns)
        today = [row for row in counted.rows if hold.day.contains(row.trade.closed_ns or 0)]
        for row in today:
            if row.trade.net_usd is None:
                return unknown_net(row.trade, self._limit)
        return self._unbroken(today[-1] if today else None)

    def _hold(self, now_ns: int) -> Hold:
        return Hold(self.settings.lock_s, self.context.calendar.day(now_ns), now_ns)

    def _is_broken(self, row: _Row) -> bool:
        return row.losses >= self.settings.limit and self._is_loss(row.trade)

    def _is_loss(self, trade: Trade) -> bool:
        return trade.net_usd is not None and self._loss.is_reached(-trade.net_usd)

    def _rows(self, account: AccountState, hold: Hold) -> _Rows:
        """Return the rows, counted once for the same trades and days."""
        since = self.context.calendar.day(min(hold.since_ns, hold.day.start_ns))
        closed, known = account.history.closed, self._known
        if known is None or known.closed is not closed or known.since != since:
            rows = self._counted(account, since)
            broken = [row for row in rows if self._is_broken(row)]
            # Replaced as a whole: more than one thread may ask.
            known = self._known = _Rows(closed, since, rows, broken)
        return known

    def _counted(self, account: AccountState, day: Window) -> list[_Row]:
        """Return the row that each trade closed, from a day on.

        What a trade of unknown net would have ended is taken to have ended.
        """
        calendar = self.context.calendar
        closed = account.history.closed_newest_first()
        trades = [*takewhile(lambda trade: (trade.closed_ns or 0) >= day.start_ns, closed)]
        rows: list[_Row] = []
        losses, lost_usd = 0, ZERO
        for trade in reversed(trades):
            if not day.contains(trade.closed_ns or 0):
                day = calendar.day(trade.closed_ns or 0)
                losses, lost_usd = 0, ZERO
            net_usd = trade.net_usd
            if net_usd is None or ANY_USD.is_reached(net_usd):
                losses, lost_usd = 0, ZERO
            elif self._is_loss(trade):
                losses, lost_usd = losses + 1, lost_usd - net_usd
            rows.append(_Row(trade, losses, lost_usd))
        return rows

    def _unbroken(self, row: _Row | None) -> Verdict:
        losses = Decimal(0 if row is None else row.losses)
        fraction = reached_fraction(losses, self._limit, self.settings.warn_at)
        if row is None or fraction is None:
            return Ok(value=losses, limit=self._limit)
        return Warned(
            value=losses,
            limit=self._limit,
            fraction=fraction,
            evidence=Evidence(
                template="{losses} losing trades in a row, together {lost:usd}: {limit} lock",
                figures={"losses": losses, "lost": -row.lost_usd, "limit": self._limit},
            ),
        )

    def _breach(self, row: _Row, hold: Hold, until_ns: int) -> Breached:
        losses = Decimal(row.losses)
        return Breached(
            value=losses,
            limit=self._limit,
            evidence=Evidence(
                template="{losses} losing trades in a row at {at:time}, together {lost:usd}: the"
                " limit is {limit}",
                figures={
                    "losses": losses,
                    "at": row.trade.closed_ns,
                    "lost": -row.lost_usd,
                    "limit": self._limit,
                },
            ),
            cause=f"{row.trade.contract_id} closed by fill {row.trade.last_fill_id}",
            action=Flatten(),
            locks=(hold.terms(until_ns),),
        )
