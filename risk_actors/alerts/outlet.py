"""What goes out on one channel and when: routes, grouping, repeats, pace, quiet hours. Pure.

What is urgent is never held back: it waits half a second for what follows from the same cause and
goes, whatever the pace and the hour. All else waits for others to be told with, is told once in a
while only, and is summed up where it was too much.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from risk_actors.actors.alert import Alert, AlertKind
from risk_actors.alerts.letter import Held, Letter, sum_up, write
from risk_actors.alerts.settings import AlertSettings, ChannelSettings
from risk_actors.core.evidence import NS_PER_S

URGENT_GROUP_NS = NS_PER_S // 2
MOST_WAITING = 300
"""While nothing can be delivered; beyond them the oldest lesser one is dropped, and counted."""
AGAIN_NS = 45 * NS_PER_S
"""After so long a message with something urgent that could not be delivered is tried again."""
GIVEN_UP_NS = 6 * 3600 * NS_PER_S
"""Who could not be told for so long has looked."""
MOST_HELD = 1_000
_MINUTE_NS = 60 * NS_PER_S
_CAUSES_KEPT = 200
_TEXTS_KEPT = 500

PACE, QUIET = "too many at once", "quiet hours"


class Waiting(NamedTuple):
    """One alert, and since when it waits."""

    came_ns: int
    alert: Alert
    is_urgent: bool
    """Whether nothing may hold it back; also how something ended that was urgent."""
    urgent_ns: int = 0
    """When it goes, where it is urgent."""
    is_late: bool = False
    """Whether it could not be delivered before."""


class Parcel(NamedTuple):
    """A message, and what to put back when it cannot be delivered."""

    letter: Letter
    told: tuple[Waiting, ...]

    @property
    def returns(self) -> tuple[Waiting, ...]:
        """Return what must not be lost: all of it, where something urgent is among it."""
        return self.told if any(w.is_urgent for w in self.told) else ()


class Outlet:
    """The alerts that wait for one channel. Instants are of a clock that is never set."""

    def __init__(
        self, channel: ChannelSettings, settings: AlertSettings, zone: tzinfo, mode: str = ""
    ) -> None:
        self.channel = channel
        self._group_ns = int(settings.group_s * NS_PER_S)
        self._repeat_ns = int(settings.repeat_after_s * NS_PER_S)
        self._at_most = settings.at_most_per_minute
        self._zone = zone
        self._mode = mode
        self._waiting: deque[Waiting] = deque()
        self._held: deque[Alert] = deque(maxlen=MOST_HELD)
        self._held_why = PACE
        self._sent_ns: deque[int] = deque()
        self._told_ns: OrderedDict[tuple[str, int | None, str], int] = OrderedDict()
        self._causes: OrderedDict[str, None] = OrderedDict()
        self._dropped_untold = 0
        self._were_urgent_dropped = False
        self.dropped = 0
        """Alerts that were dropped because too many waited, lesser ones first."""
        self.repeats = 0
        """Lesser alerts that were not told because the same was told lately."""
        self.held_back = 0
        """Alerts that were not told at once, but in sum later."""

    @property
    def waiting(self) -> int:
        """How many alerts wait."""
        return len(self._waiting) + len(self._held)

    def take(self, alert: Alert, now_ns: int) -> None:
        """Take an alert, where it is for this channel."""
        if not self._is_for_us(alert):
            return
        is_follow_up = alert.kind is AlertKind.ENFORCEMENT and alert.correlation_id in self._causes
        is_urgent = alert.is_urgent or is_follow_up
        is_exempt = is_urgent or alert.is_of_what_lasts
        if not is_exempt and self._is_repeat(alert, now_ns):
            self.repeats += 1
            return
        self._note_cause(alert)
        self._waiting.append(Waiting(now_ns, alert, is_urgent, now_ns + URGENT_GROUP_NS))
        if len(self._waiting) > MOST_WAITING:
            self._drop()

    def put_back(self, returned: Sequence[Waiting], now_ns: int, after_ns: int = AGAIN_NS) -> int:
        """Take back what could not be delivered; return how many are given up as too old.

        Args:
            returned: what a `Parcel` returns, of this outlet or of one before it.
            now_ns: the present.
            after_ns: how long until it is tried again.
        """
        wanted = [each for each in returned if self.channel.wants(each.alert)]
        kept = [each for each in wanted if now_ns - each.came_ns < GIVEN_UP_NS]
        for each in reversed(kept):
            self._note_cause(each.alert)
            again = each._replace(urgent_ns=now_ns + after_ns, is_late=True)
            self._waiting.appendleft(again)
        while len(self._waiting) > MOST_WAITING:
            self._drop()
        given_up = len(wanted) - len(kept)
        self._dropped_untold += given_up
        self._were_urgent_dropped |= given_up > 0
        return given_up

    def due(self, now_ns: int, *, is_quiet: bool = False, at_once: bool = False) -> Parcel | None:
        """Return the message to send now, None where nothing is due.

        Args:
            now_ns: the present.
            is_quiet: whether these are quiet hours.
            at_once: whether all that waits must go, for it is the end.
        """
        if at_once:
            return self._parcel(self._take_all(), now_ns)
        urgent_ns = self._urgent_ns()
        if urgent_ns is not None and now_ns >= urgent_ns:
            is_late = any(w.is_late for w in self._waiting)
            # What is lesser is not tried, and lost, with what failed before: it waits for that.
            if is_late or is_quiet or self._is_too_much(now_ns):
                return self._parcel(self._take_urgent(), now_ns, with_held=False)
            return self._parcel(self._take_all(), now_ns)
        if self._is_grouped(now_ns):
            if is_quiet or self._is_too_much(now_ns):
                self._hold(QUIET if is_quiet else PACE)
                return None
            return self._parcel(self._take_all(), now_ns)
        if self._held and urgent_ns is None and not is_quiet and not self._is_too_much(now_ns):
            return self._parcel((), now_ns)
        return None

    def next_ns(self, now_ns: int) -> int | None:
        """Return when to ask again at the latest; None while there is nothing to ask for."""
        urgent_ns = self._urgent_ns()
        if urgent_ns is not None:
            return urgent_ns  # all else goes with it, or after it
        times = [w.came_ns + self._group_ns for w in self._waiting]
        if self._held:
            room_ns = self._sent_ns[0] + _MINUTE_NS if self._sent_ns else now_ns
            times.append(max(room_ns, now_ns + NS_PER_S))
        return min(times, default=None)

    # --- details ----------------------------------------------------------------------------

    def _urgent_ns(self) -> int | None:
        """Return when the first of what is urgent goes."""
        return min((w.urgent_ns for w in self._waiting if w.is_urgent), default=None)

    def _note_cause(self, alert: Alert) -> None:
        if not alert.correlation_id:
            return
        self._causes[alert.correlation_id] = None
        self._causes.move_to_end(alert.correlation_id)
        if len(self._causes) > _CAUSES_KEPT:
            self._causes.popitem(last=False)

    def _is_for_us(self, alert: Alert) -> bool:
        """Tell whether it is told here: also how something ended that was told."""
        if not self.channel.wants(alert):
            return False
        is_grave = alert.severity.rank >= self.channel.min_severity.rank
        return is_grave or alert.correlation_id in self._causes

    def _is_repeat(self, alert: Alert, now_ns: int) -> bool:
        what = (alert.kind.value, alert.account_id, alert.text)
        told_ns = self._told_ns.get(what)
        if told_ns is not None and now_ns - told_ns < self._repeat_ns:
            return True
        self._told_ns[what] = now_ns
        self._told_ns.move_to_end(what)
        if len(self._told_ns) > _TEXTS_KEPT:
            self._told_ns.popitem(last=False)
        return False

    def _drop(self) -> None:
        lesser = next((w for w in self._waiting if not w.is_urgent), self._waiting[0])
        self._waiting.remove(lesser)
        self.dropped += 1
        self._dropped_untold += 1
        self._were_urgent_dropped |= lesser.is_urgent

    def _is_grouped(self, now_ns: int) -> bool:
        lesser = next((w for w in self._waiting if not w.is_urgent), None)
        has_urgent = any(w.is_urgent for w in self._waiting)
        return lesser is not None and not has_urgent and now_ns - lesser.came_ns >= self._group_ns

    def _is_too_much(self, now_ns: int) -> bool:
        while self._sent_ns and now_ns - self._sent_ns[0] >= _MINUTE_NS:
            self._sent_ns.popleft()
        return len(self._sent_ns) >= self._at_most

    def _hold(self, why: str) -> None:
        self._held_why = why
        self.held_back += len(self._waiting)
        self._held.extend(w.alert for w in self._waiting)
        self._waiting.clear()

    def _take_all(self) -> tuple[Waiting, ...]:
        taken = tuple(self._waiting)
        self._waiting.clear()
        return taken

    def _take_urgent(self) -> tuple[Waiting, ...]:
        """Take what is urgent, and what belongs to the same causes."""
        causes = {w.alert.correlation_id for w in self._waiting if w.is_urgent} - {""}
        taken = [w for w in self._waiting if w.is_urgent or w.alert.correlation_id in causes]
        self._waiting = deque(w for w in self._waiting if w not in taken)
        return tuple(taken)

    def _parcel(
        self, told: tuple[Waiting, ...], now_ns: int, *, with_held: bool = True
    ) -> Parcel | None:
        held: Held | None = None
        if with_held:
            held = sum_up(tuple(self._held), self._held_why)
            self._held.clear()
        if not told and held is None:
            return None
        self._sent_ns.append(now_ns)
        dropped, self._dropped_untold = self._dropped_untold, 0
        were_urgent, self._were_urgent_dropped = self._were_urgent_dropped, False
        letter = write(
            tuple(each.alert for each in told),
            self._zone,
            mode=self._mode,
            held=held,
            dropped=dropped,
            were_urgent_dropped=were_urgent,
            late=sum(each.is_late for each in told),
        )
        return Parcel(letter, told)
