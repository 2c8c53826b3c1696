"""The two lines of the market hub: a lean reader (B) tells prices, and the SDK's hub (A) stands by.

Unlike the rows of the user hub, a price is worth nothing once there is a newer one. So one line
tells at a time: B while it is up, for it needs a fraction of the time; A stays connected, has
nothing sent but what the broker refuses to B, and is subscribed at once when B is lost.

They never tell at once, not even for a moment: a bad quote that the broker sent once and both told
would be believed for having come twice.
"""

import asyncio
from collections.abc import Callable

from loguru import logger

from risk_actors.core.broker import Quote
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.feud import LONGEST_REST_S, Feud
from risk_actors.projectx.hubs import Hubs
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.lean_hub import RENEWED, STOPPED
from risk_actors.projectx.lines import Line
from risk_actors.projectx.price_line import PriceLine
from risk_actors.projectx.say import Repeats

ONE_ONLY = "the broker seems to allow one connection only: each that opens ends the other"
DEAF_REST_S = 60.0
"""How long line B stays away at first when it was deaf, while the SDK's hub tells."""
_FORGIVEN_AFTER_S = 300.0
"""After line B has told for so long, an earlier deafness counts no more."""
_ALONE_S = 15.0
"""So long both may be down until line B, which rests, is wanted after all."""


