"""The events on the screen: columns that hold still, the order of time, one id per chain."""

from datetime import datetime

import msgspec
import pytest
from rich.cells import cell_len
from rich.text import Text

from risk_actors.actors.picture import EventPicture, Picture
from risk_actors.cli.screen_events import event_lines

TROUBLE = ["breach", "warning", "unknown", "fault", "clock", "balance", "reconciliation"]
DEEDS = ["lock", "unlock", "command", "outcome", "enforcement", "request", "settings", "reset"]
KINDS = [*TROUBLE, *DEEDS, "ok", "connection", "event"]


def event(second: int, text: str, correlation_id: str, kind: str = "outcome") -> EventPicture:
    return EventPicture(
        at=f"2026-11-20T16:31:{second:02}.000+00:00",
        kind=kind,
        account=101,
        text=text,
        correlation_id=correlation_id,
    )


def told(
    picture: Picture, now: datetime, *events: EventPicture, width: int = 100, height: int = 20
) -> list[str]:
    """Return the rows below the heading."""
    shown = msgspec.structs.replace(picture, events=events)
    return [line.plain for line in event_lines(shown, now, width, height)][1:]


@pytest.mark.parametrize("width", [68, 80, 100, 120, 150])
def test_no_id_moves_the_text_of_its_row(
    pictures: dict[str, Picture], now: datetime, width: int
) -> None:
    rows = told(
        pictures["open"],
        now,
        event(0, "few", "run-1"),
        event(1, "long " * 60, "restored-1795258930362"),
        event(2, "long " * 60, "settings-1a1fdc554ca"),
        width=width,
    )

    texts = [row[22:].split("  ")[0].rsplit(" …", 1)[0].split(" restored")[0] for row in rows]
    assert texts[1].split(" settings")[0] == texts[4].split(" settings")[0]
    assert {row.index("long") for row in rows[1:]} == {22}
    assert {cell_len(row) for row in rows} == {width}
    assert rows[1].rstrip().endswith("58930362"[-7:])
    assert rows[4].rstrip().endswith("1fdc554ca"[-7:])


def test_the_id_stands_on_the_first_row_of_its_chain_and_again_after_another(
    pictures: dict[str, Picture], now: datetime
) -> None:
    ids = ["run-1", "run-1", "run-2", "run-2", "run-1"]
    rows = told(pictures["open"], now, *(event(n, f"e{n}", each) for n, each in enumerate(ids)))

    assert [row.split()[3:] for row in rows] == [["run-1"], [], ["run-2"], [], ["run-1"]]


def test_a_chain_whose_first_row_has_no_room_shows_its_id_on_the_first_that_has(
    pictures: dict[str, Picture], now: datetime
) -> None:
    events = [event(n, f"e{n}", "run-1") for n in range(9)]

    rows = told(pictures["open"], now, *events, height=4)

    assert [row.split()[2:] for row in rows] == [["e6", "run-1"], ["e7"], ["e8"]]


def test_events_stand_in_the_order_of_time_and_those_of_one_time_as_they_were_told(
    pictures: dict[str, Picture], now: datetime
) -> None:
    rows = told(
        pictures["open"],
        now,
        event(3, "first", "a"),
        event(5, "armed", "b"),
        event(3, "sent again", "c"),
        event(6, "closed", "d"),
    )

    assert [row[22:].split("  ")[0] for row in rows] == ["first", "sent again", "armed", "closed"]


def test_rows_have_no_zone_and_the_weekday_of_another_day_moves_all_rows_alike(
    pictures: dict[str, Picture], now: datetime
) -> None:
    today = event(1, "today", "run-1")
    before = msgspec.structs.replace(today, at="2026-11-19T16:31:01.000+00:00", text="before")

    assert told(pictures["open"], now, today)[0].startswith(" 10:31:01 outcome     today ")
    assert [row[:32].rstrip() for row in told(pictures["open"], now, before, today)] == [
        " Thu 10:31:01 outcome     before",
        "     10:31:01 outcome     today",
    ]


def test_a_time_that_is_none_is_shown_as_it_came_among_the_newest(
    pictures: dict[str, Picture], now: datetime
) -> None:
    odd = msgspec.structs.replace(event(0, "odd", "run-1"), at="whenever")

    rows = told(pictures["open"], now, odd, event(1, "known", "run-1"))

    assert [row.split()[:3] for row in rows] == [
        ["10:31:01", "outcome", "known"],
        ["whenever", "outcome", "odd"],
    ]


def test_it_wraps_at_words_and_not_within_names(
    pictures: dict[str, Picture], now: datetime
) -> None:
    text = "locked by daily-loss-of-the-day " * 3

    rows = told(pictures["open"], now, event(1, text, "run-1"), width=80)

    told_words = {word for row in rows for word in row.split()}
    assert told_words <= {"locked", "by", "daily-loss-of-the-day", "10:31:01", "outcome", "run-1"}
    assert len(rows) == 3


def test_each_of_several_accounts_is_named_in_bold(
    pictures: dict[str, Picture], now: datetime
) -> None:
    events = [msgspec.structs.replace(event(1, "said", "run-1"), account=1)]
    shown = msgspec.structs.replace(pictures["three"], events=tuple(events))
    name = next(account.name for account in shown.accounts if account.id == 1)

    row = event_lines(shown, now, 100, 5)[1]

    assert row.plain[22:].startswith(f"{name} said")
    assert styles_of(row, name)[0] == "bold"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_colour_and_is_written_out(
    pictures: dict[str, Picture], now: datetime, kind: str
) -> None:
    shown = msgspec.structs.replace(pictures["open"], events=(event(1, "text", "run-1", kind),))

    row = event_lines(shown, now, 100, 5)[1]

    assert styles_of(row, kind) != []


def styles_of(row: Text, part: str) -> list[str]:
    """Return the styles that the part of a row is written in."""
    start = row.plain.index(part)
    return [
        str(span.style)
        for span in row.spans
        if span.start <= start < span.end and str(span.style) not in ("", "none")
    ]
