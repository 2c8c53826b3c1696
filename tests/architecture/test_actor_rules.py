"""How actors talk: by message alone, never waiting for one another."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, modules, parsed

ASKING = {"ask", "proxy", "defer"}
SILENT = ast.Pass | ast.Continue


def questions(module: Module) -> Iterator[str]:
    """Yield where code asks another actor and waits, by any of pykka's ways.

    A future's `get` takes at most a timeout; the `get` of a dictionary always takes its key.
    """
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = node.func.attr
        waits = name == "get" and not node.args and _is_future(node.func.value)
        times_out = name == "get" and any(k.arg == "timeout" for k in node.keywords)
        if name in ASKING or waits or times_out or name == "get_all":
            yield f"{module.name}:{node.lineno} .{name}("


def _is_future(value: ast.expr) -> bool:
    """Tell whether a `get()` without arguments may wait for an answer; queues are ours alone."""
    return not (isinstance(value, ast.Attribute) and value.attr == "_reports")


def registry_uses(module: Module) -> Iterator[str]:
    """Yield where code looks actors up in pykka's global registry."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute) and "ActorRegistry" in ast.unparse(node):
            yield f"{module.name}:{node.lineno} ActorRegistry"


def swallowed(module: Module) -> Iterator[str]:
    """Yield handlers that catch everything and do nothing."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        if broad and all(isinstance(step, SILENT) for step in node.body):
            yield f"{module.name}:{node.lineno} swallows every error"
        if node.type is None:
            yield f"{module.name}:{node.lineno} catches without saying what"


def in_packages(*packages: str) -> list[Module]:
    return [module for module in modules() if module.package in packages]


def test_no_actor_asks_another_and_waits() -> None:
    """Two that ask each other wait for ever (I6's cousin in time)."""
    found = in_packages("actors", "core", "runtime", "messages")

    assert len(found) > 30
    assert [problem for module in found for problem in questions(module)] == []


def test_nobody_looks_actors_up_in_the_global_registry() -> None:
    assert [problem for module in modules() for problem in registry_uses(module)] == []


def test_no_error_is_swallowed() -> None:
    assert [problem for module in modules() for problem in swallowed(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "ref.ask(message)",
        "ref.ask(message, block=False)",
        "self.other.proxy().reset()",
        "future.get()",
        "future.get(timeout=1)",
        "pykka.get_all(futures)",
        "ref.ask(message, block=False).get()",
    ],
)
def test_a_question_is_found(text: str) -> None:
    assert list(questions(parsed("actors.planted", text)))


@pytest.mark.parametrize("text", ["states.get(key)", "states.get(key, 0)", "self._reports.get()"])
def test_a_look_into_a_dictionary_or_our_own_queue_is_no_question(text: str) -> None:
    assert list(questions(parsed("actors.planted", text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    pass",
        "for x in y:\n    try:\n        f()\n    except BaseException:\n        continue",
        "try:\n    f()\nexcept:\n    report()",
    ],
)
def test_a_swallowed_error_is_found(text: str) -> None:
    assert list(swallowed(parsed("actors.planted", text)))


def test_an_expected_error_may_be_passed_over() -> None:
    text = "try:\n    f()\nexcept KeyError:\n    pass"

    assert list(swallowed(parsed("actors.planted", text))) == []


@pytest.mark.parametrize("text", ["ActorRegistry.stop_all()", "pykka.ActorRegistry.get_all()"])
def test_a_use_of_the_registry_is_found(text: str) -> None:
    assert list(registry_uses(parsed("actors.planted", text)))
