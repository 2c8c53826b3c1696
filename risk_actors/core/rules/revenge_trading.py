"""Rule 012: after a big loss, an oversized entry or too many entries lock the account."""

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import HIGHER, LOWER, Effect, as_one, higher
from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.instruments import is_micro
from risk_actors.core.money import decimal_from
from risk_actors.core.rules.base import (
    PositiveInt,
    PositiveSeconds,
    PositiveUsd,
    Rule,
    RuleContext,
    RuleSettings,
)
from risk_actors.core.rules.habits import (
    HABITS_READ,
    Hold,
    is_after,
    unknown_habits,
    unknown_net,
    until_words,
)
from risk_actors.core.rules.limits import UsdMarks
from risk_actors.core.rules.measure import NO_MEASURE, Measure, MovedBy, Unit
from risk_actors.core.rules.seconds import shown_seconds, span_ns
from risk_actors.core.trade_history import Entry, Trade
from risk_actors.core.verdict import Breached, Flatten, Ok, Verdict

MICROS_TO_A_MINI = 10

Factor = Annotated[float, msgspec.Meta(gt=0, le=1000)]


_REVENGE = as_one(loss_usd=LOWER, window_s=HIGHER, size_factor=LOWER, max_entries=LOWER)


class RevengeTradingSettings(RuleSettings, frozen=True, kw_only=True, tag="revenge_trading"):
    """Settings of rule 012."""

    loss_usd: Annotated[PositiveUsd, _REVENGE]
    """The loss of one trade, net of fees and commissions, from which on the rule watches what
    follows it."""
    window_s: Annotated[PositiveSeconds, _REVENGE]
    """How long it watches, from the close of the losing trade; an entry made exactly this long
    after it is outside."""
    size_factor: Annotated[Factor | None, _REVENGE] = None
    """An entry bigger than this times the largest size of the losing trade breaks the rule; where
    one is in micros and the other is not, ten micros are one contract."""
    max_entries: Annotated[PositiveInt | None, _REVENGE] = None
    """The most entries that may be made while it watches; one more breaks the rule."""
    lock_s: Annotated[PositiveSeconds | None, higher(none=Effect.UNCLEAR)] = None
    """How long the account is locked, from the entry that broke the rule; without it until the
    daily reset."""

    def __post_init__(self) -> None:
        """Refuse a rule that looks at nothing."""
        if self.size_factor is None and self.max_entries is None:
            raise ValueError("give `size_factor`, `max_entries` or both")


class _Revenge(NamedTuple):
    """An entry that breaks the rule, and the loss that it followed."""

    entry: Entry
    loss: Trade
    entries: int
    """How many entries followed the loss so far, this one included."""
    is_too_big: bool

    @property
    def order(self) -> tuple[int, int, int]:
        """The latest entry goes first, and of the losses before it the latest."""
        return self.entry.at_ns, self.entry.order_id, self.loss.closed_ns or 0


