"""Messages of sources on a tape, by value: each as what differs from the last one of its kind.

A snapshot repeats all fills of the week every half minute; kept are the ones that are new. What
counts as unchanged is what is encoded as the same bytes, so that 1.5 does not become 1.50.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Union

import msgspec

from risk_actors.actors.gateway import INBOUND
from risk_actors.actors.operator import OPERATOR
from risk_actors.actors.timer import TimerActor
from risk_actors.actors.wiring import TOPOLOGY
from risk_actors.core.evidence import Evidence
from risk_actors.messages import Message, PanicRequested, QuoteReported
from risk_actors.runtime.control import Control, FailClosed, Resync, TryAgain
from risk_actors.runtime.tape import StoreFailed
from risk_actors.store.tape_names import Names
from risk_actors.store.tape_quotes import QuoteColumns, QuotePacker, QuoteUnpacker

type Kept = Message | Control | StoreFailed

_QUOTE, _OTHER = 0, 1
_LISTS = frozenset((*range(0x90, 0xA0), 0xDC, 0xDD))
"""How a list begins in MessagePack."""
_NEW = -1


class _Amount(msgspec.Struct, frozen=True):
    """A decimal where it would look like any other text."""

    decimal: Decimal


class _PanicKept(msgspec.Struct, frozen=True, tag="PanicRequested"):
    correlation_id: str
    at_ns: int
    account_id: int
    template: str
    figures: dict[str, _Amount | int | str | None]


class _StoreFailedKept(msgspec.Struct, frozen=True, tag="StoreFailed"):
    call: int
    detail: str


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """A message as what differs from the last one of its type and account."""

    kind: int
    account_id: int | None
    is_whole: bool
    fields: dict[int, msgspec.Raw]
    lists: dict[int, tuple[tuple[tuple[int, int], ...], tuple[msgspec.Raw, ...]]]
    """By field: runs of the list before (start and length; -1 for new ones), and the new ones."""


class MessageTable(msgspec.Struct, frozen=True, array_like=True):
    """The messages of one row of the tape, in the order in which they are referred to."""

    is_other: tuple[int, ...]
    """Which are not in the quotes' columns."""
    count: int
    quotes: QuoteColumns | None
    others: tuple[_Entry | str, ...]


class _Fields:
    """The last message of a type and account: its fields, and those that are lists in parts."""

    def __init__(self, fields: dict[str, bytes]) -> None:
        self.fields = fields
        self.lists = {
            name: [bytes(part) for part in msgspec.msgpack.decode(data, type=list[msgspec.Raw])]
            for name, data in fields.items()
            if data[0] in _LISTS
        }


type _Memory = dict[tuple[str, int | None], _Fields]


class MessagePacker:
    """Collects the messages of a row, each once however many actors were given it."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._quotes = QuotePacker(names)
        self._memory: _Memory = {}
        self._begin()

    def _begin(self) -> None:
        self._numbers: dict[int, int] = {}
        self._held: list[Kept] = []
        self._is_other: list[int] = []
        self._others: list[_Entry | str] = []

    def number(self, message: Kept) -> int:
        """Return the place of a message in the row's table, a new one if it is not there yet."""
        number = self._numbers.get(id(message))
        if number is None:
            number = self._numbers[id(message)] = len(self._held)
            self._held.append(message)
            if not (isinstance(message, QuoteReported) and self._quotes.add(message)):
                self._is_other.append(number)
                self._others.append(self._entry(message))
        return number

    def take(self) -> MessageTable | None:
        """Return the row's table, None where it is empty."""
        if not self._held:
            return None
        taken = MessageTable(
            is_other=tuple(self._is_other),
            count=len(self._held),
            quotes=self._quotes.take(),
            others=tuple(self._others),
        )
        self._begin()
        return taken

    def _entry(self, message: Kept) -> _Entry | str:
        kept = _outward(message)
        try:
            data = msgspec.msgpack.encode(kept)
        except UnicodeEncodeError:
            # Text of the broker that is no valid Unicode must not hold up everything else.
            return json.dumps(msgspec.to_builtins(kept))
        raw = msgspec.msgpack.decode(data, type=dict[str, msgspec.Raw])
        fields = {name: bytes(value) for name, value in raw.items()}
        account_id = getattr(message, "account_id", None)
        key = (type(message).__name__, account_id)
        before, now = self._memory.get(key), _Fields(fields)
        self._memory[key] = now
        number = self._names.number
        is_whole = before is None or before.fields.keys() != fields.keys()
        if before is None or is_whole:
            whole = {number(name): msgspec.Raw(value) for name, value in fields.items()}
            return _Entry(number(key[0]), account_id, True, whole, {})
        changed = {n: value for n, value in fields.items() if before.fields[n] != value}
        lists = {n for n in changed if n in now.lists and n in before.lists}
        return _Entry(
            kind=number(key[0]),
            account_id=account_id,
            is_whole=False,
            fields={number(n): msgspec.Raw(v) for n, v in changed.items() if n not in lists},
            lists={number(n): _runs(before.lists[n], now.lists[n]) for n in sorted(lists)},
        )


