"""Sanity of credentials and events: by the simulator without credentials, and no secret is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from testing.sanity import default_symbol

from tests.tools.testing.conftest import ROOT

KEY = "a-key-that-nobody-may-see"
NOWHERE = {
    "PROJECT_X_USERNAME": "somebody",
    "PROJECT_X_API_KEY": KEY,
    "PROJECTX_API_URL": "http://127.0.0.1:9/api",
    "PROJECTX_USER_HUB_URL": "http://127.0.0.1:9/hubs/user",
    "PROJECTX_MARKET_HUB_URL": "http://127.0.0.1:9/hubs/market",
}
EMPTY = dict.fromkeys(NOWHERE, "")
"""Set to nothing they beat a `.env` file of whoever runs this."""


def sanity(directory: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools/testing/sanity.py", "--within", "45"],
        cwd=directory,
        env={**os.environ, **variables, "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=110,
    )


@pytest.mark.real_time
def test_without_credentials_the_simulator_is_asked(tmp_path: Path) -> None:
    done = sanity(tmp_path, EMPTY)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "asking the bundled simulator" in done.stdout
    assert "login       accepted" in done.stdout
    assert "market hub  quote_update" in done.stdout or "market hub  market_trade" in done.stdout
    assert "user hub    quiet" not in done.stdout


@pytest.mark.real_time
def test_with_credentials_the_broker_is_asked_and_no_secret_is_told(tmp_path: Path) -> None:
    wrong = sanity(tmp_path, {**EMPTY, "PROJECT_X_API_KEY": KEY})
    unreachable = sanity(tmp_path, NOWHERE)

    assert wrong.returncode == 2
    assert unreachable.returncode == 1
    assert "With credentials: asking http://127.0.0.1:9/api" in unreachable.stdout
    assert "FAILED: Could not log in" in unreachable.stdout
    told = wrong.stdout + wrong.stderr + unreachable.stdout + unreachable.stderr
    assert KEY not in told


@pytest.mark.parametrize(
    ("at_s", "symbol"), [(1_794_938_400, "MNQ"), (1_795_305_600, "MBT")], ids=["tuesday", "sunday"]
)
def test_a_market_is_chosen_that_trades(at_s: int, symbol: str) -> None:
    assert default_symbol(at_s * 1_000_000_000) == symbol
