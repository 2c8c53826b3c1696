"""The thresholds, and where things are: `[tool.gates]` in a project's pyproject.toml."""

import tomllib
from pathlib import Path

import msgspec

type Command = tuple[str, ...]
"""What Python is started with, from the project's directory."""


class WrongConfigError(Exception):
    """The thresholds cannot be read; the text says why."""


def _groups() -> dict[str, tuple[str, ...]]:
    return {
        "core": ("risk_actors/core/*",),
        "enforcer": ("risk_actors/actors/enforcer.py", "risk_actors/core/enforcement*"),
        "lockout": ("risk_actors/actors/lockout.py", "risk_actors/core/lock*"),
        "gateway": ("risk_actors/actors/gateway.py", "risk_actors/projectx/gateway.py"),
    }


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is judged, and by what. The defaults are this project's own."""

    sources: tuple[str, ...] = ("risk_actors", "tools")
    """Directories with code, for complexity and the security lint."""

    coverage_percent: float = 90.0
    """Of everything, lines and branches together."""
    coverage_group_percent: float = 95.0
    """Of each group below: of its lines, and of its branches."""
    coverage_groups: dict[str, tuple[str, ...]] = msgspec.field(default_factory=_groups)
    """What decides, commits and sends: patterns of files, `*` matches directories too."""

    complexity_at_most: int = 10
    """Ways through a function (McCabe)."""
    maintainability_at_least: float = 10.0
    """Of a file, 0 to 100; below 10 is radon's rank C: extremely hard to change safely."""

    secrets_baseline: str = ".secrets.baseline"
    """What looks like a secret and was looked at."""
    requirements: str = "requirements/run.txt"
    """The pins that are shipped."""

    benchmark: Command = ("-m", "quality.measure")
    """Prints one JSON object: figures by name, less is faster."""
    benchmark_baseline: str = "tools/quality/baseline.json"
    slower_at_most_percent: float = 20.0

    docs: tuple[Command, ...] = (
        ("-m", "tools.docs", "--check"),
        ("-m", "pytest", "-q", "--no-cov", "tests/docs"),
    )
    """Each fails when something in the documentation is not as the code says."""
    docs_fixes: tuple[Command, ...] = (("-m", "tools.docs"),)
    """Write what is generated anew."""
    imports: Command = ("-m", "pytest", "-q", "--no-cov", "tests/architecture")


def load_config(root: Path) -> Config:
    """Return a project's thresholds; the defaults where it sets none.

    Raises:
        WrongConfigError: the file is no TOML, or sets what there is not.
    """
    file = root / "pyproject.toml"
    if not file.is_file():
        return Config()
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("gates", {})
        return msgspec.convert(table, Config)
    except (OSError, ValueError) as error:
        raise WrongConfigError(f"{file.name}: {error}") from error
