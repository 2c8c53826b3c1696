"""CHANGELOG.md in the form of Keep a Changelog: read, checked and brought forward. Pure."""

import re
from collections import Counter
from datetime import date
from typing import NamedTuple

UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""The headings under which a change may stand, in the order in which they come."""

_ENTRY = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<day>\S+))?\s*$")
_ANY_ENTRY = re.compile(r"^## ")
_KIND = re.compile(r"^### (?P<kind>.+?)\s*$")


class ReleaseError(Exception):
    """A release cannot be made; the text says why and what to do."""


class Entry(NamedTuple):
    """What one version changed."""

    name: str
    """The version, or `Unreleased`."""
    day: date | None
    line: int
    """Counted from 1."""
    notes: str
    """The text under the heading, without blank lines around it."""


def entries(text: str) -> list[Entry]:
    """Return the entries, the newest first.

    Raises:
        ReleaseError: with every fault of the form, each with its line.
    """
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _ANY_ENTRY.match(line)]
    faults: list[str] = []
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        heading = _ENTRY.match(lines[start])
        if heading is None:
            faults.append(f"line {start + 1}: write `## [1.2.3] - 2026-01-31`: {lines[start]}")
            continue
        name, day = heading["name"], _day(heading["day"])
        if (name == UNRELEASED) != (heading["day"] is None) or (heading["day"] and day is None):
            faults.append(f"line {start + 1}: a version has a day, `{UNRELEASED}` has none")
        body = lines[start + 1 : end]
        faults += [
            f"line {start + 2 + number}: `{kind['kind']}` is none of {', '.join(KINDS)}"
            for number, line in enumerate(body)
            if (kind := _KIND.match(line)) and kind["kind"] not in KINDS
        ]
        found.append(Entry(name, day, start + 1, "\n".join(body).strip()))
    names = [entry.name for entry in found]
    faults += [
        f"`{name}` has {count} entries" for name, count in Counter(names).items() if count > 1
    ]
    if UNRELEASED in names and names[0] != UNRELEASED:
        faults.append(f"`{UNRELEASED}` comes first")
    days = [entry.day for entry in found if entry.day is not None]
    if days != sorted(days, reverse=True):
        faults.append("the newest version comes first")
    if faults:
        raise ReleaseError("CHANGELOG.md: " + "; ".join(faults))
    return found


def notes_of(text: str, version: str) -> str:
    """Return what a version changed.

    Raises:
        ReleaseError: there is no such entry, or it says nothing.
    """
    found = {entry.name: entry for entry in entries(text)}
    if version not in found:
        raise ReleaseError(f"CHANGELOG.md has no entry `## [{version}] - DAY`")
    if not found[version].notes:
        raise ReleaseError(f"CHANGELOG.md says nothing about {version}")
    return found[version].notes


def released(text: str, version: str, day: date) -> str:
    """Return the text in which what was unreleased is a version, under a new empty heading.

    Raises:
        ReleaseError: nothing is unreleased, or the version is there already.
    """
    found = {entry.name: entry for entry in entries(text)}
    if version in found:
        raise ReleaseError(f"CHANGELOG.md has {version} already")
    unreleased = found.get(UNRELEASED)
    if unreleased is None or not unreleased.notes:
        raise ReleaseError(f"nothing stands under `## [{UNRELEASED}]` in CHANGELOG.md")
    lines = text.splitlines(keepends=True)
    lines[unreleased.line - 1] = f"## [{UNRELEASED}]\n\n## [{version}] - {day.isoformat()}\n"
    return "".join(lines)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None
