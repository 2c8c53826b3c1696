"""The book of faults: what was asked for, what is still due, and what struck when.

The server asks before it acts, and the book counts. Faults that are states, or happen at once, are
carried out by whoever bound a handler to them; the book ends them when their time is up.
"""

import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from risk_actors.simulator.fault_base import AnyFault, Counted, Instant, Lasting, is_named
from risk_actors.simulator.faults_hub import NegotiateRefusal
from risk_actors.simulator.faults_rest import Fault
from risk_actors.simulator.faults_stream import DropEvent
from risk_actors.simulator.history import FaultEnd, FaultRecord

_NS_PER_S = 1_000_000_000
_LOG_LIMIT = 100_000
_STRIKES_KEPT = 1_000


class UnplayableError(ValueError):
    """A fault was asked for that this broker has no means to play."""


class Handler[F](msgspec.Struct, frozen=True):
    """What carries out a fault that is a state or happens at once."""

    begin: Callable[[F], None]
    end: Callable[[F], None]


class _Due(msgspec.Struct, eq=False):
    """A fault that has not ended, and how much of it is left."""

    record: FaultRecord
    fault: AnyFault
    strikes_left: int | None
    ends_ns: int | None

    def is_over(self, now_ns: int) -> bool:
        return self.ends_ns is not None and now_ns >= self.ends_ns


def _nothing(_fault: Any) -> None:
    """Begin or end a fault that others look up."""


