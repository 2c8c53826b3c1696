"""Which files of a project a Python file needs: what it imports, starts, and reads.

Found in the text alone, without running any of it, and rather too much than too little:

- every import, wherever it stands, and the packages around what is imported;
- a string that is a module's name (`python -m` is given one, and so is `import_module`);
- for a test, an import within a string (`python -c` is given such);
- where names are computed before they are imported, the whole package that they begin with;
- for a test, the `conftest.py` files above it;
- a file that is read: one whose name, or whose directory's name, is part of a string. Python files
  are found so only where their path is written out, or by a test that looks through directories;
- for a test, a file that fits a pattern (`*/test_*.py`) which is one of its strings.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

SOURCES = ("risk_actors", "tests", "tools")
SEARCHED = ("", "tests", "tests/system", "tools")
"""Where imports are looked for, as `pythonpath` and the tools have it."""
_LOOKS_THROUGH = frozenset({"glob", "rglob", "iterdir", "walk", "walk_packages", "iter_modules"})
_IMPORT = frozenset({"import_module", "__import__"})
_START_TOOLS = ("tools/", "tests/tools/")
_TAKE_PATHS = frozenset({"Path", "PurePosixPath", "joinpath", "open", "files", "glob", "rglob"})
_LIKE_A_PATH = re.compile(r"[\w.*-]*(?:/[\w.*-]+)+/?|[\w-]+\.\w{1,5}")
"""With a slash, or with what may be a file's suffix."""
_IMPORT_IN_STRING = re.compile(
    rf"\bfrom\s+((?:{'|'.join(SOURCES)})(?:\.\w+)*)\s+import\s+\(?([\w\s,]+)"
    rf"|\bimport\s+((?:{'|'.join(SOURCES)})(?:\.\w+)*)"
)
_PATTERN = re.compile(r"(?=.*\w)(?=.*\*)[^\s/][^\s]*")
"""Of files: with a star, and with something that names them."""
_TOO_COMMON = frozenset({"", ".", "..", "__init__.py"})


class Needs(NamedTuple):
    """What one Python file needs, as its text tells."""

    modules: frozenset[str]
    """Python files of the project."""
    words: frozenset[str]
    """Parts of its strings that may be names of files and directories."""
    looks_through: bool
    """Whether it lists directories."""
    packages_seen: frozenset[str]
    """Directories of the packages whose place it asks for."""
    patterns: frozenset[str] = frozenset()
    """Those of its strings that may be patterns of files."""


class Modules:
    """Finds the file of a module's name."""

    def __init__(self, files: Iterable[str]) -> None:
        """Take every Python file, those that were just deleted too."""
        self.files = frozenset(files)
        self._by_name: dict[str, set[str]] = {}
        for file in self.files:
            for root in SEARCHED:
                if root and not file.startswith(root + "/"):
                    continue
                inside = PurePosixPath(file[len(root) :].lstrip("/")).with_suffix("")
                parts = inside.parts[:-1] if inside.name == "__init__" else inside.parts
                self._by_name.setdefault(".".join(parts), set()).add(file)

    def of(self, name: str) -> set[str]:
        """Return the files of a dotted name and of the packages around it; none if not ours."""
        found = self._by_name.get(name)
        if not found:
            return set()
        around: set[str] = set()
        parts = name.split(".")
        for length in range(1, len(parts)):
            around |= self._by_name.get(".".join(parts[:length]), set())
        return found | around

    def imported(self, name: str) -> set[str]:
        """Return the files of `a.b.c`, where the last may be a module or a name inside of one."""
        while name:
            found = self.of(name)
            if found:
                return found
            name = name.rpartition(".")[0]
        return set()

    def started(self, name: str) -> set[str]:
        """Return the files of a name that may be given to `python -m`."""
        return self.of(name) | self.of(f"{name}.__main__")

    def below(self, package: str) -> set[str]:
        """Return every file of a package; none of no package."""
        if not package:
            return set()
        return {
            file
            for name, files in self._by_name.items()
            if name.startswith(package + ".")
            for file in files
        }


