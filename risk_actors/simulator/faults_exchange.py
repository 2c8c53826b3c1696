"""Faults of the exchange and of the accounts: what happens to orders, prices and permissions.

`symbol` is an exchange symbol (`MNQ`), `*` is any; `account_id` None is any account. `by` says
whose orders are concerned: the client's over REST, the trader's, or everybody's.
"""

from typing import Annotated, Literal

import msgspec

from risk_actors.simulator.fault_base import (
    ANY,
    Instant,
    Lasting,
    NonEmpty,
    PositiveSeconds,
    Seconds,
    TaggedCounted,
)

type By = Literal["client", "trader", "*"]


class RejectOrder(TaggedCounted, kw_only=True, frozen=True):
    """A market order, a close too, is accepted (`success: true`) and then rejected.

    It becomes status 5 on the stream, with no reason, as live; nothing trades. (To refuse a command
    in the answer itself, with a code and a text, use `refuse`.)
    """

    symbol: NonEmpty = ANY
    account_id: int | None = None
    by: By = "client"


class PendOrders(TaggedCounted, kw_only=True, frozen=True):
    """A market order, a close too, is accepted and stays at status 6 (pending) for `delay_s`.

    It then trades at the price of that moment, unless it was cancelled meanwhile. Of a close, what
    is no longer open by then is cancelled; with `can_reverse` it trades all the same and opens a
    position the other way round, as a plain market order would.
    """

    symbol: NonEmpty = ANY
    account_id: int | None = None
    by: By = "client"
    delay_s: PositiveSeconds
    can_reverse: bool = False


class SliceFills(TaggedCounted, kw_only=True, frozen=True):
    """A market order, a close too, trades in `slices` parts, the next one `gap_s` after another.

    Parts are as even as they can be, at least one contract each, at the price of their moment; in
    between the order is at status 1 with its rest working. Of a close, what is no longer open when
    a slice is due is cancelled.
    """

    symbol: NonEmpty = ANY
    account_id: int | None = None
    by: By = "client"
    slices: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3
    gap_s: Seconds = 0.5


class LateCancel(TaggedCounted, kw_only=True, frozen=True):
    """A cancel is accepted (`success: true`), and the order stays working for `delay_s`.

    Without `delay_s` it is never cancelled. Meanwhile it has status 7 if `shows` is true, and can
    trade either way.
    """

    account_id: int | None = None
    by: By = "client"
    delay_s: PositiveSeconds | None = None
    shows: bool = False


class Halt(Lasting, kw_only=True, frozen=True):
    """Trading of a symbol halts: orders (code 5) and closes (5, in part 6) are refused.

    Resting orders do not trade and quotes go on. Cancels work.
    """

    symbol: NonEmpty


class BlockAccount(Lasting, kw_only=True, frozen=True):
    """The platform's block: orders, closes and cancels of an account are refused, closes with 8."""

    account_id: int


class StopTrading(Lasting, kw_only=True, frozen=True):
    """The account's `canTrade` is false, told on the stream when it begins and when it heals.

    New orders are refused (code 4); closes and cancels work.
    """

    account_id: int


class PriceGap(Instant, kw_only=True, frozen=True):
    """The price of a symbol jumps in one quote; stops that it passes trade at the new price."""

    symbol: NonEmpty
    ticks: int
    """Ticks up; negative is down."""


class SilenceQuotes(Lasting, kw_only=True, frozen=True):
    """No quotes are sent for any symbol; the exchange goes on trading when prices are set."""
