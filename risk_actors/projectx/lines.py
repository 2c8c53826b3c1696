"""Which of two lines' rows are new: pure reckoning, on what either has told.

Both lines carry the same rows of the broker, each in the broker's order, as exchanges send an A and
a B line: whichever is first counts, the other's copy is dropped. A row tells the state of one thing
(a position, an order, a fill, an account), so what must never happen is that the slower line brings
back a state which the faster has already told to be over, nor that one is lost.

So for every thing what was told is kept for a while, in order, and for each line how far along it
the line has come. A row that is found further along is a copy, however late it comes and whatever
came since; the same state told twice (2, 1, 2) is found at its own place. A row that is not found,
on a line that has come all the way, is new. That leaves a row that is not found on a line with
others before it that it has not told yet: then one of the two has a gap. Lines lose nothing while
they are connected (TCP, and one sender), so whoever connected anew in between has it.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from enum import IntEnum, auto

from risk_actors.core.evidence import NS_PER_S

KEEP_NS = 120 * NS_PER_S
"""For how long after its last row a thing is remembered: far longer than a line can lag, which is
dropped after some seconds without a sign of life."""
MOST_THINGS = 20_000
"""Beyond so many the one that was told of longest ago is forgotten."""
MOST_STATES = 256
"""States of one thing that are remembered."""
MOST_SINGLE = 10_000
"""Rows that wait for being told by the other line as well."""
TOLD_BY_BOTH_AFTER_NS = 3 * NS_PER_S
"""How much later the other line may tell the same before it counts as missed by that line."""


class Line(IntEnum):  # whose members are looked up at the speed of numbers
    """One of the two lines."""

    A = 0
    """The SDK's hub."""
    B = 1
    """The lean reader."""

    @property
    def other(self) -> "Line":
        """The other line."""
        return Line.B if self is Line.A else Line.A


class Verdict(IntEnum):
    """What to do with a row."""

    NEW = auto()
    """Tell it."""
    NEW_IN_DOUBT = auto()
    """Tell it; but it may be older than what was told before: a read has to settle it."""
    COPY = auto()
    """The other line has told it, or this one twice: drop it."""
    OVERTAKEN = auto()
    """It is older than what was told already: drop it; a read may confirm that."""

    @property
    def is_told(self) -> bool:
        """Whether the row is to be told."""
        return self is Verdict.NEW or self is Verdict.NEW_IN_DOUBT

    @property
    def is_doubtful(self) -> bool:
        """Whether the broker should be asked how things stand."""
        return self is Verdict.NEW_IN_DOUBT or self is Verdict.OVERTAKEN


class _State:
    """One row that was told."""

    __slots__ = ("at_ns", "by", "content", "first", "turn")

    def __init__(self, content: object, turn: int, first: Line, at_ns: int) -> None:
        self.content = content
        self.turn = turn
        self.first = first
        self.at_ns = at_ns
        self.by = {first}


class _Thing:
    """What was told of one thing, oldest first, and how far each line has come."""

    __slots__ = ("last", "next", "states", "told_ns")

    def __init__(self) -> None:
        self.states: list[_State] = []
        self.next = {Line.A: 0, Line.B: 0}
        """By line, the index of the first state that it has not told."""
        self.last: dict[Line, _State | None] = {Line.A: None, Line.B: None}
        """By line, the state it told last."""
        self.told_ns = 0

    def shorten(self) -> None:
        spare = len(self.states) - MOST_STATES
        if spare > 0:
            del self.states[:spare]
            for line in Line:
                self.next[line] = max(self.next[line] - spare, 0)


