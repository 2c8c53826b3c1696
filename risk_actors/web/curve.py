"""The equity of each account's day, as the pictures told it: kept in memory, one point in 5 s."""

from collections.abc import Sequence

from risk_actors.actors.picture import Picture
from risk_actors.core.evidence import NS_PER_S, iso_utc
from risk_actors.core.schedules import DAILY_RESET

POINT_EVERY_NS = 5 * NS_PER_S
MOST_POINTS = 2_000
UNWATCHED_NS = 60 * NS_PER_S
"""Longer than this without a figure, and the highest and lowest of the day may have been missed."""
_DAYS_KEPT = 40

type Point = tuple[int, float | None]
"""Instant in nanoseconds, and equity in dollars; None from then on nobody knows."""


class DayCurve:
    """One account's trading day, from when it was first seen."""

    def __init__(self, day_started_at: str) -> None:
        """Begin with nothing seen; `day_started_at` as the picture names it."""
        self.day_started_at = day_started_at
        self.began_ns: int | None = None
        """When a figure was first seen."""
        self.points: list[Point] = []
        self.peak: float | None = None
        self.low: float | None = None
        self.is_whole = True
        """Whether it was never out of sight for long since it began."""
        self._seen_ns = 0

    def take(self, at_ns: int, equity: float | None) -> None:
        """Take what the account's day is worth at an instant, None where that is unknown."""
        if equity is None:
            if self.points and self.points[-1][1] is not None:
                self.points.append((at_ns, None))
            return
        if self.began_ns is None:
            self.began_ns = at_ns
        elif at_ns - self._seen_ns > UNWATCHED_NS:
            self.is_whole = False
        self._seen_ns = at_ns
        self.peak = equity if self.peak is None else max(self.peak, equity)
        self.low = equity if self.low is None else min(self.low, equity)
        self._add(at_ns, equity)

    def _add(self, at_ns: int, equity: float) -> None:
        points = self.points
        if len(points) > 1 and points[-1][1] == points[-2][1] == equity:
            points[-1] = (at_ns, equity)
        elif not points or points[-1][1] is None or at_ns - points[-1][0] >= POINT_EVERY_NS:
            points.append((at_ns, equity))
            if len(points) > 2 * MOST_POINTS:
                self.points = thinned(points, MOST_POINTS)


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most so many points that look the same: of each stretch its ends and its gaps.

    First and last are kept, and of each stretch its highest and lowest and where it became unknown.
    """
    if len(points) <= most:
        return list(points)
    inner = points[1:-1]
    stretches = max(1, (most - 2) // 3)
    kept: list[Point] = [points[0]]
    for number in range(stretches):
        first = number * len(inner) // stretches
        stretch = inner[first : (number + 1) * len(inner) // stretches]
        known = [(value, place) for place, (_, value) in enumerate(stretch) if value is not None]
        gaps = [place for place, (_, value) in enumerate(stretch) if value is None]
        places = {min(known)[1], max(known)[1]} if known else set()
        kept += [stretch[place] for place in sorted({*places, *gaps[:1]})]
    return [*kept, points[-1]]


class CurveBook:
    """The curves of the day that runs, and what was highest and lowest on those before."""

    def __init__(self) -> None:
        self._curves: dict[tuple[int, str], DayCurve] = {}
        self._day_started_at: str | None = None

    @property
    def day_started_at(self) -> str | None:
        """When the trading day that runs began; None before that is known."""
        return self._day_started_at

    def take(self, picture: Picture, now_ns: int) -> None:
        """Take in a picture; what it says of then and not of now is not known."""
        started_at = day_of(picture)
        if started_at is None:
            return
        if started_at != self._day_started_at:
            self._day_started_at = started_at
            self._forget()
            # Its figures may still be those of the day before; the next picture's are not.
            return
        for account in picture.accounts:
            equity = account.day.equity if account.seen_at is None else None
            key = account.id, started_at
            curve = self._curves.get(key)
            if curve is None:
                curve = self._curves[key] = DayCurve(started_at)
            curve.take(now_ns, equity)

    def of(self, account_id: int, day_started_at: str | None) -> DayCurve | None:
        """Return what was seen of an account's day, None where nothing was."""
        return None if day_started_at is None else self._curves.get((account_id, day_started_at))

    def _forget(self) -> None:
        days = sorted({day for _, day in self._curves}, reverse=True)
        self._curves = {
            key: curve for key, curve in self._curves.items() if key[1] in days[:_DAYS_KEPT]
        }
        for curve in self._curves.values():
            # Of a past day nobody asks for the course.
            curve.points = []


def day_of(picture: Picture) -> str | None:
    """Return when the trading day of a picture began, None before that is known."""
    return next((each.last for each in picture.schedules if each.name == DAILY_RESET), None)


def shown(points: Sequence[Point]) -> tuple[tuple[str, float | None], ...]:
    """Return points as they are answered: no two of one instant, the last one counts."""
    told = {iso_utc(at_ns): equity for at_ns, equity in thinned(points, MOST_POINTS)}
    return tuple(told.items())
