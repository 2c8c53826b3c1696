"""REST as any HTTP client sees it."""

from decimal import Decimal
from typing import Any

import pytest

from risk_actors.simulator import (
    OrderType,
    Side,
    SimulatorSettings,
    SimulatorThread,
    Ticket,
    paper_accounts,
)
from risk_actors.simulator.records import OrderChanged

ACCOUNT = 101


def order_of(sim: SimulatorThread, mnq: str, **terms: Any) -> Any:
    return sim.place(Ticket(account_id=ACCOUNT, contract_id=mnq, side=Side.BUY, **terms))


def test_a_wrong_key_gets_no_token_and_code_3(make_client: Any, sim: SimulatorThread) -> None:
    client = make_client(sim)
    row = client.ask("Auth/loginKey", userName="sim-trader", apiKey="wrong")
    client.close()
    assert row == {"token": None, "success": False, "errorCode": 3, "errorMessage": None}


def test_a_malformed_login_is_400(make_client: Any, sim: SimulatorThread) -> None:
    client = make_client(sim)
    assert client.post("Auth/loginKey", user="x")[0] == 400
    client.close()


def test_ping_needs_no_token_and_answers_json(make_client: Any, sim: SimulatorThread) -> None:
    client = make_client(sim)
    assert client.ping() == (200, "pong")
    client.close()


@pytest.mark.parametrize("token", [None, "nonsense", "a.b.c"])
def test_no_token_or_a_forged_one_is_401(
    make_client: Any, sim: SimulatorThread, token: Any
) -> None:
    client = make_client(sim)
    client.token = token
    assert client.post("Account/search", onlyActiveAccounts=True) == (401, None)
    client.close()


def test_an_expired_token_is_401(make_client: Any, eventually: Any) -> None:
    with SimulatorThread(SimulatorSettings(token_lifetime_s=0.2)) as sim:
        client = make_client(sim).login()
        eventually(lambda: client.post("Account/search", onlyActiveAccounts=True)[0] == 401)
        client.close()


def test_validate_gives_a_second_token_and_the_first_stays_good(client: Any) -> None:
    first, new = client.token, client.ask("Auth/validate")["newToken"]
    assert new != first
    for token in (first, new):
        client.token = token
        assert client.ask("Account/search", onlyActiveAccounts=True)["success"]


def test_logout_ends_the_session(client: Any) -> None:
    assert client.ask("Auth/logout")["success"]
    assert client.post("Account/search", onlyActiveAccounts=True)[0] == 401


def test_accounts_have_exactly_the_six_fields_the_sdk_needs(client: Any) -> None:
    (account,) = client.ask("Account/search", onlyActiveAccounts=True)["accounts"]
    assert account == {
        "id": 101,
        "name": "50KTC-SIM-101",
        "balance": 50000.0,
        "canTrade": True,
        "isVisible": True,
        "simulated": True,
    }


def test_an_account_that_may_not_trade_vanishes_from_the_active_ones(
    sim: SimulatorThread, client: Any
) -> None:
    sim.set_can_trade(ACCOUNT, can_trade=False)
    assert client.ask("Account/search", onlyActiveAccounts=True)["accounts"] == []
    (account,) = client.ask("Account/search", onlyActiveAccounts=False)["accounts"]
    assert account["canTrade"] is False


def test_contracts_are_found_by_name_and_id(client: Any) -> None:
    found = client.ask("Contract/search", searchText="MNQ", live=False)["contracts"]
    assert [c["name"] for c in found] == ["MNQZ6"]
    contract = client.ask("Contract/searchById", contractId="CON.F.US.EP.Z26")["contract"]
    assert (contract["name"], contract["tickSize"], contract["tickValue"]) == ("ESZ6", 0.25, 12.5)
    missing = client.ask("Contract/searchById", contractId="CON.F.US.XX.Z26")
    assert (missing["contract"], missing["errorCode"]) == (None, 1)
    assert len(client.ask("Contract/available", live=True)["contracts"]) == 35


def test_an_order_lives_from_place_to_cancel(client: Any, mnq: Any) -> None:
    placed = client.ask(
        "Order/place",
        accountId=ACCOUNT,
        contractId=mnq,
        type=1,
        side=0,
        size=2,
        limitPrice=95.5,
        stopPrice=None,
        trailPrice=None,
        customTag="t",
    )
    assert (placed["success"], placed["errorCode"]) == (True, 0)
    (order,) = client.ask("Order/searchOpen", accountId=ACCOUNT)["orders"]
    assert order["id"] == placed["orderId"]
    assert (order["status"], order["limitPrice"], order["filledPrice"]) == (1, 95.5, None)
    changed = client.ask("Order/modify", accountId=ACCOUNT, orderId=order["id"], size=1)
    assert changed["success"]
    assert client.ask("Order/cancel", accountId=ACCOUNT, orderId=order["id"])["success"]
    again = client.ask("Order/cancel", accountId=ACCOUNT, orderId=order["id"])
    assert (again["success"], again["errorCode"]) == (False, 2)
    found = client.ask("Order/searchById", accountId=ACCOUNT, orderId=order["id"])["order"]
    assert (found["status"], found["size"]) == (3, 1)
    listed = client.ask("Order/search", accountId=ACCOUNT, startTimestamp="2026-01-01T00:00:00Z")
    assert [o["id"] for o in listed["orders"]] == [order["id"]]


