"""The alerts actor: picks out what the trader is to be told who does not look at the screen."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.alert import Alert, AlertSink
from risk_actors.actors.alert_watch import Watch
from risk_actors.actors.alert_words import ALERTS, words_of
from risk_actors.actors.picture import Picture
from risk_actors.actors.repeats import Repeats
from risk_actors.core.evidence import NS_PER_S
from risk_actors.runtime.actor import Actor, ActorContext

LOOK_EVERY_NS = NS_PER_S


class AlertsActor(Actor):
    """A sink: hands what is worth an alert to those who deliver it, and waits for nobody."""

    kind = ALERTS
    receives = frozenset(
        {
            m.BreachFound,
            m.ShadowBreachFound,
            m.WarningRaised,
            m.LocksChanged,
            m.UnlockChanged,
            m.EnforcementChanged,
            m.CommandAnswered,
            m.PanicRequested,
            m.TraderActed,
            m.SettingsChanged,
            m.ActorChanged,
            m.ClockStepped,
            m.Tick,
        }
    )
    sends = frozenset()

    def __init__(
        self,
        context: ActorContext,
        *,
        sink: AlertSink,
        picture: Callable[[], Picture],
        accounts: Mapping[int, str],
        zone: tzinfo,
    ) -> None:
        """Take where alerts go, where to read what lasts, and the accounts' names by id."""
        super().__init__(context)
        self._sink = sink
        self._picture = picture
        self._accounts = accounts
        self._zone = zone
        self._repeats = Repeats()
        self._watch = Watch()
        self._looked_ns: int | None = None
        self._locked: set[int] = set()

    def handle(self, message: Any) -> None:
        """Take one message."""
        if isinstance(message, m.Tick):
            self._look(message.at_ns)
            return
        if isinstance(message, m.BreachFound) and message.account_id in self._locked:
            return  # whatever is found in a locked account, closing it began without it
        if isinstance(message, m.LocksChanged):
            self._note_locks(message)
        is_repeat = self._repeats.is_repeat(message, self.clock.monotonic_ns())
        words = words_of(message, self._zone)
        if words is None or is_repeat:
            return
        self._sink.post(
            Alert(
                at_ns=message.at_ns,
                kind=words.kind,
                severity=words.severity,
                text=words.text,
                account_id=words.account_id,
                account=self._name(words.account_id),
                correlation_id=message.correlation_id,
            )
        )

    def _look(self, now_ns: int) -> None:
        mono_ns = self.clock.monotonic_ns()
        if self._looked_ns is not None and mono_ns - self._looked_ns < LOOK_EVERY_NS:
            return
        self._looked_ns = mono_ns
        for alert in self._watch.look(
            self._picture(), now_ns, mono_ns, self._sink.no_data_after_ns
        ):
            self._sink.post(alert)

    def _note_locks(self, message: m.LocksChanged) -> None:
        is_locked = any(lock.contract_id is None for lock in message.locks)
        (self._locked.add if is_locked else self._locked.discard)(message.account_id)

    def _name(self, account_id: int | None) -> str:
        return "" if account_id is None else self._accounts.get(account_id, str(account_id))
