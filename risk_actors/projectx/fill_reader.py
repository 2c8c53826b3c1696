"""Reading all fills of a span of time, though an answer may hold only some of them.

No limit on the rows of Trade/search is documented, nor that there is none. An answer that is long
enough to have been cut is therefore not believed: what lies beyond its newest and its oldest row
is asked for by itself, until nothing new comes.

Where answers really are cut and a week takes many of them, only the newest fills are read each
time, from a little before the last that is known: one request. All are read again now and then,
and at once when something seems amiss, since the broker may void a fill long after it was made.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from risk_actors.core.broker import Fill
from risk_actors.projectx import translation
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.reads import RestReader

ENDPOINT = "/Trade/search"
SHORTEST_CUT = 100
"""An answer with fewer rows is taken to be whole."""
MOST_PAGES = 40
"""Requests that one reading may take: 4000 fills at the shortest cut."""
OVERLAP_NS = 60 * 1_000_000_000
"""So much of what is known is read again each time: what is entered late, or voided soon."""
CHEAP = 3
"""Requests that are worth it to read all fills each time."""
WHOLE_AGAIN_AFTER_S = 600.0
"""How old a reading of all fills may become: so long a late change may go unnoticed here."""
_DOUBTED = 10
"""So many of the newest are not gone by for the time: one may be dated ahead."""
_EDGE_NS = 10_000_000
"""A broker may round the times of rows and windows: at the edge between what is known and what is
read, a row that is not listed is not yet missing."""
_SLACK_NS = 10_000
"""Windows overlap by this much, so that no row falls between two of them."""
_NS_PER_S = 1_000_000_000


class _Known(NamedTuple):
    """All fills of an account since an instant, as read last."""

    since_ns: int
    fills: tuple[Fill, ...]
    whole_s: float
    """When all of them were read, by the event loop's clock."""
    cost: int
    """How many requests that took."""


class FillReader:
    """Reads the fills of accounts. Use it on its event loop only."""

    def __init__(self, reader: RestReader) -> None:
        self._reader = reader
        self._known: dict[int, _Known] = {}
        self._distrusted: set[int] = set()

    def distrust(self, account_id: int) -> None:
        """Have all fills of an account read with its next reading."""
        self._distrusted.add(account_id)

    def told(self, fill: Fill) -> None:
        """Take a row that the stream has told: it stands for the one known, until it is read."""
        known = self._known.get(fill.account_id)
        if known is not None and any(fill.id == other.id for other in known.fills):
            fills = (fill if other.id == fill.id else other for other in known.fills)
            self._known[fill.account_id] = known._replace(fills=_in_order(fills))

    async def read(
        self, account_id: int, since_ns: int, *, urgency: Urgency = Urgency.NORMAL
    ) -> tuple[Fill, ...]:
        """Return all fills since an instant, oldest first.

        Raises:
            ReadFailed: a read gave nothing, or there were too many.
            PayloadError: something in it made no sense.
        """
        known = self._known.get(account_id)
        if known is not None and self._is_usable(account_id, known, since_ns, urgency):
            span = self._span_from(account_id, since_ns, known.fills, OVERLAP_NS, urgency)
            newer = await span.read()
            # What the stream has told meanwhile is known by now, and newer than what was known.
            known = self._known.get(account_id, known)
            fills = _joined(known.fills, newer, since_ns, span.since_ns)
            self._known[account_id] = known._replace(since_ns=since_ns, fills=fills)
            return fills
        began_s = asyncio.get_running_loop().time()
        self._distrusted.discard(account_id)
        try:
            oldest = known.fills[0] if known is not None and known.fills else None
            span = _Span(self._reader, account_id, since_ns, urgency, oldest)
            fills = _in_order(await span.read())
        except BaseException:
            self._distrusted.add(account_id)
            raise
        self._known[account_id] = _Known(since_ns, fills, began_s, span.requests)
        return fills

    async def read_again(
        self,
        account_id: int,
        since_ns: int,
        known: tuple[Fill, ...],
        *,
        urgency: Urgency = Urgency.NORMAL,
    ) -> tuple[Fill, ...]:
        """Return the fills once more, moments later; of many, only the newest are read again.

        Raises:
            ReadFailed: a read gave nothing, or there were too many.
            PayloadError: something in it made no sense.
        """
        if len(known) < SHORTEST_CUT:
            return _in_order(await _Span(self._reader, account_id, since_ns, urgency).read())
        span = self._span_from(account_id, since_ns, known, 2 * _EDGE_NS, urgency)
        newer = await span.read()
        return _joined(known, newer, since_ns, span.since_ns)

    def _is_usable(self, account_id: int, known: _Known, since_ns: int, urgency: Urgency) -> bool:
        """Tell whether it is enough to read on from what is known.

        The reading of all that falls due by age does not happen while an enforcement waits.
        """
        if since_ns < known.since_ns or len(known.fills) < SHORTEST_CUT or known.cost <= CHEAP:
            return False
        if account_id in self._distrusted:
            return False
        age_s = asyncio.get_running_loop().time() - known.whole_s
        return age_s < WHOLE_AGAIN_AFTER_S or urgency is Urgency.ENFORCEMENT

    def _span_from(
        self,
        account_id: int,
        since_ns: int,
        known: tuple[Fill, ...],
        overlap_ns: int,
        urgency: Urgency,
    ) -> "_Span":
        """Return the reading on from so long before the end of what is known."""
        start_ns = max(known[-_DOUBTED].at_ns - overlap_ns, since_ns)
        oldest = next(fill for fill in known if fill.at_ns >= start_ns)
        return _Span(self._reader, account_id, start_ns, urgency, oldest)


