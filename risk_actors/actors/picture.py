"""The picture of the system that is shown: the body of `GET /api/state`, as structs.

The view actor replaces it as a whole, so that readers on other threads need neither a lock nor an
ask. Amounts are US dollars as JSON numbers; an amount that is unknown is null, never 0.
"""

import msgspec


class ConnectionPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The three ways to the broker, and what stands in when one is down."""

    user_hub: bool = False
    market_hub: bool = False
    rest: bool = False
    fallback: str | None = None
    second_line: bool | None = None
    """Whether both lines of the user hub are up; null where there is to be one only."""
    since: str | None = None
    """Since when one of them or more has been down without a break; null while all are up."""
    is_blind: bool = False
    """Whether user hub and REST are both down: nothing can be seen, and nothing closed."""


class DayPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The trading day of an account; `fees` includes commissions."""

    realized: float | None = None
    unrealized: float | None = None
    equity: float | None = None
    fees: float | None = None
    trades: int = 0
    entries: int = 0


class WeekPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The trading week of an account."""

    realized: float | None = None


class PositionPicture(msgspec.Struct, frozen=True, kw_only=True):
    """An open position; `size` is signed."""

    contract: str
    symbol: str
    size: int
    average_price: float
    unrealized: float | None
    opened_at: str


class OrderPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A working order; `price` is its stop or limit price, null for a market order."""

    id: int
    contract: str
    type: str
    side: str
    size: int
    price: float | None


class UnlockPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A request to end a lock before its time, which waits; it can be withdrawn until then."""

    due: str
    """When it takes effect."""
    reason: str
    """The trader's own words."""


class LockPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A lock in force; `until` is null when it ends on a condition."""

    id: int
    rule: str
    scope: str
    """`account`, or the contract id."""
    since: str
    until: str | None
    reason: str
    unlock: UnlockPicture | None = None
    correlation_id: str = ""
    """Leads to what it came from: `risk-actors audit --correlation`."""


class EnforcementPicture(msgspec.Struct, frozen=True, kw_only=True):
    """An enforcement under way."""

    cause: str
    phase: str
    """started, stuck, braked (we paused ourselves, for nothing changed) or resumed."""
    since: str
    correlation_id: str
    detail: str
    next_try: str | None = None
    """While stuck or braked, when the next command that waits is sent."""


class SizePicture(msgspec.Struct, frozen=True, kw_only=True):
    """How many contracts more are safe now; null where no rule limits it."""

    contract: str
    symbol: str
    contracts: int | None
    rule: str | None
    """The rule that one contract more would break."""


class FiringPricePicture(msgspec.Struct, frozen=True, kw_only=True):
    """The price at which a rule breaks if nothing else moves."""

    contract: str
    symbol: str
    price: float


class FirstToFirePicture(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that a loss breaks first, and after how many dollars."""

    rule: str
    mode: str
    room: float
    prices: tuple[FiringPricePicture, ...]


class StopOutPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The day's P&L if every working stop fills at its price; null where that is unknown."""

    day: float | None
    unprotected: dict[str, int]
    """Contracts by symbol that no stop covers."""


class HeadroomPicture(msgspec.Struct, frozen=True, kw_only=True):
    """How much the account may still do."""

    sizes: tuple[SizePicture, ...] = ()
    first: FirstToFirePicture | None = None
    stop_out: StopOutPicture | None = None
    unknown: str = ""
    """Why nothing is known; empty when it is."""


class BalanceCheckPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The balance by the day's fills, the broker's, and their difference: 0 when all is well."""

    expected: float
    told: float
    unexplained: float


class AccountPicture(msgspec.Struct, frozen=True, kw_only=True):
    """One guarded account."""

    id: int
    name: str
    balance: float | None = None
    can_trade: bool | None = None
    seen_at: str | None = None
    """When the broker last told how it stands, where that is not now: everything here, its rules'
    verdicts and its headroom are of then. Null while it is watched."""
    day: DayPicture = DayPicture()
    week: WeekPicture = WeekPicture()
    positions: tuple[PositionPicture, ...] = ()
    orders: tuple[OrderPicture, ...] = ()
    locks: tuple[LockPicture, ...] = ()
    enforcement: EnforcementPicture | None = None
    headroom: HeadroomPicture | None = None
    """Null before the account was read."""
    balance_check: BalanceCheckPicture | None = None
    """The day's P&L against the change of the balance; null while not checked: the balance with
    which the day began is known only where the reset was witnessed."""


class RulePicture(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's verdict on one account."""

    id: str
    type: str
    mode: str
    account: int
    verdict: str
    value: float | None
    limit: float | None
    reason: str | None
    unit: str
    """Of value, limit and distance: usd, contracts, trades, entries, losses, seconds or none."""
    distance: float | None
    """How far it is from breaking; null where that is unknown or has no figure."""
    used: float | None
    """The share of what is allowed that is used, 1 and more once it is broken."""
    contract: str | None
    """The contract that is nearest to breaking it, where the rule looks at each by itself."""
    is_waived: bool = False
    """Whether an unlock waived what the rule has found: it is not enforced again."""
    next_cause: str | None = None
    """Once broken, the instant before which the rule finds nothing else, so that nothing of it
    protects the account once its lock was ended; null where it may at any time."""
    broken_at: str | None = None
    """When the limit was reached, where the value has come back inside it since."""
    broken_value: float | None = None
    """The value of that instant."""


class EventPicture(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what happened lately, newest last."""

    at: str
    kind: str
    """breach, lock, unlock, command, outcome, enforcement, warning, unknown, connection, clock,
    fault."""
    account: int | None
    text: str
    correlation_id: str


class PricesPicture(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the quotes: impossible ones are dropped, surprising ones wait."""

    dropped: dict[str, int] = {}
    """By reason."""
    surprising: int = 0
    confirmed: int = 0
    unanswered: int = 0
    """Nobody confirmed or contradicted them in time, so they counted."""
    waiting: tuple[str, ...] = ()
    """Contracts whose latest price waits now."""


class SchedulePicture(msgspec.Struct, frozen=True, kw_only=True):
    """A named schedule: the run that was told last, and when the next one is."""

    name: str
    cron: str
    zone: str
    last: str
    next: str


class AlertChannelPicture(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the alerts on one channel, or of the heartbeat."""

    name: str
    url: str
    """Where it leads, without what is secret in it."""
    min_severity: str
    """`info`, `warning` or `critical`; empty for the heartbeat."""
    sent: int = 0
    """Alerts that were delivered."""
    failed: int = 0
    """Alerts that were not, after every attempt."""
    waiting: int = 0
    held_back: int = 0
    """Alerts that were told in sum only, for there were too many or it was to be quiet."""
    repeats: int = 0
    """Lesser alerts that said what had been told a short time before."""
    dropped: int = 0
    """Alerts that were lost because too many waited, the lesser ones first."""
    is_failing: bool = False
    """Whether the last delivery failed."""
    last_sent: str | None = None
    last_failure: str | None = None
    last_failure_at: str | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The whole."""

    version: str
    mode: str
    """`paper` or `live`."""
    armed: bool
    phase: str
    """`starting`, `armed`, `degraded`, `faulted` or `stopping`."""
    connection: ConnectionPicture = ConnectionPicture()
    accounts: tuple[AccountPicture, ...] = ()
    rules: tuple[RulePicture, ...] = ()
    events: tuple[EventPicture, ...] = ()
    prices: PricesPicture = PricesPicture()
    schedules: tuple[SchedulePicture, ...] = ()
    pending: tuple[str, ...] = ()
    """Changed settings that wait for the daily reset, because they loosen."""
    notices: tuple[str, ...] = ()
    """What went wrong with the store at the start; it stays until the process ends."""
    settings_fault: str | None = None
    """Why edited settings files could not be read; what was in force stays so."""
    detail: str | None = None
    """Why the phase is not `armed`, in plain words."""
    unlock: str = "never"
    """The unlock policy: `never`, `delayed` or `admin`."""
    timezone: str = "UTC"
    """IANA name of the zone in which times are shown to people; instants here are UTC."""
    alerts: tuple[AlertChannelPicture, ...] = ()
    """The channels on which the trader is told, and the heartbeat."""

    @property
    def is_quiet(self) -> bool:
        """Whether all works, and no account has anything that could move while nobody looks."""
        return self.phase == "armed" and not any(
            account.positions or account.orders or account.enforcement for account in self.accounts
        )
