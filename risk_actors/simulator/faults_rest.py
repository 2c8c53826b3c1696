"""Faults of REST: what an endpoint answers, what it remembers, and who may log in."""

from typing import Annotated, Literal

import msgspec

from risk_actors.simulator.fault_base import (
    ANY,
    Count,
    Counted,
    Instant,
    Lasting,
    PositiveSeconds,
    Seconds,
    TaggedCounted,
)

type Status = Annotated[int, msgspec.Meta(ge=400, le=599)]
type Read = Literal["account", "positions", "orders", "trades"]
type Body = Literal["garbage", "truncated", "empty", "html", "list", "null", "no_success"]


class Fault(Counted, kw_only=True, frozen=True):
    """One way for a REST endpoint to fail; six values of `kind`.

    - `status` answers with an HTTP status and no body (a 429 is `status = 429`; it does not use
      up the rate limit),
    - `refuse` answers 200 with `success: false`, `error_code` and `message`,
    - `delay` answers properly, `delay_s` late; the command runs only then,
    - `hang` never answers, the connection stays open,
    - `drop` cuts the connection without a byte,
    - `body` answers 200 with `body` in place of the JSON that is due.

    With `execute` the command is carried out first, so that the client cannot know: `delay` is
    "accepted but answered late", `drop` is "executed and then disconnected".
    """

    kind: Literal["status", "refuse", "delay", "hang", "drop", "body"]
    endpoint: str = ANY
    """Such as `Position/closeContract`; `*` is any."""
    status: Status = 500
    error_code: int = 2
    """The endpoint's own number: rejected is 2 when placing, 5 when closing, 6 in part."""
    message: str | None = None
    """`errorMessage` of a refusal; live it is usually null."""
    delay_s: Seconds = 0.0
    execute: bool = False
    body: Body = "garbage"
    """`garbage` is no JSON; `truncated` breaks off in the middle of the true answer; `empty` has no
    byte; `html` is a proxy's page of type text/html; `list` and `null` are JSON of the wrong type;
    `no_success` is the true answer without `success`, `errorCode` and `errorMessage`."""


class RefuseConnections(Lasting, kw_only=True, frozen=True):
    """Nobody listens: the port refuses TCP connections until it heals, for REST and hubs alike.

    Connections that are open are reset too, unless `cut_open` is false: then they go on, which is
    a broker that can no longer be reached anew.
    """

    for_s: PositiveSeconds
    cut_open: bool = True


class Stale(TaggedCounted, kw_only=True, frozen=True):
    """Reads answer with an account as it was, not as it is; commands and the stream are current.

    Either as of `age_s` seconds ago or as of before the last `changes` entries of the exchange's
    journal (a market order's fill is two: accepted, filled). `reads` are the snapshots concerned:
    `account` is Account/search, `positions` Position/searchOpen, `orders` every read of orders,
    `trades` Trade/search. Each such read is one occasion.
    """

    reads: Annotated[tuple[Read, ...], msgspec.Meta(min_length=1)] = (
        "account",
        "positions",
        "orders",
        "trades",
    )
    age_s: PositiveSeconds | None = None
    changes: Count | None = None

    def __post_init__(self) -> None:
        """Ask for exactly one way to choose the past."""
        if (self.age_s is None) == (self.changes is None):
            raise ValueError("`stale` needs `age_s` or `changes`, and not both")


class RepeatRows(TaggedCounted, kw_only=True, frozen=True):
    """A list is answered with its first row twice, as Position/searchOpen did live.

    An empty list stays empty, and is an occasion all the same.
    """

    endpoint: str = "Position/searchOpen"


class HideSuspended(Lasting, kw_only=True, frozen=True):
    """Suspended bracket legs are in no list of orders at all, Order/v2/query included.

    Without this fault they are hidden from Order/searchOpen alone, as live.
    """


class ClockSkew(Lasting, kw_only=True, frozen=True):
    """The broker's clock is off: the `Date` header, timestamps of rows and events, and tokens."""

    ahead_s: float
    """Seconds ahead of this machine's clock; negative is behind. Adds to the settings' own."""


class ExpireTokens(Instant, kw_only=True, frozen=True):
    """Every token issued so far is invalid at once: REST and new hub connections answer 401.

    What becomes of open hub sockets is `hubs`: they `stay` and go on hearing events, are `cut`
    without a word, or `close` with an error frame. A new login helps.
    """

    hubs: Literal["stay", "cut", "close"] = "stay"


class ShortTokens(Lasting, kw_only=True, frozen=True):
    """Tokens issued from now on live for `lifetime_s`; those issued before keep their end."""

    lifetime_s: PositiveSeconds
