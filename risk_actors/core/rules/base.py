"""What a rule is: settings, a state per account, and a function from fact to verdict."""

from abc import ABC, abstractmethod
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import UNCLEAR, Effect, adding_tightens, judged_by, ordered
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.lock_settings import LockSettings, lock_effect
from risk_actors.core.rules.measure import NO_MEASURE, Measure
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import Verdict

type Fact = AccountState | PnlState
"""What a rule may be shown. Each fact is whole, so a rule never joins two streams."""

PositiveSeconds = Annotated[float, msgspec.Meta(gt=0, le=31_622_400)]
PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
PositiveUsd = Annotated[float, msgspec.Meta(ge=0.01, le=1e9)]
"""An amount to compare with: a cent at least, for that is how amounts are compared."""
Fraction = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Mode(StrEnum):
    """Whether a rule's breach is enforced."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    """Decided and recorded; nothing is sent."""
    OFF = "off"


class OnUnknown(StrEnum):
    """What to do when a rule cannot make its check."""

    ALERT = "alert"
    """Say so."""
    LOCK = "lock"
    """Say so, and after a while lock the account until the check can be made again."""


class OnRuleFailure(StrEnum):
    """What to do when a rule itself fails again and again, so that it judges nothing any more."""

    ALERT = "alert"
    """Say so, loudly and for as long as it lasts."""
    LOCK = "lock"
    """Say so, and lock what it guards: no entries, and open positions may only shrink, until the
    rule judges again."""


class RuleContext(NamedTuple):
    """What rules know beyond their settings: calendars, the same for all of them."""

    calendar: TradingCalendar
    market: MarketCalendar
    news: NewsCalendar


@cache
def default_context() -> RuleContext:
    """Return CME's own trading day and calendar, and no news."""
    return RuleContext(
        TradingCalendar(
            zone=ZoneInfo("America/Chicago"), daily_reset="0 17 * * *", weekly_reset="0 17 * * SUN"
        ),
        MarketCalendar(),
        NewsCalendar(),
    )


def _mode_effect(old: Mode, new: Mode) -> Effect:
    """Enforcing less loosens; enforcing more may flatten at once, so it waits as well."""
    if old is new:
        return Effect.SAME
    is_less = new is Mode.OFF or old is Mode.ENFORCE
    return Effect.LOOSENS if is_less else Effect.UNCLEAR


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys that every `[[rules]]` table may have; `type` is the subclass's tag."""

    id: Annotated[str, msgspec.Meta(min_length=1), UNCLEAR]
    """A name of your own, used once; it shows in the log, on the screen and on locks."""
    mode: Annotated[Mode, judged_by(_mode_effect)] = Mode.ENFORCE
    """`enforce` acts; `shadow` decides and records, and sends nothing; `off` switches it off."""
    accounts: Annotated[tuple[str, ...], msgspec.Meta(min_length=1), UNCLEAR] = ("*",)
    """Account names or `*` patterns."""
    warn_at: Annotated[tuple[Fraction, ...], judged_by(adding_tightens)] = ()
    """Fractions of the limit at which to warn, each once a day; a rule on single positions or
    instruments warns of each by itself."""
    on_unknown: Annotated[OnUnknown, ordered(OnUnknown.ALERT, OnUnknown.LOCK)] = OnUnknown.ALERT
    """What to do when the check cannot be made: `alert`, or `lock` until it can."""
    lock: Annotated[LockSettings | None, judged_by(lock_effect)] = None
    """How the account is locked, where that is not to be as the rule has it."""

    @property
    def type(self) -> str:
        """The rule's type as settings name it."""
        return str(self.__struct_config__.tag)

    def selects(self, account_name: str) -> bool:
        """Tell whether the rule guards the account of this name."""
        return any(fnmatchcase(account_name.upper(), pattern.upper()) for pattern in self.accounts)


class Rule[SettingsT: RuleSettings, StateT](ABC):
    """A rule: pure, and safe to show the same fact twice.

    A subclass names its number and `Settings` struct (whose tag is the type in settings), the
    facts it wants, and what it breaks on and does in the words of the rule table; adding a rule
    is adding one file to this package.
    """

    number: ClassVar[int]
    """Its number in the rule table."""
    Settings: ClassVar[type[RuleSettings]]
    State: ClassVar[Any] = None
    """What it remembers, as a type that survives JSON; None when nothing need outlive a run."""
    facts: ClassVar[frozenset[type]]
    reads: tuple[str, ...] = ()
    """The parts of its fact that what it says depends on, as dotted names; none means all of it. A
    rule that names them is not asked again while they are the same objects (`core.rules.calm`)."""
    breaks_when: ClassVar[str]
    """When it breaks, for the rule table: `the day's P&L reaches minus the limit`."""
    response: ClassVar[str]
    """What it does then, by default: `lock the account until the daily reset`."""
    measure: Measure = NO_MEASURE
    """What its value and limit are; a rule that has a choice sets it for the instance."""
    ends_on_condition: ClassVar[bool] = False
    """Whether its locks end when the rule says so (`LockEnd.CONDITION`)."""

    def __init__(self, settings: SettingsT, context: RuleContext | None = None) -> None:
        self.settings = settings
        self.context = default_context() if context is None else context

    @abstractmethod
    def initial_state(self) -> StateT:
        """Return the state before anything was seen of an account."""

    @abstractmethod
    def evaluate(self, state: StateT, fact: Any, now_ns: int) -> tuple[StateT, Verdict]:
        """Return the next state and what the rule says of this fact.

        Called with every fact, and again with the last one at the instant that `next_look_ns`
        gave; the same fact twice must change nothing.
        """

    def next_look_ns(self, state: StateT, fact: Any, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when the passing of time alone may change the verdict; None for never."""
        return None

    @abstractmethod
    def summary(self) -> str:
        """Return the rule with its effective figures in one sentence."""
