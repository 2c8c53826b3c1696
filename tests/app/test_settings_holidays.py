"""`holidays.toml`: what it may say, and every error with its line."""

import re
from datetime import date, time
from pathlib import Path

import pytest

from risk_actors.app.settings_holidays import HOLIDAYS_FILE, read_holidays
from risk_actors.app.settings_problem import Problem
from risk_actors.core.holidays import Holiday

SHIPPED = Path(__file__).parents[2] / "settings"
SWITCHED_OFF = re.compile(r"^#(?=[\w\[])", re.MULTILINE)
"""A setting that is switched off; prose has a blank after its sign."""


def read(directory: Path, text: str) -> tuple[tuple[Holiday, ...], list[tuple[int | None, str]]]:
    """Return the holidays, and each problem's line and message."""
    (directory / HOLIDAYS_FILE).write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    holidays = read_holidays(directory, problems)
    assert all(problem.file == str(directory / HOLIDAYS_FILE) for problem in problems)
    return holidays, [(problem.line, problem.message) for problem in problems]


def test_without_the_file_there_are_no_holidays_of_ones_own(tmp_path: Path) -> None:
    problems: list[Problem] = []

    assert read_holidays(tmp_path, problems) == ()
    assert problems == []


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    assert read(tmp_path, "") == ((), [])


def test_the_three_kinds_of_entry(tmp_path: Path) -> None:
    text = """
[[holidays]]
date = 2026-11-27
early_close = "12:15"
symbols = ["es", "NQ"]
name = "Day after Thanksgiving"
[[holidays]]
date = 2026-12-23
closed = true
[[holidays]]
date = 2027-07-05
open = true
"""
    assert read(tmp_path, text) == (
        (
            Holiday(
                day=date(2026, 11, 27),
                closes=time(12, 15),
                symbols=("ES", "NQ"),
                name="Day after Thanksgiving",
            ),
            Holiday(day=date(2026, 12, 23)),
            Holiday(day=date(2027, 7, 5), is_ordinary=True),
        ),
        [],
    )


@pytest.mark.parametrize(
    ("zone", "day", "close", "expected"),
    [
        ("America/New_York", "2026-11-27", "13:15", (date(2026, 11, 27), time(12, 15))),
        ("Europe/Berlin", "2026-11-27", "19:15:30", (date(2026, 11, 27), time(12, 15, 30))),
        # The trade date is Chicago's at that instant.
        ("Australia/Sydney", "2026-11-27", "05:00", (date(2026, 11, 26), time(12))),
    ],
)
def test_times_are_meant_in_the_files_zone(
    tmp_path: Path, zone: str, day: str, close: str, expected: tuple[date, time]
) -> None:
    text = f'zone = "{zone}"\n[[holidays]]\ndate = {day}\nearly_close = "{close}"\n'

    ((holiday,), problems) = read(tmp_path, text)

    assert problems == []
    assert (holiday.day, holiday.closes) == expected


ENTRY = "[[holidays]]\ndate = 2026-11-27\n"

ERRORS = {
    "unknown key": (
        ENTRY + 'close = "12:00"\n',
        [(3, "unknown key `close`; did you mean `closed`?")],
    ),
    "unknown key of the file": ("zon = 1\n", [(1, "unknown key `zon`; did you mean `zone`?")]),
    "missing date": ("[[holidays]]\nclosed = true\n", [(1, "missing key `date`")]),
    "words for a date": (
        '[[holidays]]\ndate = "Christmas"\nclosed = true\n',
        [(2, 'holidays[0].date = "Christmas": write a date such as 2026-12-25')],
    ),
    "says nothing": (ENTRY, [(1, "give one of `closed = true`, `early_close` and `open = true`")]),
    "says two things": (
        ENTRY + 'closed = true\nearly_close = "12:00"\n',
        [(1, "give one of `closed = true`, `early_close` and `open = true`")],
    ),
    "no time": (
        ENTRY + 'early_close = "noon"\n',
        [(1, "`noon` is no time of day; write it as 08:30 or 15:10:00")],
    ),
    "time without quotes": (
        ENTRY + "early_close = 12:00:00\n",
        [(3, "holidays[0].early_close = 12:00:00: expected text in quotes")],
    ),
    "no date": (
        '[[holidays]]\ndate = "tomorrow"\nclosed = true\n',
        [(2, 'holidays[0].date = "tomorrow": ')],
    ),
    "weekend": (
        "[[holidays]]\ndate = 2026-11-28\nclosed = true\n",
        [(1, "2026-11-28 is a Saturday; no session belongs to it")],
    ),
    "the Gateway's name": (
        ENTRY + 'closed = true\nsymbols = ["EP"]\n',
        [(1, "`EP` is the Gateway's name for it; write `ES`")],
    ),
    "unknown zone": (
        'zone = "America/Chicgo"\n',
        [(1, 'zone = "America/Chicgo": no such time zone; did you mean `America/Chicago`?')],
    ),
    "twice": (
        (ENTRY + "closed = true\n") * 2,
        [(5, "2026-11-27 is in line 2 already")],
    ),
    "twice for a symbol": (
        ENTRY + 'closed = true\nsymbols = ["ES", "NQ"]\n' + ENTRY + 'open = true\nsymbols = ["nq"]',
        [(6, "2026-11-27 for NQ is in line 2 already")],
    ),
    "not TOML": ("[[holidays]\n", [(1, "not valid TOML")]),
    "all at once": (
        'zone = "Mars"\nfoo = 1\n' + ENTRY + "closed = 1\nopn = true\n",
        [
            (2, "unknown key `foo`"),
            (5, "holidays[0].closed = 1: expected true or false"),
            (6, "unknown key `opn`; did you mean `open`?"),
            (1, 'zone = "Mars": no such time zone'),
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), ERRORS.values(), ids=ERRORS)
def test_every_error_names_its_line(
    tmp_path: Path, text: str, expected: list[tuple[int | None, str]]
) -> None:
    holidays, problems = read(tmp_path, text)

    assert [line for line, _ in problems] == [line for line, _ in expected]
    for (_, message), (_, beginning) in zip(problems, expected, strict=True):
        assert message.startswith(beginning), message
    assert holidays == () or "already" in problems[0][1]


def test_an_entry_for_all_and_one_for_a_symbol_may_share_a_date(tmp_path: Path) -> None:
    text = ENTRY + "closed = true\n" + ENTRY + 'early_close = "10:00"\nsymbols = ["ES"]\n'

    holidays, problems = read(tmp_path, text)

    assert problems == []
    assert len(holidays) == 2


def test_the_shipped_file_is_valid_with_every_setting_switched_on(tmp_path: Path) -> None:
    shipped = (SHIPPED / HOLIDAYS_FILE).read_text(encoding="utf-8")

    assert read(tmp_path, shipped) == ((), [])
    holidays, problems = read(tmp_path, SWITCHED_OFF.sub("", shipped))
    assert problems == []
    assert len(holidays) == 3
