"""What advice is, what it looks at, and how it puts amounts, sizes and times."""

from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.settings import Settings, TradingMode
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.rules import Mode, Rule, RuleSettings
from risk_actors.core.wall_clock import wall_time

_SPANS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


class Advice(NamedTuple):
    """One sentence, without its full stop."""

    text: str
    rule: str | None = None
    """The id of the rule it is about, which the sentence follows; None: the settings as a whole."""
    is_warning: bool = True
    """Whether something is likely wrong; else it is good to know."""


class Situation(NamedTuple):
    """The settings, and where and when they are to work."""

    settings: Settings
    mode: TradingMode
    now_ns: int
    account_name: str | None = None
    """The one account to guard, where the environment or the settings name one."""

    @property
    def today(self) -> date:
        """The date where the trading day is reckoned."""
        return wall_time(self.now_ns, ZoneInfo(self.settings.session.timezone)).date()

    @property
    def market(self) -> MarketCalendar:
        """The exchange's hours and holidays."""
        return MarketCalendar(self.settings.holidays)

    def rule_of(self, settings: RuleSettings) -> Rule[Any, Any]:
        """Return the rule that its settings make."""
        return make_rule(settings, rule_context(self.settings))

    def on(self, *types: str) -> list[Any]:
        """Return the rules of these types (of all types without any) that are not off."""
        return [
            rule
            for rule in self.settings.rules
            if rule.mode is not Mode.OFF and (not types or rule.type in types)
        ]


def covers(wide: RuleSettings, narrow: RuleSettings) -> bool:
    """Tell whether a rule guards every account that another guards."""
    patterns = [pattern.upper() for pattern in wide.accounts]
    return all(_matches_any(name.upper(), patterns) for name in narrow.accounts)


def overlap(first: RuleSettings, second: RuleSettings) -> bool:
    """Tell whether two rules surely guard an account in common."""
    one = [pattern.upper() for pattern in first.accounts]
    other = [pattern.upper() for pattern in second.accounts]
    return any(_matches_any(name, other) for name in one) or any(
        _matches_any(name, one) for name in other
    )


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a name is among the patterns; a pattern is, when a wider one takes it in."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def dollars(amount_usd: float) -> str:
    """Return `$1,500.00`."""
    return f"-${-amount_usd:,.2f}" if amount_usd < 0 else f"${amount_usd:,.2f}"


def contracts(count: float) -> str:
    """Return `1 contract` or `5 contracts`."""
    return f"{count:g} contract{'' if count == 1 else 's'}"


def time_span(seconds: float) -> str:
    """Return a length of time in the largest unit that divides it: `15 minutes`, `90 seconds`."""
    for unit, length_s in _SPANS:
        if seconds >= length_s and seconds % length_s == 0:
            count = int(seconds / length_s)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    *others, last = list(words)
    return f"{', '.join(others)} and {last}" if others else last
