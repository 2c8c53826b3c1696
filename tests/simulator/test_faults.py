"""Faults on request: what goes wrong, how often, and whether the command ran."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from risk_actors.simulator import Fault, Side, SimulatorSettings, SimulatorThread, Ticket

ACCOUNT = 101


def order_of(sim: SimulatorThread, mnq: str, **terms: Any) -> Any:
    return sim.place(Ticket(account_id=ACCOUNT, contract_id=mnq, side=Side.BUY, **terms))


def test_faults_happen_as_often_as_asked_and_say_whether_the_command_ran(
    sim: SimulatorThread, client: Any, mnq: Any
) -> None:
    order_of(sim, mnq, size=2)
    row = {"accountId": ACCOUNT, "contractId": mnq, "size": 1}
    partial = "Position/partialCloseContract"
    sim.inject(Fault(kind="status", endpoint=partial, status=503))
    sim.inject(Fault(kind="status", endpoint=partial, status=500, execute=True))
    sim.inject(Fault(kind="refuse", endpoint=partial, error_code=7))
    assert client.post(partial, **row)[0] == 503
    assert sim.size(ACCOUNT, mnq) == 2
    assert client.post(partial, **row)[0] == 500
    assert sim.size(ACCOUNT, mnq) == 1
    assert client.ask(partial, **row)["errorCode"] == 7
    assert client.ask(partial, **row)["success"]
    seen = [(r.status, r.executed, r.error_code) for r in sim.requests(partial)]
    assert seen == [(503, False, None), (500, True, None), (200, False, 7), (200, True, 0)]


def test_a_dropped_connection_may_have_executed_the_command(
    sim: SimulatorThread, client: Any, mnq: Any
) -> None:
    order_of(sim, mnq, size=1)
    sim.inject(Fault(kind="drop", endpoint="Position/closeContract", execute=True))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        client.post("Position/closeContract", accountId=ACCOUNT, contractId=mnq)
    assert sim.size(ACCOUNT, mnq) == 0


def test_a_request_that_is_never_answered_does_not_hold_up_the_stop(make_client: Any) -> None:
    with SimulatorThread() as sim:
        client = make_client(sim).login()
        sim.inject(Fault(kind="hang", endpoint="Account/search"))
        client._open.request(
            "POST", "/api/Account/search", "{}", {"Authorization": f"Bearer {client.token}"}
        )
        before = time.monotonic()
    assert time.monotonic() - before < 3
    client.close()


def test_faults_can_be_asked_for_over_http_only_when_control_is_on(
    make_client: Any, sim: SimulatorThread, client: Any
) -> None:
    order = json.dumps({"faults": [{"kind": "status", "endpoint": "Account/search"}]})

    def ask_control(running: SimulatorThread, body: str) -> int:
        open_ = http.client.HTTPConnection(urlsplit(running.api_url).netloc, timeout=10)
        open_.request("POST", "/control/faults", body)
        status = open_.getresponse().status
        open_.close()
        return status

    assert ask_control(sim, order) == 404
    with SimulatorThread(SimulatorSettings(control=True)) as controlled:
        other = make_client(controlled).login()
        assert ask_control(controlled, '{"fault": 1}') == 400
        assert ask_control(controlled, order) == 200
        assert other.post("Account/search", onlyActiveAccounts=True)[0] == 500
        other.close()


def test_a_late_answer_is_still_the_truth(sim: SimulatorThread, client: Any, mnq: str) -> None:
    order_of(sim, mnq, size=1)
    sim.inject(Fault(kind="delay", endpoint="Position/closeContract", delay_s=0.2))
    before = time.monotonic()
    assert client.ask("Position/closeContract", accountId=ACCOUNT, contractId=mnq)["success"]
    assert time.monotonic() - before >= 0.2


def test_every_control_reaches_the_faults() -> None:
    with SimulatorThread(SimulatorSettings(control=True)) as sim:
        open_ = http.client.HTTPConnection(urlsplit(sim.api_url).netloc, timeout=10)
        order = {
            "faults": [{"kind": "hang", "endpoint": "Order/cancel", "times": 3}],
            "drop_events": {"GatewayUserTrade": 2},
            "refuse_negotiate": {"hub": "market", "status": 502},
            "cut_hubs": "user",
        }
        for body, ids in ((order, [1, 2, 3, 4]), ({"clear": True}, []), (order, [5, 6, 7, 8])):
            open_.request("POST", "/control/faults", json.dumps(body))
            assert json.loads(open_.getresponse().read()) == {"ok": True, "ids": ids}
        open_.close()
        faults = sim.faults
        taken = sim.call(lambda: [faults.take("Order/cancel") is not None for _ in range(4)])
        assert taken == [True, True, True, False]
        assert sim.call(lambda: faults.take_negotiate("user")) is None
        assert sim.call(lambda: faults.take_negotiate("market")) == 502
        assert sim.call(lambda: [faults.take_drop("GatewayUserTrade") for _ in range(3)]) == [
            True,
            True,
            False,
        ]
