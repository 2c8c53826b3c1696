"""Files and functions that can be read in one go, and that say what they are."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, functions, modules, parsed

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70

LONG_FILES: dict[str, str] = {}
"""Module and why it may be longer."""
LONG_FUNCTIONS: dict[str, str] = {}
"""`module.function` and why it may be longer."""


def long_files(found: list[Module]) -> set[str]:
    return {module.name for module in found if module.lines > MAX_FILE_LINES}


def long_functions(found: list[Module]) -> set[str]:
    return {
        f"{module.name}.{function.name}"
        for module in found
        for function in functions(module.tree)
        if (function.end_lineno or 0) - function.lineno + 1 > MAX_FUNCTION_LINES
    }


def undocumented(module: Module) -> Iterator[str]:
    """Yield the module and its public classes that say nothing about themselves."""
    if ast.get_docstring(module.tree) is None:
        yield module.name
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            doc = ast.get_docstring(node)
            if doc is None or not doc.strip():
                yield f"{module.name}.{node.name}"


def test_no_file_is_longer_than_can_be_kept_in_mind() -> None:
    assert long_files(modules()) == set(LONG_FILES)


def test_no_function_is_longer_than_a_screen() -> None:
    assert long_functions(modules()) == set(LONG_FUNCTIONS)


def test_every_module_and_public_class_says_what_it_is() -> None:
    assert [name for module in modules() for name in undocumented(module)] == []


@pytest.mark.parametrize("extra", [0, 1])
def test_the_limits_are_where_they_say(extra: int) -> None:
    body = "    x = 1\n" * (MAX_FUNCTION_LINES - 1 + extra)
    function = parsed("planted", f"async def long():\n{body}")
    file = parsed("planted", "\n" * (MAX_FILE_LINES - 1 + extra))

    assert bool(long_functions([function])) is bool(extra)
    assert bool(long_files([file])) is bool(extra)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("x = 1", ["planted"]),
        ('"""Doc."""\nclass Public:\n    pass', ["planted.Public"]),
        ('"""Doc."""\nclass Public:\n    """Doc."""\n    class Inner: ...', ["planted.Inner"]),
        ('"""Doc."""\nclass _Private:\n    pass', []),
    ],
)
def test_what_says_nothing_about_itself_is_found(text: str, missing: list[str]) -> None:
    assert list(undocumented(parsed("planted", text))) == missing
