"""The state of the three ways to the broker, announced whenever it changes."""

from risk_actors.messages import ConnectionChanged
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.ports import Clock, Emit

STARTING = "starting"
"""Why something is down that never was up and that nothing is known against."""
POLLING = "polling"
"""While the user hub is down, accounts are read over REST in its place."""


class ConnectionBoard:
    """Knows which ways are up. Use it on its event loop only."""

    def __init__(self, clock: Clock, ids: CorrelationIds, emit: Emit) -> None:
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self.user_hub = False
        self.market_hub = False
        self.rest = True
        self._was_complete = False

    def set_user_hub(self, up: bool, detail: str | None) -> None:
        """Note the user hub's state, or why it is still down, and say so."""
        self.user_hub = up
        self.announce(_about("user hub", detail))
        self._note_complete()

    def set_market_hub(self, up: bool, detail: str | None) -> None:
        """Note the market hub's state, or why it is still down, and say so."""
        self.market_hub = up
        self.announce(_about("market hub", detail))
        self._note_complete()

    def set_rest(self, up: bool, detail: str | None) -> None:
        """Note whether reads get answers; say so if it changed."""
        if up != self.rest:
            self.rest = up
            self.announce(_about("REST", detail))

    def _note_complete(self) -> None:
        self._was_complete = self._was_complete or (self.user_hub and self.market_hub)

    def announce(self, detail: str | None = None) -> None:
        """Say what is up and what is not."""
        if detail is None and not self._was_complete:
            detail = STARTING
        self._emit(
            ConnectionChanged(
                correlation_id=self._ids.next(),
                at_ns=self._clock.now_ns(),
                user_hub=self.user_hub,
                market_hub=self.market_hub,
                rest=self.rest,
                fallback=POLLING if self.rest and not self.user_hub else None,
                detail=detail,
            )
        )


def _about(what: str, detail: str | None) -> str | None:
    return f"{what}: {detail}" if detail else None
