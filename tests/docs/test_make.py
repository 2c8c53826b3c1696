"""The Makefile and what starts the environment."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return tools/bootstrap.py as a module, at work in a project of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "requirements").mkdir()
    for name in ("requirements/run.txt", "requirements/dev.txt", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    return module


def test_the_pins_decide_when_the_environment_is_made_again(
    bootstrap: ModuleType, tmp_path: Path
) -> None:
    before = {kind: bootstrap.fingerprint(kind) for kind in ("run", "dev")}
    assert bootstrap.fingerprint("run") == before["run"]
    (tmp_path / "requirements/dev.txt").write_text("newer")
    assert bootstrap.fingerprint("run") == before["run"]
    assert bootstrap.fingerprint("dev") != before["dev"]
    (tmp_path / "pyproject.toml").write_text("newer")
    assert bootstrap.fingerprint("run") != before["run"]


@pytest.mark.skipif(os.name == "nt", reason="the fakes are shell scripts")
def test_a_python_that_does_not_start_or_is_too_old_is_passed_over(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, script in (("python3.14", "exit 127"), ("python3.13", "exit 1"), ("python3", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap.sys, "executable", str(tmp_path / "missing"))
    assert list(bootstrap.usable_pythons()) == [str(tmp_path / "python3")]


def test_without_python_it_says_how_to_get_it(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "VENV_PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(bootstrap, "candidates", lambda: iter([str(tmp_path / "missing")]))
    with pytest.raises(SystemExit, match=r"Python 3\.12 or newer"):
        bootstrap.make_environment("run")


def test_it_is_written_for_pythons_older_than_ours(bootstrap: ModuleType) -> None:
    import ast  # noqa: PLC0415

    source = (ROOT / "tools/bootstrap.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 8))


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(
        ["make"],  # noqa: S607  # whichever make there is
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
    )
    for target in ("install", "run", "test", "check", "fmt", "docs", "smoke", "soak", "trace"):
        assert f"make {target} " in done.stdout


def test_the_locks_pin_with_hashes_and_name_no_index() -> None:
    for name in ("run.txt", "dev.txt"):
        lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
        pins = [line for line in lines if "==" in line and not line.startswith((" ", "#"))]
        assert pins
        assert sum("--hash=sha256:" in line for line in lines) >= len(pins)
        assert not [
            line for line in lines if line.lstrip().startswith(("-i", "--index", "--extra"))
        ]
        assert "://" not in "\n".join(lines)
