"""Commands that were sent, and their answers, as a tally is told of them."""

from risk_actors import messages as m
from risk_actors.core.commands import Answer, CloseContract, Outcome, Refusal
from tests.actors.facts import MNQ, say
from tests.conftest import NOON_NS


def close(command_id: int, correlation_id: str = "event-1", *, at_ns: int = NOON_NS) -> m.SendClose:
    command = CloseContract(
        id=command_id, account_id=1, contract_id=MNQ, correlation_id=correlation_id
    )
    return say(m.SendClose, correlation_id, at_ns=at_ns, command=command)


def answer(
    command_id: int,
    answered: Answer = Answer.ACCEPTED,
    correlation_id: str = "event-1",
    *,
    sent_ns: int = NOON_NS,
    at_ns: int = NOON_NS,
    reason: Refusal | None = None,
) -> m.CommandAnswered:
    outcome = Outcome(command_id=command_id, account_id=1, answer=answered, reason=reason)
    return say(m.CommandAnswered, correlation_id, outcome=outcome, sent_ns=sent_ns, at_ns=at_ns)
