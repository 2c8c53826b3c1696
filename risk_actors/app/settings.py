"""What the trader's settings say, as structs; `load_settings` reads them from their files."""

from collections.abc import Callable
from datetime import date
from enum import IntEnum, StrEnum
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Literal, Protocol

import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.alerts.settings import AlertSettings
from risk_actors.core.direction import EACH, FREE, HIGHER, UNCLEAR, Effect, judged_by, ordered
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.holidays import Holiday
from risk_actors.core.instruments import refuse_root
from risk_actors.core.mark_filter import CONFIRM_NS
from risk_actors.core.marks import MarkTerms
from risk_actors.core.news import NewsEvent
from risk_actors.core.price_bounds import TickBounds
from risk_actors.core.rules import Mode, RuleSettings
from risk_actors.core.rules.base import OnRuleFailure
from risk_actors.core.unlock_policy import UnlockPolicy, UnlockTerms
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.settings import SimulatorSettings, TraderSettings, paper_accounts

NS_PER_MS = NS_PER_S // 1000

type PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]
type PositiveCount = Annotated[int, msgspec.Meta(gt=0)]
type Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
type Text = Annotated[str, msgspec.Meta(min_length=1)]


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAULT = 1
    USAGE = 2
    """The command line or the settings are wrong."""
    UNREACHABLE = 3
    """The gateway could not be reached or refused the login."""
    ALREADY_RUNNING = 4
    """Another instance runs on this data directory."""


class TradingMode(StrEnum):
    """Which gateway is guarded."""

    PAPER = "paper"
    """The bundled simulator."""
    LIVE = "live"
    """The broker that the credentials belong to."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a settings file."""


def _unlock_effect(old: UnlockPolicy, new: UnlockPolicy) -> Effect:
    """`never` is the tightest; of the other two none is, a secret may be known and time passes."""
    if old == new:
        return Effect.SAME
    if new == UnlockPolicy.NEVER:
        return Effect.TIGHTENS
    return Effect.LOOSENS if old == UnlockPolicy.NEVER else Effect.UNCLEAR


class SessionSettings(_Table, frozen=True, kw_only=True):
    """`[session]` of risk.toml: when a trading day and week begin."""

    timezone: Annotated[str, UNCLEAR] = "America/Chicago"
    """The zone of the resets, and of the times that are shown."""
    daily_reset: Annotated[str, UNCLEAR] = "0 17 * * *"
    """Cron: minute, hour, day, month, weekday."""
    weekly_reset: Annotated[str, UNCLEAR] = "0 17 * * SUN"
    """Cron, likewise: when a trading week ends."""
    unlock: Annotated[UnlockPolicy, judged_by(_unlock_effect)] = UnlockPolicy.NEVER
    """Whether a lock may be ended before its time: `never`; `delayed` on request, after a
    cooling-off time; `admin` with the admin secret (`risk-actors admin set-secret`)."""
    unlock_delay_s: Annotated[float, msgspec.Meta(ge=60, le=604_800), HIGHER] = 3600.0
    """How long a request waits under `delayed` before it takes effect."""

    on_rule_failure: Annotated[OnRuleFailure, ordered(OnRuleFailure.ALERT, OnRuleFailure.LOCK)] = (
        OnRuleFailure.LOCK
    )
    """What to do when a rule fails again and again by a fault of its own: `lock` lets nothing new
    be opened on the accounts that it guards until it works again, `alert` only says so."""

    def unlock_terms(self) -> UnlockTerms:
        """Return the policy as the lockout actor wants it."""
        return UnlockTerms(policy=self.unlock, delay_ns=int(self.unlock_delay_s * NS_PER_S))


class StoreSettings(_Table, frozen=True, kw_only=True):
    """`[store]` of app.toml: how long what is in `risk.db` is kept."""

    keep_days: Annotated[PositiveCount, HIGHER] = 400
    """Events, decisions, commands and outcomes; locks, fills and days are kept for good."""
    keep_tape_days: Annotated[PositiveCount, HIGHER] = 14
    """What a replay needs: every quote and tick, so far more."""
    tape_mb: Annotated[PositiveCount, HIGHER] = 256
    """When that has grown to this many megabytes, the oldest of it goes earlier."""


