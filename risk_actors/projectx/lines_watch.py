"""Both lines of the user hub together: one that is up is enough, and one that is not is shown."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple

from loguru import logger

from risk_actors.projectx.deaf import KickPace
from risk_actors.projectx.feud import Feud
from risk_actors.projectx.lean_hub import RENEWED, STOPPED
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import LineGate
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.say import Repeats

LOST = "one line of the user hub was lost"
"""Why the accounts are read although the other line is up: it costs little to be sure."""
ONE_ONLY = "the broker seems to allow one line only: each that opens ends the other"
_ALONE_S = 15.0
"""So long line A may be down until line B, which rests, is wanted after all."""
_LOOK_EVERY_S = 0.5
_READS_PER_MINUTE = 6
_READ_LATER_S = 10.0
"""Lines that come and go all the time do not use up the budget of reads; the last loss is read."""
_MINUTE_S = 60.0
_FORGIVEN_AFTER_NS = 300 * 1_000_000_000
"""After both lines have told the same for so long, one that is deaf is connected anew at once."""


class Reactions(NamedTuple):
    """What follows from the lines' state; called on the gateway's loop."""

    hub: Callable[[bool, str | None], None]
    """The user hub is up by one line at least, or down by both, and why."""
    say: Callable[[str], None]
    """A line is in trouble that the other makes good, in words."""
    read: Callable[[str], None]
    """Every account is to be read, for a reason."""
    kick: dict[Line, Callable[[str], None]]
    """By line, has it connected anew, for a reason in words."""
    hurry: Callable[[], None]
    """Line B need not wait any more: line A is down."""
    rest: Callable[[float, str], None] = lambda _seconds, _detail: None
    """Line B is to stay away for so many seconds, for a reason in words."""


class LinesWatch:
    """Knows which lines are up. Use it on its event loop only, but for `is_up`."""

    def __init__(self, gate: LineGate, clock: Clock, reactions: Reactions) -> None:
        self._gate = gate
        self._clock = clock
        self._reactions = reactions
        self._up = {Line.A: False, Line.B: False}
        self._detail: dict[Line, str | None] = {Line.A: None, Line.B: None}
        self._said: set[Line] = set()
        """Lines whose trouble was said and is not over."""
        self._paces = {line: KickPace() for line in Line}
        self._agreed_ns = 0
        """Since when both lines are up and have told the same."""
        self._feud = Feud()
        self._rests_until_s = self._first_down_s = 0.0
        self._reads: deque[float] = deque(maxlen=_READS_PER_MINUTE)
        self._repeats = Repeats()
        self._later: asyncio.TimerHandle | None = None

    def is_up(self, line: Line) -> bool:
        """Tell whether a line is up; any thread may ask."""
        return self._up[line]

    def set_line(self, line: Line, up: bool, detail: str | None) -> None:
        """Take that a line is up (subscribed), or down and why."""
        was_up, other = self._up[line], line.other
        self._up[line], self._detail[line] = up, detail
        self._watch_feud(line, up=up, was_up=was_up)
        if line is Line.A:
            self._gate.set_line(line, up=up)
        if not self._up[other]:
            self._on_only(line, up=up, was_up=was_up)
        elif up:
            if line in self._said:
                self._said.discard(line)
                logger.info("Line {} of the user hub is up again", line.name)
                self._reactions.say(f"user hub: line {line.name} is up again")
        else:
            self._on_spare(line, was_up=was_up)
        if line is Line.A and not up and not self._is_resting:
            self._reactions.hurry()

    async def serve(self) -> None:
        """Look for a line that fails to tell what the other tells; runs until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._end_rest()
            missed = self._gate.missed()
            self._forgive(missed)
            for line in missed:
                if self._up[line] and self._paces[line].may_kick(self._clock.now_ns()):
                    detail = f"connected, but does not tell what line {line.other.name} tells"
                    self._reactions.kick[line](detail)

    @property
    def _is_resting(self) -> bool:
        return asyncio.get_running_loop().time() < self._rests_until_s

    def _watch_feud(self, line: Line, *, up: bool, was_up: bool) -> None:
        """Have line B stay away where the broker lets only one line be connected."""
        now_s = asyncio.get_running_loop().time()
        if line is Line.A and not up and was_up:
            self._first_down_s = now_s
        if up == was_up or self._detail[line] in (STOPPED, RENEWED):
            return
        rest_s = self._feud.opened(line, now_s) if up else self._feud.lost(line, now_s)
        if rest_s is None or self._is_resting:
            return
        self._rests_until_s = now_s + rest_s
        logger.warning("The user hub: {}; line B rests for {:.0f} s", ONE_ONLY, rest_s)
        self._reactions.say(f"user hub: {ONE_ONLY}; line B rests for {rest_s / 60:.0f} min")
        self._reactions.rest(rest_s, ONE_ONLY)

    def _end_rest(self) -> None:
        """Have line B back where line A alone does not come back."""
        now_s = asyncio.get_running_loop().time()
        if self._is_resting and not self._up[Line.A] and now_s - self._first_down_s > _ALONE_S:
            self._rests_until_s = 0.0
            self._reactions.rest(0.0, ONE_ONLY)

    def _forgive(self, missed: Collection[Line]) -> None:
        """Take which lines fail to tell now; a deaf spell long ago slows down no cure."""
        now_ns = self._clock.now_ns()
        if missed or not all(self._up.values()):
            self._agreed_ns = now_ns
        elif now_ns - self._agreed_ns >= _FORGIVEN_AFTER_NS:
            self._agreed_ns = now_ns
            for pace in self._paces.values():
                pace.reset()

    def _on_only(self, line: Line, *, up: bool, was_up: bool) -> None:
        """Take the state of the line on which all depends, for the other is down."""
        is_main = line is Line.A or self._detail[Line.A] is None
        if up:
            self._said.discard(line)
            self._reactions.hub(True, None)
            if line is Line.B and self._detail[Line.A] not in (None, STOPPED):
                self._say(Line.A)
        elif was_up or is_main:
            # Line B's own trouble with connecting is no news while line A's is shown.
            self._reactions.hub(False, self._detail[line if is_main else Line.A])

    def _on_spare(self, line: Line, *, was_up: bool) -> None:
        """Take that a line is down while the other is up."""
        if self._detail[line] == STOPPED:
            return
        if self._detail[line] != RENEWED:
            self._say(line)
        if was_up:
            # The other may have been down at the same time without our having noticed yet.
            self._read()

    def _read(self) -> None:
        loop = asyncio.get_running_loop()
        if self._later is not None:
            return
        if len(self._reads) == _READS_PER_MINUTE and loop.time() - self._reads[0] < _MINUTE_S:
            self._later = loop.call_later(_READ_LATER_S, self._read_now)
        else:
            self._read_now()

    def _read_now(self) -> None:
        self._later = None
        self._reads.append(asyncio.get_running_loop().time())
        self._reactions.read(LOST)

    def _say(self, line: Line) -> None:
        self._said.add(line)
        what = f"line {line.name} is down ({self._detail[line]}), line {line.other.name} is up"
        if self._repeats.is_due(what):
            logger.warning("The user hub: {}", what)
        self._reactions.say(f"user hub: {what}")
