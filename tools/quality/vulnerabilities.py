"""Known vulnerabilities of what is shipped, as pip-audit is told them.

It asks a database on the network. Where that cannot be reached nothing is known: the verdict is
`skipped`. pip-audit itself is satisfied when no pin at all could be looked up; this gate is not.
"""

import json
import re
from typing import Any

from workshop.steady import BreakerOpenError, Transient, steadily

from quality.gate import Found, Verdict, shortened
from quality.project import Done, NotRunError, Project

_ANSWER_WITHIN_S = 10
_UNKNOWN_SHOWN = 3
_NETWORK = re.compile(
    r"connection|connect to|timed? ?out|max retries|name resolution|proxy|unreachable|\b50[0-9]\b"
    r"|\b429\b|ssl",
    re.IGNORECASE,
)
"""Words of trouble that another try, or another place, may not have."""


def judge_vulnerabilities(project: Project) -> Found:
    """Judge the pins that are shipped."""
    pins = project.root / project.config.requirements
    if not pins.is_file():
        raise NotRunError(f"there is no {project.config.requirements}")

    def ask() -> Found:
        return judged(
            project.run(
                *("-m", "pip_audit", "-r", project.config.requirements, "--no-deps"),
                *("--disable-pip", "-f", "json", "--progress-spinner", "off"),
                *("--timeout", str(_ANSWER_WITHIN_S)),
            )
        )

    try:
        return steadily(ask, breaker=project.network, sleep=project.sleep)
    except (Transient, BreakerOpenError) as error:
        return Found(
            Verdict.SKIPPED,
            f"not judged, no network: {error}",
            ("run it where the network is: `python tools/gates.py --only vulnerabilities`",),
        )


def judged(done: Done) -> Found:
    """Return what an answer of pip-audit comes to.

    Raises:
        workshop.steady.Transient: the database could not be asked.
        NotRunError: something else is wrong.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(done.out)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        lines = [line for line in done.err.splitlines() if line.strip()]
        why = lines[-1] if lines else f"exit code {done.code} without a word"
        if _NETWORK.search(done.err):
            raise Transient(why[:200]) from error
        raise NotRunError(f"pip-audit: {why}") from error
    unknown = [row for row in rows if "skip_reason" in row]
    lines = [
        f"{row['name']} {row['version']}: {vulnerability['id']}"
        f" ({', '.join(vulnerability.get('aliases', [])) or 'no other name'}),"
        f" {_cure(vulnerability)}"
        for row in rows
        for vulnerability in row.get("vulns", [])
    ]
    figures = {"vulnerabilities": len(lines), "pins": len(rows) - len(unknown)}
    if lines:
        return Found(Verdict.FAILED, f"{len(lines)} known", shortened(lines), figures)
    if unknown or not rows:
        return Found(
            Verdict.SKIPPED,
            f"not judged: {len(unknown)} of {len(rows)} pins could not be looked up",
            tuple(row["skip_reason"] for row in unknown[:_UNKNOWN_SHOWN]),
        )
    return Found(Verdict.PASSED, f"none known of {len(rows)} pins", figures=figures)


def _cure(vulnerability: dict[str, Any]) -> str:
    fixed = vulnerability.get("fix_versions") or []
    return f"mended in {', '.join(fixed)}: raise the pin" if fixed else "no version without it yet"
