"""The wheel in an environment of its own, far from the checkout."""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_process import Daemon

ROOT = Path(__file__).parents[2]
DIST_VARIABLE = "RISK_ACTORS_DIST"
INSTALL_WITHIN_S = 240
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def run(*words: str | Path, cwd: Path) -> str:
    """Return what a command prints; fail with all of it when it does not end well."""
    done = subprocess.run(
        [*map(str, words)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=INSTALL_WITHIN_S,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


class InstalledDaemon(Daemon):
    """The installed command in an empty directory, with nothing said that has a default."""

    def __init__(self, environment_dir: Path, directory: Path) -> None:
        self.scripts = environment_dir / SCRIPTS
        self.data_dir = directory / "data"
        self._directory = directory
        self._arguments = ("--paper",)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PROJECT", "PYTHON", "RISK_ACTORS", "VIRTUAL_ENV", "COV_"))
        }
        self._environment = {**kept, "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}
        self.process: subprocess.Popen[str] | None = None
        self.output = ""

    def command(self, *words: str) -> list[str]:
        return [str(self.scripts / "risk-actors"), *words]

    def directories(self) -> tuple[str, ...]:
        return ()

    def client_of(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that has nothing to do with the running daemon."""
        return subprocess.run(
            self.command(*words),
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )

    def python(self, code: str) -> str:
        """Return what the environment's Python prints."""
        return subprocess.check_output(
            [str(self.scripts / "python"), "-c", code],
            cwd=self._directory,
            env=self._environment,
            encoding="utf-8",
        ).strip()


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the wheel and the source archive."""
    given = os.environ.get(DIST_VARIABLE)
    if given:
        return Path(given)
    into = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "tools.release", "build", "--into", into, cwd=ROOT)
    return into


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def environment_dir(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with the pinned packages and the wheel, and nothing else."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    # Compiled is only what is used.
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", place)
    install = (*pip, "install", "--quiet", "--no-compile")
    run(*install, "--require-hashes", "-r", ROOT / "requirements/run.txt", cwd=place)
    run(*install, "--no-deps", "--no-index", wheel, cwd=place)
    return place


@pytest.fixture(scope="session")
def daemon(
    environment_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InstalledDaemon]:
    """Return the installed daemon, started in an empty directory."""
    with InstalledDaemon(environment_dir, tmp_path_factory.mktemp("empty")) as daemon:
        assert list(daemon.data_dir.parent.iterdir()) == [daemon.data_dir]
        yield daemon
