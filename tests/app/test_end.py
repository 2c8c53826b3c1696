"""A process that was told to end does, also when something in it does not come back."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no SIGTERM: os.kill ends the process at once"
)

HANGS = """
import os, signal, threading
from risk_actors.app import daemon
daemon.END_WITHIN_S = 0.3
with daemon._signals() as stop:
    stop.arm()
    os.kill(os.getpid(), signal.SIGTERM)
    stop.event.wait()
    threading.Event().wait({seconds})
"""


def end_of(seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HANGS.format(seconds=seconds)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_an_end_that_hangs_is_ended_hard_and_said() -> None:
    ended = end_of(60)

    assert ended.returncode == 1
    assert "the orderly end took longer than" in ended.stderr


def test_an_orderly_end_is_left_alone() -> None:
    ended = end_of(0)

    assert (ended.returncode, ended.stderr) == (0, "")
