"""A row of the tape: what all judging actors were given since the row before, as few bytes.

Most notes are ticks, and all actors get the same ones; so a row holds each tick once, and for each
actor how many of them it took. What came from an actor that has a tape itself is not kept: it
follows from that actor's notes. Then the instant at which it was handled is kept as what lies
between the message's own instant and that one.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.pnl import PnlActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.rule import RuleActor
from risk_actors.actors.timer import TimerActor
from risk_actors.messages import Message, Tick
from risk_actors.runtime.tape import Note, next_instant
from risk_actors.store.tape_columns import pack_ints, unpack_ints
from risk_actors.store.tape_messages import Kept, MessagePacker, MessageTable, MessageUnpacker
from risk_actors.store.tape_names import Names
from risk_actors.store.tape_ticks import TickColumns, TickStream

TAPED_KINDS = frozenset(
    {PositionActor.kind, PnlActor.kind, RuleActor.kind, LockoutActor.kind, EnforcerActor.kind}
)
"""Kinds of actors whose messages are not kept, because they follow from their own tapes."""


class KeptNote(NamedTuple):
    """One note as it was kept."""

    sender: str
    at_ns: int
    """The actor's instant; where the message was not kept, what lies between the message's own
    instant and that."""
    message: Kept | None
    is_after_message: bool = False
    """Whether the message was not kept."""


class TickRun(NamedTuple):
    """Ticks taken one after the other; each actor's instants follow from them."""

    ticks: Sequence[Tick]


type KeptNotes = Sequence[KeptNote | TickRun]


class KeptRow(NamedTuple):
    """What was given since the row before."""

    notes: Mapping[str, KeptNotes]
    """By address."""
    lost: int = 0
    """Notes, of any address, that are missing before these."""


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """The same notes of one or more actors."""

    addresses: bytes
    """Each as what lies between it and the one before: mostly they follow one another."""
    codes: bytes
    runs: bytes
    instants: bytes
    places: bytes


class _Row(msgspec.Struct, frozen=True, array_like=True):
    is_first: bool
    """Whether it can be read without what came before."""
    names: tuple[str, ...]
    ticks: TickColumns
    messages: MessageTable | None
    parts: tuple[_Part, ...]
    lost: int = 0


# How a note came; a sender's own three codes follow these, in the order of its number.
_TICK, _LATE_TICK, _JUMP = 0, 1, 2
_FIRST = 3
_BARE, _FOLLOWS, _KEPT = 0, 1, 2
_WAYS = 3


_NOTES_AT_ONCE = 8
"""Encoded before others are given way."""


class _Place:
    """Where an actor stands."""

    def __init__(self) -> None:
        self.now_ns = 0
        """Its last instant; not known to the reader after a message that follows by replay."""
        self.known_ns = 0
        """The last instant that the reader knows too."""
        self.tick = 0
        """The next tick in the stream."""


