"""The command beside another one, and with nobody who reads what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[3]
SPEC = ROOT / "specs" / "max_trades.md"


def run(results: Path, *more: str, to: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    named = ("--spec", str(SPEC), "--results", str(results))
    return subprocess.run(
        [sys.executable, "tools/promote.py", *named, *more],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=to,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
        timeout=100,
    )


def test_two_of_one_specification_do_not_run_at_once(tmp_path: Path) -> None:
    directory = tmp_path / SPEC.stem
    directory.mkdir()
    with FileLock(directory / "promotion.lock"):
        second = run(tmp_path, "--rule", "max_trades", "--target", "staging", "--restart")
        status = run(tmp_path, "--status")

    assert second.returncode == 2
    assert "a promotion of max_trades is under way already" in second.stderr
    assert not (directory / "running.json").exists()
    assert status.returncode == 0


def test_a_reader_who_leaves_ends_nothing(tmp_path: Path) -> None:
    its_end, our_end = os.pipe()
    os.close(its_end)
    try:
        # Of another rule, so that it ends at the first stage.
        done = run(tmp_path, "--rule", "max_contracts", "--target", "staging", to=our_end)
    finally:
        os.close(our_end)

    assert (done.returncode, done.stderr) == (1, "")
    assert (tmp_path / SPEC.stem / "report.json").is_file()
