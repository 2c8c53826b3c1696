"""The ticks on a tape: one stream for all actors, each of which takes them in their order."""

import msgspec

from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import Tick
from risk_actors.store.tape_columns import pack_ints, unpack_ints
from risk_actors.store.tape_names import Names, split_counter

_EXPECTED_NS = NS_PER_S // 10
"""From one tick to the next, as a rule."""
_REMEMBERED = 4096
"""Ticks back from the newest that an actor may still take without their being kept again."""


class TickColumns(msgspec.Struct, frozen=True, array_like=True):
    """The new ticks of one row; their ids count on, but for those told."""

    instants: bytes
    """From the tick before, less what is expected."""
    ids: tuple[tuple[int, int, int], ...] = ()
    """Place, prefix and counter of a tick that does not count on."""
    odd_ids: tuple[tuple[int, str], ...] = ()
    """Place and id of a tick whose id has no counter."""


class TickStream:
    """Ticks by their number in the stream; writer and reader hold the same ones."""

    def __init__(self) -> None:
        self._first = 0
        self._ticks: list[Tick] = []
        self._numbers: dict[Tick, int] = {}
        self._told = 0
        # Where the part that was told ended: the next differs from this.
        self._at_ns = 0
        self._prefix, self._counter = "", 0

    def find(self, tick: Tick, expected: int) -> int:
        """Return the number of a tick, which most often is the expected one; maybe a new one."""
        place = expected - self._first
        if 0 <= place < len(self._ticks) and self._ticks[place] is tick:
            return expected
        number = self._numbers.get(tick)
        if number is None:
            number = self._add(tick)
        return number

    def tick(self, number: int) -> Tick:
        """Return a tick by its number.

        Raises:
            IndexError: it is not there (any more).
        """
        place = number - self._first
        if place < 0:
            raise IndexError("a tick that is gone")
        return self._ticks[place]

    def take_new(self, names: Names) -> TickColumns:
        """Return what was added since this was asked last."""
        new = self._ticks[self._told - self._first :]
        instants, ids, odd_ids = [], [], []
        for place, tick in enumerate(new):
            instants.append(tick.at_ns - self._at_ns - _EXPECTED_NS)
            self._at_ns = tick.at_ns
            counted = split_counter(tick.correlation_id)
            if counted is None:
                odd_ids.append((place, tick.correlation_id))
                continue
            if counted != (self._prefix, self._counter + 1):
                ids.append((place, names.number(counted[0]), counted[1]))
            self._prefix, self._counter = counted
        self._told = self._first + len(self._ticks)
        return TickColumns(pack_ints(instants), tuple(ids), tuple(odd_ids))

    def append(self, columns: TickColumns, names: Names) -> None:
        """Take what a writer added."""
        ids = {place: (names.text(prefix), counter) for place, prefix, counter in columns.ids}
        odd_ids = dict(columns.odd_ids)
        for place, difference_ns in enumerate(unpack_ints(columns.instants)):
            self._at_ns += difference_ns + _EXPECTED_NS
            correlation_id = odd_ids.get(place)
            if correlation_id is None:
                self._prefix, self._counter = ids.get(place, (self._prefix, self._counter + 1))
                correlation_id = f"{self._prefix}{self._counter}"
            self._ticks.append(Tick(correlation_id=correlation_id, at_ns=self._at_ns))

    def forget_old(self) -> None:
        """Let go of what nobody should need any more; at the same places in writer and reader."""
        excess = len(self._ticks) - _REMEMBERED
        if excess > _REMEMBERED:
            for tick in self._ticks[:excess]:
                self._numbers.pop(tick, None)
            del self._ticks[:excess]
            self._first += excess

    def _add(self, tick: Tick) -> int:
        number = self._numbers[tick] = self._first + len(self._ticks)
        self._ticks.append(tick)
        return number