class PriceLines:
    """Knows which lines are up and which one tells. Use it on its event loop, where not said."""

    def __init__(
        self,
        board: ConnectionBoard,
        inbound: Inbound,
        hubs: Hubs,
        on_hub: Callable[[bool, str | None], None],
    ) -> None:
        """Take what each line needs, and who hears that one at least is up, or none and why."""
        self._board = board
        self._inbound = inbound
        self._hubs = hubs
        self._on_hub = on_hub
        self._second: PriceLine | None = None
        self._up = {Line.A: False, Line.B: False}
        self._detail: dict[Line, str | None] = {Line.A: None, Line.B: None}
        self._feud = Feud()
        self._refused: frozenset[str] = frozenset()
        """The contracts that the broker refuses to line B."""
        self._deaf_rest_s = DEAF_REST_S
        self._second_since_s = 0.0
        """Since when line B is up."""
        self._alone: asyncio.TimerHandle | None = None
        """Ends line B's rest where both stay down."""
        self._repeats = Repeats()
        self._said_down: set[Line] = set()
        """Of which lines it was said that they are down while the other is up."""

    def begin(self, second: PriceLine) -> None:
        """Take line B and start it; without one line A tells."""
        self._second = second
        second.start()

    def is_up(self, line: Line) -> bool:
        """Tell whether a line is up; any thread may ask."""
        return self._up[line]

    @property
    def told(self) -> tuple[int, int | None]:
        """How many quotes both lines told, and when the last one was (ns of UTC); any thread."""
        count, last_ns = self._inbound.quotes_told, self._inbound.quoted_ns
        if self._second is None:
            return count, last_ns
        instants = [at_ns for at_ns in (last_ns, self._second.told_ns) if at_ns is not None]
        return count + self._second.told, max(instants, default=None)

    def known(self, contract_id: str) -> Quote | None:
        """Return the latest quote of a contract; None where none came since there was a gap."""
        is_of_second = self._up[Line.B] and contract_id not in self._refused
        if self._second is not None and is_of_second:
            return self._second.known(contract_id)
        return self._inbound.known_quote(contract_id)

    def want(self, contract_id: str) -> None:
        """Have a contract's prices told."""
        if self._second is not None:
            self._second.want(contract_id)

    def nudge(self) -> None:
        """Try again now what is down: the broker has shown a sign of life."""
        if self._second is not None:
            self._second.thread.nudge()

    def repeat(self) -> None:
        """Tell the last quote of every contract again, as old as it is."""
        self._inbound.repeat_quotes()
        if self._second is not None:
            self._second.repeat()

    def deaf(self, detail: str) -> None:
        """Have prices read another way: who is to tell them is connected and does not."""
        if self._second is None or not self._up[Line.B]:
            self._hubs.market.kick(detail, rebuild=True)
        elif not self._up[Line.A]:
            # Nobody would tell while it rests.
            self._second.thread.kick(detail)
        else:
            if asyncio.get_running_loop().time() - self._second_since_s > _FORGIVEN_AFTER_S:
                self._deaf_rest_s = DEAF_REST_S
            self._rest(self._deaf_rest_s, detail)
            # Line A has only now to tell: that nothing came until now is no fault of its.
            self._on_hub(True, None)
            self._deaf_rest_s = min(self._deaf_rest_s * 2, LONGEST_REST_S)

    async def stop(self) -> None:
        """End line B; nothing is told afterwards."""
        self._end_alone()
        if self._second is not None:
            await self._second.thread.stop()

    def set_line(self, line: Line, up: bool, detail: str | None) -> None:
        """Take that a line is up (subscribed), or down and why."""
        was_up, was_any = self._up[line], any(self._up.values())
        self._up[line], self._detail[line] = up, detail
        if up != was_up:
            self._watch_feud(line, up=up)
        if line is Line.A and not up:
            self._inbound.forget_quotes()
            if not self._up[Line.B]:
                self.nudge()
        elif line is Line.B and up != was_up:
            self._hand_over(up=up)
        is_any = any(self._up.values())
        if is_any != was_any or not is_any:
            self._tell(line, is_any=is_any, was_any=was_any)
        for each in Line:
            if each is line or (up and not was_up and self._detail[each] is not None):
                self._tell_spare(each)
        self._watch_alone(is_any=is_any)

    def refused(self, contract_ids: frozenset[str]) -> None:
        """Take which contracts the broker refuses to line B: line A has to tell them."""
        if contract_ids != self._refused:
            self._refused = contract_ids
            if self._up[Line.B]:
                self._share_out()

    def _tell(self, line: Line, *, is_any: bool, was_any: bool) -> None:
        # Line B's own trouble with connecting is no news while line A's is shown.
        is_main = line is Line.A or self._detail[Line.A] is None or was_any
        detail = self._detail[line if is_main else Line.A]
        self._on_hub(is_any, None if is_any else detail)

    def _tell_spare(self, line: Line) -> None:
        """Say that one line is down while the other is up, and when that is over."""
        detail = self._detail[line]
        if self._second is None:
            return
        if self._up[line] and line in self._said_down:
            self._said_down.discard(line)
            self._board.say(f"market hub: line {line.name} is up again")
        elif not self._up[line] and self._up[line.other] and detail not in (None, STOPPED, RENEWED):
            self._said_down.add(line)
            what = f"line {line.name} is down ({detail}), line {line.other.name} is up"
            if self._repeats.is_due(what):
                logger.warning("The market hub: {}", what)
            self._board.say(f"market hub: {what}")

    def _hand_over(self, *, up: bool) -> None:
        """Let line A have nothing sent while line B is up, and everything when it is not."""
        told = {quote.contract_id: quote for quote in self._inbound.known_quotes()}
        self._share_out()
        if up and self._second is not None:
            self._second_since_s = asyncio.get_running_loop().time()
            # Line B may have heard what line A had not told yet, and now never will.
            self._second.take_over(told)

    def _share_out(self) -> None:
        """Let line A tell what line B cannot, and all while it is down."""
        is_resting = self._up[Line.B]
        but = tuple(sorted(self._refused)) if is_resting else ()
        # What line A told last of the others is from before line B told.
        self._inbound.forget_quotes(but)
        self._inbound.tells_only = but if is_resting else None
        self._hubs.rest_market(is_resting=is_resting, but=but)

    def _rest(self, seconds: float, detail: str) -> None:
        if self._second is not None:
            self._second.thread.rest(seconds, detail)

    def _watch_alone(self, *, is_any: bool) -> None:
        """Have line B back, which may rest, where line A does not come back."""
        if is_any:
            self._end_alone()
        elif self._alone is None and self._detail[Line.A] != STOPPED:
            loop = asyncio.get_running_loop()
            self._alone = loop.call_later(_ALONE_S, self._end_rest)

    def _end_alone(self) -> None:
        if self._alone is not None:
            self._alone.cancel()
            self._alone = None

    def _end_rest(self) -> None:
        self._alone = None
        self._rest(0.0, "line A is down")

    def _watch_feud(self, line: Line, *, up: bool) -> None:
        """Have line B stay away where the broker lets only one connection be."""
        if self._detail[line] in (STOPPED, RENEWED):
            return
        now_s = asyncio.get_running_loop().time()
        rest_s = self._feud.opened(line, now_s) if up else self._feud.lost(line, now_s)
        if rest_s is not None and self._second is not None:
            logger.warning("The market hub: {}; line B rests for {:.0f} s", ONE_ONLY, rest_s)
            self._board.say(f"market hub: {ONE_ONLY}; line B rests for {rest_s / 60:.0f} min")
            self._rest(rest_s, ONE_ONLY)
