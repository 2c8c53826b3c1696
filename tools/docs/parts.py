"""Every generated part of the documentation: where it stands and what it is made from."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from risk_actors.core.rules.reference import table_of_rules

from .marks import between
from .rules_page import index_of_rules, rules_in_full
from .settings_page import settings_in_full
from .topology_picture import mermaid, svg
from .words_of_code import table_of_alert_kinds, table_of_exit_codes


class Part(NamedTuple):
    """One generated part."""

    path: str
    """The file, from the repository's root."""
    about: str
    """What it is and what it comes from."""
    put: Callable[[str], str]
    """Takes the file's text and returns it with the part as it should be."""


def _whole(make: Callable[[], str]) -> Callable[[str], str]:
    """Return what replaces a file as a whole."""
    return lambda _: make()


PARTS = (
    Part(
        "README.md",
        "table of rules, from the rules' own files",
        between("table of rules", table_of_rules),
    ),
    Part("README.md", "who talks to whom, from the wiring", between("topology", mermaid)),
    Part(
        "docs/how_it_works.md", "who talks to whom, from the wiring", between("topology", mermaid)
    ),
    Part("docs/topology.svg", "the same as a picture, from the wiring", _whole(svg)),
    Part("docs/rules.md", "index of the rules", between("index", index_of_rules)),
    Part("docs/rules.md", "every rule, from its own file", between("rules", rules_in_full)),
    Part("docs/settings.md", "every key, from the structs", between("settings", settings_in_full)),
    Part(
        "docs/when_things_go_wrong.md",
        "kinds of alerts, from the code",
        between("alert kinds", table_of_alert_kinds),
    ),
    Part(
        "docs/when_things_go_wrong.md",
        "exit codes, from the code",
        between("exit codes", table_of_exit_codes),
    ),
)


def stale(root: Path) -> list[tuple[Part, str]]:
    """Return the parts that are not as their sources say, each with its file's text put right.

    Parts of one file build on each other, so that the last text of a file has all of them.
    """
    texts: dict[str, str] = {}
    found = []
    for part in PARTS:
        path = root / part.path
        if part.path not in texts:
            texts[part.path] = path.read_text(encoding="utf-8") if path.is_file() else ""
        wanted = part.put(texts[part.path])
        if wanted != texts[part.path]:
            found.append((part, wanted))
        texts[part.path] = wanted
    return found
