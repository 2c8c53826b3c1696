"""When an enforcement asks for a snapshot: one at a time, and never faster than answers come."""

from collections.abc import Iterator

from risk_actors.core.enforcement_effects import AskSnapshot
from risk_actors.core.evidence import NS_PER_S

BEFORE_THE_FIRST = "enforcement before the first snapshot"
IS_UNCERTAIN = "uncertain answer"
IS_BRAKED = "we are braked; has anything changed?"
CONFIRM_FLAT = "confirm flat"
"""Why a snapshot is asked for that is to show what is held to be so."""

CONFIRM_AT_MOST_EVERY_NS = 10 * NS_PER_S
"""How often what was observed in events is confirmed by a snapshot."""
ASK_AGAIN_AFTER_NS = 2 * NS_PER_S
"""A snapshot that did not come is asked for again."""


class BrokerLooks:
    """The snapshots that the plan of one account asks for."""

    def __init__(self) -> None:
        self._asked_ns: int | None = None
        self._confirmed_ns = 0

    def came(self, asked_ns: int) -> None:
        """Take the latest snapshot, by when it was asked for."""
        if self._asked_ns is not None and asked_ns >= self._asked_ns:
            self._asked_ns = None

    def want(self, reason: str, correlation_id: str, now_ns: int) -> Iterator[AskSnapshot]:
        """Ask for a snapshot, unless one is on its way."""
        if self._asked_ns is not None and now_ns - self._asked_ns < ASK_AGAIN_AFTER_NS:
            return
        self._asked_ns = now_ns
        yield AskSnapshot(reason, correlation_id)

    def confirm(self, correlation_id: str, now_ns: int) -> Iterator[AskSnapshot]:
        """Ask for a snapshot of what is over: the stream may have lost an order's row."""
        if now_ns - self._confirmed_ns >= CONFIRM_AT_MOST_EVERY_NS:
            self._confirmed_ns = now_ns
            yield AskSnapshot(CONFIRM_FLAT, correlation_id)
