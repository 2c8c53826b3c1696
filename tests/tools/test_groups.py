"""Tests that share what is dear, such as a daemon, stay together when many processes run them."""

import re
import subprocess
import sys
from pathlib import Path

GROUP = """
import pytest

pytestmark = pytest.mark.xdist_group("one")

@pytest.mark.parametrize("number", range(6))
def test_it(number):
    pass
"""


def test_a_group_runs_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUP)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=90,
    )

    assert done.returncode == 0, done.stdout
    ran = re.findall(r"\[(gw\d)\].*PASSED", done.stdout)
    assert len(ran) == 6
    assert len(set(ran)) == 1
