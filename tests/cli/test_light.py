"""A command that only says something answers at once: what is heavy is not imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from risk_actors import simulator
from risk_actors.core.rules.examples import example_of

HEAVY = (
    "project_x_py",
    "polars",
    "pandas",
    "numpy",
    "aiohttp",
    "apprise",
    "requests",
    "sqlite_utils",
    "rich",
    "msgspec",
)
"""Each takes longer to import than the whole help takes to be shown."""
ASKED = """
import sys
from risk_actors.cli.main import main
try:
    main({arguments!r}, prog_name="risk-actors")
finally:
    print("imported:", *sorted(sys.modules), file=sys.stderr)
"""


def imported_for(*arguments: str) -> tuple[int, set[str]]:
    """Return the exit code of a command and the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", ASKED.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    line = next(each for each in done.stderr.splitlines() if each.startswith("imported:"))
    return done.returncode, set(line.split()[1:])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        *((name, "--help") for name in ("run", "check", "doctor", "init", "service")),
        ("service", "install", "--help"),
    ],
)
def test_what_is_heavy_is_not_imported_to_help(arguments: tuple[str, ...]) -> None:
    code, modules = imported_for(*arguments)
    assert code == 0
    assert not modules & {*HEAVY, "http.client", "asyncio"}


def test_check_does_not_import_what_only_a_guard_needs(tmp_path: Path) -> None:
    (tmp_path / "risk.toml").write_text(example_of("daily_loss_limit"), encoding="utf-8")
    code, modules = imported_for(
        "check", "--settings", str(tmp_path), "--data", str(tmp_path / "data")
    )
    assert code == 0
    assert not modules & {"project_x_py", "polars", "aiohttp"}


def test_every_name_of_the_simulator_is_where_it_is_said_to_be() -> None:
    assert all(getattr(simulator, name) is not None for name in simulator.__all__)
    with pytest.raises(AttributeError, match="no attribute"):
        getattr(simulator, "Simulator")  # noqa: B009 - there is none


def test_the_package_alone_imports_nothing_else() -> None:
    code = "import sys; was = set(sys.modules); import risk_actors; print(*set(sys.modules) - was)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["risk_actors"]
