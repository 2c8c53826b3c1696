"""Records every message between actors with its times, as a trace that timeline viewers open.

It looks on at `Mailbox` and `Actor` from outside, by taking the place of three of their methods
while it is installed; the program itself has no line of this.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from pykka._envelope import Envelope

from risk_actors.runtime.actor import Actor
from risk_actors.runtime.control import Control
from risk_actors.runtime.mailbox import Cell, Mailbox

_NS_PER_US = 1000
_PID = 1
_SHORTEST_US = 0.001

type Track = tuple[str, int]
"""A name, and the thread for those that are no actors: several threads may send in one name."""


class _Put(NamedTuple):
    """A message that was put into a mailbox."""

    number: int
    message: object
    """Kept, so that no later one gets the same identity."""
    at_ns: int
    track: Track
    depth: int
    """What waited there already."""


class _Handled(NamedTuple):
    """A message that an actor handled."""

    address: str
    put: _Put | None
    began_ns: int
    ended_ns: int
    message: object
    error: str


class _Sent(NamedTuple):
    """A message that somebody put who was handling none: the broker's side, the clock, a start."""

    track: Track
    began_ns: int
    ended_ns: int
    message: object
    to: str


class Recorder:
    """Keeps all in memory until it is asked for the trace; its methods run on any thread."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._puts: dict[tuple[str, int], deque[_Put]] = {}
        """What waits or was replaced, by the address it was sent to and the message's identity."""
        self._handled: list[_Handled] = []
        self._sent: list[_Sent] = []
        self._addresses: set[str] = set()
        self._threads: dict[int, str] = {}
        self._numbers = iter(range(1, 2**62))
        self._began_ns = time.perf_counter_ns()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Look on for as long as the context lasts."""
        post, put, receive = Mailbox.post, Mailbox.put, Actor.on_receive
        put_control = Mailbox._put_control  # noqa: SLF001 - the supervision plane's way in

        def traced_post(mailbox: Mailbox, cell: Cell) -> bool:
            seen = self._before_put(mailbox, cell.envelope.message, cell.sender)
            is_taken_in = post(mailbox, cell)
            if is_taken_in:
                self._after_put(mailbox, seen)
            return is_taken_in

        def traced_control(mailbox: Mailbox, envelope: Envelope[Any]) -> None:
            seen = self._before_put(mailbox, envelope.message, "")
            put_control(mailbox, envelope)
            self._after_put(mailbox, seen)

        def traced_put(mailbox: Mailbox, envelope: Envelope[Any], /) -> None:
            if isinstance(envelope.message, Control):
                put(mailbox, envelope)  # which goes by the way above
                return
            seen = self._before_put(mailbox, envelope.message, "")
            put(mailbox, envelope)
            self._after_put(mailbox, seen)

        def traced_receive(actor: Actor, message: Any) -> None:
            began_ns = self._before_receive(actor)
            error = ""
            try:
                receive(actor, message)
            except BaseException as raised:
                error = type(raised).__name__
                raise
            finally:
                self._after_receive(actor, message, began_ns, error)

        Mailbox.post = traced_post  # type: ignore[assignment,method-assign]
        Mailbox.put = traced_put  # type: ignore[method-assign]
        Mailbox._put_control = traced_control  # type: ignore[assignment,method-assign]  # noqa: SLF001
        Actor.on_receive = traced_receive  # type: ignore[assignment,method-assign]
        try:
            yield
        finally:
            Mailbox.post = post  # type: ignore[method-assign]
            Mailbox.put = put  # type: ignore[method-assign]
            Mailbox._put_control = put_control  # type: ignore[method-assign]  # noqa: SLF001
            Actor.on_receive = receive  # type: ignore[method-assign]

    # --- what is seen, on the threads of those who do it ------------------------------------

    def _before_put(self, mailbox: Mailbox, message: object, sender: str) -> _Put:
        now_ns = time.perf_counter_ns()
        put = _Put(next(self._numbers), message, now_ns, self._track(sender), mailbox.depth)
        # Before it is there to be taken: whoever takes it may be quicker than we are.
        self._puts.setdefault((mailbox.address, id(message)), deque()).append(put)
        return put

    def _after_put(self, mailbox: Mailbox, put: _Put) -> None:
        if getattr(self._here, "address", None) is None:
            now_ns = time.perf_counter_ns()
            self._sent.append(_Sent(put.track, put.at_ns, now_ns, put.message, mailbox.address))

    def _before_receive(self, actor: Actor) -> int:
        self._here.address = actor.address
        self._addresses.add(actor.address)
        return time.perf_counter_ns()

    def _after_receive(self, actor: Actor, message: object, began_ns: int, error: str) -> None:
        ended_ns = time.perf_counter_ns()
        self._here.address = None
        puts = self._puts.get((actor.address, id(message)))
        put = puts.popleft() if puts else None
        self._handled.append(_Handled(actor.address, put, began_ns, ended_ns, message, error))

    def _track(self, sender: str) -> Track:
        address = getattr(self._here, "address", None)
        if address is not None:
            return (address, 0)
        thread = threading.current_thread()
        self._threads[thread.ident or 0] = thread.name
        return (sender or thread.name, thread.ident or 0)

    # --- the trace --------------------------------------------------------------------------

    def trace(self) -> dict[str, Any]:
        """Return it in the trace event format, as chrome://tracing and ui.perfetto.dev read it."""
        self._tids: dict[Track, int] = {}
        events = [self._slice_of_sent(sent) for sent in list(self._sent)]
        for handled in list(self._handled):
            events.append(self._slice_of_handled(handled))
            if handled.put is not None:
                events += self._arrow(handled, handled.put)
        events.sort(key=lambda event: event["ts"])
        return {"traceEvents": [*self._names(), *events], "displayTimeUnit": "ms"}

    @property
    def handled(self) -> int:
        """How many messages were handled."""
        return len(self._handled)

    def _slice_of_sent(self, sent: _Sent) -> dict[str, Any]:
        name = _kind(sent.message)
        return {
            **self._slice(f"send {name}", sent.track, sent.began_ns, sent.ended_ns),
            "args": {"to": sent.to, **_facts(sent.message)},
        }

    def _slice_of_handled(self, handled: _Handled) -> dict[str, Any]:
        name, put = _kind(handled.message), handled.put
        args = _facts(handled.message)
        if put is not None:
            args |= {
                "from": put.track[0],
                "waited_us": (handled.began_ns - put.at_ns) / _NS_PER_US,
                "waiting_before": put.depth,
            }
        if handled.error:
            args["error"] = handled.error
        track = (handled.address, 0)
        return {**self._slice(name, track, handled.began_ns, handled.ended_ns), "args": args}

    def _slice(self, name: str, track: Track, began_ns: int, ended_ns: int) -> dict[str, Any]:
        return {
            "ph": "X",
            "name": name,
            "cat": "message",
            "pid": _PID,
            "tid": self._tid(track),
            "ts": self._us(began_ns),
            "dur": max((ended_ns - began_ns) / _NS_PER_US, _SHORTEST_US),
        }

    def _arrow(self, handled: _Handled, put: _Put) -> Iterator[dict[str, Any]]:
        """Yield an arrow from where a message was sent to where it was handled."""
        name = _kind(handled.message)
        common = {"name": name, "cat": "flow", "id": put.number, "pid": _PID}
        yield {**common, "ph": "s", "tid": self._tid(put.track), "ts": self._us(put.at_ns)}
        to = self._tid((handled.address, 0))
        yield {**common, "ph": "f", "bp": "e", "tid": to, "ts": self._us(handled.began_ns)}

    def _tid(self, track: Track) -> int:
        # What an actor sends while it starts belongs to its own track.
        key = (track[0], 0) if track[0] in self._addresses else track
        return self._tids.setdefault(key, len(self._tids) + 1)

    def _us(self, at_ns: int) -> float:
        return (at_ns - self._began_ns) / _NS_PER_US

    def _names(self) -> Iterator[dict[str, Any]]:
        yield {"ph": "M", "name": "process_name", "pid": _PID, "args": {"name": "risk_actors"}}
        busiest = self._busiest()
        for (name, ident), tid in self._tids.items():
            thread = self._threads.get(ident, "")
            is_actor = name in self._addresses
            is_other = not is_actor and busiest.get(name, ident) != ident and thread != name
            yield {
                "ph": "M",
                "name": "thread_name",
                "pid": _PID,
                "tid": tid,
                "args": {"name": f"{name} ({thread})" if is_other else name},
            }

    def _busiest(self) -> dict[str, int]:
        """Return by name the thread that sent most in it; others in that name say their own."""
        counts = Counter(sent.track for sent in self._sent)
        return {name: ident for (name, ident), _ in reversed(counts.most_common())}


def _kind(message: object) -> str:
    """Return a message's name; what the library sends to end an actor is none of ours."""
    name = type(message).__name__
    return "(stop)" if name == "_ActorStop" else name


def _facts(message: object) -> dict[str, Any]:
    """Return what finds a message again in the log and the record."""
    facts = {name: getattr(message, name, None) for name in ("correlation_id", "account_id")}
    return {name: value for name, value in facts.items() if value is not None}
