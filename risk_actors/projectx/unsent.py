"""The answer to a command that we did not send."""

from risk_actors.core.commands import Answer, Command, Outcome, Refusal
from risk_actors.messages import CommandAnswered


def disarmed(command: Command, now_ns: int) -> CommandAnswered:
    """Return the answer to a command that is not sent, because the trader has disarmed."""
    return CommandAnswered(
        correlation_id=command.correlation_id,
        at_ns=now_ns,
        outcome=Outcome(
            command_id=command.id,
            account_id=command.account_id,
            answer=Answer.REFUSED,
            detail="not sent: disarmed",
            reason=Refusal.DISARMED,
        ),
        sent_ns=now_ns,
    )
