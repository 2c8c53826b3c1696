"""What the REST endpoints work on: the exchange, price history, sessions and the clock."""

from collections.abc import Callable
from typing import Literal

import msgspec

from risk_actors.simulator.bars import BarHistory
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.past import Book
from risk_actors.simulator.payloads import Row
from risk_actors.simulator.refusals import Reason
from risk_actors.simulator.tokens import Session, TokenMint


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The state behind one server."""

    exchange: Exchange
    book: Book
    """What reads are answered from: the exchange, or while they are stale what it was."""
    bars: dict[str, BarHistory]
    mint: TokenMint
    clock: Callable[[], int]
    """Nanoseconds UTC."""
    trade_rows: int | None = None
    trade_rows_kept: Literal["newest", "oldest"] = "newest"
    hides_suspended: Callable[[], bool] = lambda: False
    """Whether suspended bracket legs are in no list at all."""
    username: str
    api_key: str


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A successful answer's payload, and the order the request made, if any."""

    row: Row = {}
    order_id: int | None = None


class FailedError(Exception):
    """An endpoint's own business failure that the exchange knows nothing of."""

    def __init__(self, error_code: int, payload: Row | None = None) -> None:
        super().__init__(f"error code {error_code}")
        self.error_code = error_code
        self.payload = payload or {}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One REST endpoint.

    `codes` are this endpoint's own errorCode numbers: the Gateway has one enum per endpoint.
    `empty` is what the payload fields hold when it fails.
    """

    request: type[msgspec.Struct] | None
    run: Callable[[Desk, Session, object], Reply]
    codes: dict[Reason, int] = {}
    empty: Row = {}
