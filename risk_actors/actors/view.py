"""The view actor: keeps the current picture, for readers outside the actors."""

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import tzinfo
from types import MappingProxyType
from typing import Any

import msgspec

from risk_actors import messages as m
from risk_actors.actors.describe import cause_of, describe, describe_event
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.paint import Canvas, Known, paint
from risk_actors.actors.picture import EventPicture, Picture
from risk_actors.actors.repeats import Repeats
from risk_actors.core.evidence import iso_utc
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.schedules import DAILY_RESET, WEEKLY_RESET, Schedule
from risk_actors.core.trading_calendar import Window
from risk_actors.runtime.actor import Actor, ActorContext

KEEP_EVENTS = 200


class PictureFrame:
    """Holds the latest picture. One actor replaces it; anybody may look, without a lock.

    What the picture is painted from stays with it, so that a restarted actor goes on where the
    old one was: most of it is told once and to the view alone.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.known: Known | None = None

    @property
    def memories(self) -> Mapping[tuple[str, int], RuleMemory]:
        """What each rule remembers of each account, where that has changed since the start."""
        return {} if self.known is None else dict(self.known.memories)

    def show_notices(self, notices: tuple[str, ...]) -> None:
        """Put sentences into the picture that stay until the process ends."""
        self.picture = msgspec.structs.replace(self.picture, notices=notices)

    def show_phase(self, phase: str) -> None:
        """Put a phase into the picture by hand, as when the end has begun."""
        self.picture = msgspec.structs.replace(self.picture, phase=phase)


RESTS_TIMES = 9
"""So many times as long as a painting took nothing is painted: a tenth of one core is enough."""


class ViewActor(Actor):
    """A sink: takes in all that is shown and replaces the picture as a whole."""

    kind = "view"
    receives = frozenset(
        {
            m.AccountUpdated,
            m.PnlUpdated,
            m.PricesJudged,
            m.BalanceChecked,
            m.UnlockChanged,
            m.TraderActed,
            m.SettingsChanged,
            m.ClockStepped,
            m.VerdictChanged,
            m.RuleStateChanged,
            m.BreachFound,
            m.ShadowBreachFound,
            m.ShadowStopMoves,
            m.WarningRaised,
            m.LocksChanged,
            m.SendClose,
            m.SendCancel,
            m.SendMoveStop,
            m.CommandAnswered,
            m.EnforcementChanged,
            m.PanicRequested,
            m.ConnectionChanged,
            m.PayloadRejected,
            m.SnapshotFailed,
            m.ReconciliationDiffered,
            m.ActorChanged,
            m.DailyReset,
            m.WeeklyReset,
            m.Tick,
        }
    )
    sends = frozenset()

    def __init__(
        self,
        context: ActorContext,
        *,
        frame: PictureFrame,
        accounts: Mapping[int, str],
        zone: tzinfo,
        runs: Mapping[str, tuple[Schedule, Window]] = MappingProxyType({}),
    ) -> None:
        """Take where the picture goes; `runs` has each schedule with the time of its last run."""
        super().__init__(context)
        self._frame = frame
        self._zone = zone
        self._known = frame.known = frame.known or Known(accounts=dict(accounts))
        self._known.runs.update(runs)
        self._canvas = Canvas(self._known, zone)
        self._events: deque[EventPicture] = deque(frame.picture.events, maxlen=KEEP_EVENTS)
        self._repeats = Repeats()
        self._last_cause = ""
        self._outage: EventPicture | None = None
        """The row of the outage that lasts."""
        self._is_dirty = True
        self._rested_ns = 0
        """When it may be painted again."""

    def closed(self) -> None:
        """Leave no healthy picture behind that nobody paints any more (I7), and all in it."""
        if self._is_dirty:
            with suppress(Exception):  # what cannot be painted may be why it ends
                self._paint()
        if self._frame.picture.phase != "stopping":
            self._frame.picture = msgspec.structs.replace(
                self._frame.picture, phase="degraded", detail="the view is not running"
            )

    def handle(self, message: Any) -> None:
        """Take in one fact. Prices are painted with the tick, everything else at once."""
        match message:
            case m.Tick():
                is_news = self._known.note_unseen(message.at_ns)
                if is_news or (self._is_dirty and self._may_paint()):
                    self._paint()
            case m.PnlUpdated():
                self._known.pnl[message.pnl.account_id] = message.pnl
                self._is_dirty = True
            case m.PricesJudged():
                self._known.judged = message.figures
                self._is_dirty = True
            case m.VerdictChanged():
                self._take_verdict(message)
            case m.RuleStateChanged():
                self._known.memories[message.rule_id, message.account_id] = message.memory
            case _:
                self._take(message)
                self._show(message)
                self._is_dirty = True
                if self.actor_inbox.empty() and self._may_paint():
                    self._paint()

    def _take(self, message: m.Message) -> None:
        match message:
            case m.AccountUpdated():
                self._known.accounts_state[message.state.account_id] = message.state
                if isinstance(message.event, _SIGHTS):
                    self._known.seen_ns[message.state.account_id] = message.at_ns
                    self._known.note_unseen(message.at_ns)
                self._take_fills(message)
                if message.after_snapshot:
                    self._repeats.note_end(message.event)
                    self._known.unread_since_ns.pop(message.state.account_id, None)
            case m.SnapshotFailed():
                self._known.unread_since_ns.setdefault(message.account_id, message.at_ns)
            case m.LocksChanged():
                self._known.locks[message.account_id] = message.locks
                self._known.unlocks[message.account_id] = message.unlocks
                self._known.unsaved = message.unsaved
            case m.EnforcementChanged():
                self._take_enforcement(message)
            case m.ActorChanged():
                self._take_actor(message)
            case m.DailyReset() | m.WeeklyReset():
                self._take_run(message)
            case _:
                self._take_latest(message)

    def _take_latest(self, message: m.Message) -> None:
        """Take what says all of its matter by itself."""
        match message:
            case m.ConnectionChanged():
                self._take_connection(message)
            case m.BalanceChecked():
                self._known.balance_checks[message.account_id] = message
            case m.SettingsChanged():
                self._known.settings = message

    def _take_connection(self, message: m.ConnectionChanged) -> None:
        before = self._known.connection
        if before is not None and before.user_hub:
            # While the hub was up, no event meant no change.
            for account_id in self._known.accounts_state:
                self._known.seen_ns[account_id] = message.at_ns
        self._known.connection = message
        self._known.note_unseen(message.at_ns)

    def _take_run(self, message: m.DailyReset | m.WeeklyReset) -> None:
        match message:
            case m.DailyReset():
                name, told = DAILY_RESET, Window(message.day_start_ns, message.day_end_ns)
            case m.WeeklyReset():
                name, told = WEEKLY_RESET, Window(message.week_start_ns, message.week_end_ns)
        known = self._known.runs.get(name)
        if known is not None:
            self._known.runs[name] = (known[0], told)

    def _take_fills(self, message: m.AccountUpdated) -> None:
        last = self._known.last_fills.setdefault(message.account_id, {})
        for fill in sorted(message.fills, key=lambda f: (f.at_ns, f.id)):
            last.pop(fill.contract_id, None)
            last[fill.contract_id] = fill

    def _take_verdict(self, message: m.VerdictChanged) -> None:
        """Take a verdict; one of another kind is painted at once, a figure with the tick."""
        before = self._canvas.take(message)
        self._is_dirty = True
        is_new_kind = before is None or type(before.verdict) is not type(message.verdict)
        if is_new_kind and self.actor_inbox.empty() and self._may_paint():
            self._paint()

    def _take_enforcement(self, message: m.EnforcementChanged) -> None:
        if message.phase is m.EnforcementPhase.FLAT_OBSERVED or not message.is_under_way:
            self._known.enforcement.pop(message.account_id, None)
            return
        started = self._known.enforcement.get(message.account_id)
        since_ns = started[0] if started else message.at_ns
        self._known.enforcement[message.account_id] = (since_ns, message)

    def _take_actor(self, message: m.ActorChanged) -> None:
        match message.status:
            case m.ActorStatus.FAILED | m.ActorStatus.GIVEN_UP | m.ActorStatus.STUCK:
                self._known.failed[message.address] = message.status
                is_stuck = message.status is m.ActorStatus.STUCK
                if message.address == EnforcerActor.kind and not is_stuck:
                    # The next one begins anew and tells of its own enforcements only.
                    self._known.enforcement.clear()
            case m.ActorStatus.RESTARTED | m.ActorStatus.STARTED:
                before = self._known.failed.pop(message.address, None)
                is_replaced = (
                    before is m.ActorStatus.STUCK and message.status is m.ActorStatus.RESTARTED
                )
                if message.address == EnforcerActor.kind and is_replaced:
                    self._known.enforcement.clear()
            case m.ActorStatus.FAULT:
                pass

    def _is_beside_the_point(self, message: m.Message) -> bool:
        """Tell whether a breach was told before, or is in an account that is locked anyway."""
        return isinstance(message, m.BreachFound) and (
            message.is_repeat
            or any(
                lock.contract_id is None for lock in self._known.locks.get(message.account_id, ())
            )
        )

    def _show(self, message: m.Message) -> None:
        if self._is_beside_the_point(message):
            return
        event = cause_of(message)
        if event is not None and event.correlation_id != self._last_cause:
            self._last_cause = event.correlation_id
            line_of_event = describe_event(event)
            self._events.append(
                _event(event, line_of_event.kind, line_of_event.account_id, line_of_event.text)
            )
        if isinstance(message, m.ConnectionChanged):
            self._show_connection(message)
            return
        line = describe(message, self._zone)
        is_repeat = self._repeats.is_repeat(message, self.clock.monotonic_ns())
        if line is not None and not is_repeat:
            self._events.append(_event(message, line.kind, line.account_id, line.text))

    def _show_connection(self, message: m.ConnectionChanged) -> None:
        """Tell an outage in one row that grows with it, and its end in another."""
        story = self._known.story
        line = story.take(message)
        row, self._outage = self._outage, None
        if story.began_ns is None:
            self._events.append(_event(message, line.kind, None, line.text))
            return
        if row is not None and row in self._events:
            self._outage = msgspec.structs.replace(row, text=story.outage)
            self._events[self._events.index(row)] = self._outage
        else:
            self._outage = _event(message, line.kind, None, story.outage)
            self._events.append(self._outage)

    def _may_paint(self) -> bool:
        """Tell whether painting has rested as long as it must for what the last one took.

        One account takes a fraction of a millisecond, and is painted at once; hundreds take as long
        as everything else together, and whoever protects them waits for the interpreter meanwhile.
        """
        return self.clock.monotonic_ns() >= self._rested_ns

    def _paint(self) -> None:
        self._is_dirty = False
        began_ns = self.clock.monotonic_ns()
        self._frame.picture = paint(
            self._frame.picture, self._known, self._canvas, tuple(self._events), self._zone
        )
        ended_ns = self.clock.monotonic_ns()
        self._rested_ns = ended_ns + RESTS_TIMES * (ended_ns - began_ns)


_SIGHTS = (
    m.AccountSnapshot,
    m.AccountReported,
    m.PositionReported,
    m.OrderReported,
    m.FillReported,
)
"""What the broker itself tells of an account."""


def _event(message: m.Message, kind: str, account_id: int | None, text: str) -> EventPicture:
    return EventPicture(
        at=iso_utc(message.at_ns),
        kind=kind,
        account=account_id,
        text=text,
        correlation_id=message.correlation_id,
    )
