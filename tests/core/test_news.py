"""News and the blackouts around it."""

import pytest
from core.builders import NOON, H, S

from risk_actors.core.news import Blackout, NewsCalendar, NewsEvent
from risk_actors.core.trading_calendar import Window


def event(
    after_noon_s: int, name: str = "CPI", *symbols: str, before: int | None = None, after: int = 60
) -> NewsEvent:
    return NewsEvent(
        at_ns=NOON + after_noon_s * S,
        name=name,
        symbols=symbols,
        before_s=before,
        after_s=after,
    )


def seconds(calendar: NewsCalendar, symbol: str | None) -> list[tuple[float, float]]:
    """Return the blackouts in seconds from noon, for a rule of 120 s before and 300 s after."""
    return [
        ((b.window.start_ns - NOON) / S, (b.window.end_ns - NOON) / S)
        for b in calendar.blackouts(symbol, 120, 300)
    ]


def test_without_news_nothing_is_blacked_out() -> None:
    assert NewsCalendar().blackouts("ES", 120, 300) == ()
    assert NewsCalendar().blackout_at("ES", NOON, 120, 300) is None
    assert NewsCalendar().next_blackout("ES", NOON, 120, 300) is None


def test_an_event_takes_the_rules_seconds_or_its_own() -> None:
    plain = NewsEvent(at_ns=NOON, name="CPI")
    own = NewsEvent(at_ns=NOON, name="CPI", before_s=0, after_s=10)

    assert plain.window(120, 300) == Window(NOON - 120 * S, NOON + 300 * S)
    assert own.window(120, 300) == Window(NOON, NOON + 10 * S)


def test_a_blackout_includes_its_start_and_not_its_end() -> None:
    calendar = NewsCalendar([event(0)])
    found = Blackout(Window(NOON - 120 * S, NOON + 60 * S), ("CPI",))

    assert calendar.blackout_at("ES", NOON - 120 * S - 1, 120, 300) is None
    assert calendar.blackout_at("ES", NOON - 120 * S, 120, 300) == found
    assert calendar.blackout_at("ES", NOON + 60 * S - 1, 120, 300) == found
    assert calendar.blackout_at("ES", NOON + 60 * S, 120, 300) is None


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([event(1000), event(0)], [(-120, 60), (880, 1060)]),
        # Overlapping, touching and one within another.
        ([event(0), event(100)], [(-120, 160)]),
        ([event(0), event(180)], [(-120, 240)]),
        ([event(0), event(181)], [(-120, 60), (61, 241)]),
        ([event(0, after=900), event(300)], [(-120, 900)]),
        # Of no length.
        ([event(0, before=0, after=0)], []),
    ],
)
def test_blackouts_that_overlap_or_touch_are_one(
    events: list[NewsEvent], expected: list[tuple[float, float]]
) -> None:
    assert seconds(NewsCalendar(events), "ES") == expected
    assert seconds(NewsCalendar(reversed(events)), "ES") == expected


def test_a_joined_blackout_names_all_its_news_once() -> None:
    calendar = NewsCalendar([event(100, "Powell"), event(0, "FOMC"), event(0, "FOMC")])

    (blackout,) = calendar.blackouts("ES", 120, 300)

    assert blackout.names == ("FOMC", "Powell")


def test_news_about_symbols_concerns_only_those() -> None:
    calendar = NewsCalendar([event(0), event(1000, "EIA", "CL", "MCL")])

    assert seconds(calendar, "CL") == [(-120, 60), (880, 1060)]
    assert seconds(calendar, "ES") == [(-120, 60)]
    assert seconds(calendar, None) == [(-120, 60)]


def test_the_next_blackout_is_the_first_that_begins_later() -> None:
    calendar = NewsCalendar([event(0), event(1000), event(5000)])
    starts = [NOON - 120 * S, NOON + 880 * S, NOON + 4880 * S]

    for before_ns, start_ns in zip((NOON - H, starts[0], starts[1]), starts, strict=True):
        following = calendar.next_blackout("ES", before_ns, 120, 300)
        assert following is not None
        assert following.window.start_ns == start_ns
    assert calendar.next_blackout("ES", starts[2], 120, 300) is None
