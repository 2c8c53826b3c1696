"""How an actor sends: by message type, along the edges its kind declared, and in no other way."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from risk_actors.runtime.mailbox import Cell, Mailbox


class UndeclaredSendError(Exception):
    """An actor sent a message type that its kind does not declare."""


class Outbox(Protocol):
    """Where an actor puts what it has to say; in a test, a recorder."""

    def send(self, message: Any) -> None:
        """Send a message to whoever the wiring says."""


class DeadLetters:
    """Messages that reached nobody: counted by receiver and type, and shown."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, address: str, message: Any) -> None:
        """Count one message that could not be delivered."""
        with self._lock:
            self._counts[address, type(message).__name__] += 1

    @property
    def total(self) -> int:
        """All dead letters so far."""
        with self._lock:
            return self._counts.total()

    def by_receiver(self) -> dict[str, int]:
        """Return the counts as `address MessageType`."""
        with self._lock:
            return {f"{address} {name}": count for (address, name), count in self._counts.items()}


class Gate:
    """The outbox of one instance of an actor, which is shut when another takes its place.

    What the old one still says when it wakes is swallowed and counted: it was decided from what is
    long past, and the new one says its own. A message that is on its way at that very instant may
    pass; it counts as said before.
    """

    def __init__(self, outbox: Outbox) -> None:
        self.send: Callable[[Any], None] = outbox.send
        """Sends a message, unless the gate is shut."""
        self.swallowed = 0
        """Messages that were not let through."""

    def shut(self) -> None:
        """Let nothing through from now on."""
        self.send = self._swallow

    def _swallow(self, _message: Any) -> None:
        self.swallowed += 1


type Route = Callable[[Any], None]


class ToMailbox:
    """A sender's route to one mailbox."""

    __slots__ = ("_dead_letters", "mailbox", "sender")

    def __init__(self, mailbox: Mailbox, dead_letters: DeadLetters, sender: str) -> None:
        self.mailbox = mailbox
        self.sender = sender
        self._dead_letters = dead_letters

    def __call__(self, message: Any) -> None:
        """Deliver a message."""
        if not self.mailbox.deliver(message, self.sender):
            self.lose(message)

    def lose(self, message: Any) -> None:
        """Count what the mailbox did not take."""
        self._dead_letters.count(self.mailbox.address, message)


class RoutedOutbox:
    """The outbox of one sender, its routes resolved once at start."""

    def __init__(self, sender: str, routes: Mapping[type, tuple[Route, ...]]) -> None:
        self._sender = sender
        self._routes = dict(routes)
        self._many = {
            kind: many for kind, ways in routes.items() if (many := _same_for_all(ways)) is not None
        }
        """Routes by which the same cell may go, with its sender."""

    def send(self, message: Any) -> None:
        """Deliver a message to every mailbox its type is wired to.

        Raises:
            UndeclaredSendError: the sender's kind does not declare this type.
        """
        many = self._many.get(type(message))
        if many is not None:
            sender, ways = many
            cell = Cell(message, sender)
            if cell.key is None or len(ways) == 1:
                for way in ways:
                    if not way.mailbox.post(cell):
                        way.lose(message)
                return
        routes = self._routes.get(type(message))
        if routes is None:
            raise UndeclaredSendError(
                f"{self._sender} sent {type(message).__name__}, which it does not declare"
            )
        for route in routes:
            route(message)


def _same_for_all(routes: tuple[Route, ...]) -> tuple[str, tuple[ToMailbox, ...]] | None:
    """Return the sender and the ways of a message that several mailboxes get alike."""
    # A mailbox of another kind may do with a message what it likes.
    ways = [
        route for route in routes if isinstance(route, ToMailbox) and type(route.mailbox) is Mailbox
    ]
    if len(ways) < len(routes) or len({way.sender for way in ways}) != 1:
        return None
    return ways[0].sender, tuple(ways)


def to_mailbox(mailbox: Mailbox, dead_letters: DeadLetters, sender: str = "") -> Route:
    """Return a sender's route to one mailbox."""
    return ToMailbox(mailbox, dead_letters, sender)


def to_account(
    mailboxes: Mapping[int, Mailbox], kind: str, dead_letters: DeadLetters, sender: str = ""
) -> Route:
    """Return a sender's route to the mailbox of the message's account."""

    def deliver(message: Any) -> None:
        mailbox = mailboxes.get(message.account_id)
        if mailbox is None or not mailbox.deliver(message, sender):
            dead_letters.count(f"{kind}:{message.account_id}", message)

    return deliver
