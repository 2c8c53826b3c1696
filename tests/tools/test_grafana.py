"""The Grafana dashboard loads, and asks for nothing that is not exported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.metrics_full import scrape_of_everything

DIRECTORY = Path(__file__).parents[2] / "tools" / "grafana"
FILE = DIRECTORY / "risk_actors.json"
SELECTOR = re.compile(r"(?P<name>\b(?:risk_actors|process)_\w+)(?:\{(?P<matchers>[^}]*)\})?")
MATCHER = re.compile(r'\s*(?P<label>\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*')
WORDS = frozenset({"by", "histogram_quantile", "increase", "label_values", "le", "rate", "sum"})
OF_PROMETHEUS = frozenset({"instance", "job"})
"""Labels that Prometheus itself puts on what it scrapes."""


@pytest.fixture(scope="module")
def board() -> dict[str, Any]:
    board = json.loads(FILE.read_text(encoding="utf-8"))
    assert isinstance(board, dict)
    return board


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """By sample that is exported, its labels."""
    scraped = scrape_of_everything()
    labels = scraped.labels_of()
    for family in scraped.families.values():
        if family.type == "histogram":
            labels[f"{family.name}_bucket"].add("le")
    return labels


def queries(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each expression, and what its series are called."""
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"], target["legendFormat"]
    for note in board["annotations"]["list"]:
        if "expr" in note:
            yield note["expr"], note["textFormat"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"], ""


def is_balanced(expression: str) -> bool:
    open_ones: list[str] = []
    for sign in re.sub(r'"(?:[^"\\]|\\.)*"', "", expression):
        if sign in "([{":
            open_ones.append(sign)
        elif sign in ")]}" and (not open_ones or open_ones.pop() + sign not in ("()", "[]", "{}")):
            return False
    return not open_ones


def problems(expression: str, legend: str, exported: dict[str, set[str]]) -> Iterator[str]:
    """Yield what is wrong with a query; a simple check, made for the queries that are there."""
    if not is_balanced(expression):
        yield "brackets"
    known: set[str] = set()
    for found in SELECTOR.finditer(expression):
        name = found["name"]
        if name not in exported:
            yield f"{name} is not exported"
            continue
        labels = exported[name] | OF_PROMETHEUS
        known |= labels
        for matcher in filter(None, (found["matchers"] or "").split(",")):
            parsed = MATCHER.fullmatch(matcher)
            if parsed is None or parsed["label"] not in labels:
                yield f"{matcher} does not fit {name}"
    if not known:
        yield "no metric"
    kept = {
        label.strip()
        for by in re.findall(r"\bby \(([^)]*)\)", expression)
        for label in by.split(",")
    }
    for label in kept - known:
        yield f"by {label}, which it has not"
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    for label in shown - ((kept or known) - {"le"}):
        yield f"the legend shows {label}, which it has not"
    rest = re.sub(r'"[^"]*"|\[[^\]]*\]', "", SELECTOR.sub("", expression))
    for word in set(re.findall(r"[A-Za-z_]+", rest)) - WORDS - kept - OF_PROMETHEUS:
        yield f"{word} is not known"


def test_every_query_asks_for_what_is_exported_by_its_labels(
    board: dict[str, Any], exported: dict[str, set[str]]
) -> None:
    asked = list(queries(board))
    assert len(asked) > 30
    wrong = {
        expression: found
        for expression, legend in asked
        if (found := list(problems(expression, legend, exported)))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("expression", "legend"),
    [
        ("risk_actors_breeches_total", ""),
        ('risk_actors_breaches_total{account="1"}', ""),
        ("sum by (order) (risk_actors_breaches_total)", ""),
        ("sum by (rule) (risk_actors_breaches_total)", "{{mode}}"),
        ("sum(risk_actors_breaches_total", ""),
        ("sume(risk_actors_breaches_total)", ""),
        ('risk_actors_breaches_total{rule="a}', ""),
    ],
)
def test_the_check_finds_what_is_wrong(
    expression: str, legend: str, exported: dict[str, set[str]]
) -> None:
    assert list(problems(expression, legend, exported))


def test_nearly_everything_exported_is_shown(
    board: dict[str, Any], exported: dict[str, set[str]]
) -> None:
    asked = {name for expression, _ in queries(board) for name in re.findall(r"\w+", expression)}
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported}
    ours = {name for name in ours if name.startswith("risk_actors_")}
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked} & ours
    assert len(shown) > len(ours) / 2


def test_it_has_what_grafana_needs_to_load_it(board: dict[str, Any]) -> None:
    assert board["id"] is None, "Grafana gives it one"
    assert board["title"]
    assert board["uid"]
    assert board["schemaVersion"] >= 39
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    variables = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]\w*)", FILE.read_text(encoding="utf-8")))
    assert used == variables
    for panel in board["panels"]:
        assert panel["type"] in {"row", "stat", "timeseries"}
        for target in panel.get("targets", ()):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_no_panel_lies_on_another_or_sticks_out(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_readme_beside_it_says_how_to_load_it() -> None:
    page = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert FILE.name in page
    assert "/metrics" in page
