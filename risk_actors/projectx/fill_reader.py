"""Reading all fills of a span of time, though an answer may hold only some of them.

No limit on the rows of Trade/search is documented, nor that there is none. An answer that is long
enough to have been cut is therefore not believed: what lies beyond its newest and its oldest row
is asked for by itself, until nothing new comes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from risk_actors.core.broker import Fill
from risk_actors.projectx import translation
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.reads import RestReader

ENDPOINT = "/Trade/search"
SHORTEST_CUT = 100
"""An answer with fewer rows is taken to be whole."""
MOST_PAGES = 40
"""Requests that one reading may take: 4000 fills at the shortest cut."""
_SLACK_NS = 10_000
"""Windows overlap by this much, so that no row falls between two of them."""
_NS_PER_S = 1_000_000_000


class FillReader:
    """Reads the fills of accounts. Use it on its event loop only."""

    def __init__(self, reader: RestReader) -> None:
        self._reader = reader
        self._first_ids: dict[int, int] = {}
        """By account, the id of the oldest fill of the last whole reading."""

    async def read(self, account_id: int, since_ns: int) -> tuple[Fill, ...]:
        """Return all fills since an instant, oldest first.

        Raises:
            ReadFailed: a read gave nothing, or there were too many.
            PayloadError: something in it made no sense.
        """
        found = {fill.id: fill for fill in await self._page(account_id, since_ns)}
        longest = len(found)
        if longest >= SHORTEST_CUT:
            await self._read_later(account_id, found, longest)
            if self._first_ids.get(account_id) not in found:
                await self._read_earlier(account_id, since_ns, found, longest)
        fills = _in_order(found.values())
        if fills:
            self._first_ids[account_id] = fills[0].id
        return fills

    async def read_again(
        self, account_id: int, since_ns: int, known: tuple[Fill, ...]
    ) -> tuple[Fill, ...]:
        """Return the fills once more, moments later; of many, only the newest are read again.

        Raises:
            ReadFailed: a read gave nothing, or there were too many.
            PayloadError: something in it made no sense.
        """
        if len(known) < SHORTEST_CUT:
            return await self.read(account_id, since_ns)
        found = {fill.id: fill for fill in known}
        await self._read_later(account_id, found, len(found))
        return _in_order(found.values())

    async def _read_later(self, account_id: int, found: dict[int, Fill], longest: int) -> None:
        """Add what came after the newest fill found."""
        for _ in range(MOST_PAGES):
            newest_ns = max(fill.at_ns for fill in found.values())
            page = await self._page(account_id, newest_ns - _SLACK_NS)
            if not _add(found, page, longest):
                return
        raise _too_many()

    async def _read_earlier(
        self, account_id: int, since_ns: int, found: dict[int, Fill], longest: int
    ) -> None:
        """Add what came before the oldest fill found."""
        for _ in range(MOST_PAGES):
            oldest_ns = min(fill.at_ns for fill in found.values())
            page = await self._page(account_id, since_ns, oldest_ns + _SLACK_NS)
            if not _add(found, page, longest):
                return
        raise _too_many()

    async def _page(
        self, account_id: int, since_ns: int, until_ns: int | None = None
    ) -> tuple[Fill, ...]:
        body = {"accountId": account_id, "startTimestamp": _timestamp(since_ns)}
        if until_ns is not None:
            body["endTimestamp"] = _timestamp(until_ns)
        answer = await self._reader.post(ENDPOINT, body)
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


def _too_many() -> ReadFailed:
    return ReadFailed(
        ENDPOINT, ReadProblem.REFUSED, f"there is more than {MOST_PAGES} requests can read"
    )


def _timestamp(instant_ns: int) -> str:
    """Return an instant in the broker's form, to the microsecond."""
    whole = datetime.fromtimestamp(instant_ns // _NS_PER_S, UTC)
    exact = whole + timedelta(microseconds=instant_ns % _NS_PER_S // 1000)
    return exact.isoformat(timespec="microseconds").replace("+00:00", "Z")
