"""What REST answers while something is wrong, and that it is right again afterwards."""

import http.client
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket
from risk_actors.simulator.faults import (
    BlockAccount,
    ClockSkew,
    ExpireTokens,
    Fault,
    Halt,
    HideSuspended,
    PriceGap,
    RefuseConnections,
    RepeatRows,
    ShortTokens,
    SilenceQuotes,
    SliceFills,
    Stale,
    StopTrading,
)
from risk_actors.simulator.records import Bracket, OrderType

ACCOUNT = 101
CLOSE = "Position/closeContract"


def buy(sim: SimulatorThread, mnq: str, size: int = 1, **terms: Any) -> Any:
    return sim.place(Ticket(account_id=ACCOUNT, contract_id=mnq, side=Side.BUY, size=size, **terms))


def raw(sim: SimulatorThread, client: Any, endpoint: str, **body: Any) -> tuple[str, bytes]:
    open_ = http.client.HTTPConnection(urlsplit(sim.api_url).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {client.token}"}
    open_.request("POST", f"/api/{endpoint}", json.dumps(body), headers)
    answer = open_.getresponse()
    assert answer.status == 200
    content = answer.read()
    open_.close()
    return answer.headers.get_content_type(), content


def sizes(client: Any) -> list[int]:
    rows = client.ask("Position/searchOpen", accountId=ACCOUNT)["positions"]
    return [row["size"] for row in rows]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("garbage", b"\x00\xff{]"),
        ("empty", b""),
        ("list", b"[]"),
        ("null", b"null"),
        ("no_success", b'{"positions":[]}'),
        ("truncated", b'{"positions":[],"success":t'),
    ],
)
def test_a_body_is_not_what_is_due(
    sim: SimulatorThread, client: Any, body: Any, expected: bytes
) -> None:
    sim.inject(Fault(kind="body", body=body, endpoint="Position/searchOpen"))
    kind, content = raw(sim, client, "Position/searchOpen", accountId=ACCOUNT)
    assert kind == "application/json"
    assert content == expected or (body == "truncated" and content.startswith(b'{"positions"'))
    assert sizes(client) == []


def test_a_proxys_page_is_html(sim: SimulatorThread, client: Any) -> None:
    sim.inject(Fault(kind="body", body="html", endpoint="Account/search"))
    kind, content = raw(sim, client, "Account/search")
    assert kind == "text/html"
    assert b"<html>" in content


@pytest.mark.parametrize(("execute", "size"), [(False, 1), (True, 0)])
def test_a_garbled_answer_to_a_command_may_have_executed_it(
    sim: SimulatorThread, client: Any, mnq: str, *, execute: bool, size: int
) -> None:
    buy(sim, mnq)
    sim.inject(Fault(kind="body", body="truncated", endpoint=CLOSE, execute=execute))
    raw(sim, client, CLOSE, accountId=ACCOUNT, contractId=mnq)
    assert sim.size(ACCOUNT, mnq) == size


def test_a_refusal_has_the_endpoints_fields_and_a_text(
    sim: SimulatorThread, client: Any, make_client: Any
) -> None:
    text = "7027: market is reserved"
    sim.inject(Fault(kind="refuse", endpoint=CLOSE, error_code=5, message=text, for_s=60))
    sim.inject(Fault(kind="refuse", endpoint="Auth/loginKey", error_code=3))
    row = client.ask(CLOSE, accountId=ACCOUNT, contractId="x")
    assert row == {"success": False, "errorCode": 5, "errorMessage": text}
    other = make_client(sim)
    login = other.ask("Auth/loginKey", userName="sim-trader", apiKey="sim-api-key")
    assert login == {"token": None, "success": False, "errorCode": 3, "errorMessage": None}
    assert other.login().token
    other.close()


def test_the_ping_fails_with_everything_else(sim: SimulatorThread, client: Any) -> None:
    sim.inject(Fault(kind="status", status=503, for_s=600))
    assert client.post("Account/search")[0] == 503
    client._open.request("GET", "/api/Status/ping")
    answer = client._open.getresponse()
    answer.read()
    assert answer.status == 503
    sim.clear_faults()
    sim.inject(Fault(kind="body", body="null", endpoint="Status/ping"))
    assert client.ping() == (200, None)
    assert client.ping() == (200, "pong")


def test_reads_are_stale_by_changes_or_by_age(
    sim: SimulatorThread, client: Any, mnq: str, eventually: Any
) -> None:
    buy(sim, mnq, 3)
    eventually(lambda: sizes(client) == [3])
    (stale_id,) = sim.inject(Stale(reads=("positions",), changes=9, for_s=60))
    assert sizes(client) == []
    assert client.ask("Trade/search", accountId=ACCOUNT)["trades"]
    sim.call(lambda: sim.faults.heal(stale_id))
    assert sizes(client) == [3]
    sim.inject(Stale(age_s=3_600, times=3))
    assert sizes(client) == []
    assert client.ask("Trade/search", accountId=ACCOUNT)["trades"] == []
    (account,) = client.ask("Account/search", onlyActiveAccounts=False)["accounts"]
    assert account["balance"] == 50_000
    assert sizes(client) == [3]


