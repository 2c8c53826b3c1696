"""Reads pages of Markdown: their links, their headings' anchors, and the commands they tell."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
_LINK = re.compile(r"(?<!\\)\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*$")
_CELL = re.compile(r"^\| `(?P<command>[^`]+)` \|")
_INLINE = re.compile(r"`(?P<command>(?:risk-actors|make) [^`]+)`")
_SHELLS = ("sh", "console", "powershell", "bat")
_NOT_IN_AN_ANCHOR = re.compile(r"[^\w\- ]")
_OURS = re.compile(r"(?:\w+=\S+ )*(?:risk-actors|make)(?: |$)")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    lines: tuple[str, ...]


class Told(NamedTuple):
    """A command that a page tells one to type."""

    page: Path
    command: str


def pages_of(root: Path) -> list[Path]:
    """Return every page that is written for readers."""
    found = [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    more = ("CONTRIBUTING.md", "tests/scenarios/README.md", "tests/conformance/README.md")
    others = (root / name for name in (*more, "tools/grafana/README.md"))
    return [*found, *(path for path in others if path.is_file())]


def blocks_in(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, without the indent of their fence."""
    language, indent, lines = None, 0, list[str]()
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if language is None and fence is not None:
            language, indent, lines = fence["language"], len(fence["indent"]), []
        elif language is not None and fence is not None and not fence["language"]:
            yield Block(language, tuple(lines))
            language = None
        elif language is not None:
            lines.append(line[indent:])


def without_blocks(text: str) -> str:
    """Return a page without its fenced blocks."""
    kept, is_inside = [], False
    for line in text.splitlines():
        if _FENCE.match(line):
            is_inside = not is_inside
        elif not is_inside:
            kept.append(line)
    return "\n".join(kept)


def links_in(text: str) -> list[str]:
    """Return where the links and pictures of a page lead."""
    return [match["target"] for match in _LINK.finditer(without_blocks(text))]


def anchors_in(text: str) -> set[str]:
    """Return the anchors of a page's headings, as hosts of Git repositories make them."""
    seen: dict[str, int] = {}
    found = set()
    for line in without_blocks(text).splitlines():
        heading = _HEADING.match(line)
        if heading is None:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["text"])
        anchor = _NOT_IN_AN_ANCHOR.sub("", plain.lower()).replace(" ", "-")
        again = seen.get(anchor, 0)
        seen[anchor] = again + 1
        found.add(f"{anchor}-{again}" if again else anchor)
    return found


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands of a page's shell blocks, and those in the first cell of a table's row."""
    for block in blocks_in(text):
        joined = "\n".join(block.lines).replace("\\\n", "")
        for line in joined.splitlines():
            command = _bare(line)
            is_ours = _OURS.match(command) is not None
            if command and (block.language in _SHELLS or (not block.language and is_ours)):
                yield command
    for line in without_blocks(text).splitlines():
        cell = _CELL.match(line)
        if cell is not None and _OURS.match(cell["command"]):
            yield cell["command"]


def mentioned_in(text: str) -> set[str]:
    """Return the commands of ours that a page names within its sentences."""
    flat = " ".join(without_blocks(text).split())
    return {match["command"] for match in _INLINE.finditer(flat)}


def _bare(line: str) -> str:
    """Return a line of a block without prompt and comment; empty where nothing is left."""
    return re.sub(r"(^|\s)#.*$", "", line.removeprefix("$ ")).strip()
