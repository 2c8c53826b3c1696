"""Links between pages: the file is there, and so is the heading."""

import re
from pathlib import Path

import pytest

from tools.docs.markdown import anchors_in, links_in, pages_of

ROOT = Path(__file__).parents[2]
NAMED = re.compile(
    r"`((?:risk_actors|tests|settings|tools|core|app|runtime|docs)/[\w./*]*\w(?:::\w+)?)`"
)
"""A file of ours within a sentence."""
OF_THE_WORKED_EXAMPLE = "max_instruments"
"""The rule that docs/writing_a_rule.md writes; its files are there in its own test only."""
LINKS = [
    (page.relative_to(ROOT).as_posix(), link)
    for page in pages_of(ROOT)
    for link in dict.fromkeys(links_in(page.read_text(encoding="utf-8")))
    if "://" not in link and not link.startswith("mailto:")
]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_every_link_leads_somewhere(page: str, link: str) -> None:
    file, _, anchor = link.partition("#")
    target = (ROOT / page).parent / file if file else ROOT / page

    assert target.exists()
    if anchor:
        assert anchor in anchors_in(target.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", pages_of(ROOT), ids=lambda page: page.name)
def test_every_file_of_ours_that_is_named_exists(page: Path) -> None:
    named = NAMED.findall(page.read_text(encoding="utf-8"))

    assert [each for each in named if not exists(each)] == []


def exists(name: str) -> bool:
    """Tell whether a path is there, from the root or from the package; `*` stands for any."""
    bare = name.partition("::")[0]
    bases = (ROOT, ROOT / "risk_actors", ROOT / "tests")
    return OF_THE_WORKED_EXAMPLE in bare or any(any(base.glob(bare)) for base in bases)


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {link.partition("#")[0] for link in links_in(index)}

    assert {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"} <= linked


def test_the_readme_leads_to_the_index() -> None:
    assert "docs/README.md" in links_in((ROOT / "README.md").read_text(encoding="utf-8"))


def test_anchors_are_made_as_hosts_make_them() -> None:
    text = "# A b\n## 001 `max_trades`\n## What's *this*, then?\n## A b\n```sh\n# no heading\n```\n"

    assert anchors_in(text) == {"a-b", "001-max_trades", "whats-this-then", "a-b-1"}
