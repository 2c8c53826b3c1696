"""What was counted of all actors of this process, those that were replaced included."""

import threading
from collections import Counter
from collections.abc import Iterable

import msgspec

from risk_actors.actors.tally import Tally
from risk_actors.actors.view import ViewActor
from risk_actors.app.actor_set import ActorSet
from risk_actors.runtime.topology import MailboxStats

STALE_AFTER_S = 10.0
"""A view that has not answered for so long paints nothing: it does so ten times a second."""


class ActorFigures:
    """Adds the sets of actors that have ended to the one that is there: no count ever goes down."""

    def __init__(self) -> None:
        self.tally = Tally()
        """What happened, counted by the journal of each set of actors in turn."""
        self._lock = threading.Lock()
        self._running: ActorSet | None = None
        self._past: dict[str, MailboxStats] = {}
        self._past_letters: Counter[str] = Counter()
        self._made = 0

    def follow(self, running: ActorSet) -> None:
        """Take the actors in whose place there were others until now, who have ended."""
        with self._lock:
            self._past, self._past_letters = self._mailboxes(), self._dead_letters()
            self._running = running
            self._made += 1

    @property
    def times_made(self) -> int:
        """How often all actors were made."""
        return self._made

    def mailboxes(self) -> tuple[MailboxStats, ...]:
        """Return the figures by address; any thread."""
        with self._lock:
            return tuple(self._mailboxes().values())

    def stale_picture(self) -> tuple[str, ...]:
        """Return why what is shown may be old, in words; nothing while it is painted. Any thread.

        Protection goes on without the view, so that this is no reason to start the process again;
        but a picture that nobody paints shows the same for ever (I7).
        """
        with self._lock:
            here = () if self._running is None else self._running.supervisor.stats()
        return tuple(
            f"the view has not answered for {stats.silent_s:.0f} s, so what is shown is old"
            for stats in here
            if stats.kind == ViewActor.kind and stats.silent_s >= STALE_AFTER_S
        )

    def dead_letters(self) -> dict[str, int]:
        """Return by address how many messages reached nobody; any thread."""
        with self._lock:
            return dict(self._dead_letters())

    def _mailboxes(self) -> dict[str, MailboxStats]:
        here = () if self._running is None else self._running.supervisor.stats()
        return {
            **{address: _ended(stats) for address, stats in self._past.items()},
            **{stats.address: _added(stats, self._past.get(stats.address)) for stats in here},
        }

    def _dead_letters(self) -> Counter[str]:
        if self._running is None:
            return self._past_letters
        here = self._running.assembly.system.dead_letters.by_receiver()
        return self._past_letters + _by_address(here.items())


def _by_address(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    by_address: Counter[str] = Counter()
    for receiver, count in counts:
        by_address[receiver.rpartition(" ")[0]] += count
    return by_address


def _added(stats: MailboxStats, past: MailboxStats | None) -> MailboxStats:
    if past is None:
        return stats
    return msgspec.structs.replace(
        stats,
        handled=stats.handled + past.handled,
        conflated=stats.conflated + past.conflated,
        restarts=stats.restarts + past.restarts,
        swallowed=stats.swallowed + past.swallowed,
        high_water=max(stats.high_water, past.high_water),
    )


def _ended(stats: MailboxStats) -> MailboxStats:
    """Return the figures of an actor that there is no more: only what was counted is left."""
    return MailboxStats(
        address=stats.address,
        kind=stats.kind,
        depth=0,
        high_water=stats.high_water,
        conflated=stats.conflated,
        handled=stats.handled,
        last_message=None,
        restarts=stats.restarts,
        status="",
        swallowed=stats.swallowed,
    )
