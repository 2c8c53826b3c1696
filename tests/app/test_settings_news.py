"""`news.toml` and its calendars: what they may say, and every error with its file and line."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from core.builders import NEW_YORK, at

from risk_actors.app.settings_news import NEWS_FILE, News, read_news
from risk_actors.app.settings_problem import Problem
from risk_actors.core.news import NewsEvent

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ICS = "economic.ics"
SHIPPED = Path(__file__).parents[2] / "settings"
SWITCHED_OFF = re.compile(r"^#(?=[\w\[])", re.MULTILINE)
"""A setting that is switched off; prose has a blank after its sign."""


def read(directory: Path, text: str, ics: str | None = None) -> tuple[News, list[Problem]]:
    (directory / NEWS_FILE).write_text(text, encoding="utf-8")
    if ics is not None:
        (directory / ICS).write_bytes(ics.replace("\n", "\r\n").encode())
    problems: list[Problem] = []
    return read_news(directory, problems, NOW), problems


def read_calendar(directory: Path, *lines: str, more: str = "") -> tuple[News, list[Problem]]:
    """Read a calendar with one event of these lines."""
    body = "\n".join(lines)
    event = f"BEGIN:VEVENT\nUID:1@x\nDTSTAMP:20260101T000000Z\n{body}\nEND:VEVENT\n"
    ics = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\n{more}{event}END:VCALENDAR\n"
    return read(directory, f'calendars = ["{ICS}"]\n', ics)


def test_without_the_file_there_is_no_news(tmp_path: Path) -> None:
    problems: list[Problem] = []

    assert read_news(tmp_path, problems) == News()
    assert problems == []


def test_events_with_an_offset_and_in_the_files_zone(tmp_path: Path) -> None:
    text = """
