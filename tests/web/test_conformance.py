"""Whoever builds on the description is not misled: Schemathesis asks a real guard what it allows.

For each operation it draws requests that the description permits and ones that it forbids, and
compares status, media type, headers and body of what comes back with what is described.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import schemathesis
from daemon_process import Daemon
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket
from tests.web.served import Served

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("conformance")]

type Serve = Callable[..., Served]
SEED = 7
MOST, MOST_WRONG = 15, 2
"""A wrong token takes a second, and Schemathesis tries one with each request."""
FEW = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TOKEN = "a-token-of-ours-0123456789"
ENDLESS, DESCRIPTION = "/api/events", "/openapi.json"
"""Asked by tests of their own."""
MORE_THAN_TOLD = {"/api/audit"}
"""Where parameters exclude each other, which a description cannot say: refused with 400."""
SERVED_WITHOUT_TOKEN = {
    *("/api/state", "/api/topology", "/api/events", "/api/history", "/api/curve", "/api/audit"),
    *("/api/run", "/api/panic", "/api/unlock", "/api/unlock/withdraw", "/api/disarm", "/api/arm"),
    *("/api/schema/messages", "/openapi.json", "/metrics", "/livez", "/readyz"),
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Start a guard of one account that holds something."""
    settings = SimulatorSettings(auto_prices=False, contract_date=date(2026, 11, 21))
    with SimulatorThread(settings) as sim:
        contract = sim.contract_id("MNQ")
        sim.set_price(contract, 25_000, 25_000.25, 25_000)
        sim.place(Ticket(account_id=101, contract_id=contract, side=Side.BUY, size=1))
        directory = tmp_path_factory.mktemp("described")
        with Daemon(directory, sim.environment, arguments=("--live",)) as guard:
            yield guard


def described(address: str, **headers: str) -> Any:
    """Return the description that a server gives of itself."""
    return schemathesis.openapi.from_url(
        f"{address}{DESCRIPTION}", headers=headers, config=SchemathesisConfig()
    )


def ask(operation: Any, headers: dict[str, str], most: int) -> int:
    """Ask one operation whatever may and may not be asked; return how often."""
    asked = 0
    told = operation.definition.raw
    unfit = [positive_data_acceptance] if operation.path in MORE_THAN_TOLD else []
    modes = list(schemathesis.GenerationMode)
    if not {"parameters", "requestBody"} & told.keys():
        # Where nothing can be said, nothing can be said wrongly.
        modes = [schemathesis.GenerationMode.POSITIVE]
    for mode in modes:

        @seed(SEED)
        @settings(FEW, max_examples=most)
        @given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=headers, timeout=10, excluded_checks=unfit)

        conforms()
    return asked


def test_a_guard_answers_all_that_it_describes_as_described(daemon: Daemon) -> None:
    address = daemon_address(daemon)
    schema = described(address)
    done: dict[str, int] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path != ENDLESS:
            done[operation.path] = ask(operation, {}, MOST)

    assert {*done, ENDLESS, DESCRIPTION} == SERVED_WITHOUT_TOKEN
    assert all(done.values())
    # Of all that was asked nothing did harm: it guards as before.
    state = daemon.state()
    assert (state["phase"], state["armed"]) == ("armed", True)
    assert daemon.get("/livez") == (200, {"alive": True})


def test_the_stream_is_as_described_too(daemon: Daemon) -> None:
    address = daemon_address(daemon)
    raw = described(address).raw_schema
    told = raw["paths"][ENDLESS]["get"]["responses"]["200"]
    answer_of_state = raw["paths"]["/api/state"]["get"]["responses"]["200"]
    schema = {
        **answer_of_state["content"]["application/json"]["schema"],
        "components": raw["components"],
    }

    with requests.get(address + ENDLESS, stream=True, timeout=10) as answer:
        line = next(answer.iter_lines())

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] in told["content"]
    assert line.startswith(b"data: {")
    state = json.loads(line.removeprefix(b"data: "))
    jsonschema.validate(state, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("kind", ["text/plain", "application/openmetrics-text"])
def test_the_figures_come_in_each_kind_that_is_described(daemon: Daemon, kind: str) -> None:
    address = daemon_address(daemon)
    told = described(address).raw_schema["paths"]["/metrics"]["get"]["responses"]["200"]

    answer = requests.get(f"{address}/metrics", headers={"Accept": kind}, timeout=10)

    assert answer.headers["Content-Type"].startswith(kind)
    assert kind in told["content"]
    assert "risk_actors_" in answer.text


def test_a_guard_with_a_token_answers_as_described_to_whoever_has_it(
    serve: Serve, tmp_path: Path
) -> None:
    served = serve(tmp_path, token=TOKEN)
    address = f"http://127.0.0.1:{served.port}"
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    schema = described(address, **bearer)

    for path in ("/login", "/api/state", "/metrics", "/livez"):
        for method in ("GET", "POST"):
            if method.lower() in schema.raw_schema["paths"].get(path, {}):
                assert ask(schema[path][method], bearer, MOST_WRONG)


def daemon_address(daemon: Daemon) -> str:
    """Return where a daemon serves."""
    address = json.loads((daemon.data_dir / "daemon.json").read_bytes())
    return f"http://{address['host']}:{address['port']}"
