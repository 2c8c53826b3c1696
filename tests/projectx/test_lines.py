"""Two lines, one story: nothing twice, nothing lost, nothing old again."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from risk_actors.core.evidence import NS_PER_S
from risk_actors.projectx.lines import (
    KEEP_NS,
    MOST_STATES,
    TOLD_BY_BOTH_AFTER_NS,
    Arbiter,
    Line,
    Verdict,
)

A, B = Line.A, Line.B
KEY = ("position", 101, "CON.F.US.MNQ.Z26")


class Bench:
    """An arbiter with both lines up, and what it let pass."""

    def __init__(self, *, up: Iterable[Line] = (A, B)) -> None:
        self.arbiter = Arbiter()
        self.told: list[object] = []
        self.now_ns = NS_PER_S
        for line in up:
            self.arbiter.opening(line)
            self.arbiter.opened(line)

    def say(self, line: Line, *contents: object, key: object = KEY) -> list[Verdict]:
        verdicts = []
        for content in contents:
            verdict = self.arbiter.take(line, key, content, self.now_ns)
            if verdict.is_told:
                self.told.append(content)
            verdicts.append(verdict)
        return verdicts

    def reopen(self, line: Line) -> None:
        self.arbiter.closed(line)
        self.arbiter.opening(line)
        self.arbiter.opened(line)


def test_the_first_is_told_and_its_copy_dropped() -> None:
    bench = Bench()
    assert bench.say(A, 1) == [Verdict.NEW]
    assert bench.say(B, 1, 2) == [Verdict.COPY, Verdict.NEW]
    assert bench.say(A, 2) == [Verdict.COPY]
    assert bench.told == [1, 2]
    assert bench.arbiter.counts[A][Verdict.COPY] == bench.arbiter.counts[B][Verdict.COPY] == 1


def test_a_state_that_rightly_comes_again_is_told_again() -> None:
    bench = Bench()
    bench.say(A, 2, 1, 2)
    bench.say(B, 2, 1, 2)
    assert bench.told == [2, 1, 2]


def test_a_line_that_lags_brings_back_nothing() -> None:
    bench = Bench()
    bench.say(A, 1, 2, 3, 0)
    assert bench.say(B, 1, 2, 3) == [Verdict.COPY] * 3
    bench.say(A, 4)
    assert bench.say(B, 0, 4) == [Verdict.COPY] * 2
    assert bench.told == [1, 2, 3, 0, 4]


def test_one_line_alone_passes_everything_as_it_comes() -> None:
    bench = Bench(up=[A])
    bench.say(A, 1, 1, 2, 1, 1)
    assert bench.told == [1, 1, 2, 1, 1]


def test_a_repeated_frame_on_one_line_brings_back_nothing() -> None:
    bench = Bench()
    bench.say(A, 1, 2)
    assert bench.say(B, 1, 1, 2, 2) == [
        Verdict.COPY,
        Verdict.COPY,
        Verdict.COPY,
        Verdict.NEW,  # the present state once more: harmless, and maybe a read had hidden it
    ]
    assert bench.told == [1, 2, 2]


def test_a_line_that_died_leaves_all_to_the_other() -> None:
    bench = Bench()
    bench.say(A, 1, 2)
    bench.say(B, 1, 2)
    bench.arbiter.closed(A)
    assert bench.say(B, 3, 2, 1) == [Verdict.NEW] * 3


def test_a_line_that_died_ahead_of_the_other_has_told_what_the_other_brings() -> None:
    bench = Bench()
    bench.say(A, 1, 2, 3)
    bench.arbiter.closed(A)
    bench.say(B, 1, 2, 3, 4)
    assert bench.told == [1, 2, 3, 4]


def test_what_came_before_a_line_connected_anew_is_not_taken_for_what_comes_by_it() -> None:
    """2 is told again by the new connection: that is a new 2, not the copy of the one before."""
    bench = Bench()
    bench.say(A, 2, 1)
    bench.reopen(B)
    assert bench.say(B, 2) == [Verdict.NEW]
    assert bench.say(A, 2) == [Verdict.COPY]


def test_what_the_other_missed_in_its_gap_is_older_than_what_it_told_since() -> None:
    bench = Bench()
    bench.say(A, 1)
    bench.say(B, 1)
    bench.reopen(A)  # and so missed 2
    bench.say(A, 3)
    assert bench.say(B, 2) == [Verdict.OVERTAKEN]
    assert bench.say(B, 3, 4) == [Verdict.COPY, Verdict.NEW]
    assert bench.told == [1, 3, 4]


def test_what_a_line_missed_in_its_gap_does_not_hold_up_what_it_brings() -> None:
    bench = Bench()
    bench.say(A, 1)
    bench.say(B, 1)
    bench.arbiter.closed(B)
    bench.say(A, 2)
    bench.reopen(B)
    bench.arbiter.closed(A)
    assert bench.say(B, 3) == [Verdict.NEW]
    assert bench.told == [1, 2, 3]


def test_where_neither_has_a_gap_and_they_disagree_it_is_told_and_the_broker_is_asked() -> None:
    bench = Bench()
    bench.say(A, 1)
    bench.say(B, 1)
    bench.say(A, 3)
    (verdict,) = bench.say(B, 2)
    assert verdict is Verdict.NEW_IN_DOUBT
    assert verdict.is_doubtful
    assert bench.say(B, 3) == [Verdict.NEW]  # so the last word is right even then


def test_things_do_not_mix() -> None:
    bench = Bench()
    bench.say(A, 1, key="x")
    assert bench.say(B, 1, key="y") == [Verdict.NEW]


def test_memory_is_bounded_by_states_and_by_time() -> None:
    bench = Bench()
    bench.say(A, *range(3 * MOST_STATES))
    thing = bench.arbiter._things[KEY]
    assert len(thing.states) == MOST_STATES
    assert bench.say(B, 3 * MOST_STATES - 1) == [Verdict.COPY]
    bench.now_ns += KEEP_NS + 1
    bench.say(A, 1, key="other")
    assert list(bench.arbiter._things) == ["other"]


def test_a_line_that_is_deaf_to_what_the_other_tells_is_noticed_once() -> None:
    bench = Bench()
    bench.say(A, 1, 2)
    bench.say(B, 1)
    assert bench.arbiter.missed(bench.now_ns) == {}
    bench.now_ns += TOLD_BY_BOTH_AFTER_NS + 1
    assert bench.arbiter.missed(bench.now_ns) == {B: 1}
    assert bench.arbiter.missed(bench.now_ns) == {}


def test_a_line_that_is_down_misses_nothing() -> None:
    bench = Bench()
    bench.arbiter.closed(B)
    bench.say(A, 1)
    bench.reopen(B)
    bench.now_ns += TOLD_BY_BOTH_AFTER_NS + 1
    assert bench.arbiter.missed(bench.now_ns) == {}


# --- any interleaving ------------------------------------------------------------------------


class State:
    """A state in the broker's order; rows are told apart by content alone."""

    def __init__(self, index: int, content: int) -> None:
        self.index = index
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)

    def __repr__(self) -> str:
        return f"{self.content}@{self.index}"