zone = "America/New_York"
[[news]]
at = 2026-12-09T13:00:00-06:00
name = "FOMC"
before_s = 120
after_s = 0
[[news]]
at = 2026-12-10T08:30:00
name = "CPI"
[[news]]
at = 2026-12-09T15:30:00Z
name = "EIA"
symbols = ["cl", "MCL"]
"""
    news, problems = read(tmp_path, text)

    assert problems == []
    assert news.events == (
        NewsEvent(at_ns=at(2026, 12, 9, 13), name="FOMC", before_s=120, after_s=0),
        NewsEvent(at_ns=at(2026, 12, 10, 8, 30, zone=NEW_YORK), name="CPI"),
        NewsEvent(at_ns=at(2026, 12, 9, 9, 30), name="EIA", symbols=("CL", "MCL")),
    )


EVENT = '[[news]]\nat = 2026-12-09T13:00:00\nname = "FOMC"\n'

ERRORS = {
    "unknown key": (EVENT + "after = 5\n", [(4, "unknown key `after`; did you mean `after_s`?")]),
    "missing keys": ("[[news]]\n", [(1, "missing key `at`"), (1, "missing key `name`")]),
    "a date alone": (
        EVENT.replace("T13:00:00", ""),
        [(2, "news[0].at = 2026-12-09: write an instant such as 2026-12-10T13:00:00-06:00")],
    ),
    "words for a time": (
        EVENT.replace("2026-12-09T13:00:00", '"tomorrow"'),
        [(2, 'news[0].at = "tomorrow": write an instant such as 2026-12-10T13:00:00-06:00')],
    ),
    "negative": (EVENT + "before_s = -1\n", [(4, "news[0].before_s = -1: expected ")]),
    "too long": (EVENT + "after_s = 90000\n", [(4, "news[0].after_s = 90000: expected ")]),
    "the Gateway's name": (EVENT + 'symbols = ["CLE"]\n', [(1, "`CLE` is the Gateway's name")]),
    "unknown zone": ('zone = "Mars"\n' + EVENT, [(1, 'zone = "Mars": no such time zone')]),
    "no such calendar": (
        'calendars = ["a.ics"]\n',
        [(1, 'calendars[0] = "a.ics": no such file')],
    ),
}


@pytest.mark.parametrize(("text", "expected"), ERRORS.values(), ids=ERRORS)
def test_every_error_names_its_line(
    tmp_path: Path, text: str, expected: list[tuple[int | None, str]]
) -> None:
    news, problems = read(tmp_path, text)

    assert news.events == ()
    assert [problem.line for problem in problems] == [line for line, _ in expected]
    for problem, (_, beginning) in zip(problems, expected, strict=True):
        assert problem.file == str(tmp_path / NEWS_FILE)
        assert problem.message.startswith(beginning), problem.message


# --- calendars ------------------------------------------------------------------------------


def test_an_event_of_a_calendar_in_utc(tmp_path: Path) -> None:
    news, problems = read_calendar(
        tmp_path, "DTSTART:20261209T190000Z", "SUMMARY:FOMC\\, statement"
    )

    assert problems == []
    assert news == News((NewsEvent(at_ns=at(2026, 12, 9, 13), name="FOMC, statement"),))


@pytest.mark.parametrize(
    ("more", "start", "instant"),
    [
        ("", "DTSTART;TZID=America/New_York:20261209T140000", at(2026, 12, 9, 13)),
        # Without a zone it is meant in the calendar's, else in that of news.toml.
        ("X-WR-TIMEZONE:America/New_York\n", "DTSTART:20261209T140000", at(2026, 12, 9, 13)),
        ("", "DTSTART:20261209T130000", at(2026, 12, 9, 13)),
    ],
)
def test_the_zone_of_an_event(tmp_path: Path, more: str, start: str, instant: int) -> None:
    news, problems = read_calendar(tmp_path, start, "SUMMARY:FOMC", more=more)

    assert problems == []
    assert [event.at_ns for event in news.events] == [instant]


def test_events_that_repeat_are_followed_for_a_year_across_the_clocks(tmp_path: Path) -> None:
    news, problems = read_calendar(
        tmp_path,
        "DTSTART;TZID=America/New_York:20250103T083000",
        "RRULE:FREQ=MONTHLY;BYDAY=1FR",
        "EXDATE;TZID=America/New_York:20270101T083000",
        "SUMMARY:Nonfarm payrolls",
    )

    assert problems == []
    assert [event.at_ns for event in news.events[:4]] == [
        at(2026, 12, 4, 7, 30),
        at(2027, 2, 5, 7, 30),
        at(2027, 3, 5, 7, 30),
        at(2027, 4, 2, 7, 30),
    ]
    assert len(news.events) == 12


def test_what_is_cancelled_is_no_news(tmp_path: Path) -> None:
    news, problems = read_calendar(
        tmp_path, "DTSTART:20261209T190000Z", "SUMMARY:FOMC", "STATUS:CANCELLED"
    )

    assert (news, problems) == (News(), [])


def test_what_has_no_time_of_day_is_left_out_and_said(tmp_path: Path) -> None:
    news, problems = read_calendar(tmp_path, "DTSTART;VALUE=DATE:20261209", "SUMMARY:Bank holiday")

    assert problems == []
    assert news.events == ()
    assert news.notes == (f"{ICS}: left out, for they have no time of day: Bank holiday",)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("SUMMARY:FOMC",), "an event has no DTSTART"),
        (("DTSTART:2026-12-09", "SUMMARY:FOMC"), "not a valid calendar: "),
        (
            ("DTSTART:20261209T190000Z", "RRULE:FREQ=SOMETIMES", "SUMMARY:FOMC"),
            "not a valid calendar: ",
        ),
        (
            ("DTSTART;TZID=Mars/One:20261209T190000", "SUMMARY:FOMC"),
            "not a valid calendar: `FOMC` is in the unknown time zone Mars/One",
        ),
    ],
)
def test_a_broken_event_is_an_error_and_never_left_out_in_silence(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    news, problems = read_calendar(tmp_path, *lines)

    assert news.events == ()
    assert [problem.file for problem in problems] == [str(tmp_path / ICS)]
    assert problems[0].message.startswith(message), problems[0].message


@pytest.mark.parametrize("text", ["", "hello", "<html></html>", "BEGIN:VCALENDAR\n"])
def test_what_is_no_calendar_is_an_error(tmp_path: Path, text: str) -> None:
    _, problems = read(tmp_path, f'calendars = ["{ICS}"]\n', text)

    assert len(problems) == 1
    assert problems[0].message.startswith("not a valid calendar: ")


def test_the_present_is_taken_where_no_instant_is_given(tmp_path: Path) -> None:
    (tmp_path / NEWS_FILE).write_text(EVENT, encoding="utf-8")
    problems: list[Problem] = []

    assert len(read_news(tmp_path, problems).events) == 1
    assert problems == []


def test_the_shipped_file_is_valid_with_every_setting_switched_on(tmp_path: Path) -> None:
    shipped = (SHIPPED / NEWS_FILE).read_text(encoding="utf-8")
    calendar = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nEND:VCALENDAR\n"
    (tmp_path / "economic-calendar.ics").write_text(calendar, encoding="utf-8")

    assert read(tmp_path, shipped) == (News(), [])
    news, problems = read(tmp_path, SWITCHED_OFF.sub("", shipped))
    assert problems == []
    assert [event.name for event in news.events] == [
        "FOMC rate decision",
        "EIA petroleum status report",
    ]
