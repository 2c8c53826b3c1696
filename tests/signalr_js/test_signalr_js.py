"""A client that nobody here wrote: Microsoft's SignalR client for JavaScript."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket

HERE = Path(__file__).parent
NODE, NPM = shutil.which("node"), shutil.which("npm")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("signalr_js"),  # what it installs is installed once
    pytest.mark.skipif(not (NODE and NPM), reason="node and npm are not on the PATH"),
]


@pytest.fixture(scope="module")
def client_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("signalr_js")
    for name in ("package.json", "client.mjs"):
        shutil.copy(HERE / name, place / name)
    quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    # Without a network it would wait a minute and more before it tries again.
    command = [str(NPM), "install", *quiet, "--fetch-retries=1", "--fetch-retry-maxtimeout=2000"]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=90, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm install did not end within 90 s (no network?)")
    if done.returncode:
        pytest.skip(f"npm install failed (no network?): {done.stderr.strip()[-300:]}")
    return place


@pytest.fixture
def sim() -> Iterator[SimulatorThread]:
    settings = SimulatorSettings(contract_date=date(2026, 11, 21), quote_interval_s=0.05)
    with SimulatorThread(settings) as running:
        yield running


def token_of(sim: SimulatorThread) -> str:
    body = json.dumps({"userName": "sim-trader", "apiKey": "sim-api-key"}).encode()
    request = Request(  # noqa: S310
        f"{sim.api_url}/Auth/loginKey", body, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=10) as answer:  # noqa: S310
        return str(json.load(answer)["token"])


@pytest.mark.parametrize("skip_negotiation", ["0", "1"])
def test_microsofts_client_receives_events_of_both_hubs(
    sim: SimulatorThread, client_dir: Path, skip_negotiation: str
) -> None:
    contract_id = sim.contract_id("MNQ")
    env = {
        **os.environ,
        "USER_HUB": sim.user_hub_url,
        "MARKET_HUB": sim.market_hub_url,
        "TOKEN": token_of(sim),
        "ACCOUNT": "101",
        "CONTRACT": contract_id,
        "SKIP_NEGOTIATION": skip_negotiation,
    }
    command = [str(NODE), "client.mjs"]
    with subprocess.Popen(
        command,
        cwd=client_dir,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as client:
        assert client.stdout is not None
        lines: list[dict[str, Any]] = []
        for line in client.stdout:
            lines.append(json.loads(line))
            if "ready" in lines[-1]:
                sim.place(Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=1))
        assert client.wait(timeout=30) == 0, lines
    events = {line["event"]: line["arguments"] for line in lines if "event" in line}
    assert events["GatewayQuote"][0] == contract_id
    assert events["GatewayUserOrder"][0]["data"]["contractId"] == contract_id
    (ready,) = [line for line in lines if "ready" in line]
    assert "No account 999" in ready["refusal"]