def test_stale_orders_are_those_of_then(sim: SimulatorThread, client: Any, mnq: str) -> None:
    order = buy(sim, mnq, type=OrderType.LIMIT, limit_price=90)
    sim.cancel(ACCOUNT, order.id)
    assert client.ask("Order/searchOpen", accountId=ACCOUNT)["orders"] == []
    sim.inject(Stale(reads=("orders",), changes=1))
    (row,) = client.ask("Order/searchOpen", accountId=ACCOUNT)["orders"]
    assert (row["id"], row["status"]) == (order.id, 1)


def test_a_position_is_listed_twice(sim: SimulatorThread, client: Any, mnq: str) -> None:
    buy(sim, mnq, 2)
    sim.inject(RepeatRows())
    assert sizes(client) == [2, 2]
    assert sizes(client) == [2]


def test_suspended_legs_can_be_hidden_everywhere(
    sim: SimulatorThread, client: Any, mnq: str
) -> None:
    leg = Bracket(ticks=-20, type=OrderType.STOP)
    entry = buy(sim, mnq, type=OrderType.LIMIT, limit_price=90, stop_loss=leg)
    asked = {"filter": {"accountId": ACCOUNT, "statuses": [1, 8]}}
    assert len(client.ask("Order/v2/query", **asked)["orders"]) == 2
    (hidden,) = sim.inject(HideSuspended())
    assert [o["id"] for o in client.ask("Order/v2/query", **asked)["orders"]] == [entry.id]
    assert len(client.ask("Order/search", accountId=ACCOUNT)["orders"]) == 1
    sim.call(lambda: sim.faults.heal(hidden))
    assert len(client.ask("Order/v2/query", **asked)["orders"]) == 2


def test_the_clock_is_off_while_it_lasts(sim: SimulatorThread, client: Any, mnq: str) -> None:
    def ahead_s() -> float:
        client._open.request("GET", "/api/Status/ping")
        answer = client._open.getresponse()
        answer.read()
        return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()

    ids = sim.inject(ClockSkew(ahead_s=-300), ClockSkew(ahead_s=100))
    assert -203 < ahead_s() < -199
    order = buy(sim, mnq)
    assert -201 < order.created_ns / 1e9 - time.time() < -199
    sim.call(lambda: sim.faults.heal(*ids))
    assert -2 < ahead_s() < 1


def test_all_tokens_expire_now_and_a_new_login_helps(sim: SimulatorThread, client: Any) -> None:
    sim.inject(ExpireTokens())
    assert client.post("Account/search")[0] == 401
    client.token = None
    client.login()
    assert client.post("Account/search")[0] == 200


def test_tokens_can_be_short_lived(sim: SimulatorThread, client: Any, eventually: Any) -> None:
    (short,) = sim.inject(ShortTokens(lifetime_s=0.2))
    assert client.post("Account/search")[0] == 200
    old, client.token = client.token, None
    client.login()
    eventually(lambda: client.post("Account/search")[0] == 401)
    client.token = old
    assert client.post("Account/search")[0] == 200
    sim.call(lambda: sim.faults.heal(short))
    client.token = None
    assert client.login().post("Account/search")[0] == 200


def test_nobody_listens_for_a_while(
    sim: SimulatorThread, make_client: Any, eventually: Any
) -> None:
    client = make_client(sim).login()
    sim.inject(RefuseConnections(for_s=0.6))

    def outcome() -> str:
        other = make_client(sim)
        try:
            return str(other.ping()[0])
        except ConnectionRefusedError:
            return "refused"
        except (ConnectionError, http.client.HTTPException):
            return "reset"
        finally:
            other.close()

    assert eventually(lambda: outcome() == "refused")
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        eventually(lambda: client.ping()[0] != 200)
    assert eventually(lambda: outcome() == "200")
    client.close()


def test_the_door_opens_when_faults_are_cleared(sim: SimulatorThread, client: Any) -> None:
    sim.inject(RefuseConnections(for_s=600, cut_open=False))
    assert client.ping()[0] == 200
    sim.clear_faults()
    assert client.ping()[0] == 200


def test_accounts_and_markets_heal(
    sim: SimulatorThread, client: Any, mnq: str, eventually: Any
) -> None:
    buy(sim, mnq, 2)
    row = {"accountId": ACCOUNT, "contractId": mnq, "size": 1}
    for fault, code in ((Halt(symbol="MNQ"), 6), (BlockAccount(account_id=ACCOUNT), 9)):
        sim.inject(fault)
        assert client.ask("Position/partialCloseContract", **row)["errorCode"] == code
        sim.clear_faults()
    sim.inject(StopTrading(account_id=ACCOUNT, for_s=0.2))
    (account,) = client.ask("Account/search", onlyActiveAccounts=False)["accounts"]
    assert not account["canTrade"]
    eventually(lambda: sim.call(lambda: sim.gateway.exchange.account(ACCOUNT).can_trade))
    told = [event.data["data"]["canTrade"] for event in sim.events("GatewayUserAccount")]
    assert told[-1]
    assert False in told
    assert client.ask("Position/partialCloseContract", **row)["success"]