class _Columns:
    """The columns of one actor's notes, while they are collected."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.runs: list[int] = []
        self.instants: list[int] = []
        self.places: list[int] = []

    def add(self, code: int) -> None:
        """Take one more note that came in a way."""
        if self.codes and self.codes[-1] == code:
            self.runs[-1] += 1
        else:
            self.codes.append(code)
            self.runs.append(1)

    def refer(self, place: int) -> None:
        """Take the place of a message in the row's table."""
        self.places.append(place)

    def packed(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return codes, runs, instants and places."""
        return (
            pack_ints(self.codes),
            pack_ints(self.runs),
            pack_ints(self.instants),
            pack_ints(_gaps(self.places)),
        )


class RowWriter:
    """Makes rows, each after the one before."""

    def __init__(self, give_way: Callable[[], None] = lambda: None) -> None:
        """Take what is called now and then while a row is made: others may be in a hurry."""
        self._give_way = give_way
        self.begin_anew()

    def begin_anew(self) -> None:
        """Make the next row one that can be read without those before, as after a lost one."""
        self._is_first = True
        self._names = Names()
        self._ticks = TickStream()
        self._messages = MessagePacker(self._names)
        self._places: dict[str, _Place] = {}

    def encode(self, notes: Mapping[str, Sequence[Note]], lost: int = 0) -> bytes:
        """Return the notes of each address, in their order, as bytes.

        `lost` notes are missing before them.

        Raises:
            ValueError: a note is none that an actor makes.
            OverflowError: a number in it is larger than 64 bits.
        """
        try:
            return self._encoded(notes, lost)
        except BaseException:
            self.begin_anew()
            raise

    def _encoded(self, notes: Mapping[str, Sequence[Note]], lost: int) -> bytes:
        parts: dict[tuple[bytes, bytes, bytes, bytes], list[int]] = {}
        for address, taken in notes.items():
            if taken:
                packed = self._part(address, taken).packed()
                parts.setdefault(packed, []).append(self._names.number(address))
        ticks, messages = self._ticks.take_new(self._names), self._messages.take()
        row = _Row(
            is_first=self._is_first,
            names=tuple(self._names.take_new()),
            ticks=ticks,
            messages=messages,
            parts=tuple(
                _Part(pack_ints(_gaps(addresses)), *packed) for packed, addresses in parts.items()
            ),
            lost=lost,
        )
        self._is_first = False
        self._ticks.forget_old()
        return msgspec.msgpack.encode(row)

    def _part(self, address: str, notes: Sequence[Note]) -> _Columns:
        place = self._places.get(address)
        if place is None:
            place = self._places[address] = _Place()
        columns = _Columns()
        for number, note in enumerate(notes):
            if not number % _NOTES_AT_ONCE:
                self._give_way()
            if type(note.message) is Tick and note.sender == TimerActor.kind:
                self._add_tick(columns, place, note.message, note.at_ns)
            else:
                self._add(columns, place, note)
            place.now_ns = note.at_ns
        return columns

    def _add_tick(self, columns: _Columns, place: _Place, tick: Tick, at_ns: int) -> None:
        index = self._ticks.find(tick, place.tick)
        if index != place.tick:
            columns.add(_JUMP)
            columns.instants += (index - place.tick, at_ns - tick.at_ns)
        elif at_ns == next_instant(place.now_ns, tick.at_ns):
            columns.add(_TICK)
        else:
            columns.add(_LATE_TICK)
            columns.instants.append(at_ns - tick.at_ns)
        place.tick = index + 1
        place.known_ns = tick.at_ns

    def _add(self, columns: _Columns, place: _Place, note: Note) -> None:
        sender, at_ns, message = note
        code = _FIRST + _WAYS * self._names.number(sender)
        if message is None:
            columns.add(code + _BARE)
            columns.instants.append(at_ns - place.known_ns)
            place.known_ns = at_ns
        elif isinstance(message, Message) and sender.partition(":")[0] in TAPED_KINDS:
            columns.add(code + _FOLLOWS)
            columns.instants.append(at_ns - message.at_ns)
        else:
            columns.add(code + _KEPT)
            columns.refer(self._messages.number(message))
            since_ns = message.at_ns if isinstance(message, Message) else place.known_ns
            columns.instants.append(at_ns - since_ns)
            place.known_ns = at_ns


class RowReader:
    """Reads the rows that a writer made, in their order."""

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._names = Names()
        self._ticks = TickStream()
        self._messages = MessageUnpacker(self._names)
        self._places: dict[str, _Place] = {}

    def is_beginning(self, data: bytes) -> bool:
        """Tell whether a row can be read without those before it.

        Raises:
            ValueError: it is no row.
        """
        try:
            return msgspec.msgpack.decode(data, type=_Row).is_first
        except msgspec.MsgspecError as error:
            raise ValueError(f"a row of the tape cannot be read: {error}") from error

    def decode(self, data: bytes) -> KeptRow:
        """Return what each address was given.

        Raises:
            ValueError: it is no row, or not the next one.
        """
        try:
            row = msgspec.msgpack.decode(data, type=_Row)
            if row.is_first:
                self._begin_anew()
            self._names.learn(row.names)
            self._ticks.append(row.ticks, self._names)
            messages = self._messages.take(row.messages)
            notes = {
                self._names.text(number): list(
                    self._notes(self._names.text(number), part, messages)
                )
                for part in row.parts
                for number in _absolute(unpack_ints(part.addresses))
            }
            self._ticks.forget_old()
        except (msgspec.MsgspecError, LookupError, StopIteration, TypeError) as error:
            raise ValueError(f"a row of the tape cannot be read: {error}") from error
        return KeptRow(notes, row.lost)

    def _notes(
        self, address: str, part: _Part, messages: Sequence[Kept]
    ) -> Iterator[KeptNote | TickRun]:
        place = self._places.setdefault(address, _Place())
        instants = iter(unpack_ints(part.instants))
        referred = _absolute(unpack_ints(part.places))
        for code, run in zip(unpack_ints(part.codes), unpack_ints(part.runs), strict=True):
            if code == _TICK:
                yield self._tick_run(place, run)
                continue
            for _ in range(run):
                yield self._note(place, code, instants, messages, referred)

    def _tick_run(self, place: _Place, count: int) -> TickRun:
        ticks = [self._ticks.tick(place.tick + each) for each in range(count)]
        place.tick += count
        place.known_ns = ticks[-1].at_ns
        return TickRun(ticks)

    def _note(
        self,
        place: _Place,
        code: int,
        instants: Iterator[int],
        messages: Sequence[Kept],
        referred: Iterator[int],
    ) -> KeptNote:
        if code < _FIRST:
            if code == _JUMP:
                place.tick += next(instants)
            tick = self._ticks.tick(place.tick)
            place.tick += 1
            place.known_ns = tick.at_ns
            return KeptNote(TimerActor.kind, tick.at_ns + next(instants), tick)
        number, way = divmod(code - _FIRST, _WAYS)
        sender = self._names.text(number)
        if way == _FOLLOWS:
            return KeptNote(sender, next(instants), None, is_after_message=True)
        message = None if way == _BARE else messages[next(referred)]
        since_ns = message.at_ns if isinstance(message, Message) else place.known_ns
        place.known_ns = since_ns + next(instants)
        return KeptNote(sender, place.known_ns, message)


def _gaps(numbers: Sequence[int]) -> list[int]:
    """Return what lies between each number and the one before; 0 where it is the next."""
    return [number - before - 1 for before, number in pairwise((-1, *numbers))]


def _absolute(differences: Sequence[int]) -> Iterator[int]:
    place = 0
    for difference in differences:
        place += difference
        yield place
        place += 1


_PLAIN, _SQUEEZED = b"p", b"z"


def squeeze(data: bytes, level: int = 6) -> bytes:
    """Return the bytes compressed, or as they are where that is shorter."""
    squeezed = zlib.compress(data, level)
    return _SQUEEZED + squeezed if len(squeezed) < len(data) else _PLAIN + data


def unsqueeze(data: bytes) -> bytes:
    """Return the bytes that were given to `squeeze`.

    Raises:
        ValueError: they do not come from there.
    """
    if data[:1] == _PLAIN:
        return data[1:]
    try:
        return zlib.decompress(data[1:])
    except zlib.error as error:
        raise ValueError(f"a row of the tape cannot be read: {error}") from error
