"""Rule 006: nothing may be open outside the trading windows, nor when a window is about to end."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import HIGHER, ON, judged_by
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.rules.base import Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_symbols import is_unsure, open_symbols
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.trading_windows import (
    WEEKDAYS,
    TradingWindow,
    TradingWindows,
    windows_effect,
)
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Verdict
from risk_actors.core.wall_clock import wall_time

DayOfSeconds = Annotated[int, msgspec.Meta(ge=0, lt=86_400)]


class TradingHoursSettings(RuleSettings, frozen=True, kw_only=True, tag="trading_hours"):
    """Settings of rule 006."""

    windows: Annotated[
        tuple[TradingWindow, ...], msgspec.Meta(min_length=1), judged_by(windows_effect)
    ]
    """When trading is allowed. A symbol that has windows of its own uses only those; one that has
    none, where no window is for all, may be traded at any time."""
    holidays: Annotated[bool, ON] = True
    """Whether closed days and early closes of the exchange and of holidays.toml cut the windows."""
    flatten_before_close_s: Annotated[DayOfSeconds, HIGHER] = 0
    """Seconds before the end of a window (or an early close) at which all must be closed."""

    def __post_init__(self) -> None:
        """Refuse windows that are over before they begin."""
        for window in self.windows:
            if window.length_s <= self.flatten_before_close_s:
                raise ValueError(
                    f"the window {window.start}-{window.end} is not longer than"
                    f" `flatten_before_close_s = {self.flatten_before_close_s}`"
                )


class TradingHours(Rule[TradingHoursSettings, None]):
    """Lock until the next opening: the account, or the contract that has hours of its own.

    With nothing open nothing is broken, also when a window ends; an order or a position that
    appears outside the windows breaks the rule at once. A market that a holiday closes while others
    trade on locks its contracts alone.
    """

    number = 6
    Settings = TradingHoursSettings
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "positions", "orders", "named_symbols")
    breaks_when = "a position or order exists outside the windows, or the window is about to end"
    response = "lock scope until the next open"
    measure = Measure(Unit.NONE, MovedBy.TIME)

    def __init__(self, settings: TradingHoursSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        early_s = settings.flatten_before_close_s
        market = self.context.market if settings.holidays else None
        self._windows = TradingWindows(settings.windows, market, ends_early_s=early_s)
        self._without_holidays = TradingWindows(settings.windows, ends_early_s=early_s)
        self._to_the_end = TradingWindows(settings.windows, market)

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        windows = "; ".join(_shown(window) for window in self.settings.windows)
        holidays = ", less holidays and early closes" if self.settings.holidays else ""
        early_s = self.settings.flatten_before_close_s
        when = f"{early_s} s before the end" if early_s else "at the end"
        scope = "contract" if self._windows.own_symbols else "account"
        return (
            f"Trade only {windows}{holidays}; {when} and outside, flatten and lock the {scope}"
            " until the next opening."
        )

    def next_open_ns(self, symbol: str | None, now_ns: int) -> int:
        """Return when trading begins next, for a symbol or (None) for any instrument."""
        return self._windows.next_open_ns(symbol, now_ns)

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when a window of something open ends, or begins again."""
        looks = []
        for symbol in set(open_symbols(fact).values()):
            if not self._windows.is_restricted(symbol):
                continue
            span = self._windows.span_at(symbol, now_ns)
            looks.append(self.next_open_ns(symbol, now_ns) if span is None else span.end_ns)
        return min(looks, default=None)

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look for positions and working orders in symbols that may not be traded now."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet")
            )
        symbols = open_symbols(account)
        unsure = [c for c in symbols if is_unsure(c, account, self._windows.own_symbols)]
        closed = {
            contract_id: symbol
            for contract_id, symbol in symbols.items()
            if contract_id not in unsure and self._is_closed(symbol, now_ns)
        }
        if closed:
            return self._breach(account, closed, now_ns)
        if unsure:
            return Unknown(
                evidence=Evidence(
                    template="The symbol of {contracts} has not been read from the broker yet",
                    figures={"contracts": ", ".join(unsure)},
                )
            )
        return Ok()

    def _is_closed(self, symbol: str, now_ns: int) -> bool:
        windows = self._windows
        return windows.is_restricted(symbol) and windows.span_at(symbol, now_ns) is None

    def _breach(self, account: AccountState, closed: dict[str, str], now_ns: int) -> Breached:
        opens = {c: self.next_open_ns(symbol, now_ns) for c, symbol in closed.items()}
        first_ns = min(opens.values())
        if self._is_closed_for_all(now_ns):
            first_ns = min(first_ns, self.next_open_ns(None, now_ns))
            opens, action = {}, Flatten()
            locks: tuple[LockTerms, ...] = (LockTerms(end=LockEnd.INSTANT, until_ns=first_ns),)
        else:
            action = Flatten(contract_ids=tuple(opens))
            locks = tuple(
                LockTerms(contract_id=contract_id, end=LockEnd.INSTANT, until_ns=until_ns)
                for contract_id, until_ns in opens.items()
            )
        return Breached(
            value=None,
            limit=None,
            evidence=self._evidence(account, closed, first_ns, now_ns),
            cause=" ".join(f"{terms.contract_id or 'account'} {terms.until_ns}" for terms in locks),
            action=action,
            locks=locks,
            contract_id=next(iter(opens)) if len(opens) == 1 else None,
        )

    def _is_closed_for_all(self, now_ns: int) -> bool:
        """Tell whether it is the hours themselves, not a holiday of some markets, that are over."""
        return (
            not self._windows.own_symbols and self._without_holidays.span_at(None, now_ns) is None
        )

    def _evidence(
        self, account: AccountState, closed: dict[str, str], opens_ns: int, now_ns: int
    ) -> Evidence:
        ends_ns = self._end_at_hand_ns(closed.values(), now_ns)
        left_s = 0 if ends_ns is None else round((ends_ns - now_ns) / NS_PER_S)
        if ends_ns is None:
            when = "outside the trading hours at {at:time}"
        elif left_s > 0:
            when = "{left_s} s before trading hours end at {ends:time}"
        else:
            when = "as trading hours ended at {ends:time}"
        things = list(_things(account, closed))
        weekday = wall_time(opens_ns, self.context.calendar.zone).weekday()
        return Evidence(
            template=(
                f"{{things}} {'was' if len(things) == 1 else 'were'} open {when};"
                " trading begins again on {opens_on} at {opens:time}"
            ),
            figures={
                "things": " and ".join(filter(None, (", ".join(things[:-1]), things[-1]))),
                "at": now_ns,
                "ends": ends_ns,
                "left_s": left_s,
                "opens_on": WEEKDAYS[weekday],
                "opens": opens_ns,
            },
        )

    def _end_at_hand_ns(self, symbols: Iterable[str], now_ns: int) -> int | None:
        """Return when the windows end that are about to, or did within the last second.

        None where one of the symbols is outside its windows for longer.
        """
        hours = self._to_the_end
        spans = [
            hours.span_at(symbol, now_ns) or hours.span_at(symbol, now_ns - NS_PER_S)
            for symbol in symbols
        ]
        ends = [span.end_ns for span in spans if span is not None]
        return min(ends, default=None) if len(ends) == len(spans) else None


def _things(account: AccountState, closed: dict[str, str]) -> Iterator[str]:
    """Yield what is open by symbol: `2 MNQ`, then `1 working order in MNQ`."""
    sizes, orders = Counter[str](), Counter[str]()
    for contract_id, symbol in closed.items():
        sizes[symbol] += abs(account.counted_size_in(contract_id))
        orders[symbol] += sum(order.contract_id == contract_id for order in account.orders)
    for symbol in sorted(sizes):
        if sizes[symbol] or not orders[symbol]:
            yield f"{sizes[symbol]} {symbol}"
    for symbol in sorted(orders):
        if orders[symbol]:
            plural = "" if orders[symbol] == 1 else "s"
            yield f"{orders[symbol]} working order{plural} in {symbol}"


def _shown(window: TradingWindow) -> str:
    days = ", ".join(window.days)
    symbols = f" for {', '.join(symbol.upper() for symbol in window.symbols)}"
    return f"{days} {window.start}-{window.end} {window.zone}{symbols if window.symbols else ''}"
