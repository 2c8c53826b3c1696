"""What rules know beyond their settings: the calendars that the settings make."""

from typing import Any
from zoneinfo import ZoneInfo

from risk_actors.app.settings import Settings
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar
from risk_actors.core.rules import Rule, RuleSettings, catalogue
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.trading_calendar import TradingCalendar


def rule_context(settings: Settings) -> RuleContext:
    """Return the trading day, the market's hours and the news of these settings."""
    return RuleContext(
        trading_calendar(settings),
        MarketCalendar(settings.holidays),
        NewsCalendar(settings.news),
    )


def trading_calendar(settings: Settings) -> TradingCalendar:
    """Return the trading day and week of these settings."""
    session = settings.session
    return TradingCalendar(
        zone=ZoneInfo(session.timezone),
        daily_reset=session.daily_reset,
        weekly_reset=session.weekly_reset,
    )


def make_rule(settings: RuleSettings, context: RuleContext) -> Rule[Any, Any]:
    """Return the rule that these settings ask for."""
    return catalogue()[settings.type](settings, context)
