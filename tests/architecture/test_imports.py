"""Who may import whom, and what the pure core may not touch."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, imports, is_within, modules, parsed

ORDER = (
    "core",
    "messages",
    "runtime",
    "actors",
    "projectx",
    "store",
    "alerts",
    "simulator",
    "web",
    "app",
    "fuzz",
    "chaos",
    "watch",
    "cli",
    "__main__",
)
"""A module imports its own package and those before it; the package itself is for everybody."""

NEVER = {"simulator": {"actors", "projectx", "store"}}
"""The simulator stands for the broker: it must not know what watches it."""

IMPURE_MODULES = (
    "time",
    "threading",
    "asyncio",
    "logging",
    "loguru",
    "random",
    "secrets",
    "uuid",
    "os",
    "pathlib",
    "io",
    "socket",
    "sqlite3",
    "sqlite_utils",
    "subprocess",
    "urllib",
    "aiohttp",
    "pykka",
    "datetime.datetime.now",
)
CLOCK_CALLS = {"now", "utcnow", "today"}
IMPURE_CALLS = {"open", "print", "input"}


def misplaced_imports(module: Module) -> Iterator[str]:
    """Yield what a module imports from a package that comes after its own."""
    own = ORDER.index(module.package)
    for name in imports(module):
        if name.startswith("."):
            yield f"{module.name} imports {name}: write the whole name"
        if not name.startswith("risk_actors."):
            continue
        package = name.split(".")[1]
        if package in NEVER.get(module.package, ()):
            yield f"{module.name} must never import {name}"
        elif package in ORDER and ORDER.index(package) > own:
            yield f"{module.name} imports {name}, which comes after {module.package}"


def impurities(module: Module) -> Iterator[str]:
    """Yield what a module touches that is no argument of its functions."""
    for name in imports(module):
        if any(is_within(name, impure) for impure in IMPURE_MODULES):
            yield f"{module.name} imports {name}"
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in IMPURE_CALLS:
            yield f"{module.name}:{node.lineno} calls {called.id}()"
        if isinstance(called, ast.Attribute) and called.attr in CLOCK_CALLS:
            yield f"{module.name}:{node.lineno} calls .{called.attr}()"


def of_package(package: str) -> list[Module]:
    return [module for module in modules() if module.package == package]


def test_every_package_has_its_place_in_the_order() -> None:
    assert {module.package for module in modules()} - {""} == set(ORDER)


@pytest.mark.parametrize("package", ORDER)
def test_a_module_imports_its_own_package_and_those_before_it(package: str) -> None:
    found = of_package(package)

    assert found
    assert [problem for module in found for problem in misplaced_imports(module)] == []


def test_the_package_itself_imports_nothing_of_its_parts() -> None:
    (package,) = of_package("")

    assert [name for name in imports(package) if name.startswith("risk_actors")] == []


def test_the_core_is_pure() -> None:
    """No thread, clock, log, environment, randomness or I/O: `now` and ids are arguments."""
    found = of_package("core")

    assert len(found) > 10
    assert [problem for module in found for problem in impurities(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "from risk_actors.actors.rule import RuleActor",
        "import risk_actors.messages",
        "from risk_actors import messages as m",
        "def late():\n    from risk_actors.runtime.clock import Clock",
        "from ..actors import rule",
    ],
)
def test_an_import_from_a_later_package_is_found(text: str) -> None:
    assert list(misplaced_imports(parsed("core.rules.planted", text)))


def test_a_simulator_that_knows_the_actors_is_found() -> None:
    planted = parsed("simulator.planted", "from risk_actors.actors.rule import RuleActor")

    assert list(misplaced_imports(planted)) == [
        "simulator.planted must never import risk_actors.actors.rule.RuleActor"
    ]


def test_imports_of_earlier_packages_are_fine() -> None:
    text = "import time\nfrom risk_actors.core.lock import Lock\nfrom risk_actors import messages"

    assert list(misplaced_imports(parsed("actors.planted", text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "from threading import Lock",
        "import os.path",
        "from loguru import logger",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import date\ndate.today()",
        "def read():\n    return open('x')",
        "print('x')",
    ],
)
def test_what_is_not_pure_is_found(text: str) -> None:
    assert list(impurities(parsed("core.planted", text)))


def test_pure_code_is_not_complained_about() -> None:
    text = (
        "from datetime import UTC, datetime\nimport timeit_not\nx = datetime.fromtimestamp(0, UTC)"
    )

    assert list(impurities(parsed("core.planted", text))) == []
