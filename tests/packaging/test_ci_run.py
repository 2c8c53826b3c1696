"""What decides in CI: it brings a browser where it can, goes on where not, and runs the check.

Every command it may call is a script in a directory that is all of its PATH.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="a script for bash"
)

INSTALLS = '[ "$1" = update ] || { cp "$0" "${0%/*}/chromium"; cp "$0" "${0%/*}/chromedriver"; }'


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Return the only directory on PATH; what is in it notes that it was called."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    directory = tmp_path / "commands"
    directory.mkdir()
    for name in ("bash", "dirname", "cp"):
        (directory / name).symlink_to(shutil.which(name) or name)
    add(directory, "make", "exit 7")
    add(directory, "id", "echo 0")
    add(directory, "sleep")
    timeout = directory / "timeout"
    timeout.write_text(f'#!{shutil.which("bash")}\nshift; exec "$@"\n')
    timeout.chmod(0o755)
    return directory


def add(directory: Path, name: str, does: str = "") -> None:
    path = directory / name
    note = f'echo "{name} $*" >>"{directory.parent}/calls"'
    path.write_text(f"#!{shutil.which('bash')}\n{note}\n{does}\n")
    path.chmod(0o755)


def ci(commands: Path) -> tuple[int, str, list[str]]:
    """Return the exit code, what was printed, and which of the scripts were called."""
    (commands.parent / "calls").write_text("")
    done = subprocess.run(
        [str(commands / "bash"), str(commands.parent / ".ci/run")],
        env={"PATH": str(commands)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
        timeout=30,
    )
    calls = (commands.parent / "calls").read_text().splitlines()
    return (
        done.returncode,
        done.stdout,
        [call for call in calls if "chrom" in call or call[0] != "t"],
    )


def test_the_check_decides(commands: Path) -> None:
    code, _, calls = ci(commands)
    assert code == 7
    assert calls[-1] == "make check"


def test_a_browser_is_installed_once(commands: Path) -> None:
    add(commands, "apt-get", INSTALLS)

    _, printed, calls = ci(commands)
    assert "== browser: installed" in printed
    assert [call.split()[1] for call in calls if call.startswith("apt-get")] == [
        "update",
        "install",
    ]

    _, printed, calls = ci(commands)
    assert "== browser: there already" in printed
    assert calls == ["make check"]


def test_it_tries_again_then_says_what_will_be_skipped_and_goes_on(commands: Path) -> None:
    add(commands, "apt-get", "exit 100")
    code, printed, calls = ci(commands)
    assert sum(call.startswith("apt-get update") for call in calls) == 3
    assert [call for call in calls if "sleep" in call] == ["sleep 0", "sleep 5", "sleep 20"]
    assert "WILL BE SKIPPED" in printed
    assert code == 7


@pytest.mark.parametrize("who", ["not root", "no Debian"])
def test_it_installs_nothing_where_it_may_not(commands: Path, who: str) -> None:
    if who == "not root":
        add(commands, "apt-get", INSTALLS)
        add(commands, "id", "echo 1000")
    _, printed, calls = ci(commands)
    assert not [call for call in calls if call.startswith("apt-get")]
    assert "WILL BE SKIPPED" in printed
    assert calls[-1] == "make check"
