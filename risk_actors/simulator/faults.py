"""Faults a test asks for: what the server does wrong, on purpose, the next few times.

The server asks before it acts; nothing here acts by itself. Counters run down, so a fault ends by
itself and a test need not clean up.
"""

from typing import Annotated, Literal

import msgspec

ANY = "*"


class Fault(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One way for a REST endpoint to fail.

    `status` answers with an HTTP status, `refuse` with `success: false` and `error_code`, `delay`
    answers properly after `delay_s`, `hang` never answers, `drop` cuts the connection. With
    `execute` the command is carried out first, so that the client cannot know.
    """

    kind: Literal["status", "refuse", "delay", "hang", "drop"]
    endpoint: str = ANY
    """Such as `Position/closeContract`; `*` is any."""
    times: Annotated[int, msgspec.Meta(gt=0)] = 1
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    error_code: int = 2
    delay_s: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    execute: bool = False


class NegotiateRefusal(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An HTTP status for the next `times` negotiate requests of a hub."""

    hub: Literal["user", "market", "*"] = "*"
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    times: Annotated[int, msgspec.Meta(gt=0)] = 1


class FaultOrder(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /control/faults`."""

    faults: tuple[Fault, ...] = ()
    drop_events: dict[str, int] = {}
    """Stream target (such as `GatewayUserPosition`) to the number of events to lose."""
    refuse_negotiate: NegotiateRefusal | None = None
    cut_hubs: Literal["user", "market", "*"] | None = None
    clear: bool = False
    """Forget the faults asked for earlier first."""


class Faults:
    """The faults still due."""

    def __init__(self) -> None:
        self._due: list[tuple[Fault, int]] = []
        self._drops: dict[str, int] = {}
        self._negotiate: list[tuple[NegotiateRefusal, int]] = []

    def inject(self, fault: Fault) -> None:
        """Let the next calls of an endpoint fail; faults of one endpoint happen in this order."""
        self._due.append((fault, fault.times))

    def drop_events(self, target: str, count: int = 1) -> None:
        """Lose the next `count` stream events of a target."""
        self._drops[target] = self._drops.get(target, 0) + count

    def refuse_negotiate(self, refusal: NegotiateRefusal) -> None:
        """Answer the next negotiate requests with an HTTP status."""
        self._negotiate.append((refusal, refusal.times))

    def clear(self) -> None:
        """Forget everything that is still due."""
        self._due.clear()
        self._drops.clear()
        self._negotiate.clear()

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault for this call and count it, or None."""
        for index, (fault, left) in enumerate(self._due):
            if fault.endpoint in (ANY, endpoint):
                self._due[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None

    def take_drop(self, target: str) -> bool:
        """Tell whether this event is to be lost, and count it."""
        left = self._drops.get(target, 0)
        if left:
            self._drops[target] = left - 1
        return left > 0

    def take_negotiate(self, hub: str) -> int | None:
        """Return the HTTP status to refuse this negotiate request with, or None."""
        for index, (refusal, left) in enumerate(self._negotiate):
            if refusal.hub in (ANY, hub):
                self._negotiate[index : index + 1] = [(refusal, left - 1)] if left > 1 else []
                return refusal.status
        return None
