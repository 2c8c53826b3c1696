"""I6 from outside: how often the same thing is asked of a broker whose state does not change.

The pauses before a retry grow, and how far depends on the reason: to 30 s where none was given, to
5 s while the exchange pauses a contract, to 2 s while nobody listens at the broker's address. The
first command that turned out not to have happened is repeated at once, for the doubt took its time
already.
"""

from risk_actors.core.commands import CancelOrder, CloseContract, Command
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.sight import Truth

AT_MOST: tuple[tuple[int, int], ...] = ((2 * S, 4), (60 * S, 33))
"""Within a span (ns) at most so many commands for the same thing: at 0, 0, 0.5 and 1.5 s, and from
then on every 2 s at the most."""

type _Target = tuple[int, str, int]


class CommandCheck:
    """Counts commands by what they are about."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._sent: dict[_Target, list[int]] = {}

    def sent(self, at_ns: int, command: Command) -> list[tuple[str, str]]:
        """Take a command that was sent."""
        target = _target(command)
        changed_ns = self._truth.touched_ns.get((command.account_id, command.contract_id), 0)
        sent = [sent_ns for sent_ns in self._sent.get(target, []) if sent_ns >= changed_ns]
        sent.append(at_ns)
        self._sent[target] = sent
        return [
            ("I6", f"{command} is one of {count} within {span_ns / S:.0f} s; nothing has changed")
            for span_ns, most in AT_MOST
            if (count := sum(at_ns - sent_ns < span_ns for sent_ns in sent)) > most
        ]


def _target(command: Command) -> _Target:
    order_id = 0 if isinstance(command, CloseContract) else command.order_id
    kind = "cancel" if isinstance(command, CancelOrder) else type(command).__name__
    return command.account_id, f"{kind} {command.contract_id}", order_id
