"""Whether something got slower than when the baseline was saved.

Machines differ, so that no time is compared: each figure is the time of our work in units of a
plain calculation's, measured in turn with it in the same run (see measure.py). Another version of
Python moves the two by different amounts, so that it needs a baseline of its own.
"""

import json
import os
import platform
from datetime import UTC, datetime
from statistics import median
from typing import Any

from workshop.files import FileError, read_json, write_json
from workshop.steady import Breaker, Transient, steadily

from quality.gate import Found, Verdict, verdict
from quality.project import TOOLS, NotRunError, Project

_TRIES = 3
ABOUT = (
    "Processor time of our work in units of a calibration loop that was measured in turn with it. "
    "Written by `python tools/gates.py --save-baseline`, judged by its gate `benchmark`."
)


_WHAT_TO_DO = (
    "find what did it: `make bench ARGS='--only core'`",
    "if it has to be so: `python tools/gates.py --save-baseline`",
)


def judge_benchmark(project: Project) -> Found:
    """Judge each figure; what is slower is measured again first, for it may have been the machine.

    Of several measurements the fastest of each figure counts: nothing but work makes it slower.
    """
    file = project.root / project.config.benchmark_baseline
    try:
        saved = read_json(file)
        before = {str(name): float(value) for name, value in saved["figures"].items()}
        python = str(saved["python"])
    except (FileError, KeyError, TypeError, ValueError, AttributeError) as error:
        return Found(Verdict.FAILED, f"no baseline: {error}", ("make one: `--save-baseline`",))
    if python != python_version():
        return Found(
            Verdict.SKIPPED, f"not judged: the baseline is of Python {python}, this another"
        )
    best: dict[str, float] = {}

    def measure() -> list[str]:
        for name, value in measured(project).items():
            best[name] = min(value, best.get(name, value))
        slower = slower_than(before, best, project.config.slower_at_most_percent)
        if slower:
            raise Transient("; ".join(slower))
        return slower

    try:
        slower = steadily(measure, breaker=Breaker(_TRIES), tries=_TRIES, sleep=project.sleep)
    except Transient:
        slower = slower_than(before, best, project.config.slower_at_most_percent)
    shown = ", ".join(f"{name} {change:+.0%}" for name, change in changes(before, best).items())
    return Found(
        verdict(not slower),
        shown or "nothing to compare",
        (*slower, *_WHAT_TO_DO) if slower else (),
        best,
    )


def changes(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    """Return by how much each figure is more than it was, as a share: 0.5 is half as much again."""
    return {name: now[name] / old - 1 for name, old in before.items() if name in now and old > 0}


def slower_than(before: dict[str, float], now: dict[str, float], percent: float) -> list[str]:
    """Return in words what is slower by more than that, or is not measured any more."""
    lost = [f"{name} is not measured any more" for name in before if name not in now]
    return lost + [
        f"{name} is {change:.0%} slower: {now[name]:.3g}, was {before[name]:.3g}"
        for name, change in changes(before, now).items()
        if change * 100 > percent
    ]


def measured(project: Project) -> dict[str, float]:
    """Run the measurement once and return its figures."""
    path = os.pathsep.join(filter(None, (str(TOOLS), os.environ.get("PYTHONPATH"))))
    done = project.run(*project.config.benchmark, environment={"PYTHONPATH": path})
    try:
        told: dict[str, Any] = json.loads(done.out)
        return {str(name): float(value) for name, value in told.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise NotRunError(f"the measurement said no figures: {done.err.strip()[-300:]}") from error


def save_baseline(project: Project) -> dict[str, float]:
    """Measure as the gate does and write what it is compared with later; return it."""
    runs = [measured(project) for _ in range(_TRIES)]
    middle = {name: median(run[name] for run in runs) for name in runs[0]}
    write_json(
        project.root / project.config.benchmark_baseline,
        {
            "about": ABOUT,
            "python": python_version(),
            "saved": datetime.now(UTC).date().isoformat(),
            "figures": {name: round(value, 4) for name, value in middle.items()},
        },
    )
    return middle


def python_version() -> str:
    """Return the version that figures belong to, such as `3.12`."""
    return ".".join(platform.python_version_tuple()[:2])
