"""What a simulated gateway is started with."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from risk_actors.simulator.records import Account
from risk_actors.simulator.weather import Weather

_FIRST_ACCOUNT_ID = 101
_START_BALANCE_USD = 50_000.0

type Character = Literal["calm", "overtrading", "tilted"]


class AccountSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One account as it stands at the start."""

    id: int = _FIRST_ACCOUNT_ID
    name: str = "50KTC-SIM-101"
    balance_usd: float = _START_BALANCE_USD
    can_trade: bool = True


class Ugliness(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The broker's habits, each of which can be switched off; all but one are on as live."""

    shuffle_fill_events: bool = True
    """Now and then the trade, order and position of a fill come in another order."""
    resend_opening_trade: bool = True
    """A close sends the opening half-turn again, with the same id."""
    omit_nulls: bool = True
    """The stream leaves null fields out; REST always sends them."""
    repeat_account_events: bool = True
    """An account event comes 2 to 4 times, the first 1 to 9 ms late."""
    seven_digit_fractions: bool = True
    partial_quotes: bool = True
    """Most quotes carry bid and ask only."""
    partial_fills: bool = True
    ids_as_strings: bool = False
    """Ids of the user stream as strings, which some users have seen."""


TIDY = Ugliness(
    shuffle_fill_events=False,
    resend_opening_trade=False,
    omit_nulls=False,
    repeat_account_events=False,
    seven_digit_fractions=False,
    partial_quotes=False,
    partial_fills=False,
)
"""A broker better behaved than any real one."""


class TraderSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The simulated trader who trades one account."""

    character: Character = "tilted"
    account_id: int = _FIRST_ACCOUNT_ID
    symbol: str = "MNQ"
    pace: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    """How many times faster than the character's own pace."""
    start_after_s: Annotated[float, msgspec.Meta(ge=0)] = 8.0


class SimulatorSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Everything a simulated gateway is started with; the defaults need nothing else."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port."""
    accounts: tuple[AccountSettings, ...] = (AccountSettings(),)
    username: str = "sim-trader"
    api_key: str = "sim-api-key"
    seed: int = 7
    trader: TraderSettings | None = None
    symbols: tuple[str, ...] = ("MNQ", "NQ", "MES", "ES", "MGC", "MCL")
    """Exchange symbols whose price moves; the rest of the catalogue stands still."""
    contract_date: date | None = None
    """The date that decides the front months; today when None."""
    auto_prices: bool = True
    """False freezes prices until they are set; unchanged quotes are still sent."""
    quote_interval_s: Annotated[float, msgspec.Meta(gt=0)] = 0.25
    prices_file: str | None = None
    """CSV with the columns time, contract, bid, ask, last; replaces the price process."""
    replay_speed: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    requests_per_minute: Annotated[int, msgspec.Meta(gt=0)] = 200
    bar_requests_per_30_s: Annotated[int, msgspec.Meta(gt=0)] = 50
    token_lifetime_s: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
    keepalive_s: Annotated[float, msgspec.Meta(gt=0)] = 15.0
    """How often the hubs send a SignalR ping."""
    client_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 30.0
    """A hub connection that says nothing for so long is closed."""
    ugliness: Ugliness = Ugliness()
    clock_ahead_s: float = 0.0
    """How far the broker's clock is ahead of this machine's; negative for behind."""
    trade_rows: Annotated[int, msgspec.Meta(gt=0)] | None = None
    """How many rows Trade/search answers with at most; None for all of them."""
    trade_rows_kept: Literal["newest", "oldest"] = "newest"
    """Which of them it answers with when there are more."""
    control: bool = False
    """Whether `POST /control/faults` is there."""
    weather: Weather | None = None
    """Faults by chance, from the start on."""
    history_limit: Annotated[int, msgspec.Meta(gt=0)] = 200_000
    """How many requests, events and journal entries are remembered, each."""


def paper_accounts(
    count: int, balance_usd: float = _START_BALANCE_USD
) -> tuple[AccountSettings, ...]:
    """Return `count` paper accounts with ids from 101 and names that differ."""
    ids = range(_FIRST_ACCOUNT_ID, _FIRST_ACCOUNT_ID + count)
    thousands = int(balance_usd // 1000)
    return tuple(
        AccountSettings(id=n, name=f"{thousands}KTC-SIM-{n}", balance_usd=balance_usd) for n in ids
    )


def opened(account: AccountSettings) -> Account:
    """Return the exchange's account for its settings."""
    return Account(
        id=account.id,
        name=account.name,
        balance_usd=Decimal(repr(account.balance_usd)),
        can_trade=account.can_trade,
    )
