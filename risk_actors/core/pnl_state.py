"""The profit and loss of one account at one instant: the fact that money rules judge."""

from decimal import Decimal

import msgspec

from risk_actors.core.account_state import AccountState


class PositionPnl(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The unrealised P&L of one open position; None where it cannot be known."""

    contract_id: str
    unrealized_usd: Decimal | None
    mark_price: Decimal | None
    unknown_reason: str | None = None


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The balance with which an earlier trading day ended, reckoned back from the fills since."""

    day_end_ns: int
    balance_usd: Decimal


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which nobody watched what the account was worth, and its peak is not known."""

    since_ns: int
    until_ns: int | None
    """None while it lasts."""
    why: str
    """What is waited for, in plain words."""


class PnlState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Day and week P&L of an account.

    Realised is net of fees and commissions. `unrealized_usd` is None, and so is the equity, while
    a price is missing or stale or while fills and report differ; `unknown_reason` then says why.
    """

    account_id: int
    day_start_ns: int
    """Start of the trading day these figures belong to; a rule never mixes two days."""
    week_start_ns: int
    realized_usd: Decimal | None
    """None before the day's fills were read from the broker."""
    costs_usd: Decimal
    week_realized_usd: Decimal | None
    unrealized_usd: Decimal | None
    trades: int
    entries: int
    positions: tuple[PositionPnl, ...] = ()
    unknown_reason: str | None = None
    account: AccountState | None = None
    """The account that was valued; None before it was first seen."""
    balance_usd: Decimal | None = None
    """The last reconciled balance and the net of later fills; None while either is unknown."""
    balance_high_usd: Decimal | None = None
    """The highest `balance_usd` after any fill of the week, its beginning included."""
    closings: tuple[Closing, ...] = ()
    """The earlier days of the week, oldest first."""

    gap: Gap | None = None
    """A time that nobody watched, and whose peak is not known (yet)."""
    gap_high_usd: Decimal | None = None
    """The highest balance plus open P&L that bars and fills prove for times nobody watched."""
    gap_day_high_usd: Decimal | None = None
    """The highest P&L of this day that they prove for such times."""

    @property
    def day_start_balance_usd(self) -> Decimal | None:
        """The balance with which the trading day began, reckoned back from its fills."""
        if self.balance_usd is None or self.realized_usd is None:
            return None
        return self.balance_usd - self.realized_usd

    @property
    def account_equity_usd(self) -> Decimal | None:
        """The balance plus unrealised P&L, None while either is unknown."""
        if self.balance_usd is None or self.unrealized_usd is None:
            return None
        return self.balance_usd + self.unrealized_usd

    @property
    def equity_usd(self) -> Decimal | None:
        """The day's realised plus unrealised P&L, None while either is unknown."""
        if self.realized_usd is None or self.unrealized_usd is None:
            return None
        return self.realized_usd + self.unrealized_usd

    @property
    def week_equity_usd(self) -> Decimal | None:
        """The week's realised plus unrealised P&L, None while either is unknown."""
        if self.week_realized_usd is None or self.unrealized_usd is None:
            return None
        return self.week_realized_usd + self.unrealized_usd
