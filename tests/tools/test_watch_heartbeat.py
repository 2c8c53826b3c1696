"""What a watcher outside of the process makes of the heartbeat file."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WELL = {"pid": 7, "healthy": True, "mode": "live", "armed": True, "phase": "armed", "wrong": []}


def watch(data_dir: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools/watch_heartbeat.py", "--data", data_dir, *more],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def leave(data_dir: Path, told: object, age_s: float = 0.0) -> None:
    path = data_dir / "heartbeat.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    at = time.time() - age_s
    os.utime(path, (at, at))


@pytest.mark.parametrize(
    ("told", "age_s", "code", "words"),
    [
        (WELL, 1, 0, "well: live, armed, phase armed"),
        ({**WELL, "armed": False}, 1, 0, "NOT ARMED"),
        (WELL, 31, 1, r"no sign of life for 3\d s; it was process 7"),
        (WELL, -3600, 1, "no sign of life"),
        ({**WELL, "healthy": False, "wrong": ["timer is stuck"]}, 1, 1, "timer is stuck"),
    ],
)
def test_it_judges_age_and_text(
    tmp_path: Path, told: object, age_s: float, code: int, words: str
) -> None:
    leave(tmp_path, told, age_s)

    done = watch(tmp_path)

    assert done.returncode == code
    assert re.search(words, done.stdout)


def test_a_file_that_is_no_json_is_not_well(tmp_path: Path) -> None:
    (tmp_path / "heartbeat.json").write_text("{", encoding="utf-8")

    assert watch(tmp_path).returncode == 1


def test_a_daemon_that_was_stopped_is_left_alone(tmp_path: Path) -> None:
    done = watch(tmp_path, "--", sys.executable, "-c", "print('started')")

    assert done.returncode == 2
    assert "started" not in done.stdout


@pytest.mark.parametrize(("age_s", "is_run"), [(1, False), (60, True)])
def test_the_command_is_run_only_when_it_is_not_well(
    tmp_path: Path, age_s: float, *, is_run: bool
) -> None:
    leave(tmp_path, WELL, age_s)

    done = watch(tmp_path, "--", sys.executable, "-c", "print('start' + 'ed after {pid}')")

    assert ("started after 7" in done.stdout) is is_run
