"""What the broker's answers to commands mean."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Command, MoveStop, Refusal
from risk_actors.projectx.codes import CANCEL, CLOSE, MEANINGS, MODIFY, PARTIAL_CLOSE
from risk_actors.projectx.lane import outcome_of, request_of

WHOLE = CloseContract(id=1, account_id=101, contract_id="C", correlation_id="x")
PART = CloseContract(id=2, account_id=101, contract_id="C", correlation_id="x", size=2)
ORDER = CancelOrder(id=3, account_id=101, contract_id="C", order_id=77, correlation_id="x")
MOVE = MoveStop(
    id=4,
    account_id=101,
    contract_id="C",
    order_id=78,
    stop_price=Decimal("110.015625"),
    correlation_id="x",
)


def answered(command: Command, status: int, body: Any) -> tuple[Answer, int | None, str | None]:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    outcome = outcome_of(command, request_of(command)[0], status, content)
    assert outcome.command_id == command.id
    return outcome.answer, outcome.error_code, outcome.detail


def test_each_command_has_its_endpoint_and_body() -> None:
    assert request_of(WHOLE) == (CLOSE, {"accountId": 101, "contractId": "C"})
    assert request_of(PART) == (PARTIAL_CLOSE, {"accountId": 101, "contractId": "C", "size": 2})
    assert request_of(ORDER) == (CANCEL, {"accountId": 101, "orderId": 77})
    expected = {"accountId": 101, "orderId": 78, "stopPrice": 110.015625}
    assert request_of(MOVE) == (MODIFY, expected)


@pytest.mark.parametrize("price", ["20000.25", "1.08505", "0.0065435", "110.0078125", "41250"])
def test_a_price_reaches_the_wire_digit_for_digit(price: str) -> None:
    _, body = request_of(msgspec.structs.replace(MOVE, stop_price=Decimal(price)))

    sent = json.loads(json.dumps(body), parse_float=Decimal)

    assert sent["stopPrice"] == Decimal(price)


@pytest.mark.parametrize(
    ("command", "code"),
    [(WHOLE, 8), (PART, 9), (ORDER, 6), (MOVE, 6), (MOVE, 1), (WHOLE, 1), (ORDER, 1)],
)
def test_a_refusal_of_the_account_as_a_whole_is_a_lasting_one(command: Command, code: int) -> None:
    endpoint = request_of(command)[0]

    def refused(number: int) -> bool:
        content = msgspec.json.encode({"success": False, "errorCode": number})
        return outcome_of(command, endpoint, 200, content).reason is Refusal.ACCOUNT

    assert refused(code)
    assert not refused(3)


@pytest.mark.parametrize("command", [WHOLE, PART, ORDER, MOVE])
def test_success_is_acceptance_and_not_found_is_gone(command: Command) -> None:
    assert answered(command, 200, {"success": True, "errorCode": 0})[0] is Answer.ACCEPTED
    answer, code, detail = answered(command, 200, {"success": False, "errorCode": 2})
    assert (answer, code) == (Answer.GONE, 2)
    assert detail is not None
    assert detail.startswith("there is no such")


@pytest.mark.parametrize("command", [WHOLE, PART, ORDER, MOVE])
def test_every_other_code_is_refused_in_plain_words(command: Command) -> None:
    for code, meaning in MEANINGS[request_of(command)[0]].items():
        answer, seen, detail = answered(command, 200, {"success": False, "errorCode": code})
        unknown_error = "unknown error" in meaning.words
        expected = Answer.GONE if code == 2 else Answer.REFUSED
        assert (answer, seen) == (Answer.UNCERTAIN if unknown_error else expected, code)
        assert detail == meaning.words
    answer, _, detail = answered(
        command, 200, {"success": False, "errorCode": 55, "errorMessage": "No such luck"}
    )
    assert answer is Answer.REFUSED
    assert detail == "the broker refused with unknown code 55 (No such luck)"


@pytest.mark.parametrize("status", [401, 408, 429, 500, 502, 503, 504, 302])
def test_what_may_or_may_not_have_happened_is_uncertain(status: int) -> None:
    assert answered(WHOLE, status, {"success": True})[0] is Answer.UNCERTAIN


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"success": 1}', {}, None])
def test_an_answer_that_cannot_be_read_is_uncertain(body: Any) -> None:
    assert answered(WHOLE, 200, body)[0] is Answer.UNCERTAIN


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_command_that_was_not_carried_out_is_refused(status: int) -> None:
    assert answered(WHOLE, status, {})[0] is Answer.REFUSED


@pytest.mark.parametrize(("status", "reason"), [(401, Refusal.SESSION), (429, Refusal.BUSY)])
@pytest.mark.parametrize("command", [WHOLE, PART, ORDER, MOVE])
def test_what_was_turned_away_unread_has_certainly_not_happened(
    command: Command, status: int, reason: Refusal
) -> None:
    outcome = outcome_of(command, request_of(command)[0], status, b"")
    assert (outcome.answer, outcome.reason, outcome.is_undone) == (Answer.UNCERTAIN, reason, True)


@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504])
def test_of_any_other_answer_that_is_none_nothing_is_certain(status: int) -> None:
    outcome = outcome_of(WHOLE, CLOSE, status, b"")
    assert (outcome.answer, outcome.reason, outcome.is_undone) == (Answer.UNCERTAIN, None, False)