class Arbiter:
    """Tells new rows from copies. Not for more than one thread at a time; instants are ns."""

    def __init__(self) -> None:
        self._things: OrderedDict[Hashable, _Thing] = OrderedDict()
        self._turn = 0
        self._opened = {Line.A: 0, Line.B: 0}
        """By line, the turn at which its present connection began."""
        self._single: deque[_State] = deque(maxlen=MOST_SINGLE)
        """States that one line has told while both were up, until the other has or is due."""
        self._ready: dict[Line, int | None] = {Line.A: None, Line.B: None}
        """By line, the turn from which on it surely told everything; None while it is down."""
        self.counts = {line: dict.fromkeys(Verdict, 0) for line in Line}
        """By line, how many rows got which verdict."""

    def opening(self, line: Line) -> None:
        """Take that a line is about to subscribe: nothing that was told so far will come by it."""
        self._turn += 1
        self._opened[line] = self._turn
        self._ready[line] = None

    def opened(self, line: Line) -> None:
        """Take that a line is subscribed: from here on it should tell all."""
        if self._ready[line] is None:
            self._turn += 1
            self._ready[line] = self._turn

    def closed(self, line: Line) -> None:
        """Take that a line is down."""
        self._ready[line] = None

    def take(self, line: Line, key: Hashable, content: object, now_ns: int) -> Verdict:
        """Take a row from a line.

        Args:
            line: whence it came.
            key: the thing it is about; `content` is compared only among rows of one key.
            content: the row.
            now_ns: the present.
        """
        thing = self._thing(key, now_ns)
        verdict = self._judge(thing, line, content, now_ns)
        self.counts[line][verdict] += 1
        return verdict

    def missed(self, now_ns: int) -> dict[Line, int]:
        """Return by line how many rows it should have told by now and did not, each only once."""
        missed: dict[Line, int] = {}
        while self._single and now_ns - self._single[0].at_ns > TOLD_BY_BOTH_AFTER_NS:
            state = self._single.popleft()
            late = state.first.other
            ready = self._ready[late]
            if late not in state.by and ready is not None and ready < state.turn:
                missed[late] = missed.get(late, 0) + 1
        return missed

    # --- details --------------------------------------------------------------------------

    def _judge(self, thing: _Thing, line: Line, content: object, now_ns: int) -> Verdict:
        start = self._start(thing, line)
        ahead = thing.states[start:]
        if not ahead:
            self._tell(thing, line, content, now_ns)
            return Verdict.NEW
        last = self._last(thing, line)
        if last is not None and last.content == content != ahead[0].content:
            # A frame that came twice: this connection, which loses nothing, has yet to tell what
            # comes next.
            return Verdict.COPY
        for index, state in enumerate(ahead, start):
            if state.content == content:
                state.by.add(line)
                thing.next[line] = index + 1
                thing.last[line] = state
                return Verdict.COPY
        verdict = self._judge_gap(line, last)
        if verdict.is_told:
            self._tell(thing, line, content, now_ns)
        return verdict

    def _judge_gap(self, line: Line, last: _State | None) -> Verdict:
        """Judge a row that is not among those which the other line has told in advance.

        Either this line lacks those and the row is newer, or the other lacks the row and it is
        older.
        """
        other = line.other
        if last is None:
            # This connection has told nothing of it yet. It carries only what came after it began;
            # of that the other lacks nothing if its connection is the older one.
            if self._opened[other] < self._opened[line]:
                return Verdict.NEW
            ready = self._ready[line]
            is_older = ready is not None and ready < self._opened[other]
            return Verdict.OVERTAKEN if is_older else Verdict.NEW_IN_DOUBT
        has_other_all = other in last.by and last.turn >= self._opened[other]
        return Verdict.NEW_IN_DOUBT if has_other_all else Verdict.OVERTAKEN

    def _tell(self, thing: _Thing, line: Line, content: object, now_ns: int) -> None:
        self._turn += 1
        state = _State(content, self._turn, line, now_ns)
        is_repeated = bool(thing.states) and thing.states[-1].content == content
        thing.states.append(state)
        thing.shorten()
        thing.next[line] = len(thing.states)
        thing.last[line] = state
        if self._ready[line.other] is not None and not is_repeated:
            self._single.append(state)

    def _start(self, thing: _Thing, line: Line) -> int:
        """Return the index of the first state that may still come by this connection."""
        opened = self._opened[line]
        index = thing.next[line]
        states = thing.states
        while index < len(states) and states[index].turn < opened:
            index += 1
        thing.next[line] = index
        return index

    def _last(self, thing: _Thing, line: Line) -> _State | None:
        """Return what this connection told last of a thing."""
        last = thing.last[line]
        # Also a copy counts of a state that was told first after this connection began: nothing
        # older can come by it.
        return last if last is not None and last.turn >= self._opened[line] else None

    def _thing(self, key: Hashable, now_ns: int) -> _Thing:
        things = self._things
        thing = things.get(key)
        if thing is None:
            thing = things[key] = _Thing()
        else:
            things.move_to_end(key)
        thing.told_ns = now_ns
        while True:
            oldest_key = next(iter(things))
            oldest = things[oldest_key]
            is_old = now_ns - oldest.told_ns > KEEP_NS or len(things) > MOST_THINGS
            if not is_old or oldest is thing:
                return thing
            del things[oldest_key]
