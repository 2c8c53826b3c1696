"""Rule 021: nothing may be open around news."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import HIGHER, Effect, adding_tightens, judged_by
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import refuse_root
from risk_actors.core.news import Blackout
from risk_actors.core.rules.base import Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_symbols import is_unsure, open_symbols
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Verdict

DayOfSeconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]


def _symbols_effect(old: tuple[str, ...], new: tuple[str, ...]) -> Effect:
    """More symbols are tighter, and none named means every one."""
    before, after = ({symbol.upper() for symbol in symbols} for symbols in (old, new))
    if before and after:
        return adding_tightens(before, after)
    if before == after:
        return Effect.SAME
    return Effect.TIGHTENS if before else Effect.LOOSENS


class NewsBlackoutSettings(RuleSettings, frozen=True, kw_only=True, tag="news_blackout"):
    """Settings of rule 021; the news stand in news.toml."""

    before_s: Annotated[DayOfSeconds, HIGHER]
    """Seconds before the news from which nothing may be open."""
    after_s: Annotated[DayOfSeconds, HIGHER]
    """Seconds from the news on until trading begins again; an event may have its own of both."""
    symbols: Annotated[tuple[str, ...], judged_by(_symbols_effect)] = ()
    """The exchange symbols that keep out; empty means every instrument."""

    def __post_init__(self) -> None:
        """Refuse a blackout that lasts no time, and the Gateway's names of symbols."""
        if not self.before_s and not self.after_s:
            raise ValueError("`before_s` or `after_s` must be more than 0")
        for symbol in self.symbols:
            refuse_root(symbol)


class NewsBlackout(Rule[NewsBlackoutSettings, None]):
    """Lock until the blackout ends: the account, or the contracts that the news concerns.

    With nothing open nothing is broken; an order or a position that appears during a blackout
    breaks the rule at once.
    """

    number = 21
    Settings = NewsBlackoutSettings
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "positions", "orders", "named_symbols")
    breaks_when = "a position or order exists inside a window"
    response = "flatten, lock until the window ends"
    measure = Measure(Unit.NONE, MovedBy.TIME)

    def __init__(self, settings: NewsBlackoutSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._symbols = frozenset(symbol.upper() for symbol in settings.symbols)
        of_news = (symbol for event in self.context.news.events for symbol in event.symbols)
        self._named = self._symbols | frozenset(of_news)

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        whom = f" of {', '.join(sorted(self._symbols))}" if self._symbols else ""
        scope = "contract" if self._symbols else "account (or the contracts the news is about)"
        count = len(self.context.news.events)
        return (
            f"Nothing{whom} may be open from {self.settings.before_s} s before news until"
            f" {self.settings.after_s} s after it ({count} known); else flatten and lock the"
            f" {scope} until then."
        )

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when a blackout of something open begins or ends."""
        looks = []
        for symbol in set(open_symbols(fact).values()):
            if not self._is_watched(symbol):
                continue
            if (blackout := self._blackout(symbol, now_ns)) is not None:
                looks.append(blackout.window.end_ns)
            elif (following := self._following(symbol, now_ns)) is not None:
                looks.append(following.window.start_ns)
        return min(looks, default=None)

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look for positions and working orders that some news is about."""
        return state, self._judge(fact, now_ns)

    def _is_watched(self, symbol: str) -> bool:
        return not self._symbols or symbol in self._symbols

    def _blackout(self, symbol: str | None, now_ns: int) -> Blackout | None:
        settings = self.settings
        return self.context.news.blackout_at(symbol, now_ns, settings.before_s, settings.after_s)

    def _following(self, symbol: str, now_ns: int) -> Blackout | None:
        settings = self.settings
        return self.context.news.next_blackout(symbol, now_ns, settings.before_s, settings.after_s)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet")
            )
        symbols = open_symbols(account)
        unsure = [c for c in symbols if is_unsure(c, account, self._named)]
        caught = {
            contract_id: blackout
            for contract_id, symbol in symbols.items()
            if self._is_watched(symbol) and (blackout := self._blackout(symbol, now_ns)) is not None
        }
        if caught:
            return self._breach(caught, symbols, now_ns)
        if unsure:
            return Unknown(
                evidence=Evidence(
                    template="The symbol of {contracts} has not been read from the broker yet",
                    figures={"contracts": ", ".join(unsure)},
                )
            )
        return Ok()

    def _breach(
        self, caught: dict[str, Blackout], symbols: Mapping[str, str], now_ns: int
    ) -> Breached:
        for_all = None if self._symbols else self._blackout(None, now_ns)
        for_all_ns = 0 if for_all is None else for_all.window.end_ns
        locks = [
            LockTerms(contract_id=contract_id, end=LockEnd.INSTANT, until_ns=blackout.window.end_ns)
            for contract_id, blackout in caught.items()
            if blackout.window.end_ns > for_all_ns
        ]
        action = Flatten(contract_ids=tuple(caught))
        if for_all is not None:
            locks.insert(0, LockTerms(end=LockEnd.INSTANT, until_ns=for_all_ns))
            action = Flatten()
        return Breached(
            value=None,
            limit=None,
            evidence=_evidence(caught, symbols, now_ns),
            cause=" ".join(f"{terms.contract_id or 'account'} {terms.until_ns}" for terms in locks),
            action=action,
            locks=tuple(locks),
            contract_id=next(iter(caught)) if for_all is None and len(caught) == 1 else None,
        )


def _evidence(caught: dict[str, Blackout], symbols: Mapping[str, str], now_ns: int) -> Evidence:
    return Evidence(
        template="{symbols} was open at {at:time}, in the blackout around {news} until {end:time}",
        figures={
            "symbols": _joined(symbols[contract_id] for contract_id in caught),
            "at": now_ns,
            "news": ", ".join(
                dict.fromkeys(name for blackout in caught.values() for name in blackout.names)
            ),
            "end": max(blackout.window.end_ns for blackout in caught.values()),
        },
    )


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))
