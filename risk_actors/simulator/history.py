"""What the server remembers for those who check it: requests, stream events, the journal.

Times are monotonic nanoseconds of this process, so that requests and events compare.
"""

import time
from collections import deque
from typing import Any, Literal

import msgspec

from risk_actors.simulator.fault_base import AnyFault
from risk_actors.simulator.records import JournalEntry

_SECRETS = ("apiKey", "password", "verifyKey")


class RequestRecord(msgspec.Struct, kw_only=True):
    """One REST request and its answer."""

    seq: int
    arrived_ns: int
    endpoint: str
    """Below `/api`, such as `Position/closeContract`."""
    body: dict[str, Any]
    """Decoded, secrets masked; empty when it was no JSON object."""
    username: str | None = None
    token_id: str | None = None
    answered_ns: int | None = None
    """None while, or because, it was never answered."""
    status: int | None = None
    success: bool | None = None
    error_code: int | None = None
    order_id: int | None = None
    """The order this request made, if it made one."""
    executed: bool = False
    """Whether the command was carried out, whatever the answer said."""


class StreamRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One event handed to a hub."""

    sent_ns: int
    hub: str
    target: str
    data: Any
    account_id: int | None = None
    contract_id: str | None = None
    order_id: int | None = None
    receivers: int = 0
    """Connections it went to; 0 also when a fault lost it."""


type FaultEnd = Literal["at once", "used up", "time is up", "cleared"]


class FaultRecord(msgspec.Struct, kw_only=True):
    """One fault that was asked for, and what became of it.

    `_ns` are monotonic nanoseconds as everywhere here, `_utc_ns` this machine's wall clock, on
    which the broker's clock skew has no effect.
    """

    id: int
    fault: AnyFault
    injected_ns: int
    injected_utc_ns: int
    strikes: int = 0
    """How many calls, events or connections it struck; 1 for what happened or began at once."""
    struck_ns: list[int] = []
    """When it struck, the first thousand times."""
    ended: FaultEnd | None = None
    """Why it is over; None while it lasts or is due."""
    ended_ns: int | None = None
    """When it healed, or when its last strike was."""
    ended_utc_ns: int | None = None


class History:
    """Bounded logs, oldest first."""

    def __init__(self, limit: int) -> None:
        self.requests: deque[RequestRecord] = deque(maxlen=limit)
        self.user_events: deque[StreamRecord] = deque(maxlen=limit)
        self.market_events: deque[StreamRecord] = deque(maxlen=limit)
        self.journal: deque[JournalEntry] = deque(maxlen=limit)
        self.faults: deque[FaultRecord] = deque(maxlen=limit)
        self._seq = 0

    def arrived(self, endpoint: str, body: bytes) -> RequestRecord:
        """Note a request that just arrived and return its record, to be completed."""
        self._seq += 1
        record = RequestRecord(
            seq=self._seq,
            arrived_ns=time.monotonic_ns(),
            endpoint=endpoint,
            body=_readable(body),
        )
        self.requests.append(record)
        return record


def _readable(body: bytes) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    if not isinstance(decoded, dict):
        return {}
    return {key: "***" if key in _SECRETS else value for key, value in decoded.items()}
