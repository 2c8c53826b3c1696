"""Measure how fast it is, and compare: `make bench`.

    python -m tools.bench [--only PART ...] [--quick | --full] [--rounds N] [--json FILE]
                          [--baseline FILE [--fail]]

Each figure is a ratio of what runs in turn on this machine, or says what it is. The parts run one
after another, each in a process of its own; one that fails is shown as not measured. Exit codes: 0
measured (targets missed too), 1 with `--fail` when something is slower than in the baseline by more
than 20 %, 2 wrong usage.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from .baseline import Saved, load, save, saved, slower
from .figures import Terms
from .machine import in_words, machine
from .parts import ROOT, part_names, run_part
from .table import show, show_slower

ROUNDS = 5
RESULT = ROOT / "build" / "bench.json"


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    asked = _parser().parse_args(arguments)
    baseline = _baseline(asked.baseline)
    terms = Terms(
        rounds=asked.rounds or (1 if asked.quick else ROUNDS),
        is_quick=asked.quick,
        is_full=asked.full,
    )
    console = Console()
    began, it = datetime.now(UTC).isoformat(timespec="seconds"), machine()
    console.print(in_words(it), highlight=False, markup=False)
    if (it["load"] or 0) > it["cores"] / 2:
        console.print("Something else keeps this machine busy: the figures will be noisy.")
    if terms.is_quick:
        console.print("A quick run: it shows that the benchmark works; its figures mean little.")
    outcomes = []
    for name in asked.only or part_names():
        with console.status(f"measuring {name} ..."):
            outcomes.append(run_part(name, terms))
        # Half an hour of measuring is not lost when it is ended before the last part.
        run = saved(began, it, terms, outcomes)
        save(run, asked.json)
    show(outcomes, console)
    console.print(f"Written to {asked.json}", markup=False, highlight=False)
    if baseline is None:
        return 0
    if baseline.machine.get("cpu") != it["cpu"]:
        console.print("The baseline is another machine's: only ratios compare.")
    found = slower(baseline, run)
    show_slower(found, str(asked.baseline), console)
    return 1 if found and asked.fail else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench", description=str(__doc__).split("\n", maxsplit=1)[0]
    )
    names = part_names()
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="PART", help=f"of {', '.join(names)}"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="a smoke run of the benchmark itself")
    length.add_argument("--full", action="store_true", help="with ten idle minutes")
    parser.add_argument("--rounds", type=_count, help=f"of each comparison, {ROUNDS} without it")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the run is written")
    parser.add_argument("--baseline", type=Path, help="a run to compare with")
    parser.add_argument(
        "--fail", action="store_true", help="exit with 1 when something is slower than there"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, not `{text}`")
    return int(text)


def _baseline(file: Path | None) -> Saved | None:
    if file is None:
        return None
    try:
        return load(file)
    except (OSError, ValueError) as error:
        print(f"make bench: error: no baseline in {file}: {error}", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