class LogLevel(StrEnum):
    """How much is logged; each includes the ones after it."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogSettings(_Table, frozen=True, kw_only=True):
    """`[log]` of app.toml."""

    console_level: LogLevel = LogLevel.INFO
    """What the console shows; each level includes those after it."""
    file_level: LogLevel = LogLevel.DEBUG
    """What the log in the data directory keeps."""
    file_size_mb: PositiveCount = 20
    """A log file that has grown to this is closed and a new one begun."""
    keep_files: PositiveCount = 10
    """How many closed log files are kept."""


class WebSettings(_Table, frozen=True, kw_only=True):
    """`[web]` of app.toml."""

    host: str = "127.0.0.1"
    """This machine only; any other address needs a token."""
    port: Port = 8787
    """0 takes a free port, and so does a port that is taken."""
    token_file: str = ""
    """A file with the token that everybody must have who asks; beside the settings if relative."""
    metrics_pnl: bool = False
    """Whether `/metrics` has balances and P&L: whoever collects metrics may be somebody else."""


class PnlSettings(_Table, frozen=True, kw_only=True):
    """`[pnl]` of app.toml."""

    quote_stale_after_s: Annotated[PositiveSeconds, UNCLEAR] = 10.0
    """A quote older than this no longer marks a position while its market is open."""
    confirm_ms: Annotated[int, msgspec.Meta(gt=0, le=5_000), UNCLEAR] = CONFIRM_NS // NS_PER_MS
    """A surprising price waits this long for a second quote or a trade; then it counts."""
    bounds: Annotated[dict[str, TickBounds], UNCLEAR] = {}
    """What surprises, by exchange symbol, where it shall differ from what ships."""

    def __post_init__(self) -> None:
        """Refuse bounds that would never apply."""
        symbols = [symbol.upper() for symbol in self.bounds]
        if len(set(symbols)) < len(symbols):
            raise ValueError("`bounds` names a symbol twice, in capitals and in small letters")
        for symbol in self.bounds:
            refuse_root(symbol)

    def mark_terms(self) -> MarkTerms:
        """Return when a surprising price is believed."""
        return MarkTerms(
            confirm_ns=self.confirm_ms * NS_PER_MS,
            own_bounds={symbol.upper(): bounds for symbol, bounds in self.bounds.items()},
        )


class PaperSettings(_Table, frozen=True, kw_only=True):
    """`[simulator]` of app.toml: the gateway and the trader of paper trading."""

    trader: Literal["none", "calm", "overtrading", "tilted"] = "tilted"
    """Who trades the simulated account; with `none` nobody does."""
    seed: int = 11
    """The same seed gives the same prices and the same trader; with 11 a tilted one soon breaks."""
    pace: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """How many times faster the trader acts than such a trader would."""
    symbol: str = "MNQ"
    """What the trader trades."""
    accounts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    """How many simulated accounts there are; the first is traded."""
    balance_usd: Annotated[float, msgspec.Meta(gt=0)] = 50_000.0
    """What each simulated account begins with."""
    prices_file: str | None = None
    """CSV with the columns time, contract, bid, ask, last, played instead of random prices."""
    replay_speed: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """How many times faster than in life `prices_file` is played."""

    def to_simulator(self, *, port: int = 0) -> SimulatorSettings:
        """Return what the simulated gateway is started with; port 0 takes a free one."""
        accounts = paper_accounts(self.accounts, self.balance_usd)
        trader = (
            None
            if self.trader == "none"
            else TraderSettings(
                character=self.trader,
                account_id=accounts[0].id,
                symbol=self.symbol,
                pace=self.pace,
            )
        )
        moving = SimulatorSettings().symbols
        return SimulatorSettings(
            port=port,
            accounts=accounts,
            seed=self.seed,
            trader=trader,
            # What he trades has to move, or he has nothing to lose.
            symbols=moving if self.symbol in moving else (*moving, self.symbol),
            prices_file=self.prices_file,
            replay_speed=self.replay_speed,
        )


class AppSettings(_Table, frozen=True, kw_only=True):
    """app.toml."""

    armed: Annotated[bool | None, UNCLEAR] = None
    """Whether commands are sent; when absent, paper is armed and live is not."""
    gateway: GatewaySettings = GatewaySettings()
    store: StoreSettings = StoreSettings()
    log: Annotated[LogSettings, FREE] = LogSettings()
    web: Annotated[WebSettings, FREE] = WebSettings()
    pnl: PnlSettings = PnlSettings()
    simulator: Annotated[PaperSettings, FREE] = PaperSettings()

    def is_armed(self, mode: TradingMode) -> bool:
        """Tell whether breaches are enforced; when not, every rule is in shadow."""
        return mode is TradingMode.PAPER if self.armed is None else self.armed


class AppFile(AppSettings, frozen=True, kw_only=True):
    """All of app.toml: with the alerts, whose URLs are credentials.

    They are no part of `Settings`, so nothing that keeps, compares or shows those can tell them.
    """

    alerts: AlertSettings = AlertSettings()


class PresetHeader(_Table, frozen=True, kw_only=True):
    """`[preset]` of a preset: whose rules these are, and how fresh."""

    name: Text
    """The file's name without `.toml`."""
    firm: Text
    """The firm whose rules these are."""
    title: Text
    """The account, as the firm calls it."""
    source: Text
    """Where the figures were read."""
    as_of: date
    """The last day for which they were known to hold; firms change their rules."""


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A preset that was read."""

    header: PresetHeader
    file: str
    rules: tuple[RuleSettings, ...]
    session: dict[str, Any] = {}
    """The keys of `[session]` that it sets."""


class Settings(AppSettings, frozen=True, kw_only=True):
    """Everything from the settings directory."""

    session: SessionSettings
    rules: Annotated[tuple[RuleSettings, ...], EACH]
    """The preset's that are not replaced, then the trader's own."""
    preset: Annotated[Preset | None, FREE] = None
    holidays: Annotated[tuple[Holiday, ...], UNCLEAR] = ()
    """The trader's own days, over the exchange's table."""
    news: Annotated[tuple[NewsEvent, ...], EACH] = ()
    news_notes: Annotated[tuple[str, ...], FREE] = ()
    """What was left out of the news calendars and why, one sentence each."""

    @property
    def is_any_rule_on(self) -> bool:
        """Tell whether anything at all is guarded or watched."""
        return any(rule.mode is not Mode.OFF for rule in self.rules)


class Display(Protocol):
    """Something that shows the picture on a terminal until it is told to stop."""

    def run_until(self, stop: Event) -> None:
        """Show until `stop` is set; called on the main thread."""


type DisplayFactory = Callable[[Callable[[], Picture], str], Display]
"""Takes a reader of the present picture and the address of the HTTP side."""


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked of the daemon."""

    settings_dir: Path
    are_settings_named: bool = True
    """False where nobody named the directory: paper trading then takes the examples if it is not
    there."""
    data_dir: Path
    port: int | None = None
    """Beats `[web] port`; 0 takes a free port, and so does a port that is taken."""
    mode: TradingMode | None = None
    """None: live when there are credentials, else paper."""
    display: DisplayFactory | None = None
    """The terminal screen; None logs plain lines instead."""
