"""The curve of a day: what is kept of the pictures, and what is not made up."""

import msgspec
import pytest

from risk_actors.actors.picture import AccountPicture, DayPicture, Picture, SchedulePicture
from risk_actors.core.schedules import DAILY_RESET
from risk_actors.web.curve import MOST_POINTS, POINT_EVERY_NS, CurveBook, DayCurve, Point, thinned
from tests.conftest import NOON_NS, S

TODAY, TOMORROW = "2026-11-16T23:00:00.000+00:00", "2026-11-17T23:00:00.000+00:00"


def picture(equity: float | None, day: str | None = TODAY, seen_at: str | None = None) -> Picture:
    schedules = (
        ()
        if day is None
        else (SchedulePicture(name=DAILY_RESET, cron="0 17 * * *", zone="UTC", last=day, next=day),)
    )
    account = AccountPicture(id=1, name="A", seen_at=seen_at, day=DayPicture(equity=equity))
    return Picture(
        version="",
        mode="paper",
        armed=True,
        phase="armed",
        accounts=(account,),
        schedules=schedules,
    )


def watched(*seen: tuple[int, float | None]) -> DayCurve:
    curve = DayCurve(TODAY)
    for after_s, equity in seen:
        curve.take(NOON_NS + after_s * S, equity)
    return curve


def test_a_point_comes_every_five_seconds_and_the_extremes_in_between_count() -> None:
    curve = watched((0, 0.0), (1, 50.0), (2, -70.0), (5, 10.0), (9, 11.0), (10, 12.0))

    assert [((at - NOON_NS) // S, equity) for at, equity in curve.points] == [
        (0, 0.0),
        (5, 10.0),
        (10, 12.0),
    ]
    assert (curve.peak, curve.low, curve.is_whole) == (50.0, -70.0, True)


def test_what_is_unknown_is_a_gap_and_no_point() -> None:
    curve = watched((0, None), (1, 5.0), (2, None), (3, None), (4, 7.0))

    assert [((at - NOON_NS) // S, equity) for at, equity in curve.points] == [
        (1, 5.0),
        (2, None),
        (4, 7.0),
    ]
    assert curve.began_ns == NOON_NS + S


@pytest.mark.parametrize(("gap_s", "is_whole"), [(60, True), (61, False)])
def test_out_of_sight_for_long_the_highest_is_not_known(gap_s: int, is_whole: bool) -> None:
    assert watched((0, 1.0), (gap_s, 2.0)).is_whole is is_whole
    assert watched((0, 1.0), (1, None), (gap_s, 2.0)).is_whole is is_whole


def test_a_level_stretch_is_two_points() -> None:
    assert len(watched(*((s, 3.0) for s in range(0, 600, 1))).points) == 2


def test_a_day_is_held_in_so_many_points() -> None:
    curve = DayCurve(TODAY)
    for number in range(17_280):
        curve.take(NOON_NS + number * POINT_EVERY_NS, float(number % 997))

    assert len(curve.points) <= 2 * MOST_POINTS
    assert max(e for _, e in curve.points if e is not None) == 996.0


def test_thinned_keeps_ends_extremes_and_gaps() -> None:
    points: list[Point] = [(n, float(n % 100)) for n in range(10_000)]
    points[5_000] = (5_000, None)
    points[7_123] = (7_123, 9_999.0)

    few = thinned(points, 300)

    assert len(few) <= 300
    assert few[0] == points[0]
    assert few[-1] == points[-1]
    assert {(5_000, None), (7_123, 9_999.0)} <= {*few}
    assert few == sorted(few, key=lambda point: point[0])
    assert thinned(points[:300], 300) == points[:300]


def test_a_new_day_begins_its_own_curve_with_the_picture_after() -> None:
    book = CurveBook()
    book.take(picture(1.0), NOON_NS)
    book.take(picture(5.0), NOON_NS + 1)
    # Its figures may still be those of the day before.
    book.take(picture(5.0, TOMORROW), NOON_NS + 2)
    book.take(picture(0.0, TOMORROW), NOON_NS + 3)

    today, before = book.of(1, TOMORROW), book.of(1, TODAY)
    assert today is not None
    assert before is not None
    assert today.points == [(NOON_NS + 3, 0.0)]
    assert (before.peak, before.points) == (5.0, [])


def test_what_is_of_then_and_not_of_now_is_unknown() -> None:
    book = CurveBook()
    for n, shown in enumerate((picture(1.0), picture(1.0), picture(1.0, seen_at=TODAY))):
        book.take(shown, NOON_NS + n)

    curve = book.of(1, TODAY)
    assert curve is not None
    assert curve.points == [(NOON_NS + 1, 1.0), (NOON_NS + 2, None)]


def test_before_a_day_is_known_nothing_is_kept() -> None:
    book = CurveBook()
    book.take(msgspec.structs.replace(picture(1.0), schedules=()), NOON_NS)

    assert book.of(1, book.day_started_at) is None
