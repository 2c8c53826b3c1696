"""The package's source as syntax trees, for the tests that judge it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import risk_actors

ROOT = Path(risk_actors.__file__).parent

type Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One file."""

    name: str
    """Dotted, without `risk_actors.`; empty for the package itself."""
    tree: ast.Module
    lines: int

    @property
    def package(self) -> str:
        """The part of the layout it belongs to: `core`, `messages`, `runtime`, …"""
        return self.name.split(".", maxsplit=1)[0]


def parsed(name: str, text: str) -> Module:
    """Return a module from its text."""
    return Module(name, ast.parse(text), text.count("\n") + 1)


def modules() -> list[Module]:
    """Return every module of the package."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found.append(parsed(".".join(parts), path.read_text(encoding="utf-8")))
    return found


def imports(module: Module) -> Iterator[str]:
    """Yield the dotted name of everything a module imports, wherever it does."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level + (node.module or "")
            else:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def is_within(name: str, package: str) -> bool:
    """Tell whether a dotted name is a package or something in it."""
    return name == package or name.startswith(package + ".")
