"""Faults of the hubs' connections."""

from risk_actors.simulator.fault_base import (
    ANY,
    HubName,
    Instant,
    Lasting,
    PositiveSeconds,
    TaggedCounted,
)
from risk_actors.simulator.faults_rest import Status

CLOSED_WITH_ERROR = "Connection closed with an error."
"""What real servers say, word for word."""


class CutHub(Instant, kw_only=True, frozen=True):
    """Every open socket of the hub is reset, with no goodbye. New connections are welcome."""

    hub: HubName = ANY


class CloseHub(Instant, kw_only=True, frozen=True):
    """Every open socket gets a SignalR close message and is closed.

    With `error` the message carries it, and pysignalr ends its task; `error = ""` is a plain
    goodbye.
    """

    hub: HubName = ANY
    error: str = CLOSED_WITH_ERROR


class LogOutHub(Instant, kw_only=True, frozen=True):
    """Every open socket gets `GatewayLogout`, subscribed or not; the sockets stay open."""

    hub: HubName = ANY


class NegotiateRefusal(TaggedCounted, kw_only=True, frozen=True, tag="refuse_negotiate"):
    """Negotiate requests are answered with an HTTP status and no body."""

    hub: HubName = ANY
    status: Status = 503


class HangNegotiate(TaggedCounted, kw_only=True, frozen=True):
    """Negotiate requests are answered `delay_s` late; without it never, on an open connection."""

    hub: HubName = ANY
    delay_s: PositiveSeconds | None = None


class SlowHandshake(TaggedCounted, kw_only=True, frozen=True):
    """The WebSocket opens at once, but SignalR's handshake is answered `delay_s` late."""

    hub: HubName = ANY
    delay_s: PositiveSeconds


class HubDown(Lasting, kw_only=True, frozen=True):
    """The hub is away: its sockets are reset, negotiate and WebSocket upgrades get `status`.

    pysignalr tries its old id first: a 5xx to that upgrade it takes for passing and tries again
    after up to 5 s, then ever more; with `upgrade_status = 404` it negotiates next, and the
    `status` it gets then ends its task for good.
    """

    hub: HubName = ANY
    status: Status = 503
    upgrade_status: Status | None = None
    """What WebSocket upgrades get instead of `status`."""


class DeafHub(Lasting, kw_only=True, frozen=True):
    """No event is delivered; all else works: pings and completions are answered.

    It concerns the sockets open when it begins, so that a client that connects anew is helped;
    with `new_too` those that connect while it lasts as well. Events are lost, not held.
    """

    hub: HubName = ANY
    new_too: bool = False


class FreezeHub(Lasting, kw_only=True, frozen=True):
    """Half-open sockets: the client's frames vanish, and nothing is sent, not even pongs.

    The TCP connection stays established. It concerns the sockets open when it begins, with
    `new_too` also the later ones (whose SignalR handshake is then never answered). When it heals,
    what came and what was sent meanwhile stays lost.
    """

    hub: HubName = ANY
    new_too: bool = False


class IgnoreSubscriptions(TaggedCounted, kw_only=True, frozen=True):
    """A call to subscribe is answered as a success (where an answer is due) and does nothing."""

    hub: HubName = ANY
