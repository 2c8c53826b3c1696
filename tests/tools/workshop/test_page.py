"""A page that needs nothing from elsewhere and says in words what it says in colours."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from workshop.page import Heading, Output, Paragraph, Point, Table, Trend, dots_of, write_page

BLOCKS = (
    Heading("Gates"),
    Paragraph("It <b>says</b> so & more."),
    Table(
        ("gate", "verdict"),
        (("lint", "passed"), ("types", "failed"), ("<audit>", "skipped")),
        verdict_column=1,
    ),
    Output("what it printed", 'a < b\n  "kept"'),
    Trend("seconds", (Point("Monday", 10.0), Point("Tuesday", 25.5, "failed")), "s"),
    Trend("coverage", ()),
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    write_page(tmp_path / "page.html", "Gates & more", BLOCKS)
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def test_it_loads_nothing(page: str) -> None:
    assert not re.search(r"https?:|<script|<link|<img|url\(|@import|src=", page)


def test_every_text_is_shown_as_it_is(page: str) -> None:
    assert "It &lt;b&gt;says&lt;/b&gt; so &amp; more." in page
    assert "<td>&lt;audit&gt;</td>" in page
    assert "<title>Gates &amp; more</title>" in page
    assert "<pre>a &lt; b\n  &#34;kept&#34;</pre>" in page


@pytest.mark.parametrize(
    ("word", "tone"), [("passed", "good"), ("failed", "bad"), ("skipped", "other")]
)
def test_a_verdict_is_a_word_with_a_colour(page: str, word: str, tone: str) -> None:
    assert f'<td class="{tone}">{word}</td>' in page


def test_it_is_for_phones_and_for_dark_rooms(page: str) -> None:
    assert 'name="viewport" content="width=device-width' in page
    assert "prefers-color-scheme: dark" in page


def test_a_trend_is_drawn_and_told(page: str) -> None:
    (drawing,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    svg = ET.fromstring(drawing)  # noqa: S314 - written a moment ago

    assert svg.attrib["aria-label"] == (
        "seconds, 2 runs, Monday to Tuesday: lowest 10, highest 25.5, last 25.5 s"
    )
    assert [each.findtext("title") for each in svg.iter("circle")] == ["Monday: 10 s, passed"]
    assert [each.findtext("title") for each in svg.iter("rect")] == ["Tuesday: 25.5 s, failed"]
    assert "coverage: no runs yet" in page


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([5.0], [(8.0, 60.0)]),
        ([5.0, 5.0], [(8.0, 60.0), (632.0, 60.0)]),
        ([0.0, 10.0, 5.0], [(8.0, 110.0), (320.0, 10.0), (632.0, 60.0)]),
    ],
)
def test_more_is_higher_and_later_is_further_right(
    values: list[float], places: list[tuple[float, float]]
) -> None:
    dots = dots_of(Trend("x", [Point(str(value), value) for value in values]))

    assert [(dot.x, dot.y) for dot in dots] == places
