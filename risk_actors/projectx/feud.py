"""Whether the broker lets only one line be connected: pure reckoning, in seconds of any clock.

Each line that opens would then end the other, which opens again, for ever. That shows in one line
being lost just when the other opens, again and again. Lines that are both lost at once, or one
that comes and goes while the other stays, are something else.
"""

from collections import deque

from risk_actors.projectx.lines import Line

_TOGETHER_S = 1.5
"""One is lost this shortly before or after the other opens."""
_APART_S = 0.15
"""What is lost together was lost for a reason outside."""
_TIMES = 3
_WITHIN_S = 300.0
FIRST_REST_S = 600.0
LONGEST_REST_S = 7200.0


class Feud:
    """Notices that the lines end each other, and says for how long the second is to rest."""

    def __init__(self) -> None:
        self._opened_s: dict[Line, float] = {}
        self._lost_s: dict[Line, float] = {}
        self._strikes: deque[float] = deque(maxlen=_TIMES)
        self._rest_s = FIRST_REST_S

    def opened(self, line: Line, now_s: float) -> float | None:
        """Take that a line is up; return how long to rest, if it comes to that."""
        self._opened_s[line] = now_s
        return self._judge(line, now_s)

    def lost(self, line: Line, now_s: float) -> float | None:
        """Take that a line that was up is down; return how long to rest, if it comes to that."""
        self._lost_s[line] = now_s
        return self._judge(line.other, now_s)

    def _judge(self, opener: Line, now_s: float) -> float | None:
        opened_s, lost_s = self._opened_s.get(opener), self._lost_s.get(opener.other)
        if opened_s is None or lost_s is None or abs(opened_s - lost_s) > _TOGETHER_S:
            return None
        own_s = self._lost_s.get(opener)
        if own_s is None or abs(own_s - lost_s) < _APART_S:
            return None
        del self._opened_s[opener]
        self._strikes.append(now_s)
        if len(self._strikes) < _TIMES or now_s - self._strikes[0] > _WITHIN_S:
            return None
        self._strikes.clear()
        rest_s, self._rest_s = self._rest_s, min(self._rest_s * 2, LONGEST_REST_S)
        return rest_s
