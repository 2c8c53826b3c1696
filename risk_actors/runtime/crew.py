"""One thread that serves several actors, whoever stands furthest downstream first.

With a thread for each actor an event that goes to all rules wakes as many threads as there are
rules, and they wait for the interpreter one after another: the one rule that is broken, the
enforcer and the way out among them. A crew handles one message after another in one thread
instead. What a handler sent downstream is handled before the next thing from upstream, so a breach
is at the broker before the rules behind it have looked. Each actor keeps its own mailbox and takes
its messages one at a time, in their order; actors share nothing but the thread.

Who is next, and that nobody waits without end, is decided in `turns`. What turns may cost the
others is bounded here, in two ways:

- A handler that does not come back must not hold up the others: whoever watches relieves the
  thread, which is left to that handler, and another serves the rest. So the actors of a crew wait
  for a stuck one for twice `PATIENCE_S` at most; what becomes of the stuck one is the supervisor's
  business, as ever.
- One whose turns are long again and again goes aside, to a thread of its own, until that is over:
  in the crew it may use `SHARE` of the time and `BURST_S` beyond.
"""

import logging
import threading
from collections.abc import Collection
from itertools import count
from time import monotonic

from risk_actors.runtime.crew_member import BURST_S, COUNTED_S, SHARE, Aside, Hand, Member, Shift
from risk_actors.runtime.right_of_way import THE_WAY, Claim
from risk_actors.runtime.turns import Taker, Turns

PATIENCE_S = 0.05
"""How long a handler may take before the thread is left to it. Ten times what the slowest needs; to
be wrong costs one short-lived thread."""

PRICES_EVERY_S = 0.001
"""How soon a turn that is for prices alone may follow another. More of them may come than there is
time for. Of each contract the newest counts, so the fewer are looked at the less there is to do;
and meanwhile the interpreter is there for those who read what else the broker says."""

_log = logging.getLogger(__name__)
_numbers = count(1)


