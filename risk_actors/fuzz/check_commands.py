"""I6 from outside: how often the same thing is asked of a broker whose state does not change.

The pauses before a retry grow: 0.5, 1, 2, 4, 8, 15 and 30 s. The first command that turned out not
to have happened is repeated at once, for the doubt took its time already. Only a reason that the
broker gave allows more than that; each is counted by itself, as the guard does.
"""

from collections.abc import Mapping

from risk_actors import messages as m
from risk_actors.core.commands import CancelOrder, CloseContract, Command, Refusal
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.sight import Truth

AT_MOST: tuple[tuple[int, int], ...] = ((2 * S, 4), (60 * S, 9))
"""Within a span (ns) at most so many commands for the same thing: at 0, 0, 0.5 and 1.5 s, and then
at 3.5, 7.5, 15.5, 30.5 and 60.5 s."""
MORE_IN_A_MINUTE: Mapping[Refusal, int] = {
    # At 0, 1, 3, 5 and 8 s, and then every 5 s: a velocity pause is over within seconds.
    Refusal.PAUSED: 7,
    # Within the 30 s after an opening every 2 s.
    Refusal.HALTED: 10,
    Refusal.RESERVED: 10,
}
_MORE_FOR_ANOTHER = 3
"""A reason like any other begins with short pauses of its own."""

type _Target = tuple[int, str, int]


class CommandCheck:
    """Counts commands by what they are about."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._sent: dict[_Target, list[tuple[int, int]]] = {}
        self._reasons: dict[int, Refusal] = {}

    def told(self, message: m.Message) -> None:
        """Take note of the reason that the broker gave against a command."""
        if isinstance(message, m.CommandAnswered) and message.outcome.reason is not None:
            self._reasons[message.outcome.command_id] = message.outcome.reason

    def sent(self, at_ns: int, command: Command) -> list[tuple[str, str]]:
        """Take a command that was sent."""
        target = _target(command)
        changed_ns = self._truth.touched_ns.get((command.account_id, command.contract_id), 0)
        sent = [each for each in self._sent.get(target, []) if each[0] >= changed_ns]
        given = {self._reasons[command_id] for _, command_id in sent if command_id in self._reasons}
        more = sum(MORE_IN_A_MINUTE.get(reason, _MORE_FOR_ANOTHER) for reason in given)
        sent.append((at_ns, command.id))
        self._sent[target] = sent
        return [
            ("I6", f"{command} is one of {count} within {span_ns / S:.0f} s; nothing has changed")
            for span_ns, most in AT_MOST
            if (count := sum(at_ns - sent_ns < span_ns for sent_ns, _ in sent))
            > most + (more if span_ns > 2 * S else 0)
        ]


def _target(command: Command) -> _Target:
    order_id = 0 if isinstance(command, CloseContract) else command.order_id
    kind = "cancel" if isinstance(command, CancelOrder) else type(command).__name__
    return command.account_id, f"{kind} {command.contract_id}", order_id
