"""Take a new or changed rule from its specification to enforcement.

    python tools/promote.py --spec specs/NAME.md --rule TYPE --target staging|production

Stages: specification, tests, gates, staging, production; specs/README.md explains each, and how
to write a specification. Every stage leaves its result under test_reports/promotion/NAME, so that
a promotion that was interrupted goes on at the stage it was in. What was changed begins anew: the
tests, and what follows them, with any change of risk_actors, tests or tools. One promotion of a
specification runs at a time. The last stage writes the change of the settings for you to accept:
the settings are never touched.
Exit codes: 0 the target is reached, 1 a stage is not passed, 2 wrong usage or one is under way
already, 130 interrupted.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from loguru import logger
from promotion import places
from promotion.config import WrongConfigError, read_config
from testing.unbroken import outlive_reader

if TYPE_CHECKING:
    from promotion.course import Wanted
    from promotion.results import Results

INTERRUPTED = 130
LOCK_FILE = "promotion.lock"


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    places.use_tests()
    logger.disable("risk_actors")
    # They need what was just put on the path.
    from promotion.course import Wanted  # noqa: PLC0415
    from promotion.production import Trader  # noqa: PLC0415
    from promotion.report import status_rows  # noqa: PLC0415
    from promotion.results import Results  # noqa: PLC0415

    if not asked.spec.is_file():
        parser.error(f"{asked.spec} is not there; write it as specs/README.md says")
    results = Results(asked.results / asked.spec.stem)
    if asked.status:
        for stage, verdict, at, sentence in status_rows(results):
            _say(f"{stage:<14} {verdict:<12} {at:<26} {sentence}".rstrip())
        return 0
    if asked.rule is None or asked.target is None:
        parser.error("--rule and --target are needed (or --status)")
    try:
        config = read_config(asked.config)
    except WrongConfigError as error:
        parser.error(str(error))
    reviewed = asked.data / "reviewed.toml" if asked.reviewed is None else asked.reviewed
    trader = Trader(asked.settings, asked.data, reviewed, asked.id)
    wanted = Wanted(asked.spec, asked.rule, asked.target, config, trader)
    results.directory.mkdir(parents=True, exist_ok=True)
    try:
        # Of a process that was killed nothing is held any more.
        with FileLock(results.directory / LOCK_FILE, timeout=0):
            if asked.restart:
                results.forget()
            return _promote(wanted, results)
    except Timeout:
        parser.error(f"a promotion of {asked.spec.stem} is under way already; see --status")
    except KeyboardInterrupt:
        _say("Interrupted; the same command goes on at this stage")
        return INTERRUPTED


def _promote(wanted: "Wanted", results: "Results") -> int:
    """Go as far as it goes, and return the exit code."""
    from promotion.course import TARGETS, Course  # noqa: PLC0415
    from promotion.report import paths, reached, write_report  # noqa: PLC0415

    course = Course(wanted, results, _say)
    done = course.run()
    name = wanted.spec.stem
    write_report(results, name, wanted.rule_type, course.keys, datetime.now(UTC))
    _say(f"Report: {' and '.join(map(places.shown, paths(results.directory)))}")
    if len(done) == len(TARGETS[wanted.target]) and done[-1].has_passed:
        _say(f"Reached: {wanted.target}")
        return 0
    _say(f"STOPPED at {done[-1].stage}; reached: {reached(done)}")
    return 1


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spec", type=Path, required=True, help="specs/NAME.md")
    parser.add_argument("--rule", metavar="TYPE", help="the type that settings name it with")
    parser.add_argument("--target", choices=("staging", "production"))
    parser.add_argument("--status", action="store_true", help="say how far it is, and end")
    parser.add_argument("--restart", action="store_true", help="begin at the first stage")
    parser.add_argument("--config", type=Path, default=places.CONFIG, help="specs/promotion.toml")
    parser.add_argument("--results", type=Path, default=places.REPORTS, help="where results go")
    parser.add_argument("--settings", type=Path, default=places.SETTINGS, help="yours")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where your risk.db lies")
    parser.add_argument("--reviewed", type=Path, help="reviewed.toml, beside risk.db by default")
    parser.add_argument("--id", help="the rule, where there are several of its type")
    return parser


if __name__ == "__main__":
    outlive_reader()
    sys.exit(main(sys.argv[1:]))