class _Span:
    """One reading of all fills since an instant, however many an answer may hold."""

    def __init__(
        self,
        reader: RestReader,
        account_id: int,
        since_ns: int,
        urgency: Urgency,
        oldest: Fill | None = None,
    ) -> None:
        """Take what to read; where `oldest` is listed at once, nothing is cut before it."""
        self._reader = reader
        self._account_id = account_id
        self.since_ns = since_ns
        self._urgency = urgency
        self._oldest = oldest
        self._found: dict[int, Fill] = {}
        self.requests = 0
        """How many it took so far."""

    async def read(self) -> tuple[Fill, ...]:
        """Return them, in no order."""
        first = await self._page(self.since_ns)
        self._found = {fill.id: fill for fill in first}
        longest = len(self._found)
        if longest >= SHORTEST_CUT:
            is_from_start = self._oldest is not None and self._oldest.id in self._found
            await self._read_later(longest)
            if not is_from_start:
                await self._read_earlier(longest)
        return tuple(self._found.values())

    async def _read_later(self, longest: int) -> None:
        """Add what came after the newest fill found."""
        for _ in range(MOST_PAGES):
            newest_ns = max(fill.at_ns for fill in self._found.values())
            page = await self._page(newest_ns - _SLACK_NS)
            if not _add(self._found, page, longest):
                return
        raise _too_many()

    async def _read_earlier(self, longest: int) -> None:
        """Add what came before the oldest fill found."""
        for _ in range(MOST_PAGES):
            oldest_ns = min(fill.at_ns for fill in self._found.values())
            page = await self._page(self.since_ns, oldest_ns + _SLACK_NS)
            if not _add(self._found, page, longest):
                return
        raise _too_many()

    async def _page(self, since_ns: int, until_ns: int | None = None) -> tuple[Fill, ...]:
        body = {"accountId": self._account_id, "startTimestamp": _timestamp(since_ns)}
        if until_ns is not None:
            body["endTimestamp"] = _timestamp(until_ns)
        self.requests += 1
        answer = await self._reader.post(ENDPOINT, body, urgency=self._urgency)
        return translation.rows_from(answer, "trades", translation.fill_from, ENDPOINT)


def _add(found: dict[int, Fill], page: Sequence[Fill], longest: int) -> bool:
    """Add the rows of a window at either end; tell whether there was a new one.

    Raises:
        ReadFailed: nothing is new in an answer that may have been cut (none was seen that is
            longer): so many fills at one instant cannot be read one after the other.
    """
    before = len(found)
    found.update((fill.id, fill) for fill in page)
    if len(found) == before and len(page) >= max(longest, SHORTEST_CUT):
        raise ReadFailed(ENDPOINT, ReadProblem.REFUSED, "too many fills at one instant")
    return len(found) > before


def _in_order(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    return tuple(sorted(fills, key=lambda fill: (fill.at_ns, fill.id)))


def _joined(
    known: tuple[Fill, ...], newer: tuple[Fill, ...], since_ns: int, start_ns: int
) -> tuple[Fill, ...]:
    """Return what was known before an instant, and what was read from there on."""
    older = (fill for fill in known if since_ns <= fill.at_ns < start_ns + _EDGE_NS)
    return _in_order({fill.id: fill for fill in (*older, *newer)}.values())


def _too_many() -> ReadFailed:
    return ReadFailed(
        ENDPOINT, ReadProblem.REFUSED, f"there is more than {MOST_PAGES} requests can read"
    )


def _timestamp(instant_ns: int) -> str:
    """Return an instant in the broker's form, to the microsecond."""
    whole = datetime.fromtimestamp(instant_ns // _NS_PER_S, UTC)
    exact = whole + timedelta(microseconds=instant_ns % _NS_PER_S // 1000)
    return exact.isoformat(timespec="microseconds").replace("+00:00", "Z")
