"""The state of the three ways to the broker, announced whenever it changes."""

from loguru import logger

from risk_actors.messages import ConnectionChanged
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.projectx.ports import Clock, Emit
from risk_actors.projectx.say import SAY_AGAIN_AFTER_S

STARTING = "starting"
"""Why something is down that never was up and that nothing is known against."""
POLLING = "polling"
"""While the user hub is down or not trusted, accounts are read over REST in its place."""
BARS = "bars"
"""Prices of open positions are read from recent bars in the market hub's place."""
READING = "connected, reading the accounts"
"""The user hub is back, and what happened while it was away is being found out."""
PAUSED = "reads paused"
"""Nothing is read: the broker answers that there were too many requests."""
_NS_PER_S = 1_000_000_000
_SAY_AGAIN_AFTER_NS = int(SAY_AGAIN_AFTER_S * 1_000_000_000)

type _State = tuple[bool, bool, bool, str | None, bool | None]


class ConnectionBoard:
    """Knows which ways are up. Use it on its event loop only."""

    def __init__(self, clock: Clock, ids: CorrelationIds, emit: Emit) -> None:
        self._clock = clock
        self._ids = ids
        self._emit = emit
        self.user_hub = False
        self.market_hub = False
        self.rest = True
        self.second_line: bool | None = None
        """Whether both lines of the user hub are up; None where there is to be one only."""
        self.user_doubt: str | None = None
        """Why what the user hub tells may not be all, although it is connected."""
        self.bars = False
        self.user_behind = False
        """Whether accounts may have changed while the user hub was away and were not read since."""
        self.is_paused = False
        """Whether reads are paused by the broker's request limit."""
        self._paused_said_ns = 0
        self._was_complete = False
        self._told: _State | None = None
        self._said_ns: dict[str, int] = {}
        """When each detail was said last, while the state is the same."""

    @property
    def is_polling(self) -> bool:
        """Whether accounts have to be read because the user hub does not tell all."""
        return not self.user_hub or self.user_behind or self.user_doubt is not None

    def set_user_hub(self, up: bool, detail: str | None) -> None:
        """Note the user hub's state, or why it is still down, and say so."""
        self.user_hub = up
        if up and self.user_behind:
            detail = READING
        self._tell(_about("user hub", detail))
        self._note_complete()

    def set_user_doubt(self, doubt: str | None, over: str = "heard again") -> None:
        """Note why the connected user hub is not trusted, or (None) that it is again, and why."""
        if doubt != self.user_doubt:
            self.user_doubt = doubt
            self._tell(_about("user hub", doubt or over))

    def set_user_behind(self, *, behind: bool) -> None:
        """Note whether accounts have to be read since the user hub was away; say when it ends."""
        if behind != self.user_behind:
            self.user_behind = behind
            if not behind:
                self._tell(None)

    def set_paused(self, until_ns: int | None) -> None:
        """Note until when reads pause because of too many requests (None: they do not)."""
        if until_ns is None:
            if self.is_paused:
                self.is_paused = False
                self._tell("reads go on: the broker's request limit lets them pass")
            return
        self.is_paused = True
        words = "reads paused by the broker's request limit"
        now_ns = self._clock.now_ns()
        if not self._paused_said_ns or now_ns - self._paused_said_ns >= _SAY_AGAIN_AFTER_NS:
            self._paused_said_ns = now_ns
            left_s = max(until_ns - now_ns, 0) / _NS_PER_S
            logger.warning("{}, for {:.0f} s or longer", words.capitalize(), left_s)
        self._tell(words)

    def set_market_hub(self, up: bool, detail: str | None) -> None:
        """Note the market hub's state, or why it is still down, and say so."""
        self.market_hub = up
        self._tell(_about("market hub", detail))
        self._note_complete()

    def set_bars(self, in_use: bool, detail: str | None = None) -> None:
        """Note whether prices are read from bars; say so if it changed."""
        if in_use != self.bars:
            self.bars = in_use
            self._tell(_about("market hub", detail))

    def set_rest(self, up: bool, detail: str | None) -> None:
        """Note whether reads get answers; say so if it changed."""
        if up != self.rest:
            self.rest = up
            self._tell(_about("REST", detail))

    def tell_news(self) -> None:
        """Say how it stands, if that was not said yet."""
        self._tell(None)

    def say(self, detail: str) -> None:
        """Say what is amiss beside the three ways; once, and again every minute."""
        self._tell(detail)

    def _note_complete(self) -> None:
        self._was_complete = self._was_complete or (self.user_hub and self.market_hub)

    def _tell(self, detail: str | None) -> None:
        """Say what changed; what lasts is said once, and again every minute."""
        now_ns = self._clock.now_ns()
        if self._state != self._told:
            self._said_ns.clear()
        elif detail is None or now_ns - self._said_ns.get(detail, 0) < _SAY_AGAIN_AFTER_NS:
            return
        self.announce(detail)

    def announce(self, detail: str | None = None) -> None:
        """Say what is up and what is not."""
        if detail is None and not self._was_complete:
            detail = STARTING
        now_ns = self._clock.now_ns()
        self._told = self._state
        if detail is not None:
            self._said_ns[detail] = now_ns
        user_hub, market_hub, rest, fallback, second_line = self._state
        self._emit(
            ConnectionChanged(
                correlation_id=self._ids.next(),
                at_ns=now_ns,
                user_hub=user_hub,
                market_hub=market_hub,
                rest=rest,
                fallback=fallback,
                detail=detail,
                second_line=second_line,
            )
        )

    @property
    def _state(self) -> _State:
        polling = f"{POLLING}, {PAUSED}" if self.is_paused else POLLING
        fallbacks = [polling] * self.is_polling + [BARS] * self.bars
        fallback = ", ".join(fallbacks) if self.rest and fallbacks else None
        return self.user_hub, self.market_hub, self.rest, fallback, self.second_line


def _about(what: str, detail: str | None) -> str | None:
    return f"{what}: {detail}" if detail else None
