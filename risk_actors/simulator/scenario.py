"""A scenario: what a trader and a market do, and what a guard is expected to do about it.

One TOML file holds the guard's settings, the broker's accounts, the steps in order of time, and
with each step what is expected from then on. The same file is played on a virtual clock and, where
`sockets` says so, in real time against a daemon. `load_scenario` reads one and reports what is
wrong with it.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from risk_actors.simulator.faults import AnyFault
from risk_actors.simulator.scenario_expect import Expectation, NonEmpty
from risk_actors.simulator.scenario_time import When
from risk_actors.simulator.settings import AccountSettings

type Seconds = Annotated[float, msgspec.Meta(ge=0)]
type PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]
type Size = Annotated[int, msgspec.Meta(gt=0)]
type Hub = Literal["user", "market", "*"]

RISK_FILE = "risk.toml"
DEFAULT_START = datetime.fromisoformat("2026-03-03T08:30:00-06:00")
"""A Tuesday morning in Chicago, when the stock market opens."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a scenario file."""


class PriceTable(_Table, frozen=True, kw_only=True):
    """A quote in full; `last` is the bid when left out."""

    bid: float
    ask: float
    last: float | None = None


type Price = float | PriceTable
"""A number is the bid: the ask is one tick above it and the last trade was at the bid."""


class Glide(_Table, frozen=True, kw_only=True):
    """Prices that walk to a level in even steps instead of jumping there."""

    symbol: NonEmpty
    to: float
    """The bid at the end."""
    over_s: PositiveSeconds
    every_s: PositiveSeconds = 0.5


class BadTick(_Table, frozen=True, kw_only=True):
    """A quote that no trade happens at; after `for_s` the one before it is shown again."""

    symbol: NonEmpty
    price: Price
    for_s: PositiveSeconds = 0.2


class OrderTicket(_Table, frozen=True, kw_only=True):
    """An order of the trader: at the market unless it has a price."""

    symbol: NonEmpty
    size: Size
    limit: float | None = None
    stop: float | None = None
    trail: float | None = None
    """Price level a trailing stop starts from."""
    stop_loss_ticks: Size | None = None
    take_profit_ticks: Size | None = None
    name: NonEmpty | None = None
    """What later steps call it; its bracket legs are `name.stop` and `name.target`."""

    def __post_init__(self) -> None:
        """Refuse what no single order can be."""
        if self.trail is not None and not (self.limit is self.stop is None):
            raise ValueError("`trail` stands alone")


class CloseTicket(_Table, frozen=True, kw_only=True):
    """The trader closes a position, or `size` contracts of it."""

    symbol: NonEmpty
    size: Size | None = None


class OrderChange(_Table, frozen=True, kw_only=True):
    """The trader changes a working order."""

    order: NonEmpty
    size: Size | None = None
    limit: float | None = None
    stop: float | None = None


class Restart(_Table, frozen=True, kw_only=True):
    """The guard is killed without warning and started again on the same data."""

    down_s: Seconds = 0.0


class Step(_Table, frozen=True, kw_only=True):
    """A moment, what happens at it, and what is expected from then on."""

    at: When | None = None
    after: Seconds | None = None
    """Seconds after the step before; without `at` and `after` it comes at the same moment."""
    say: str = ""
    """For whoever watches."""
    account: NonEmpty | None = None
    """Name of the account that the step is about; the first one when left out."""

    price: dict[str, Price] = {}
    glide: Glide | None = None
    bad_tick: BadTick | None = None
    quotes: bool | None = None
    """False: the market falls silent; true: it is heard again."""
    halt: dict[str, bool] = {}
    """Symbols whose trading halts (true) or resumes (false)."""

    buy: OrderTicket | None = None
    sell: OrderTicket | None = None
    close: CloseTicket | None = None
    cancel: NonEmpty | None = None
    modify: OrderChange | None = None

    can_trade: bool | None = None
    blocked: bool | None = None
    """The platform's block: it refuses orders, closes and cancels."""
    pay_out_usd: float | None = None
    """Taken off the balance."""
    fault: AnyFault | None = None
    faults: tuple[AnyFault, ...] = ()
    clear_faults: bool = False
    """All earlier faults end first, and what they broke heals."""
    lose_events: dict[str, int] = {}
    """Stream target (such as `GatewayUserPosition`) and how many of its next events get lost."""
    cut_hubs: Hub | None = None
    restart: Restart | None = None

    expect: tuple[Expectation, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two times for one step."""
        if self.at is not None and self.after is not None:
            raise ValueError("a step has `at` or `after`, not both")

    @property
    def all_faults(self) -> tuple[AnyFault, ...]:
        """Return the faults of this step, in the order in which they are injected."""
        return self.faults if self.fault is None else (self.fault, *self.faults)


class BrokerTable(_Table, frozen=True, kw_only=True):
    """The broker as it stands at the start."""

    prices: dict[str, Price]
    """Every symbol that the scenario trades, and its first price."""
    accounts: Annotated[tuple[AccountSettings, ...], msgspec.Meta(min_length=1)] = (
        AccountSettings(),
    )
    partial_fills: bool = False
    """Whether the broker may fill an order in parts; then no size of a close is certain."""


class Scenario(_Table, frozen=True, kw_only=True):
    """One file."""

    title: NonEmpty
    rule: NonEmpty | None = None
    """Type of the rule that this shows; none for a day in which several act."""
    text: str = ""
    start: When = msgspec.field(default_factory=lambda: When(DEFAULT_START))
    """When it begins on a virtual clock."""
    sockets: bool = False
    """Whether it is short enough to be played in real time too."""
    virtual: bool = True
    """False where it needs what a virtual clock has not, such as sockets that are half-open."""
    seed: int = 1
    ends_after_s: PositiveSeconds = 2.0
    """How long after the last step nothing else may happen."""
    settings: dict[str, str]
    """The guard's settings directory: name of each file, and its text."""
    broker: BrokerTable
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]

    def account_named(self, name: str | None) -> AccountSettings:
        """Return the account of a name, the first one for None.

        Raises:
            KeyError: there is no such account.
        """
        accounts = self.broker.accounts
        if name is None:
            return accounts[0]
        return {account.name: account for account in accounts}[name]