class MessageUnpacker:
    """Makes the messages of each row again, row after row."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._quotes = QuoteUnpacker(names)
        self._memory: _Memory = {}

    def take(self, table: MessageTable | None) -> list[Kept]:
        """Return the messages of the next row."""
        if table is None:
            return []
        others = dict(zip(table.is_other, table.others, strict=True))
        quotes = iter([] if table.quotes is None else self._quotes.take(table.quotes))
        return [
            self._message(others[number]) if number in others else next(quotes)
            for number in range(table.count)
        ]

    def _message(self, entry: _Entry | str) -> Kept:
        if isinstance(entry, str):
            return _inward(msgspec.convert(json.loads(entry), type=_any_kept()))
        key = (self._names.text(entry.kind), entry.account_id)
        fields = {self._names.text(n): bytes(value) for n, value in entry.fields.items()}
        if not entry.is_whole:
            before = self._memory[key]
            for n, (runs, new) in entry.lists.items():
                name = self._names.text(n)
                fields[name] = msgspec.msgpack.encode(_joined(before.lists[name], runs, new))
            # In the order of the one before, which a decoder does not mind.
            fields = before.fields | fields
        self._memory[key] = _Fields(fields)
        whole = {name: msgspec.Raw(value) for name, value in fields.items()}
        return _inward(_decoder().decode(msgspec.msgpack.encode(whole)))


def _runs(
    before: Sequence[bytes], now: Sequence[bytes]
) -> tuple[tuple[tuple[int, int], ...], tuple[msgspec.Raw, ...]]:
    """Return a list as runs of the one before, and what is new in it."""
    places = {part: place for place, part in enumerate(before)}
    runs: list[list[int]] = []
    new: list[msgspec.Raw] = []
    for part in now:
        place = places.get(part, _NEW)
        if place == _NEW:
            new.append(msgspec.Raw(part))
        last = runs[-1] if runs else None
        expected = None if last is None else _NEW if last[0] == _NEW else last[0] + last[1]
        if last is not None and place == expected:
            last[1] += 1
        else:
            runs.append([place, 1])
    return tuple((start, count) for start, count in runs), tuple(new)


def _joined(
    before: Sequence[bytes],
    runs: Sequence[tuple[int, int]],
    new: Sequence[msgspec.Raw],
) -> list[msgspec.Raw]:
    rest = iter(new)
    parts: list[msgspec.Raw] = []
    for start, count in runs:
        if start == _NEW:
            parts += [next(rest) for _ in range(count)]
        else:
            parts += [msgspec.Raw(part) for part in before[start : start + count]]
    return parts


def _outward(message: Kept) -> Any:
    """Return what stands for a message on the tape where it cannot stand itself."""
    match message:
        case PanicRequested(evidence=evidence):
            figures = {
                name: _Amount(figure) if isinstance(figure, Decimal) else figure
                for name, figure in evidence.figures.items()
            }
            return _PanicKept(
                message.correlation_id,
                message.at_ns,
                message.account_id,
                evidence.template,
                figures,
            )
        case StoreFailed(call=call, detail=detail):
            return _StoreFailedKept(call, detail)
        case _:
            return message


def _inward(kept: Any) -> Kept:
    match kept:
        case _PanicKept():
            figures = {
                name: figure.decimal if isinstance(figure, _Amount) else figure
                for name, figure in kept.figures.items()
            }
            return PanicRequested(
                correlation_id=kept.correlation_id,
                at_ns=kept.at_ns,
                account_id=kept.account_id,
                evidence=Evidence(template=kept.template, figures=figures),
            )
        case _StoreFailedKept():
            return StoreFailed(kept.call, kept.detail)
        case Message() | Control():
            return kept
        case _:
            raise TypeError(f"{type(kept).__name__} on a tape")


SOURCES = frozenset({INBOUND, TimerActor.kind, OPERATOR})
"""Whose messages are kept by value."""


@cache
def kept_types() -> tuple[type, ...]:
    """Return the types of messages that a tape may hold by value."""
    from_sources = {edge.message: None for edge in TOPOLOGY.edges if edge.source in SOURCES}
    return (*from_sources, Resync, FailClosed, TryAgain)


@cache
def _any_kept() -> Any:
    plain = tuple(t for t in kept_types() if t is not PanicRequested)
    return Union[(*plain, _PanicKept, _StoreFailedKept)]


@cache
def _decoder() -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(_any_kept())
