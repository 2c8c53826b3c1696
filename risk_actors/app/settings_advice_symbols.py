"""Advice on symbols that nothing here knows: most likely misspelt, perhaps only rare."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from risk_actors.app.settings_advice_words import Advice, Situation, listed
from risk_actors.core.instruments import CATALOGUE, listing_for_symbol, symbol_of
from risk_actors.core.market_hours import group_of

_LISTED = [listing.symbol for listing in CATALOGUE]


def symbols_nobody_knows(situation: Situation) -> Iterator[Advice]:
    """Tell which symbols of rules, news, holidays and price bounds are not known to us."""
    settings = situation.settings
    for rule in situation.on():
        yield from _advice("", _symbols_of(rule), rule.id)
    of_news = [symbol for event in settings.news for symbol in event.symbols]
    yield from _advice("news.toml ", of_news)
    of_holidays = [symbol for holiday in settings.holidays for symbol in holiday.symbols]
    yield from _advice("holidays.toml ", of_holidays)
    yield from _advice("[pnl] bounds of app.toml ", settings.pnl.bounds)


def _symbols_of(rule: Any) -> list[str]:
    """Return the symbols that a rule's settings name, in whichever key."""
    symbols: list[str] = []
    for key in ("blocked", "allowed", "symbols", "limits"):
        symbols += getattr(rule, key, None) or ()
    for window in getattr(rule, "windows", ()):
        symbols += window.symbols
    return symbols


def _advice(where: str, symbols: Iterable[str], rule_id: str | None = None) -> Iterator[Advice]:
    unknown = [symbol for symbol in dict.fromkeys(symbols) if not _is_known(symbol.upper())]
    if unknown:
        names = listed(f"{symbol}{_hint(symbol.upper())}" for symbol in unknown)
        kind = "a symbol" if len(unknown) == 1 else "symbols"
        yield Advice(
            f"{where}names {kind} we do not know: {names}; unless your broker lists"
            f" {'it, it stands' if len(unknown) == 1 else 'them, they stand'} for nothing",
            rule_id,
        )


def _is_known(symbol: str) -> bool:
    # Products without a tick size here, such as BTC, have their hours all the same.
    return listing_for_symbol(symbol) is not None or group_of(symbol) is not None


def _hint(symbol: str) -> str:
    # `ESZ6` is a contract's name, and its symbol is meant.
    plain = symbol_of(symbol, symbol)
    near = [plain] if plain in _LISTED else difflib.get_close_matches(symbol, _LISTED, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


SYMBOL_ADVISERS = (symbols_nobody_knows,)
