"""Take a new or changed rule from its specification to enforcement.

    python tools/promote.py --spec specs/NAME.md --rule TYPE --target staging|production

Stages: specification, tests, gates, staging, production; specs/README.md explains each, and how
to write a specification. Every stage leaves its result under test_reports/promotion/NAME, so that
a promotion that was interrupted goes on at the stage it was in; what was changed begins anew. The
last stage writes the change of the settings for you to accept: the settings are never touched.
Exit codes: 0 the target is reached, 1 a stage is not passed, 2 wrong usage, 130 interrupted.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from loguru import logger
from promotion import places
from promotion.config import WrongConfigError, read_config

INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    places.use_tests()
    logger.disable("risk_actors")
    # They need what was just put on the path.
    from promotion.course import TARGETS, Course, Wanted  # noqa: PLC0415
    from promotion.production import Trader  # noqa: PLC0415
    from promotion.report import paths, reached, status_rows, write_report  # noqa: PLC0415
    from promotion.results import Results  # noqa: PLC0415

    if not asked.spec.is_file():
        parser.error(f"{asked.spec} is not there; write it as specs/README.md says")
    results = Results(asked.results / asked.spec.stem)
    if asked.status:
        for stage, verdict, at, sentence in status_rows(results):
            print(f"{stage:<14} {verdict:<12} {at:<26} {sentence}".rstrip())
        return 0
    if asked.rule is None or asked.target is None:
        parser.error("--rule and --target are needed (or --status)")
    try:
        config = read_config(asked.config)
    except WrongConfigError as error:
        parser.error(str(error))
    if asked.restart:
        results.forget()
    reviewed = asked.data / "reviewed.toml" if asked.reviewed is None else asked.reviewed
    trader = Trader(asked.settings, asked.data, reviewed, asked.id)
    wanted = Wanted(asked.spec, asked.rule, asked.target, config, trader)
    course = Course(wanted, results, lambda line: print(line, flush=True))
    try:
        done = course.run()
    except KeyboardInterrupt:
        print("Interrupted; the same command goes on at this stage", flush=True)
        return INTERRUPTED
    write_report(results, asked.spec.stem, asked.rule, course.key, datetime.now(UTC))
    print(f"Report: {' and '.join(map(places.shown, paths(results.directory)))}")
    if len(done) == len(TARGETS[asked.target]) and done[-1].has_passed:
        print(f"Reached: {asked.target}")
        return 0
    print(f"STOPPED at {done[-1].stage}; reached: {reached(done)}")
    return 1


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
    sys.exit(main(sys.argv[1:]))
