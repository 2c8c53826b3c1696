"""Who has a use for the next tick: time goes to those who wait for it, and wakes nobody else.

There are as many actors of one kind as there are accounts, and most of them have nothing that time
alone could change. Were each of them woken with every tick, an event of one account would wait
behind all of them ten times a second.

An actor says of itself that it is awake, and that it rests, from within its handler; whoever sends
the ticks reads it. No lock is needed: each adds and takes away nothing but its own mark.
"""

from collections.abc import Mapping

from risk_actors.messages import Message
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import DeadLetters, Route


class Awake:
    """The accounts of which an actor waits for time to pass."""

    def __init__(self) -> None:
        # With who said so: one that was abandoned must not put its successor to rest.
        self._marks: set[tuple[int, object]] = set()

    def wait(self, account_id: int, who: object) -> None:
        """Take that somebody waits for the next tick, and for all after it."""
        self._marks.add((account_id, who))

    def rest(self, account_id: int, who: object) -> None:
        """Take that no tick changes anything for somebody until it waits again."""
        self._marks.discard((account_id, who))

    def accounts(self) -> list[int]:
        """Return the accounts of those who wait, in order."""
        if not self._marks:
            return []
        # Copied in one step, for others add while this is read.
        return sorted({account_id for account_id, _ in tuple(self._marks)})


def to_awake(
    awake: Awake,
    mailboxes: Mapping[int, Mailbox],
    dead_letters: DeadLetters,
    sender: str = "",
) -> Route:
    """Return a sender's route to the mailboxes, by account, of those who are awake."""

    def deliver(message: Message) -> None:
        for account_id in awake.accounts():
            mailbox = mailboxes[account_id]
            if not mailbox.deliver(message, sender):
                dead_letters.count(mailbox.address, message)

    return deliver