def test_a_stop_is_moved_to_prices_that_a_stop_may_have(
    sim: SimulatorThread, client: Any, mnq: str
) -> None:
    stop = sim.place(
        Ticket(
            account_id=ACCOUNT,
            contract_id=mnq,
            side=Side.SELL,
            size=2,
            type=OrderType.STOP,
            stop_price=Decimal(90),
        )
    )

    def moved_to(**prices: Any) -> tuple[bool, int]:
        row = client.ask("Order/modify", accountId=ACCOUNT, orderId=stop.id, **prices)
        return row["success"], row["errorCode"]

    assert moved_to(stopPrice=95.25, size=None, limitPrice=None, trailPrice=None) == (True, 0)
    assert moved_to(stopPrice=95.3) == (False, 3)
    assert moved_to(stopPrice=100.0) == (False, 3)
    (row,) = client.ask("Order/searchOpen", accountId=ACCOUNT)["orders"]
    assert (row["id"], row["status"], row["size"], row["stopPrice"]) == (stop.id, 1, 2, 95.25)
    changed = [
        entry for entry in sim.journal() if isinstance(entry, OrderChanged) and entry.by == "client"
    ]
    assert [entry.order.stop_price for entry in changed] == [Decimal("95.25")]
    missing = client.ask("Order/modify", accountId=ACCOUNT, orderId=1, stopPrice=95.5)
    assert (missing["success"], missing["errorCode"]) == (False, 2)
    sim.set_blocked(ACCOUNT, blocked=True)
    assert moved_to(stopPrice=95.5) == (False, 6)


def test_a_rejected_order_says_success_false_with_a_real_order_id(client: Any, mnq: Any) -> None:
    answer = client.ask(
        "Order/place",
        accountId=ACCOUNT,
        contractId=mnq,
        type=2,
        side=0,
        size=1,
        stopLossBracket={"ticks": 1, "type": 4},
    )
    assert (answer["success"], answer["errorCode"]) == (False, 2)
    assert answer["errorMessage"].startswith("Invalid stop loss ticks (1).")
    order = client.ask("Order/searchById", accountId=ACCOUNT, orderId=answer["orderId"])["order"]
    assert order["status"] == 5


def test_suspended_legs_show_only_in_the_query(sim: SimulatorThread, client: Any, mnq: Any) -> None:
    client.ask(
        "Order/place",
        accountId=ACCOUNT,
        contractId=mnq,
        type=1,
        side=0,
        size=1,
        limitPrice=90,
        stopLossBracket={"ticks": -40, "type": 4},
    )
    assert len(client.ask("Order/searchOpen", accountId=ACCOUNT)["orders"]) == 1
    page = client.ask(
        "Order/v2/query",
        filter={"accountId": ACCOUNT, "statuses": [1, 8]},
        sortBy=1,
        sortDirection=1,
        pageSize=1,
        includeTotalCount=True,
    )
    assert (page["totalCount"], [o["status"] for o in page["orders"]]) == (2, [8])
    assert client.post("Order/v2/query", filter={"accountId": "x"})[0] == 400


def test_positions_close_and_partly_close(sim: SimulatorThread, client: Any, mnq: Any) -> None:
    order_of(sim, mnq, size=3)
    (position,) = client.ask("Position/searchOpen", accountId=ACCOUNT)["positions"]
    assert (position["type"], position["size"], position["averagePrice"]) == (1, 3, 100.25)
    part = {"accountId": ACCOUNT, "contractId": mnq}
    assert client.ask("Position/partialCloseContract", **part, size=1)["success"]
    assert client.ask("Position/partialCloseContract", **part, size=9)["errorCode"] == 5
    closed = client.ask("Position/closeContract", **part)
    assert closed == {"success": True, "errorCode": 0, "errorMessage": None}
    assert client.ask("Position/closeContract", **part)["errorCode"] == 2
    assert client.ask("Position/searchOpen", accountId=ACCOUNT)["positions"] == []