def test_two_halts_of_a_symbol_end_with_the_last(sim: SimulatorThread, mnq: str) -> None:
    first, second = sim.inject(Halt(symbol="MNQ"), Halt(symbol="MNQ", for_s=600))
    sim.call(lambda: sim.faults.heal(first))
    assert mnq in sim.call(lambda: set(sim.gateway.exchange.halted))
    sim.call(lambda: sim.faults.heal(second))
    assert mnq not in sim.call(lambda: set(sim.gateway.exchange.halted))


def test_a_gap_passes_stops_that_trade_behind_it(sim: SimulatorThread, mnq: str) -> None:
    buy(sim, mnq, stop_loss=Bracket(ticks=-20, type=OrderType.STOP))
    sim.inject(PriceGap(symbol="MNQ", ticks=-40))
    assert sim.size(ACCOUNT, mnq) == 0
    assert [trade.price for trade in sim.trades(ACCOUNT)][-1] == 90
    sim.inject(PriceGap(symbol="MNQ", ticks=-9_999))
    quote = sim.call(lambda: sim.gateway.exchange.quotes[mnq])
    assert quote.bid > 0


def test_quotes_fall_silent_and_come_back(sim: SimulatorThread) -> None:
    sim.inject(SilenceQuotes())
    assert sim.call(lambda: sim.gateway._feed.silent)
    sim.clear_faults()
    assert not sim.call(lambda: sim.gateway._feed.silent)


def test_a_flatten_over_rest_fills_in_slices_by_itself(
    sim: SimulatorThread, client: Any, mnq: str, eventually: Any
) -> None:
    buy(sim, mnq, 4)
    sim.inject(SliceFills(slices=4, gap_s=0.1))
    assert client.ask(CLOSE, accountId=ACCOUNT, contractId=mnq)["success"]
    assert sim.size(ACCOUNT, mnq) > 0
    eventually(lambda: sim.size(ACCOUNT, mnq) == 0)
    closing = [t.size for t in sim.trades(ACCOUNT) if t.pnl_usd is not None]
    assert closing == [1, 1, 1, 1]
    assert sim.events("GatewayUserPosition")[-1].data["data"]["size"] == 0


def control(sim: SimulatorThread, method: str, body: Any = None) -> tuple[int, Any]:
    open_ = http.client.HTTPConnection(urlsplit(sim.api_url).netloc, timeout=10)
    open_.request(method, "/control/faults", None if body is None else json.dumps(body))
    answer = open_.getresponse()
    row = json.loads(answer.read())
    open_.close()
    return answer.status, row


def test_the_control_endpoint_tells_what_is_due_and_what_was_injected() -> None:
    with SimulatorThread(SimulatorSettings(control=True)) as sim:
        deaf = {"kind": "deaf_hub", "hub": "user", "for_s": 600}
        order = {"faults": [deaf, {"kind": "price_gap", "symbol": "MNQ", "ticks": 4}]}
        assert control(sim, "POST", order) == (200, {"ok": True, "ids": [1, 2]})
        _, told = control(sim, "GET")
        (due,) = told["due"]
        assert due["fault"] == deaf | {"new_too": False}
        assert due["strikes_left"] is None
        assert 590 < due["ends_in_s"] <= 600
        assert [(r["fault"]["kind"], r["ended"]) for r in told["log"]] == [
            ("deaf_hub", None),
            ("price_gap", "at once"),
        ]
        assert told["log"][0]["injected_ns"] <= told["now_ns"]
        assert told["log"][0]["injected_utc_ns"] <= told["now_utc_ns"]
        control(sim, "POST", {"heal": [1]})
        _, told = control(sim, "GET")
        assert told["due"] == []
        assert told["log"][0]["ended"] == "cleared"


def test_the_control_endpoint_takes_weather_and_clears_it(eventually: Any) -> None:
    with SimulatorThread(SimulatorSettings(control=True)) as sim:
        rate = {"fault": {"kind": "drop_event"}, "per_minute": 6_000}
        assert control(sim, "POST", {"weather": {"seed": 2, "rates": [rate]}})[0] == 200
        eventually(lambda: len(sim.fault_log()) > 2)
        assert control(sim, "POST", {"clear": True})[0] == 200
        assert sim.call(sim.faults.due) == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "halt", "symbol": "QQQ"},
        {"kind": "block_account", "account_id": 9},
        {"kind": "earthquake"},
        {"kind": "halt"},
    ],
)
def test_the_control_endpoint_says_what_it_does_not_understand(fault: dict[str, Any]) -> None:
    with SimulatorThread(SimulatorSettings(control=True)) as sim:
        status, row = control(sim, "POST", {"faults": [fault]})
        assert status == 400
        assert row["error"]
        assert sim.fault_log() == []