class Crew:
    """Serves its members; the thread begins with the first one and ends with the last."""

    def __init__(
        self,
        name: str,
        ranks: int,
        patience_s: float = PATIENCE_S,
        prices_every_s: float = 0.0,
        sources: Collection[int] = (),
    ) -> None:
        """Take how many ranks there are.

        Args:
            name: of its threads.
            ranks: 0 is furthest downstream, and first to be served.
            patience_s: how long a turn may take before another thread serves the others.
            prices_every_s: how soon a turn of the last rank may follow another while it is
                patient; the last rank is for prices, then.
            sources: ranks that take what comes from outside, and hold back when there is more
                than can be done.
        """
        self._name = name
        self._prices_rank = ranks - 1 if prices_every_s else ranks
        self._prices_every_s = prices_every_s
        self._patience_s = patience_s
        self._ranks = ranks
        self._sources = sources
        self._turns: Turns[Member] = self.turns_on_the_same_terms()
        self._lock = threading.Lock()
        """Held to begin, end, relieve, wake and fall asleep; never during a turn."""
        self._members: set[Member] = set()
        self._shift: Shift | None = None
        self._watch_thread: threading.Thread | None = None
        self._claim = Claim(THE_WAY)
        self._ended = threading.Event()
        self._ended.set()
        self._told = ""
        self.relieved = 0
        """How often a thread was left to a handler that took too long."""

    def turns_on_the_same_terms[T: Taker](self) -> Turns[T]:
        """Return, for whoever does without threads, what decides who is next."""
        return Turns(self._ranks, sources=self._sources, prices_every_s=self._prices_every_s)

    def join(self, hand: Hand, rank: int) -> Member:
        """Take somebody in, who has the first turn at once.

        Raises:
            RuntimeError: no thread can be started; nothing has changed.
        """
        member = Member(self, hand, rank)
        with self._lock:
            shift = self._live_shift()
            self._members.add(member)
            self._turns.add_new(member, monotonic())
            self._ring(shift)
        return member

    def queue(self, member: Member) -> None:
        """Give a member a turn when those downstream of it have had theirs."""
        if member.aside is not None and self._is_queued_aside(member):
            return
        self._turns.add(member, monotonic())
        # Added first and looked at afterwards; whoever falls asleep does it the other way round.
        shift = self._shift
        if shift is not None and shift.is_asleep:
            with self._lock:
                self._ring(shift, in_a_hurry=member.rank < self._prices_rank)

    def _ring(self, shift: Shift, *, in_a_hurry: bool = True) -> None:
        if shift.is_asleep:
            shift.is_asleep = False
            if in_a_hurry:
                # From now on, and not only once it has got the interpreter.
                self._claim.is_busy = True
            shift.bell.release()

    def _tell(self, what: str, error: BaseException) -> None:
        """Say once what went wrong: what fails at every turn would fill the log."""
        told = f"{what}: {type(error).__name__}: {error}"
        if told != self._told:
            self._told = told
            _log.error("The crew %s", told, exc_info=error)

    # --- threads begin; the lock is held, and where that fails nothing has changed --------------

    def _live_shift(self) -> Shift:
        """Return whoever serves, and is watched while doing so; begin what has not begun."""
        shift, watch = self._shift, self._watch_thread
        if shift is None:
            self._claim, self._ended = THE_WAY.claim(), threading.Event()
        if watch is None or not watch.is_alive():
            self._watch_thread = self._started("watch", self._watch, self._ended)
        if shift is None or shift.thread is None or not shift.thread.is_alive():
            try:
                shift = self._begin_shift()
            except BaseException:
                if shift is None:
                    self._end()
                raise
        return shift

    def _begin_shift(self) -> Shift:
        """Start another thread to serve; when there is none, who served before goes on."""
        shift = Shift()
        shift.thread = self._started(f"{next(_numbers)}", self._serve, shift)
        before, self._shift = self._shift, shift
        if before is not None:
            before.is_over = True
        return shift

    def _started(self, name: str, work: object, *args: object) -> threading.Thread:
        thread = threading.Thread(
            target=work,  # type: ignore[arg-type]
            args=args,
            name=f"{self._name}-{name}",
            daemon=True,
        )
        thread.start()
        return thread

    def _end(self) -> None:
        self._shift = self._watch_thread = None
        self._ended.set()
        THE_WAY.drop(self._claim)

    # --- the serving thread -----------------------------------------------------------------

    def _serve(self, shift: Shift) -> None:
        with self._lock:
            pass  # whoever started this has told everybody by now
        while not shift.is_over:
            try:
                self._serve_on(shift)
            except BaseException as error:  # noqa: BLE001 - without this thread nobody is served
                self._tell("could not serve, and goes on", error)

    def _serve_on(self, shift: Shift) -> None:
        turns, claim = self._turns, self._claim
        now_s = monotonic()
        while not shift.is_over:
            member = turns.take(now_s)
            if member is None:
                self._rest(shift)
                now_s = monotonic()
                continue
            if turns.is_for_prices:
                # Nobody has to get out of the way of prices.
                claim.end()
            else:
                claim.is_busy = True
            shift.turns += 1
            shift.at = member
            now_s = self._give_turn(member, now_s)
            shift.at = None

    def _give_turn(self, member: Member, began_s: float) -> float:
        """Let a member do one thing; return when it was done."""
        waited_s = began_s - member.since_s
        if waited_s > member.longest_wait_s:  # noqa: PLR1730 - a call would cost more
            member.longest_wait_s = waited_s
        hand = member.hand
        try:
            has_more = hand.turn(member)
        except BaseException as error:  # noqa: BLE001 - the others must be served
            self._tell("goes on after a turn that failed", error)
            # It may have left nobody who would wake it.
            has_more = not hand.is_done
        now_s = monotonic()
        if now_s - began_s >= COUNTED_S or member.aside is not None:
            self._charge(member, now_s - began_s, now_s)
        if has_more:
            self.queue(member)
        elif hand.is_done:
            self._leave(member)
        return now_s

    def _rest(self, shift: Shift) -> None:
        """Wait until there is something to do, or until prices have a turn."""
        rest_s = self._turns.rest_s(monotonic())
        with self._lock:
            if shift.is_over:
                return
            shift.is_asleep = True
        if not self._turns.is_ready and (rest_s >= 0 or self._turns.rest_s(0.0) < 0):
            self._claim.end()
            shift.bell.acquire(timeout=rest_s)
            if rest_s < 0:
                return
        with self._lock:
            if not shift.is_asleep:
                # Somebody rang, perhaps after the rest was over.
                shift.bell.acquire(blocking=False)
            shift.is_asleep = False

    def _leave(self, member: Member) -> None:
        with self._lock:
            self._members.discard(member)
            self._come_back(member)
            if not self._members and self._shift is not None:
                self._shift.is_over = True
                self._ring(self._shift)
                self._end()

    # --- those who are slow -------------------------------------------------------------------

    def _charge(self, member: Member, took_s: float, now_s: float) -> None:
        owed_s = member.charge(took_s, now_s)
        if member.aside is None:
            if owed_s > BURST_S:
                with self._lock:
                    try:
                        self._send_aside(member)
                    except RuntimeError as error:  # no thread; then it stays for now
                        self._tell("has no thread for one who is slow", error)
        elif not owed_s:
            with self._lock:
                self._come_back(member)

    def _send_aside(self, member: Member) -> None:
        if member.aside is not None:
            return
        aside = Aside()
        self._started(f"{next(_numbers)}", self._serve_aside, member, aside)
        member.aside = aside
        member.times_aside += 1

    def _come_back(self, member: Member) -> None:
        aside = member.aside
        if aside is not None and not aside.has_work:
            member.aside = None
            aside.bell.set()

    def _is_queued_aside(self, member: Member) -> bool:
        with self._lock:
            aside = member.aside
            if aside is None:
                return False
            member.since_s, member.is_waiting = monotonic(), True
            aside.has_work = True
            aside.bell.set()
            return True

    def _serve_aside(self, member: Member, aside: Aside) -> None:
        while self._awaits_work(member, aside):
            if member.rank == self._prices_rank and member.is_patient:
                threading.Event().wait(self._prices_every_s)
            member.is_waiting = False
            self._give_turn(member, monotonic())

    def _awaits_work(self, member: Member, aside: Aside) -> bool:
        """Wait until there is something to do aside; False when the member is back in the crew."""
        while True:
            with self._lock:
                if aside.has_work:
                    aside.has_work = False
                    aside.bell.clear()
                    return True
                if member.aside is not aside:
                    return False
                left_s = member.owes_s(monotonic()) / SHARE
                if not left_s:
                    self._come_back(member)
                    return False
            aside.bell.wait(left_s)

    # --- the watching thread ----------------------------------------------------------------

    def _watch(self, ended: threading.Event) -> None:
        seen: tuple[Shift, int] | None = None
        while not ended.wait(self._patience_s):
            try:
                seen = self._look(seen)
            except BaseException as error:  # noqa: BLE001 - else nobody would ever be relieved
                self._tell("could not relieve, and looks again", error)

    def _look(self, seen: tuple[Shift, int] | None) -> tuple[Shift, int] | None:
        """Relieve a thread that is at the turn that it was at before, or that has died."""
        shift = self._shift
        if shift is None:
            return None
        turns, is_dead = shift.turns, shift.thread is not None and not shift.thread.is_alive()
        if not is_dead and shift.at is None:
            return None
        if is_dead or (shift, turns) == seen:
            self._relieve(shift, turns, is_dead=is_dead)
        return shift, turns

    def _relieve(self, shift: Shift, turns: int, *, is_dead: bool) -> None:
        with self._lock:
            if shift is not self._shift:
                return
            if not is_dead and (shift.at is None or shift.turns != turns):
                return
            self._begin_shift()
            self.relieved += 1
