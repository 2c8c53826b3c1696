"""What the rules on trading habits share: when they can judge, and how long what broke them holds.

They count entries and trades from the broker's fills alone, so they remember nothing and are right
after any restart. All their windows are half-open: one of 60 s that ends with an entry holds what
came less than 60 s before it, and not what came exactly 60 s before.
"""

from decimal import Decimal

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import Evidence
from risk_actors.core.rules.seconds import shown_seconds, span_ns
from risk_actors.core.trade_history import Entry, Trade
from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import LockEnd, LockTerms, Unknown

HABITS_READ = ("is_reconciled", "has_all_fills", "distrusted", "history")
"""The parts of an account that rules on trading habits read."""


def unknown_habits(account: AccountState, limit: Decimal | None = None) -> Unknown | None:
    """Return why entries and trades cannot be counted now, or None when they can."""
    if not account.is_reconciled:
        evidence = Evidence(template="Fills have not been read from the broker yet")
    elif not account.has_all_fills:
        evidence = Evidence(template="Fills could not be read from the broker")
    elif account.distrusted is not None:
        evidence = Evidence(
            template="Fills wait for a look at the broker: {why}",
            figures={"why": account.distrusted},
        )
    else:
        return None
    return Unknown(evidence=evidence, limit=limit)


def unknown_net(trade: Trade, limit: Decimal | None = None) -> Unknown:
    """Return that the broker has not told yet what a closed trade made."""
    return Unknown(
        evidence=Evidence(
            template="What the {symbol} trade closed at {at:time} made is not known yet",
            figures={"symbol": trade.symbol, "at": trade.closed_ns},
        ),
        limit=limit,
    )


def is_after(entry: Entry, trade: Trade) -> bool:
    """Tell whether an entry was made after a trade closed; a reversal enters as it closes."""
    closed_ns = trade.closed_ns or 0
    return (entry.at_ns, entry.first_fill_id) >= (closed_ns, trade.last_fill_id)


class Hold:
    """How long a breach of one instant holds: for a time, or for the rest of its trading day."""

    def __init__(self, lock_s: float | None, day: Window, now_ns: int) -> None:
        self._lock_ns = None if lock_s is None else span_ns(lock_s)
        self.day = day
        self._now_ns = now_ns

    @property
    def since_ns(self) -> int:
        """No breach before this instant still holds."""
        return self.day.start_ns if self._lock_ns is None else self._now_ns - self._lock_ns

    def until_ns(self, at_ns: int) -> int | None:
        """Return the end of what was broken at an instant; None where it is over, or not yet."""
        if self._lock_ns is None:
            return self.day.end_ns if self.day.contains(at_ns) else None
        until_ns = at_ns + self._lock_ns
        return until_ns if self._now_ns < until_ns else None

    def terms(self, until_ns: int) -> LockTerms:
        """Return the lock until then."""
        if self._lock_ns is None:
            return LockTerms()
        return LockTerms(end=LockEnd.INSTANT, until_ns=until_ns)


def until_words(lock_s: float | None) -> str:
    """Return in words how long a breach locks."""
    return "until the daily reset" if lock_s is None else f"for {shown_seconds(lock_s)} s"