class Broker:
    """A broker, its two connections as queues, and what came of it."""

    def __init__(self) -> None:
        self.arbiter = Arbiter()
        self.sent: list[State] = []
        self.queues: dict[Line, list[State]] = {A: [], B: []}
        self.is_connected = {A: False, B: False}
        self.told: list[State] = []
        self.doubts = 0

    def send(self, content: int, copies: int) -> None:
        self.sent.append(State(len(self.sent), content))
        for line in Line:
            if self.is_connected[line]:
                self.queues[line] += [self.sent[-1]] * copies

    def deliver(self, line: Line) -> None:
        if self.queues[line]:
            state = self.queues[line].pop(0)
            verdict = self.arbiter.take(line, KEY, state, 1)
            self.doubts += verdict.is_doubtful
            if verdict.is_told:
                self.told.append(state)

    def drop(self, line: Line) -> None:
        """Lose the connection and what was on its way."""
        self.queues[line].clear()
        self.is_connected[line] = False
        self.arbiter.closed(line)

    def connect(self, line: Line) -> None:
        if not self.is_connected[line]:
            self.arbiter.opening(line)
            self.is_connected[line] = True
            self.arbiter.opened(line)


LINES = st.sampled_from([A, B])
STEPS = st.lists(
    st.tuples(st.just("send"), st.integers(0, 3), st.sampled_from([1, 1, 1, 2]))
    | st.tuples(st.just("deliver"), LINES)
    | st.tuples(st.just("deliver"), LINES)
    | st.tuples(st.just("drop"), LINES)
    | st.tuples(st.just("connect"), LINES),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(steps=STEPS)
def test_any_interleaving_with_gaps_tells_no_superseded_state_and_loses_none(steps: list) -> None:  # type: ignore[type-arg]
    """Each state has a content of its own here, so that what is told is known for sure."""
    broker = Broker()
    newest_heard = -1
    for step in [("connect", A), ("connect", B), *steps]:
        if step[0] == "send":
            broker.send(len(broker.sent), step[2])
        elif step[0] == "deliver":
            heard = broker.queues[step[1]][:1]
            before = len(broker.told)
            broker.deliver(step[1])
            for state in heard:
                if state.index > newest_heard:
                    assert broker.told[before:] == [state]
                newest_heard = max(newest_heard, state.index)
        else:
            getattr(broker, step[0])(step[1])
    indices = [state.index for state in broker.told]
    assert indices == sorted(indices)


@settings(max_examples=400, deadline=None)
@given(steps=STEPS)
def test_states_that_come_again_end_in_the_broker_s_last_word(steps: list) -> None:  # type: ignore[type-arg]
    """Line A stays up: what is told is the broker's story, in its order, to its end.

    Rows that look alike cannot always be told apart while one line lags behind the other's new
    connection; the order may be wrong for a moment then, but the broker is asked, and the last
    word is right all the same.
    """
    broker = Broker()
    broker.connect(A)
    broker.connect(B)
    for step in steps:
        if step[0] == "send":
            broker.send(step[1], step[2])
        elif step[0] == "deliver" or step[1] is B:
            getattr(broker, step[0])(step[1])
    while any(broker.queues.values()):
        for line in Line:
            broker.deliver(line)
    told = [state.content for state in broker.told]
    sent = [state.content for state in broker.sent]
    assert told[-1:] == sent[-1:]
    remaining = iter(collapsed(sent))
    assert broker.doubts or all(content in remaining for content in collapsed(told))


def collapsed(contents: list[int]) -> list[int]:
    """Leave out what only repeats the state before it."""
    return [c for i, c in enumerate(contents) if i == 0 or contents[i - 1] != c]