class RevengeTrading(Rule[RevengeTradingSettings, None]):
    """Every loss that is big enough opens a window of its own.

    An entry grows with the partial fills of its order; what it only closes is not in its size.
    """

    number = 12
    Settings = RevengeTradingSettings
    facts = frozenset({AccountState})
    reads = HABITS_READ
    breaks_when = (
        "within `window_s` after a loss of `loss_usd` or more: an entry bigger than `size_factor`"
        " times the losing trade's peak size, or more than `max_entries` entries"
    )
    response = "lock account for `lock_s`, else until daily reset"

    def __init__(
        self, settings: RevengeTradingSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._window_ns = span_ns(settings.window_s)
        self._loss_usd = decimal_from(settings.loss_usd)
        self._loss = UsdMarks(self._loss_usd)
        self._factor = None if settings.size_factor is None else decimal_from(settings.size_factor)
        self._limit = None if settings.max_entries is None else Decimal(settings.max_entries)
        if self._limit is not None:
            self.measure = Measure(Unit.ENTRIES, MovedBy.ENTRY)
        else:
            self.measure = NO_MEASURE

    def initial_state(self) -> None:
        """The rule looks at closed trades and entries alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        broken = []
        if self._factor is not None:
            broken.append(f"an entry of more than {self._factor.normalize():f} times its size")
        if self._limit is not None:
            broken.append(f"more than {self._limit} entries")
        return (
            f"Within {shown_seconds(self.settings.window_s)} s after a trade that lost"
            f" ${self._loss_usd:,.2f} or more, {' or '.join(broken)} will flatten and lock the"
            f" account {until_words(self.settings.lock_s)}."
        )

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when a window closes, a lock has run out, or another day begins."""
        hold = self._hold(now_ns)
        watched = self._watched(fact, hold)
        windows = [self._window_end_ns(trade) for trade in watched]
        locks = [hold.until_ns(revenge.entry.at_ns) for revenge in self._revenges(fact, watched)]
        looks = [end_ns for end_ns in (*windows, *locks) if end_ns is not None and end_ns > now_ns]
        return min([hold.day.end_ns, *looks])

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look at what was entered after each big loss."""
        return state, self._judge(fact, now_ns)

    def _hold(self, now_ns: int) -> Hold:
        return Hold(self.settings.lock_s, self.context.calendar.day(now_ns), now_ns)

    def _window_end_ns(self, trade: Trade) -> int:
        return (trade.closed_ns or 0) + self._window_ns

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        unknown = unknown_habits(account, self._limit)
        if unknown is not None:
            return unknown
        hold = self._hold(now_ns)
        watched = self._watched(account, hold)
        holding = [
            (revenge, until_ns)
            for revenge in self._revenges(account, watched)
            if (until_ns := hold.until_ns(revenge.entry.at_ns)) is not None
        ]
        certain = [each for each in holding if each[0].loss.net_usd is not None]
        if certain:
            return self._breach(*max(certain, key=lambda each: each[0].order), hold)
        watching = [trade for trade in watched if now_ns < self._window_end_ns(trade)]
        for trade in (*(each[0].loss for each in holding), *watching):
            if trade.net_usd is None:
                return unknown_net(trade, self._limit)
        if self._limit is None:
            return Ok()
        count = max((len(self._entries_after(account, trade)) for trade in watching), default=0)
        return Ok(value=Decimal(count), limit=self._limit)

    def _watched(self, account: AccountState, hold: Hold) -> list[Trade]:
        """Return the trades that lost enough, or may have, and what followed may still matter."""
        begin_ns = hold.since_ns - self._window_ns
        watched: list[Trade] = []
        for trade in reversed(account.history.closed):
            if trade.under_lock:
                continue
            if (trade.closed_ns or 0) <= begin_ns:
                break
            net_usd = trade.net_usd
            if net_usd is None or self._loss.is_reached(-net_usd):
                watched.append(trade)
        return watched

    def _entries_after(self, account: AccountState, loss: Trade) -> list[Entry]:
        """Return the entries that count in the window of a loss, oldest first."""
        entries = account.history.entries
        begin = bisect_left(entries, loss.closed_ns or 0, key=lambda entry: entry.at_ns)
        end = bisect_left(entries, self._window_end_ns(loss), key=lambda entry: entry.at_ns)
        return [
            entry for entry in entries[begin:end] if is_after(entry, loss) and not entry.under_lock
        ]

    def _revenges(self, account: AccountState, watched: list[Trade]) -> Iterator[_Revenge]:
        """Yield the entries that break the rule, were every loss not known yet big enough."""
        for loss in watched:
            for number, entry in enumerate(self._entries_after(account, loss), start=1):
                is_too_big = self._is_too_big(entry, loss)
                if is_too_big or (self._limit is not None and number > self._limit):
                    yield _Revenge(entry, loss, number, is_too_big)

    def _is_too_big(self, entry: Entry, loss: Trade) -> bool:
        if self._factor is None:
            return False
        size, allowed = Decimal(entry.size), self._factor * loss.peak_size
        if is_micro(entry.symbol) != is_micro(loss.symbol):
            size *= 1 if is_micro(entry.symbol) else MICROS_TO_A_MINI
            allowed *= 1 if is_micro(loss.symbol) else MICROS_TO_A_MINI
        return size > allowed

    def _breach(self, revenge: _Revenge, until_ns: int, hold: Hold) -> Breached:
        entry, loss = revenge.entry, revenge.loss
        figures: dict[str, Figure] = {
            "at": entry.at_ns,
            "size": entry.size,
            "symbol": entry.symbol,
            "number": revenge.entries,
            "lost": loss.net_usd,
            "lost_at": loss.closed_ns,
            "lost_size": loss.peak_size,
            "lost_symbol": loss.symbol,
            "factor": self._factor,
            "limit": self._limit,
        }
        if revenge.is_too_big:
            after = " of {lost_size} {lost_symbol}: more than {factor} times its size"
        else:
            after = ": entry {number}, {limit} are allowed"
        return Breached(
            value=None if self._limit is None else Decimal(revenge.entries),
            limit=self._limit,
            evidence=Evidence(
                template="An entry of {size} {symbol} at {at:time} followed the loss of {lost:usd}"
                " at {lost_at:time}" + after,
                figures=figures,
            ),
            cause=f"entry {entry.order_id}",
            action=Flatten(),
            locks=(hold.terms(until_ns),),
        )
