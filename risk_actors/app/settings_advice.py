"""What is wise to know of settings that are valid: what cannot act, contradicts, or is missing.

One function for each piece of advice, pure over the settings and the day they are looked at.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_advice_drawdown import DRAWDOWN_ADVISERS
from risk_actors.app.settings_advice_limits import LIMIT_ADVISERS
from risk_actors.app.settings_advice_locks import LOCK_ADVISERS
from risk_actors.app.settings_advice_preset import PRESET_ADVISERS
from risk_actors.app.settings_advice_symbols import SYMBOL_ADVISERS
from risk_actors.app.settings_advice_words import Advice, Situation, dollars
from risk_actors.core import cme_holidays
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.rules import Mode
from risk_actors.core.trading_windows import TradingWindow, TradingWindows

type Adviser = Callable[[Situation], Iterable[Advice]]

_ORDINARY_MONTH_NS = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * NS_PER_S
"""A month without holidays: a window that is open in none of its weeks never is."""
_SOME_WEEKS_NS = 28 * 24 * 3600 * NS_PER_S
_STALE_AFTER = timedelta(days=120)


def advise(situation: Situation) -> list[Advice]:
    """Return all advice, warnings first."""
    found = [advice for adviser in ADVISERS for advice in adviser(situation)]
    return sorted(found, key=lambda advice: not advice.is_warning)


def rules_that_do_nothing(situation: Situation) -> Iterator[Advice]:
    """Tell which rules are off or in shadow."""
    rules = situation.settings.rules
    if not situation.settings.is_any_rule_on:
        yield Advice('no rule is on: each has mode = "off", so nothing is guarded')
        return
    for rule in rules:
        if rule.mode is Mode.OFF:
            yield Advice("is off, so nothing watches it", rule.id)
        elif rule.mode is Mode.SHADOW:
            yield Advice("is in shadow: it decides and records, and nothing is sent", rule.id)


def rules_for_other_accounts(situation: Situation) -> Iterator[Advice]:
    """Tell which rules leave out the one account that is guarded."""
    name = situation.account_name
    for rule in situation.on():
        if name is not None and not rule.selects(name):
            yield Advice(f"selects no account: the only one guarded is {name}", rule.id)


def windows_that_never_open(situation: Situation) -> Iterator[Advice]:
    """Tell which trading windows the market never meets, and which never close."""
    end_ns = _ORDINARY_MONTH_NS + _SOME_WEEKS_NS
    for rule in situation.on("trading_hours"):
        for window in rule.windows:
            symbols: tuple[str | None, ...] = window.symbols or (None,)
            if not any(_meets_market(situation.market, window, s) for s in symbols):
                yield Advice(
                    f"the window {', '.join(window.days)} {window.start}-{window.end} never opens:"
                    " the market is closed then",
                    rule.id,
                )
        windows = TradingWindows(rule.windows, ends_early_s=rule.flatten_before_close_s)
        if not windows.own_symbols and len(windows.spans(None, _ORDINARY_MONTH_NS, end_ns)) == 1:
            holidays = ", except on holidays" if rule.holidays else ""
            yield Advice(f"its windows never end, so it cannot act{holidays}", rule.id)


def _meets_market(market: MarketCalendar, window: TradingWindow, symbol: str | None) -> bool:
    end_ns = _ORDINARY_MONTH_NS + _SOME_WEEKS_NS
    spans = TradingWindows([window]).spans(symbol, _ORDINARY_MONTH_NS, end_ns)
    return any(
        market.is_open(symbol, span.start_ns)
        or market.next_open_ns(symbol, span.start_ns) < span.end_ns
        for span in spans
    )


def news_that_is_missing(situation: Situation) -> Iterator[Advice]:
    """Tell that a news rule has nothing to act on, and what was left out of its calendars."""
    settings = situation.settings
    rules = situation.on("news_blackout")
    if not any(event.at_ns > situation.now_ns for event in settings.news):
        for rule in rules:
            yield Advice("no news lies ahead in news.toml, so it cannot act", rule.id)
    elif settings.news and not rules:
        yield Advice("news.toml has no effect without a rule of type news_blackout")
    for note in settings.news_notes:
        yield Advice(note, is_warning=False)


def holidays_that_run_out(situation: Situation) -> Iterator[Advice]:
    """Tell when the table of holidays is about to end."""
    last = cme_holidays.LAST_YEAR
    if situation.today.year >= last:
        yield Advice(
            f"the table of CME's holidays ends with {last}: get a newer version, or write the days"
            " that follow into holidays.toml"
        )


def presets_that_are_old(situation: Situation) -> Iterator[Advice]:
    """Tell when a preset's figures were read long ago."""
    preset = situation.settings.preset
    if preset is not None and situation.today - preset.header.as_of > _STALE_AFTER:
        yield Advice(
            f"the figures of {preset.header.name} are as of {preset.header.as_of};"
            f" compare them with {preset.header.source}"
        )


def platform_locks_to_set(situation: Situation) -> Iterator[Advice]:
    """Tell which limits the platform's own hard lock should back up."""
    daily = [rule for rule in situation.on("daily_loss_limit") if rule.mode is Mode.ENFORCE]
    if daily:
        yield Advice(
            f"set the platform's own daily loss limit to {dollars(daily[0].limit_usd)} or a"
            " little more, with lockout: it holds while this PC is off. Only the platform's"
            " settings page can set it",
            daily[0].id,
            is_warning=False,
        )
        return
    for rule in situation.on("trailing_drawdown", "weekly_loss_limit"):
        yield Advice(
            "set a daily loss limit with lockout on the platform's settings page too, which alone"
            " can: it holds while this PC is off",
            rule.id,
            is_warning=False,
        )
        return


def what_live_means(situation: Situation) -> Iterator[Advice]:
    """Tell what the Gateway does not let anybody do."""
    if situation.mode is TradingMode.LIVE:
        yield Advice(
            "the Gateway lets only simulated accounts that follow no other be closed and"
            " cancelled through it; on a funded live account or a follower the rules watch and say"
            " so, and only the platform's own locks act",
            is_warning=False,
        )


ADVISERS: tuple[Adviser, ...] = (
    rules_that_do_nothing,
    rules_for_other_accounts,
    *SYMBOL_ADVISERS,
    *LIMIT_ADVISERS,
    *DRAWDOWN_ADVISERS,
    windows_that_never_open,
    news_that_is_missing,
    *LOCK_ADVISERS,
    *PRESET_ADVISERS,
    presets_that_are_old,
    holidays_that_run_out,
    platform_locks_to_set,
    what_live_means,
)
