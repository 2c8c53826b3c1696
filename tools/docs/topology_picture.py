"""Who talks to whom, drawn from the wiring table: as Mermaid, and as an SVG that needs nothing."""

from collections import defaultdict
from xml.sax.saxutils import escape

from risk_actors.actors.wiring import TOPOLOGY

_BOX_WIDTH, _BOX_HEIGHT = 124, 34
_ROW_HEIGHT = 54
_MARGIN = 16
_BEND, _BEND_EACH = 26, 15
"""How far an arrow bends out, and how much further for each row that it passes."""
_ASIDE = 8
"""Arrows leave a box so far below its middle and arrive so far above it."""

_TITLE = (
    "Who sends messages to whom. Every arrow leads down, from the broker's events to commands, so"
    " there is no way back. On the right those that lead to a decision, on the left what is told to"
    " those who keep, show and alert."
)
_STYLE = """
  .box { fill: #ffffff; stroke: #57606a; }
  .way { fill: none; stroke: #57606a; stroke-width: 1.2; opacity: 0.55; }
  .tell { stroke-dasharray: 2 4; opacity: 0.4; }
  .head { fill: #57606a; }
  text { fill: #1f2328; font: 14px system-ui, sans-serif; text-anchor: middle; }
  @media (prefers-color-scheme: dark) {
    .box { fill: #161b22; stroke: #9198a1; }
    .way { stroke: #9198a1; }
    .head { fill: #9198a1; }
    text { fill: #f0f6fc; }
  }
"""
_ARROW_HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8"'
    ' orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>'
)
_SINKS = ("journal", "view", "alerts")
"""What only keeps and shows; nearly all tell them, so their ways are drawn faintly."""


def targets_by_source() -> dict[str, tuple[str, ...]]:
    """Return to whom each kind sends anything, from sources to sinks."""
    order = TOPOLOGY.order()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for edge in TOPOLOGY.edges:
        found[edge.source].add(edge.target)
    return {
        source: tuple(kind for kind in order if kind in found[source])
        for source in order
        if found[source]
    }


def mermaid() -> str:
    """Return the graph as a block that many viewers of Markdown draw."""

    def name(kind: str) -> str:
        return f'{kind.replace(".", "_")}["{kind}"]' if "." in kind else kind

    ways = [
        f"    {name(source)} --> {' & '.join(map(name, targets))}"
        for source, targets in targets_by_source().items()
    ]
    return "\n".join(["```mermaid", "flowchart LR", *ways, "```"])


def svg() -> str:
    """Return the graph as a picture: the actors in a row, with every arrow leading down."""
    rows = _rows()
    reach = _BEND + _BEND_EACH * len(rows)
    width = 2 * (_MARGIN + reach) + _BOX_WIDTH
    height = 2 * _MARGIN + _ROW_HEIGHT * (len(rows) - 1) + _BOX_HEIGHT
    left = _MARGIN + reach
    ways = [
        _way(left, rows[source], rows[target], is_tell=target in _SINKS)
        for source, targets in targets_by_source().items()
        for target in targets
    ]
    boxes = [_box(left, row, kind) for kind, row in rows.items()]
    size = f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<title id="title">{escape(_TITLE)}</title>',
        f"<style>{_STYLE}</style>",
        _ARROW_HEAD,
        *ways,
        *boxes,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _rows() -> dict[str, int]:
    """Return the row of each kind, from sources to sinks; who only keeps and shows comes last."""
    order = sorted(TOPOLOGY.order(), key=lambda kind: kind in _SINKS)
    return {kind: row for row, kind in enumerate(order)}


def _middle_of(row: int) -> int:
    return _MARGIN + row * _ROW_HEIGHT + _BOX_HEIGHT // 2


def _way(left: int, source: int, target: int, *, is_tell: bool) -> str:
    bend = (_BEND + _BEND_EACH * (target - source)) * 4 // 3
    x, to = (left, left - bend) if is_tell else (left + _BOX_WIDTH, left + _BOX_WIDTH + bend)
    y1, y2 = _middle_of(source) + _ASIDE, _middle_of(target) - _ASIDE
    kind = "way tell" if is_tell else "way"
    curve = f"M{x} {y1}C{to} {y1} {to} {y2} {x} {y2}"
    return f'<path class="{kind}" d="{curve}" marker-end="url(#head)"/>'


def _box(left: int, row: int, kind: str) -> str:
    top, middle = _middle_of(row) - _BOX_HEIGHT // 2, _middle_of(row) + 5
    return (
        f'<g><rect class="box" x="{left}" y="{top}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}"'
        f' rx="6"/><text x="{left + _BOX_WIDTH // 2}" y="{middle}">{escape(kind)}</text></g>'
    )
