"""Gates that a tool's own exit code decides."""

import re

from quality.gate import Found, last_of, shortened, verdict
from quality.project import Done, Project

LINT = ("-m", "ruff", "check", "--output-format", "concise")
FORMAT = ("-m", "ruff", "format", "--check", "--output-format", "concise")
TYPES = ("-m", "mypy", "--strict", "--no-error-summary")
_UNFORMATTED = ": unformatted:"
_PROBLEM = re.compile(r"^\S+?:\d+(?::\d+)?: ")


def judge_lint(project: Project) -> Found:
    """Judge by ruff's rules, as pyproject.toml chooses them."""
    done = project.run(*LINT)
    findings = [line for line in done.out.splitlines() if _PROBLEM.match(line)]
    return _found(done, findings, "findings", "`--fix` mends what ruff can mend by itself")


def judge_format(project: Project) -> Found:
    """Judge whether ruff would format anything otherwise."""
    done = project.run(*FORMAT)
    files = [line.partition(":")[0] for line in done.out.splitlines() if _UNFORMATTED in line]
    return _found(done, files, "files to format", "`--fix` formats them")


def judge_types(project: Project) -> Found:
    """Judge by mypy, strict whatever the project sets."""
    done = project.run(*TYPES)
    errors = [line for line in done.out.splitlines() if ": error:" in line]
    return _found(done, errors, "errors")


def _found(done: Done, lines: list[str], noun: str, *cure: str) -> Found:
    """Return the verdict of a tool's exit code, with the lines that say what is wrong where."""
    figures = {noun.partition(" ")[0]: len(lines)}
    if done.code == 0:
        return Found(verdict(True), f"no {noun}", figures=figures)
    advice = shortened(lines) or last_of(done.text)
    return Found(verdict(False), f"{len(lines)} {noun}", (*cure, *advice), figures)


def judge_imports(project: Project) -> Found:
    """Judge who imports whom, and what the pure core touches: the tests of the architecture."""
    done = project.run(*project.config.imports)
    if done.code == 0:
        return Found(verdict(True), "every import is in order")
    return Found(
        verdict(False),
        "not in order",
        (
            "import only from the package itself and those before it (tests/architecture)",
            *last_of(done.text),
        ),
    )


def judge_docs(project: Project) -> Found:
    """Judge whether what is generated is as its sources say, and whether examples work."""
    commands = project.config.docs
    failed: list[str] = []
    for command in commands:
        done = project.run(*command)
        if done.code:
            failed += [f"{' '.join(command)}:", *(f"  {line}" for line in last_of(done.text))]
    if not failed:
        return Found(verdict(True), f"{len(commands)} checks agree")
    return Found(verdict(False), "not in step", ("`--fix` writes what is generated anew", *failed))
