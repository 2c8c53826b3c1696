"""The command line of the gates."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from workshop.files import FileError, write_json

from quality import report
from quality.benchmark import save_baseline
from quality.catalogue import GATES, NAMES
from quality.config import Config, WrongConfigError, load_config
from quality.gate import Gate, Verdict
from quality.project import NotRunError, Project
from quality.run import as_json, judge, mend, summed, without_skip

OK, FAILED, WRONG_USAGE = 0, 1, 2
ROOT = Path(__file__).resolve().parents[2]
_WIDTH = 140
"""Of the table where there is no terminal to say so."""


def main(arguments: list[str], description: str) -> int:
    """Return the exit code."""
    parser = _parser(description)
    asked = parser.parse_args(arguments)
    root: Path = asked.root.resolve()
    if not root.is_dir():
        parser.error(f"{asked.root} is no directory")
    try:
        config = load_config(root)
    except WrongConfigError as error:
        parser.error(str(error))
    gates = _chosen(parser, asked.only, asked.skip)
    if asked.list:
        _list(gates, config)
        return OK
    project = Project(root, config)
    if asked.save_baseline:
        return _save(project)
    return _run(gates, project, asked)


def _parser(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/gates.py",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = f"of {', '.join(NAMES)}"
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help=names)
    parser.add_argument("--skip", nargs="+", metavar="NAME", default=[], help="all but these")
    parser.add_argument("--no-skips", action="store_true", help="what was not judged has failed")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended, then judge")
    parser.add_argument("--list", action="store_true", help="say which gates there are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the run here too")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page here too")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="another project")
    parser.add_argument(
        "--save-baseline",
        action="store_true",
        help="measure, and compare later runs of the gate `benchmark` with that",
    )
    return parser


def _chosen(parser: argparse.ArgumentParser, only: list[str], skip: list[str]) -> tuple[Gate, ...]:
    """Return the gates that are asked for; names may be divided by commas too."""
    wanted, unwanted = (
        [name for word in words for name in word.split(",") if name] for words in (only, skip)
    )
    for name in (*wanted, *unwanted):
        if name not in NAMES:
            parser.error(f"there is no gate `{name}`; there are {', '.join(NAMES)}")
    chosen = tuple(
        gate for gate in GATES if (not wanted or gate.name in wanted) and gate.name not in unwanted
    )
    if not chosen:
        parser.error("no gate is left to judge")
    return chosen


def _list(gates: tuple[Gate, ...], config: Config) -> None:
    for gate in gates:
        print(f"{gate.name:<16} {gate.threshold(config)}")


def _save(project: Project) -> int:
    try:
        figures = save_baseline(project)
    except (NotRunError, FileError) as error:
        print(error)
        return FAILED
    for name, value in figures.items():
        print(f"{value:8.2f}  {name}")
    print(f"Written to {project.config.benchmark_baseline}")
    return OK


def _run(gates: tuple[Gate, ...], project: Project, asked: argparse.Namespace) -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    if asked.fix:
        mend(gates, project, lambda line: print(line, flush=True))
    began = datetime.now(UTC)
    judged = []
    for gate in gates:
        print(f"== {gate.name} ...", flush=True)
        found = judge(gate, project)
        judged.append(without_skip(found) if asked.no_skips else found)
        print(f"== {gate.name}: {judged[-1].verdict.value}", flush=True)
    run = summed(began.isoformat(timespec="seconds"), judged)
    report.show(run, console)
    try:
        kept = report.keep(run, project.root, began)
        if asked.json is not None:
            write_json(asked.json, as_json(run))
        if asked.html is not None:
            report.write_html(run, project.root, asked.html)
    except FileError as error:
        print(error)
        return FAILED
    print(f"Page: {kept.relative_to(project.root).as_posix()}")
    return FAILED if run.verdict is Verdict.FAILED else OK