def test_trades_come_newest_first_with_null_profit_on_the_opening_one(
    sim: SimulatorThread, client: Any, mnq: Any
) -> None:
    order_of(sim, mnq, size=1)
    sim.close(ACCOUNT, mnq)
    trades = client.ask(
        "Trade/search", accountId=ACCOUNT, startTimestamp="2020-01-01T00:00:00+00:00"
    )["trades"]
    assert [t["profitAndLoss"] for t in trades] == [-0.5, None]
    assert (trades[0]["fees"], trades[0]["commissions"]) == (0.37, 0.25)
    none = client.ask("Trade/search", accountId=ACCOUNT, startTimestamp="2099-01-01T00:00:00Z")
    assert none["trades"] == []


def test_an_unknown_account_is_code_1(client: Any, mnq: Any) -> None:
    for endpoint in ("Order/searchOpen", "Position/searchOpen", "Trade/search"):
        assert client.ask(endpoint, accountId=5)["errorCode"] == 1
    assert client.ask("Order/cancel", accountId=5, orderId=1)["errorCode"] == 1
    assert client.ask("Position/closeContract", accountId=5, contractId=mnq)["errorCode"] == 1


def test_a_blocked_account_is_refused_with_each_endpoints_own_code(
    sim: SimulatorThread, client: Any, mnq: Any
) -> None:
    order_of(sim, mnq, size=1)
    resting = order_of(sim, mnq, size=1, type=OrderType.LIMIT, limit_price=90)
    sim.set_blocked(ACCOUNT, blocked=True)
    row = {"accountId": ACCOUNT, "contractId": mnq}
    assert client.ask("Order/place", **row, type=2, side=0, size=1)["errorCode"] == 10
    assert client.ask("Position/closeContract", **row)["errorCode"] == 8
    assert client.ask("Position/partialCloseContract", **row, size=1)["errorCode"] == 9
    assert client.ask("Order/cancel", accountId=ACCOUNT, orderId=resting.id)["errorCode"] == 6


def test_a_halted_contract_cannot_be_closed(sim: SimulatorThread, client: Any, mnq: Any) -> None:
    order_of(sim, mnq, size=1)
    sim.halt(mnq)
    row = {"accountId": ACCOUNT, "contractId": mnq}
    assert client.ask("Position/closeContract", **row)["errorCode"] == 5
    assert client.ask("Position/partialCloseContract", **row, size=1)["errorCode"] == 6


def test_bars_are_newest_first_and_the_same_each_time(client: Any, mnq: Any) -> None:
    wanted = {
        "contractId": mnq,
        "live": False,
        "startTime": "2020-01-01T00:00:00Z",
        "endTime": "2099-01-01T00:00:00Z",
        "unit": 2,
        "unitNumber": 5,
        "limit": 50,
    }
    bars = client.ask("History/retrieveBars", **wanted, includePartialBar=False)["bars"]
    assert len(bars) == 50
    assert [b["t"] for b in bars] == sorted((b["t"] for b in bars), reverse=True)
    assert all(b["l"] <= min(b["o"], b["c"]) <= max(b["o"], b["c"]) <= b["h"] for b in bars)
    assert client.ask("History/retrieveBars", **wanted, includePartialBar=False)["bars"] == bars
    newest = client.ask("History/retrieveBars", **wanted, includePartialBar=True)["bars"][0]
    assert newest["c"] == 100
    for change, code in (({"unit": 99}, 2), ({"unitNumber": 0}, 3), ({"limit": 20001}, 4)):
        assert client.ask("History/retrieveBars", **(wanted | change))["errorCode"] == code


def test_the_two_hundred_and_first_request_of_a_minute_is_429(client: Any) -> None:
    statuses = [client.post("Account/search", onlyActiveAccounts=True)[0] for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    assert client.login().post("Account/search", onlyActiveAccounts=True)[0] == 200


def test_bars_have_a_limit_of_their_own(client: Any, mnq: Any) -> None:
    body = {"contractId": mnq, "startTime": "x", "endTime": "x"}
    body |= {"unit": 1, "unitNumber": 0, "limit": 1}
    statuses = [client.post("History/retrieveBars", **body)[0] for _ in range(51)]
    assert statuses == [200] * 50 + [429]
    assert client.post("Account/search", onlyActiveAccounts=True)[0] == 200


def test_secrets_are_masked_in_the_request_log(sim: SimulatorThread, client: Any) -> None:
    (login,) = sim.requests("Auth/loginKey")
    assert login.body == {"userName": "sim-trader", "apiKey": "***"}


def test_several_accounts_are_kept_apart(mnq: Any) -> None:
    with SimulatorThread(SimulatorSettings(accounts=paper_accounts(3))) as sim:
        contract_id = sim.contract_id("ES")
        sim.place(Ticket(account_id=102, contract_id=contract_id, side=Side.SELL, size=2))
        assert [sim.size(a, contract_id) for a in (101, 102, 103)] == [0, -2, 0]
        assert sim.balance_usd(101) == 50000 > sim.balance_usd(102)
