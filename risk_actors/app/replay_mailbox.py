"""Where replayed actors put what they say: kept by sender, until a note on the tape takes it."""

from collections import defaultdict, deque
from typing import Any

from risk_actors.runtime.mailbox import Mailbox


class ChannelMailbox(Mailbox):
    """A mailbox that keeps each sender's messages apart.

    In a run they came in one order out of many possible; here the tape tells which.
    """

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.channels: defaultdict[str, deque[Any]] = defaultdict(deque)

    def deliver(self, message: Any, sender: str = "") -> bool:
        """Keep a message behind those that its sender said before."""
        self.channels[sender].append(message)
        return True


class SilentMailbox(Mailbox):
    """The mailbox of an actor that does not take part."""

    def deliver(self, message: Any, sender: str = "") -> bool:  # noqa: ARG002 - nobody listens
        """Let the message go."""
        return True