class Faults:
    """The faults still due, and a log of all that were asked for."""

    def __init__(
        self,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        rng: Random | None = None,
        log: deque[FaultRecord] | None = None,
    ) -> None:
        """Keep time by `clock` (ns) and draw chances from `rng`."""
        self.clock = clock
        """What `for_s` is measured with; a virtual stage sets its own."""
        self.log = deque[FaultRecord](maxlen=_LOG_LIMIT) if log is None else log
        """One record for each fault asked for, oldest first; records change while it lasts."""
        self._rng = rng or Random("faults")
        self._due: list[_Due] = []
        self._handlers: dict[type[AnyFault], Handler[Any]] = {}
        self._when_cleared: list[Callable[[], None]] = []
        self._ids = 0

    def bind[F: AnyFault](
        self,
        kind: type[F],
        begin: Callable[[F], None] = _nothing,
        end: Callable[[F], None] = _nothing,
    ) -> None:
        """Say how a fault of a kind begins and ends; for a counted one `end` alone matters."""
        self._handlers[kind] = Handler(begin, end)

    def plays(self, kind: type[AnyFault]) -> bool:
        """Tell whether somebody carries out faults of a kind."""
        return kind in self._handlers

    def inject(self, fault: AnyFault) -> int:
        """Ask for a fault and return its id; faults of the same calls strike in this order.

        Raises:
            UnplayableError: nobody here carries out such a fault.
            LookupError, RefusedError: there is no such symbol or account.
        """
        handler = self._handlers.get(type(fault))
        if handler is None and isinstance(fault, (Instant, Lasting)):
            raise UnplayableError(f"this broker cannot play {type(fault).__name__}")
        self._ids += 1
        record = FaultRecord(
            id=self._ids,
            fault=fault,
            injected_ns=time.monotonic_ns(),
            injected_utc_ns=time.time_ns(),
        )
        if isinstance(fault, (Counted, Lasting)):
            strikes = fault.strikes_left if isinstance(fault, Counted) else None
            self._due.append(_Due(record, fault, strikes, _end_ns(self.clock(), fault.for_s)))
        if handler is not None:
            try:
                handler.begin(fault)
            except Exception:
                self._due = [due for due in self._due if due.record is not record]
                raise
        self.log.append(record)
        if not isinstance(fault, Counted):
            self._strike(record)
        if isinstance(fault, Instant):
            _note_end(record, "at once")
        return record.id

    def take_one[F: Counted](self, kind: type[F], strikes: Callable[[F], bool]) -> F | None:
        """Return the first fault of a kind that strikes this occasion, and count it; or None."""
        self.tick()
        for due in self._due:
            fault = due.fault
            if not isinstance(fault, kind) or not strikes(fault):
                continue
            if fault.probability < 1 and self._rng.random() >= fault.probability:
                continue
            self._strike(due.record)
            if due.strikes_left is not None:
                due.strikes_left -= 1
                if not due.strikes_left:
                    self._due.remove(due)
                    _note_end(due.record, "used up")
            return fault
        return None

    def active[F: Lasting](self, kind: type[F]) -> list[F]:
        """Return the states of a kind that last now, oldest first."""
        self.tick()
        return [due.fault for due in self._due if isinstance(due.fault, kind)]

    def due(self) -> list[tuple[FaultRecord, int | None, float | None]]:
        """Return what has not ended, each with the strikes and the seconds left (None: no limit).

        The seconds are of `clock`.
        """
        self.tick()
        now_ns = self.clock()
        return [
            (
                due.record,
                due.strikes_left,
                None if due.ends_ns is None else (due.ends_ns - now_ns) / _NS_PER_S,
            )
            for due in self._due
        ]

    def tick(self) -> None:
        """End what has lasted its time. Every question to the book does so first."""
        now_ns = self.clock()
        if any(due.is_over(now_ns) for due in self._due):
            self._end([due for due in self._due if due.is_over(now_ns)], "time is up")

    def heal(self, *ids: int) -> None:
        """End faults by id; one that has ended already is no mistake."""
        self._end([due for due in self._due if due.record.id in ids], "cleared")

    def clear(self) -> None:
        """End everything that is still due; what lasted heals, what was held is sent."""
        self._end(list(self._due), "cleared")
        for also in self._when_cleared:
            also()

    def when_cleared(self, also: Callable[[], None]) -> None:
        """Have something done whenever everything is cleared."""
        self._when_cleared.append(also)

    # --- the questions that are asked most ------------------------------------------------

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault for this call and count it, or None."""
        return self.take_one(Fault, lambda fault: is_named(fault.endpoint, endpoint))

    def drop_events(self, target: str, count: int = 1) -> int:
        """Lose the next `count` stream events of a target."""
        return self.inject(DropEvent(target=target, times=count))

    def take_drop(self, target: str) -> bool:
        """Tell whether this event is to be lost, and count it."""
        return self.take_one(DropEvent, lambda fault: is_named(fault.target, target)) is not None

    def refuse_negotiate(self, refusal: NegotiateRefusal) -> int:
        """Answer the next negotiate requests with an HTTP status."""
        return self.inject(refusal)

    def take_negotiate(self, hub: str) -> int | None:
        """Return the HTTP status to refuse this negotiate request with, or None."""
        refusal = self.take_one(NegotiateRefusal, lambda fault: is_named(fault.hub, hub))
        return None if refusal is None else refusal.status

    # --- the log --------------------------------------------------------------------------

    def _strike(self, record: FaultRecord) -> None:
        record.strikes += 1
        if len(record.struck_ns) < _STRIKES_KEPT:
            record.struck_ns.append(time.monotonic_ns())

    def _end(self, over: list[_Due], why: FaultEnd) -> None:
        for due in over:
            if due not in self._due:
                continue  # an end before this one ended it too
            self._due.remove(due)
            _note_end(due.record, why)
            handler = self._handlers.get(type(due.fault))
            if handler is not None:
                handler.end(due.fault)


def _end_ns(now_ns: int, for_s: float | None) -> int | None:
    return None if for_s is None else now_ns + round(for_s * _NS_PER_S)


def _note_end(record: FaultRecord, why: FaultEnd) -> None:
    record.ended = why
    record.ended_ns, record.ended_utc_ns = time.monotonic_ns(), time.time_ns()
