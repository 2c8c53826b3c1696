"""The page on metrics: its table is what is exported, and its alerts ask for what there is."""

import re
from pathlib import Path

from tests.web.metrics_full import scrape_of_everything

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
OURS = "risk_actors_"


def table() -> str:
    """Return the table as it must stand on the page."""
    scraped = scrape_of_everything()
    labels = scraped.labels_of()
    lines = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for name, family in sorted(scraped.families.items()):
        if not name.startswith(OURS):
            continue
        is_counter, is_histogram = family.type == "counter", family.type == "histogram"
        shown = f"{name}_total" if is_counter else name
        of = labels[f"{name}_count" if is_histogram else shown]
        words = ", ".join(f"`{label}`" for label in sorted(of))
        lines.append(f"| `{shown}` | {family.type} | {words} | {family.documentation} |")
    return "\n".join(lines) + "\n"


def test_the_table_is_what_is_exported() -> None:
    assert PAGE.split("<!-- metrics: begin -->\n")[1].split("<!-- metrics: end -->")[0] == table()


def test_the_alerts_ask_for_what_is_exported() -> None:
    exported = scrape_of_everything().labels_of()
    asked = re.findall(r"expr: (.*)", PAGE)
    assert len(asked) >= 5
    for expression in asked:
        names = re.findall(rf"{OURS}\w+", re.sub(r"\{[^}]*\}", "", expression))
        assert names
        assert set(names) <= set(exported)
