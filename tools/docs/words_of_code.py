"""Tables of words that the code defines, with what it says of each."""

import ast
import inspect
import textwrap
from collections.abc import Iterable
from enum import Enum

from risk_actors.actors.alert import AlertKind
from risk_actors.app.settings import ExitCode

_SELF_EXPLAINED = {
    AlertKind.LOCK: "A lock began.",
    AlertKind.SETTINGS: "Changed settings were taken or wait, or edited ones cannot be read.",
    ExitCode.OK: "It ended well.",
    ExitCode.FAULT: "A fault: something that should work did not.",
}
"""What a word means that its source leaves to speak for itself."""


def table_of_alert_kinds() -> str:
    """Return what each kind of alert is about, in Markdown."""
    rows = [(f"[`{kind}`](#{kind.value})", _meaning(kind)) for kind in AlertKind]
    return _table(("kind", "what it is about"), rows)


def table_of_exit_codes() -> str:
    """Return what each exit code says, in Markdown."""
    return _table(("code", "meaning"), [(str(int(code)), _meaning(code)) for code in ExitCode])


def texts_under(owner: type[Enum]) -> dict[str, str]:
    """Return the text under each member of an enumeration, by the member's name."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - it is a class's source
    texts: dict[str, str] = {}
    for node, text in zip(tree.body, tree.body[1:], strict=False):
        if not (isinstance(node, ast.Assign) and isinstance(text, ast.Expr)):
            continue
        target, said = node.targets[0], text.value
        if isinstance(target, ast.Name) and isinstance(said, ast.Constant):
            texts[target.id] = " ".join(str(said.value).split())
    return texts


def _meaning(word: Enum) -> str:
    """Return what a word means.

    Raises:
        KeyError: neither its source nor this file says it.
    """
    said = texts_under(type(word)).get(word.name)
    return said if said is not None else _SELF_EXPLAINED[word]  # type: ignore[index]


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles)]
    lines += [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join(lines)
