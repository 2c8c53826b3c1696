"""What came of a promotion, as JSON and as one page."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from workshop.files import stamp, write_json
from workshop.page import Block, Heading, Output, Paragraph, Table, write_page

from promotion.results import STAGES, Results, StageResult

JSON_FILE, PAGE_FILE = "report.json", "report.html"
NOT_DONE = "not done"


def write_report(
    results: Results, name: str, rule_type: str, keys: Mapping[str, str], now: datetime
) -> None:
    """Write both files from what the stages left under their present keys."""
    kept = {stage: results.of(stage) for stage in STAGES}
    own = {s: result for s, result in kept.items() if result and result.key == keys[s]}
    told = {
        "specification": name,
        "rule": rule_type,
        "key": keys[STAGES[-1]],
        "written": now.astimezone(UTC).isoformat(timespec="seconds"),
        "reached": reached(list(own.values())),
        "stages": {stage: msgspec.to_builtins(result) for stage, result in own.items()},
    }
    write_json(results.directory / JSON_FILE, told)
    write_json(results.directory / "past" / f"{stamp(now)}.json", told)
    write_page(results.directory / PAGE_FILE, f"Promotion of {name}", _blocks(own, told))


def reached(passed: Sequence[StageResult]) -> str:
    """Return the last stage that was passed, with none before it left out."""
    names = {result.stage for result in passed if result.has_passed}
    last = "nothing"
    for stage in STAGES:
        if stage not in names:
            break
        last = stage
    return last


def status_rows(results: Results) -> list[tuple[str, str, str, str]]:
    """Return stage, verdict, when and sentence of each stage."""
    running = results.running()
    rows = []
    for stage in STAGES:
        result = results.of(stage)
        if running is not None and running.stage == stage:
            rows.append((stage, "interrupted", running.began, "under way, or broken off"))
        elif result is None:
            rows.append((stage, NOT_DONE, "", ""))
        else:
            rows.append((stage, result.verdict, result.began, result.sentence))
    return rows


def _blocks(own: dict[str, StageResult], told: dict[str, Any]) -> list[Block]:
    blocks: list[Block] = [
        Paragraph(f"Rule {told['rule']}; key {told['key']}; written {told['written']}."),
        Paragraph(f"Reached: {told['reached']}."),
        Table(
            ["stage", "verdict", "began", "took (s)", "what"],
            [_row(stage, own.get(stage)) for stage in STAGES],
            verdict_column=1,
        ),
    ]
    for stage, result in own.items():
        blocks.append(Heading(stage))
        blocks.append(Paragraph(result.sentence))
        if result.problems:
            blocks.append(Table(["what stops it"], [[problem] for problem in result.problems]))
        if result.notes:
            blocks.append(Table(["to know"], [[note] for note in result.notes]))
        blocks += _figures(result)
    return blocks


def _row(stage: str, result: StageResult | None) -> list[object]:
    if result is None:
        return [stage, NOT_DONE, "", "", ""]
    return [stage, result.verdict, result.began, f"{result.took_s:.1f}", result.sentence]


def _figures(result: StageResult) -> list[Block]:
    """Return the figures that a person wants to see; all of them stand in the JSON."""
    blocks: list[Block] = []
    for part in ("scenarios", "soak"):
        facts = result.facts.get(part)
        if result.stage == "staging" and isinstance(facts, dict):
            rows = [
                [f"{part}: {name.replace('_', ' ')}", _cell(fact)] for name, fact in facts.items()
            ]
            blocks.append(Table(["figure", "value"], rows))
    days = result.facts.get("days")
    if result.stage == "production" and isinstance(days, list):
        rows = [
            [
                day["day"],
                "passed" if day["counts"] else "does not count",
                day["watched_s"],
                day["fills"],
                day["unknown_s"],
                "; ".join(f"{d['at']} {d['text']} ({d['decision']})" for d in day["decisions"]),
                day["why_not"],
            ]
            for day in days
        ]
        headers = ["day", "verdict", "watched (s)", "fills", "unknown (s)", "found", "why not"]
        blocks.append(Table(headers, rows, verdict_column=1))
    if result.facts:
        text = json.dumps(msgspec.to_builtins(result.facts), indent=2, ensure_ascii=False)
        blocks.append(Output(f"All that {result.stage} found", text))
    return blocks


def _cell(fact: Any) -> str:
    if fact is None:
        return "-"
    return f"{fact:g}" if isinstance(fact, float) else str(fact)


def paths(directory: Path) -> tuple[Path, Path]:
    """Return where the report lies."""
    return directory / JSON_FILE, directory / PAGE_FILE
