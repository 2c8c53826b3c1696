"""What the trader's settings say, as structs; `load_settings` reads them from their files."""

from collections.abc import Callable
from enum import IntEnum, StrEnum
from pathlib import Path
from threading import Event
from typing import Annotated, Literal, Protocol

import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.core.rules import Mode, RuleSettings
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.settings import SimulatorSettings, TraderSettings, paper_accounts

type PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]
type PositiveCount = Annotated[int, msgspec.Meta(gt=0)]
type Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


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


class SessionSettings(_Table, frozen=True, kw_only=True):
    """`[session]` of risk.toml: when a trading day and week begin."""

    timezone: str = "America/Chicago"
    """The zone of the resets, and of the times that are shown."""
    daily_reset: str = "0 17 * * *"
    """Cron: minute, hour, day, month, weekday."""
    weekly_reset: str = "0 17 * * SUN"


class LogLevel(StrEnum):
    """How much is logged; each includes the ones after it."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LogSettings(_Table, frozen=True, kw_only=True):
    """`[log]` of app.toml."""

    console_level: LogLevel = LogLevel.INFO
    file_level: LogLevel = LogLevel.DEBUG
    file_size_mb: PositiveCount = 20
    """A log file that has grown to this is closed and a new one begun."""
    keep_files: PositiveCount = 10
    """How many closed log files are kept."""


class WebSettings(_Table, frozen=True, kw_only=True):
    """`[web]` of app.toml."""

    host: str = "127.0.0.1"
    """This machine only."""
    port: Port = 8787
    """0 takes a free port, and so does a port that is taken."""


class PnlSettings(_Table, frozen=True, kw_only=True):
    """`[pnl]` of app.toml."""

    quote_stale_after_s: PositiveSeconds = 10.0
    """A quote older than this no longer marks a position while its market is open."""


class PaperSettings(_Table, frozen=True, kw_only=True):
    """`[simulator]` of app.toml: the gateway and the trader of paper trading."""

    trader: Literal["none", "calm", "overtrading", "tilted"] = "tilted"
    seed: int = 11
    """The same seed gives the same prices and the same trader; with 11 a tilted one soon breaks."""
    pace: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """How many times faster the trader acts than such a trader would."""
    symbol: str = "MNQ"
    """What the trader trades."""
    accounts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1
    balance_usd: Annotated[float, msgspec.Meta(gt=0)] = 50_000.0
    prices_file: str | None = None
    """CSV with the columns time, contract, bid, ask, last, played instead of random prices."""
    replay_speed: Annotated[float, msgspec.Meta(gt=0)] = 1.0

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
        return SimulatorSettings(
            port=port,
            accounts=accounts,
            seed=self.seed,
            trader=trader,
            prices_file=self.prices_file,
            replay_speed=self.replay_speed,
        )


class AppSettings(_Table, frozen=True, kw_only=True):
    """app.toml."""

    armed: bool | None = None
    """Whether commands are sent; when absent, paper is armed and live is not."""
    gateway: GatewaySettings = GatewaySettings()
    log: LogSettings = LogSettings()
    web: WebSettings = WebSettings()
    pnl: PnlSettings = PnlSettings()
    simulator: PaperSettings = PaperSettings()

    def is_armed(self, mode: TradingMode) -> bool:
        """Tell whether breaches are enforced; when not, every rule is in shadow."""
        return mode is TradingMode.PAPER if self.armed is None else self.armed


class Settings(AppSettings, frozen=True, kw_only=True):
    """Everything from the settings directory."""

    session: SessionSettings
    rules: tuple[RuleSettings, ...]

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
    data_dir: Path
    port: int | None = None
    """Beats `[web] port`; 0 takes a free port, and so does a port that is taken."""
    mode: TradingMode | None = None
    """None: live when there are credentials, else paper."""
    display: DisplayFactory | None = None
    """The terminal screen; None logs plain lines instead."""