def needs_of(file: str, text: str, modules: Modules) -> Needs:
    """Return what a Python file needs."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        nodes = []
    found: set[str] = set()
    for name in _imports(nodes, file):
        found |= modules.imported(name)
    for string in _values(nodes):
        # A single word is too common to be taken for a tool's name everywhere.
        if "." in string.value or string.value in SOURCES or file.startswith(_START_TOOLS):
            found |= modules.started(string.value)
        if file.startswith("tests/"):
            found |= _imported_in(string.value, modules)
    found |= _computed(nodes, file, modules)
    found |= _conftests(file, modules)
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    if _is_shipped(file):
        found = {each for each in found if _is_shipped(each)}
    return Needs(
        modules=frozenset(found - {file}),
        words=frozenset(_words(nodes)),
        looks_through=bool(attributes & _LOOKS_THROUGH),
        packages_seen=frozenset(_packages_seen(nodes, modules)),
        patterns=frozenset(_patterns(nodes) if file.startswith("tests/") else ()),
    )


def _is_shipped(file: str) -> bool:
    return file.startswith("risk_actors/")


def _imports(nodes: Sequence[ast.AST], file: str) -> Iterator[str]:
    package = PurePosixPath(file).parent.parts
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join((*above, *([base] if base else [])))
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _imported_in(code: str, modules: Modules) -> set[str]:
    """Return the files that a string imports if it is Python; as its text is, broken or not."""
    found: set[str] = set()
    for match in _IMPORT_IN_STRING.finditer(code):
        base, names, plain = match.groups()
        found |= modules.imported(plain or base)
        for name in re.findall(r"\w+", names or ""):
            found |= modules.imported(f"{base}.{name}")
    return found


def _patterns(nodes: Sequence[ast.AST]) -> Iterator[str]:
    return (value for _, value in _values(nodes) if _PATTERN.fullmatch(value))


class _Value(NamedTuple):
    """A string that is a value, which those that only explain are not."""

    node: int
    value: str


def _values(nodes: Sequence[ast.AST]) -> list[_Value]:
    explain = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return [
        _Value(id(node), node.value)
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in explain
    ]


def _words(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Yield the parts of what looks like a path, or is joined to one."""
    joined = {
        id(node.right)
        for node in nodes
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    }
    joined |= {
        id(argument)
        for node in nodes
        if isinstance(node, ast.Call) and _called(node) in _TAKE_PATHS
        for argument in node.args
    }
    for node, value in _values(nodes):
        if node in joined or _LIKE_A_PATH.fullmatch(value):
            yield from (part for part in value.split("/") if part not in _TOO_COMMON)


def _computed(nodes: Sequence[ast.AST], file: str, modules: Modules) -> set[str]:
    """Return what may be imported by names that are put together while running."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            found |= modules.below(_begin(node))
        elif isinstance(node, ast.Call) and _called(node) in _IMPORT and node.args:
            name = node.args[0]
            if not isinstance(name, ast.Constant) and not _begin(name):
                found |= modules.below(".".join(PurePosixPath(file).parent.parts))
    return found


def _begin(node: ast.AST) -> str:
    """Return the package that a name begins with which is put together; empty if it is computed."""
    if isinstance(node, ast.JoinedStr) and node.values:
        first = node.values[0]
        if isinstance(first, ast.Constant) and str(first.value).endswith("."):
            return str(first.value).rstrip(".")
    return ""


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _conftests(file: str, modules: Modules) -> set[str]:
    if not file.startswith("tests/"):
        return set()
    above = (str(parent / "conftest.py") for parent in PurePosixPath(file).parents)
    return {conftest for conftest in above if conftest in modules.files}


def _packages_seen(nodes: Sequence[ast.AST], modules: Modules) -> Iterator[str]:
    """Yield the directories of packages whose `__file__` is asked for."""
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "__file__":
            for file in modules.of(ast.unparse(node.value)):
                yield str(PurePosixPath(file).parent)


def reads(reader: str, needs: Needs, file: str) -> bool:
    """Tell whether a Python file may read another file that it does not import.

    Args:
        reader: the Python file.
        needs: what its text tells.
        file: what it may read.
    """
    path = PurePosixPath(file)
    # What is shipped reads neither source code nor what is there for its tests.
    if _is_shipped(reader) and (
        path.suffix == ".py" or path.parts[0] in {"tests", "tools", "docs"}
    ):
        return False
    if path.name in needs.words or any(_fits(file, pattern) for pattern in needs.patterns):
        return True
    is_seen = any(file.startswith(directory + "/") for directory in needs.packages_seen)
    if path.suffix == ".py":
        # By its directory only where directories are gone through.
        return needs.looks_through and (is_seen or not needs.words.isdisjoint(path.parent.parts))
    own = [part for part in path.parent.parts if part not in SOURCES]
    return is_seen or not needs.words.isdisjoint(own)


def _fits(file: str, pattern: str) -> bool:
    """Tell whether a file's path, or its end, fits a pattern; a star stands for directories too."""
    return fnmatchcase(file, pattern) or fnmatchcase(file, f"*/{pattern}")


def closed(direct: Mapping[str, frozenset[str]], starts: Iterable[str]) -> set[str]:
    """Return everything that needs one of some files, through others too, and they themselves."""
    needed_by: dict[str, set[str]] = {}
    for file, needed in direct.items():
        for each in needed:
            needed_by.setdefault(each, set()).add(file)
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += needed_by.get(file, ())
    return found
