"""All gates, in the order in which they are judged: what is quick and usual first."""

from quality import plain
from quality.benchmark import judge_benchmark
from quality.complexity import judge_complexity
from quality.config import Config
from quality.gate import Gate
from quality.security import judge_secrets, judge_security
from quality.tests_gate import judge_coverage, judge_tests
from quality.vulnerabilities import judge_vulnerabilities


def _coverage_words(config: Config) -> str:
    groups = ", ".join(config.coverage_groups)
    return (
        f"at least {config.coverage_percent:g} % overall, {config.coverage_group_percent:g} %"
        f" of lines and of branches in {groups}"
    )


GATES = (
    Gate(
        "lint",
        lambda _: "no finding of ruff's",
        plain.judge_lint,
        lambda _: (("-m", "ruff", "check", "--fix", "--exit-zero", "--quiet"),),
    ),
    Gate(
        "format",
        lambda _: "every file as ruff formats it",
        plain.judge_format,
        lambda _: (("-m", "ruff", "format", "--quiet"),),
    ),
    Gate("types", lambda _: "no error of mypy's, strict", plain.judge_types),
    Gate("imports", lambda _: "the tests of the architecture pass", plain.judge_imports),
    Gate(
        "complexity",
        lambda config: (
            f"at most {config.complexity_at_most} ways through a function, maintainability of a"
            f" file at least {config.maintainability_at_least:g}"
        ),
        judge_complexity,
    ),
    Gate("security", lambda _: "no finding of bandit's without a reason", judge_security),
    Gate("secrets", lambda _: "nothing like a secret that nobody looked at", judge_secrets),
    Gate(
        "vulnerabilities",
        lambda config: f"none known of what {config.requirements} pins",
        judge_vulnerabilities,
    ),
    Gate(
        "benchmark",
        lambda config: f"at most {config.slower_at_most_percent:g} % slower than the baseline",
        judge_benchmark,
    ),
    Gate(
        "docs",
        lambda _: "every page as the code says",
        plain.judge_docs,
        lambda config: config.docs_fixes,
    ),
    Gate("tests", lambda _: "all pass", judge_tests),
    Gate("coverage", _coverage_words, judge_coverage),
)

NAMES = tuple(gate.name for gate in GATES)
