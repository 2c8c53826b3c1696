"""The fingerprint of what is promoted: specification, the rule's source, settings; and of the rest.

A result counts only under the key it was made with: a rule that was changed begins again. What the
specification says can be held against the rule alone. From the tests on, all of the checkout has a
part in what comes of a stage: the rest of the program, the tests, the tools that judge.
"""

import ast
import hashlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from promotion.config import Config
from promotion.places import ROOT
from risk_actors.core.rules import RuleSettings, catalogue

_JUDGED = ("risk_actors", "tests", "tools")
_CORE = ROOT / "risk_actors" / "core"


def key_of(spec: Path, rule_type: str, config: Config, settings: RuleSettings | None) -> str:
    """Return the key as hexadecimal digits.

    Args:
        spec: the specification's file.
        rule_type: the rule; one that is not in the catalogue has no source yet.
        config: what the promotion is measured by.
        settings: of the trader's rule, None where there are none; its mode does not count.
    """
    digest = hashlib.sha256(spec.read_bytes())
    for source in sources_of(rule_type):
        digest.update(source.read_bytes())
    digest.update(msgspec.json.encode(config))
    if settings is not None:
        told = {**msgspec.to_builtins(settings), "mode": None}
        digest.update(msgspec.json.encode(told, order="sorted"))
    return digest.hexdigest()[:16]


def checkout_of(root: Path) -> str:
    """Return the fingerprint of code, tests and tools, whether git knows the files or not."""
    digest = hashlib.sha256()
    for path in sorted(_checkout_files(root)):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _checkout_files(root: Path) -> Iterator[Path]:
    yield from root.glob("pyproject.toml")
    for directory in _JUDGED:
        for ending in ("*.py", "*.toml"):
            yield from filter(Path.is_file, (root / directory).rglob(ending))


def sources_of(rule_type: str) -> list[Path]:
    """Return the rule's file and whatever of the core it is made of, sorted."""
    rule = catalogue().get(rule_type)
    if rule is None:
        return []
    found: set[Path] = set()
    waiting = [Path(inspect.getfile(rule)).resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            module = sys.modules.get(name)
            file = getattr(module, "__file__", None)
            if file is not None and Path(file).resolve().is_relative_to(_CORE):
                yield Path(file).resolve()
