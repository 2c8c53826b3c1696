"""Developer tools are run as their users do; parts of them are loaded as modules."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

type RunTool = Callable[..., subprocess.CompletedProcess[str]]
type LoadTool = Callable[[str], ModuleType]


@pytest.fixture
def run_tool() -> RunTool:
    """Run `tools/NAME.py` with arguments."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "tools" / f"{name}.py"), *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=100,
        )

    return run


@pytest.fixture
def load_tool(monkeypatch: pytest.MonkeyPatch) -> LoadTool:
    """Load `tools/NAME.py` as a module, with what it imports from beside it."""

    def load(name: str) -> ModuleType:
        monkeypatch.syspath_prepend(ROOT / "tools")
        spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load
