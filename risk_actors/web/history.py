"""`GET /api/history` and `GET /api/curve`: from the store and from the pictures seen."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.core.evidence import iso_utc
from risk_actors.store.audit import Record
from risk_actors.store.day_marks_history import Mark, read_marks
from risk_actors.store.history import PastDay, read_day_worth, read_past_days
from risk_actors.web.curve import CurveBook, DayCurve, Point, day_of, shown
from risk_actors.web.guard import plain
from risk_actors.web.routes import Id, Query, Route, answer_json, asked
from risk_actors.web.shapes import Curve, CurveMark, History, HistoryDay
from risk_actors.web.threads import ReadingRoom

LOOK_EVERY_S = 1.0
READ_WITHIN_S = 5.0
_FARTHEST_NS = 2**63 - 1

type Spans = tuple[list[Point], bool]
"""What the store knows of a day before it was watched, and whether that is all of it."""


class HistoryQuery(Query, frozen=True):
    """How far back."""

    days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 30


class CurveQuery(Query, frozen=True):
    """Whose day."""

    account: Id


class StoreReader:
    """Reads the store on worker threads, each time on a connection of its own."""

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._room = ReadingRoom()

    async def read[T](self, work: Callable[[Record], T], nothing: T) -> T:
        """Return what a reading finds, `nothing` where there is no store yet.

        Raises:
            HTTPServiceUnavailable: the store cannot be read now.
        """
        data_dir = self._data_dir
        if data_dir is None:
            return nothing

        def reading() -> T:
            try:
                with Record(data_dir) as record:
                    record.give_up_after(READ_WITHIN_S)
                    return work(record)
            except FileNotFoundError:
                return nothing

        try:
            return await self._room.read(reading)
        except sqlite3.Error as error:
            logger.warning("web: the store cannot be read: {}", error)
            raise web.HTTPServiceUnavailable(
                text=f"the store cannot be read now ({error}); ask again, and if that stays so,"
                " run `risk-actors audit --verify`"
            ) from error


class HistoryRoutes:
    """Past days and the curve of the one that runs."""

    def __init__(
        self,
        picture: Callable[[], Picture],
        store: StoreReader,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._picture = picture
        self._store = store
        self._now_ns = now_ns
        self.book = CurveBook()

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                "GET",
                "/api/history",
                self._history,
                "Past trading days, newest first",
                {200: History},
                query=HistoryQuery,
            ),
            Route(
                "GET",
                "/api/curve",
                self._curve,
                "The equity of the day so far",
                {200: Curve},
                query=CurveQuery,
            ),
        )

    async def watch(self) -> None:
        """Look at the picture each second, for as long as the server runs."""
        is_blind = False
        while True:
            try:
                self.book.take(self._picture(), self._now_ns())
                is_blind = False
            except Exception as error:  # noqa: BLE001 - the curve goes on; the log says why
                if not is_blind:
                    logger.error("web: the picture cannot be put on the curve: {!r}", error)
                is_blind = True
            await asyncio.sleep(LOOK_EVERY_S)

    async def _history(self, request: web.Request) -> web.Response:
        wanted = asked(request, HistoryQuery)
        book = self.book

        def read(record: Record) -> list[tuple[PastDay, float | None, float | None]]:
            return [(day, *_ends(record, day, book)) for day in read_past_days(record, wanted.days)]

        nothing: list[tuple[PastDay, float | None, float | None]] = []
        found = await self._store.read(read, nothing)
        picture = self._picture()
        return answer_json(History(days=tuple(_shown_day(*each, picture) for each in found)))

    async def _curve(self, request: web.Request) -> web.Response:
        wanted = asked(request, CurveQuery)
        picture, now_ns = self._picture(), self._now_ns()
        account = next((each for each in picture.accounts if each.id == wanted.account), None)
        if account is None:
            known = ", ".join(str(each.id) for each in picture.accounts)
            raise web.HTTPNotFound(
                text=f"no account {wanted.account} is guarded; there are {known or 'none yet'}"
            )
        started_at = day_of(picture)
        if started_at is None:
            return answer_json(Curve(account=account.id, day_started_at=None, points=(), marks=()))
        watched = self.book.of(account.id, started_at)
        day_start_ns = instant_ns(started_at)
        began_ns = now_ns if watched is None or watched.began_ns is None else watched.began_ns

        def read(record: Record) -> tuple[list[Point], list[Mark]]:
            before, _ = _before(record, account.id, day_start_ns, began_ns)
            return before, read_marks(record, account.id, day_start_ns)

        nothing: tuple[list[Point], list[Mark]] = ([], [])
        before, marks = await self._store.read(read, nothing)
        return answer_json(
            Curve(
                account=account.id,
                day_started_at=started_at,
                points=shown([*before, *_seen(watched), *_now(account, now_ns)]),
                marks=tuple(_shown_mark(mark) for mark in marks),
            )
        )


def _before(record: Record, account_id: int, day_start_ns: int, until_ns: int) -> Spans:
    """Return what the store knows of a day before it was watched."""
    found = read_day_worth(record, account_id, day_start_ns, until_ns)
    points = [(at_ns, _amount(equity)) for at_ns, equity in found]
    return points, all(equity is not None for _, equity in points)


def _seen(watched: DayCurve | None) -> list[Point]:
    return [] if watched is None else list(watched.points)


def _now(account: AccountPicture, now_ns: int) -> list[Point]:
    """Return the end of the curve: what `GET /api/state` says at this moment."""
    equity = account.day.equity if account.seen_at is None else None
    return [(now_ns, equity)]


def _ends(record: Record, day: PastDay, book: CurveBook) -> tuple[float | None, float | None]:
    """Return the highest and lowest of a day, None where it was not watched all the time."""
    watched = book.of(day.account_id, iso_utc(day.day_start_ns))
    if watched is None or watched.began_ns is None or not watched.is_whole:
        return None, None
    before, is_known = _before(record, day.account_id, day.day_start_ns, watched.began_ns)
    if not is_known:
        return None, None
    ends = [equity for _, equity in before if equity is not None]
    ends += [equity for equity in (watched.peak, watched.low) if equity is not None]
    return max(ends), min(ends)


def _shown_day(day: PastDay, peak: float | None, low: float | None, picture: Picture) -> HistoryDay:
    """Return a day as it is answered; the store is some milliseconds behind the picture."""
    shown_day = HistoryDay(
        date=plain(day.day),
        account=day.account_id,
        realized=_amount(day.realized_usd),
        fees=_amount(day.costs_usd),
        trades=day.trades,
        locks=day.locks,
        breaches=day.breaches,
        peak=peak,
        low=low,
    )
    if iso_utc(day.day_start_ns) != day_of(picture):
        return shown_day
    today = next((each.day for each in picture.accounts if each.id == day.account_id), None)
    if today is None:
        return shown_day
    return msgspec.structs.replace(
        shown_day, realized=today.realized, fees=today.fees, trades=today.trades
    )


def _shown_mark(mark: Mark) -> CurveMark:
    return CurveMark(
        at=iso_utc(mark.at_ns),
        kind=mark.kind,
        text=plain(mark.text),
        correlation_id=None if mark.correlation_id is None else plain(mark.correlation_id),
    )


def _amount(amount_usd: Decimal | None) -> float | None:
    """Return dollars as the picture does: a number at the cent."""
    return None if amount_usd is None else round(float(amount_usd), 2)


def instant_ns(text: str) -> int:
    """Return the instant of an ISO 8601 text.

    Raises:
        ValueError: it is none, or names no zone, or the store could not hold it.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} names no zone")
    at_ns = round(at.timestamp() * 1000) * 1_000_000
    if abs(at_ns) > _FARTHEST_NS:
        raise ValueError(f"{text} is too far from now")
    return at_ns
