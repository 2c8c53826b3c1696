"""What the broker says beside a code, and what the trader is told."""

import msgspec
import pytest

from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Command, Outcome, Refusal
from risk_actors.projectx.broker_text import LONGEST, plain_text
from risk_actors.projectx.codes import CANCEL, CLOSE, MEANINGS, MODIFY, PARTIAL_CLOSE
from risk_actors.projectx.lane import outcome_of, request_of
from risk_actors.projectx.refusal_words import recognise

WHOLE = CloseContract(id=1, account_id=101, contract_id="C", correlation_id="x")
ORDER = CancelOrder(id=3, account_id=101, contract_id="C", order_id=77, correlation_id="x")


def refused(command: Command, code: object, said: object = None) -> Outcome:
    row = {"success": False, "errorCode": code, "errorMessage": said}
    return outcome_of(command, request_of(command)[0], 200, msgspec.json.encode(row))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("7027: instrument is in reserved state", Refusal.RESERVED),
        ("Order rejected (code 7027)", Refusal.RESERVED),
        ("MARKET RESERVED", Refusal.RESERVED),
        ("Rejected by CME Velocity Logic", Refusal.PAUSED),
        ("Trading is halted", Refusal.HALTED),
        ("Market is closed", Refusal.HALTED),
        ("Outside trading hours", Refusal.HALTED),
        ("No price available", Refusal.HALTED),
        ("there is no market", Refusal.HALTED),
        ("no market price", Refusal.HALTED),
        ("Follower accounts cannot cancel orders", Refusal.ACCOUNT),
        ("This account is following another account", Refusal.ACCOUNT),
        ("Live accounts not supported", Refusal.ACCOUNT),
        ("Not supported for live accounts", Refusal.ACCOUNT),
        ("Account is locked until 17:00", Refusal.ACCOUNT),
        ("Account is in violation of its rules", Refusal.ACCOUNT),
        ("Account violation", Refusal.ACCOUNT),
        ("Account is being liquidated", Refusal.ACCOUNT),
        ("Liquidation in progress", Refusal.ACCOUNT),
        ("The account is closed", Refusal.ACCOUNT),
        ("Contract is not active", Refusal.CONTRACT),
        ("Contract expired", Refusal.CONTRACT),
        ("Order is pending", Refusal.PENDING),
        ("Rate limit exceeded", Refusal.BUSY),
        ("Too many requests", Refusal.BUSY),
        ("order 170278 was not accepted", None),
        ("the operation is blocking the unreserved orders", None),
        ("blockchain", None),
        ("", None),
    ],
)
def test_words_are_recognised_and_others_left_alone(said: str, reason: Refusal | None) -> None:
    recognised = recognise(said)
    assert (recognised.reason if recognised else None) is reason


@pytest.mark.parametrize(
    ("command", "code", "said", "reason"),
    [
        # A rejected order may be any of these: what is said decides, and the code where none is.
        (WHOLE, 5, None, Refusal.HALTED),
        (WHOLE, 5, "7027", Refusal.RESERVED),
        (WHOLE, 5, "Velocity logic", Refusal.PAUSED),
        (WHOLE, 5, "account is locked", Refusal.ACCOUNT),
        (ORDER, 3, None, Refusal.OTHER),
        (ORDER, 3, "market closed", Refusal.HALTED),
        (WHOLE, 55, "Market is halted", Refusal.HALTED),
        (WHOLE, None, "Follower accounts cannot close", Refusal.ACCOUNT),
        (WHOLE, 0, None, Refusal.OTHER),
        (WHOLE, "6", None, Refusal.PENDING),
        (WHOLE, True, None, Refusal.OTHER),
        # A code that says it itself stands, whatever words there are beside it.
        (WHOLE, 6, "position is being closed, market closed", Refusal.PENDING),
        (WHOLE, 8, "no price", Refusal.ACCOUNT),
        (WHOLE, 4, "market closed", Refusal.CONTRACT),
    ],
)
def test_the_reason_is_the_codes_or_the_texts(
    command: Command, code: object, said: str | None, reason: Refusal
) -> None:
    outcome = refused(command, code, said)
    assert (outcome.answer, outcome.reason) == (Answer.REFUSED, reason)


def test_what_may_have_happened_or_is_gone_is_not_talked_into_a_refusal() -> None:
    assert refused(WHOLE, 7, "market closed").answer is Answer.UNCERTAIN
    assert refused(WHOLE, 2, "account locked").answer is Answer.GONE


def test_every_refusal_has_a_reason_and_says_what_it_means() -> None:
    for endpoint in (CLOSE, PARTIAL_CLOSE, CANCEL, MODIFY):
        for code, meaning in MEANINGS[endpoint].items():
            assert (meaning.reason is not None) == (meaning.answer is Answer.REFUSED), code
            assert len(meaning.words.split()) > 4


def test_a_follower_is_told_what_he_can_do() -> None:
    detail = refused(ORDER, 6, "Follower accounts cannot cancel orders").detail
    assert detail == (
        "this account copies another one, and programs may not act in it: close it yourself, or"
        " guard the account that it follows (Follower accounts cannot cancel orders)"
    )


def test_an_unknown_code_is_shown_with_what_the_broker_said() -> None:
    outcome = refused(WHOLE, 99, "Computer says no")
    assert outcome.error_code == 99
    assert outcome.detail == "the broker refused with unknown code 99 (Computer says no)"
    assert refused(WHOLE, None).detail == "the broker refused without a code"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("  one\r\n two\tthree ", "one two three"),
        ("red\x1b[31m \x07bell\x00", "red[31m bell"),
        ("abc\u202edef\u200b\u2028g", "abcdef g"),
        ("Bearer abcdefghijkl rest", "Bearer [hidden] rest"),
        ("Überschreitung 限", "Überschreitung 限"),
        (None, ""),
        (5, ""),
        ({"a": 1}, ""),
    ],
)
def test_the_brokers_text_is_one_harmless_line(said: object, shown: str) -> None:
    assert plain_text(said) == shown


def test_the_brokers_text_is_bounded_and_no_secret_is_cut_into_view() -> None:
    assert len(plain_text("word " * 10_000_000)) <= LONGEST
    token = "eyJhbGciOiJIUzI1NiJ9." + "a" * 300
    assert plain_text("x" * 190 + " " + token).endswith(("[hidden]", "…"))
    assert "eyJ" not in plain_text("x" * 190 + " " + token)
