"""One self-contained HTML page: what a tool found, for reading and for sending to somebody."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .files import write_text

type Tone = Literal["good", "bad", "other"]

TONES: dict[str, Tone] = {
    "passed": "good",
    "done": "good",
    "ok": "good",
    "failed": "bad",
    "error": "bad",
    "refused": "bad",
}
"""How a verdict is coloured; every other word is neither good nor bad. The word always stands."""

_TEMPLATE = "page.html.jinja"
_WIDTH, _HEIGHT = 640.0, 120.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 8.0, 8.0, 10.0, 10.0


class Heading(NamedTuple):
    """Begins a section."""

    text: str
    kind: str = "heading"


class Paragraph(NamedTuple):
    """Prose."""

    text: str
    kind: str = "paragraph"


class Output(NamedTuple):
    """What a program printed, with its lines as they were; folded away under its title."""

    title: str
    text: str
    kind: str = "output"


class Table(NamedTuple):
    """Rows under headers. A cell is shown as its text."""

    headers: Sequence[str]
    rows: Sequence[Sequence[object]]
    verdict_column: int | None = None
    """Which column holds words such as `passed`, `failed`, `skipped`: shown with a colour too."""
    kind: str = "table"


class Point(NamedTuple):
    """One run in a trend."""

    label: str
    """When it was, or what."""
    value: float
    verdict: str = "passed"


class Trend(NamedTuple):
    """A line through runs, oldest first; a run that failed is a square, the others are dots."""

    title: str
    points: Sequence[Point]
    unit: str = ""
    kind: str = "trend"


type Block = Heading | Paragraph | Output | Table | Trend


class _Dot(NamedTuple):
    x: float
    y: float
    is_bad: bool
    words: str


def write_page(path: Path, title: str, blocks: Sequence[Block]) -> None:
    """Write the page; it needs nothing from elsewhere, and every text is shown as it is.

    Raises:
        workshop.files.FileError: it cannot be written.
    """
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template(_TEMPLATE).render(
        title=title, blocks=blocks, tone_of=tone_of, dots_of=dots_of, range_of=range_of
    )
    write_text(path, page + "\n")


def tone_of(verdict: object) -> Tone:
    """Return how a verdict is coloured."""
    return TONES.get(str(verdict).strip().lower(), "other")


def dots_of(trend: Trend) -> list[_Dot]:
    """Return where each run lies on the drawing: the first left, the last right."""
    if not trend.points:
        return []
    values = [point.value for point in trend.points]
    least, span = min(values), max(values) - min(values)
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    steps = max(len(values) - 1, 1)
    return [
        _Dot(
            x=round(_LEFT + wide * place / steps, 1),
            # A level line runs through the middle.
            y=round(_TOP + high * (1 - (point.value - least) / span if span else 0.5), 1),
            is_bad=tone_of(point.verdict) == "bad",
            words=f"{point.label}: {_number(point.value)} {trend.unit}".rstrip()
            + f", {point.verdict}",
        )
        for place, point in enumerate(trend.points)
    ]


def range_of(trend: Trend) -> str:
    """Return a trend in words, for those who do not see the drawing."""
    if not trend.points:
        return "no runs yet"
    values = [point.value for point in trend.points]
    first, last = trend.points[0].label, trend.points[-1].label
    ends = f"{len(values)} runs, {first} to {last}" if len(values) > 1 else f"one run, {first}"
    return (
        f"{ends}: lowest {_number(min(values))}, highest {_number(max(values))}, "
        f"last {_number(values[-1])} {trend.unit}".rstrip()
    )


def _number(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
