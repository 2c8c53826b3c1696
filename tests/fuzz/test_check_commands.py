"""I6 from outside: what is too often depends on the reason that the broker gave."""

from risk_actors import messages as m
from risk_actors.core.commands import Answer, CloseContract, Outcome, Refusal
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.check_commands import CommandCheck
from risk_actors.fuzz.sight import Truth

PAUSED_S = (0.0, 0.0, 1.0, 3.0, 5.0, 8.0, *range(13, 60, 5))
UNEXPLAINED_S = (0.0, 0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.5, 60.5)


def found(times_s: tuple[float, ...], reason: Refusal | None) -> list[str]:
    """Return what is found where closes go out at these times and are refused for a reason."""
    check, what = CommandCheck(Truth()), []
    for command_id, at_s in enumerate(times_s):
        close = CloseContract(id=command_id, account_id=1, contract_id="C", correlation_id="x")
        what += [text for _, text in check.sent(int(at_s * S), close)]
        outcome = Outcome(command_id=command_id, account_id=1, answer=Answer.REFUSED, reason=reason)
        check.told(m.CommandAnswered(correlation_id="x", at_ns=0, outcome=outcome, sent_ns=0))
    return what


def test_the_pace_of_each_reason_is_not_too_often() -> None:
    assert found(PAUSED_S, Refusal.PAUSED) == []
    assert found(UNEXPLAINED_S, None) == []


def test_a_pace_is_for_its_own_reason_alone() -> None:
    assert found(PAUSED_S, None)
    assert found(PAUSED_S, Refusal.ACCOUNT)


def test_one_more_than_the_pace_is_too_often() -> None:
    assert found((0.0, 0.0, 0.5, 1.5, 1.9), Refusal.PAUSED)
    assert found((*PAUSED_S, 59.0), Refusal.PAUSED)
    assert found((*UNEXPLAINED_S[:-1], 40.0, 50.0), None)
