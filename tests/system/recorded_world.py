"""The stepped world with a real store: what it did can be replayed."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from memory_broker import Faults, S
from world import START_NS, World

from risk_actors import __version__
from risk_actors.actors.picture import Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.run_setup import read_locks, setup_of
from risk_actors.app.settings import SessionSettings, Settings
from risk_actors.app.system import RESYNC, ActorSystem, Blueprint
from risk_actors.core.last_run import LastRun
from risk_actors.core.rules import RuleSettings, catalogue
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.control import Resync
from risk_actors.runtime.stepped import ActorFailedError, SteppedScheduler
from risk_actors.runtime.supervisor import ChildSpec
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.runs import RunRecord
from risk_actors.store.schema import migrate


def rule_settings(type_: str, **settings: Any) -> RuleSettings:
    return catalogue()[type_].Settings(id=settings.pop("id", type_), **settings)


class RestlessClock:
    """A clock that moves on whenever somebody looks at it, as real ones do."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._random = Random(f"clock {seed}")
        self._ahead_ns = 0

    def now_ns(self) -> int:
        self._ahead_ns += self._random.randrange(90_000)
        return self._clock.now_ns() + self._ahead_ns

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()


class RestartingScheduler(SteppedScheduler):
    """Makes an actor that failed again, as the supervisor does."""

    def __init__(self, clock: Clock, seed: int) -> None:
        super().__init__(clock, seed)
        self._specs: dict[str, ChildSpec] = {}
        self.restarts: list[str] = []

    def start(self, specs: Sequence[ChildSpec]) -> None:
        self._specs = {spec.address: spec for spec in specs}
        super().start(specs)

    def run_until_idle(self, max_steps: int = 100_000) -> int:
        while True:
            try:
                return super().run_until_idle(max_steps)
            except ActorFailedError as error:
                self._restart(str(error).rpartition(": ")[0] or str(error))

    def _restart(self, failed: str) -> None:
        address = max((a for a in self._specs if failed.startswith(a)), key=len)
        spec = self._specs[address]
        self.restarts.append(address)
        self._actors[address].closed()
        self._actors[address] = actor = spec.make(spec.context(self._clock, self))
        actor.on_start()
        for other in self._specs.values():
            if other.kind in RESYNC:
                other.mailbox.deliver(Resync(address=address, reason="restarted"))


class RecordedWorld(World):
    """As `World`, with `risk.db` in a directory."""

    def __init__(
        self,
        directory: Path,
        seed: int,
        *rules: RuleSettings,
        faults: Faults | None = None,
        session: SessionSettings | None = None,
        start_ns: int = START_NS,
    ) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        migrate(directory)
        self.settings = Settings(session=session or SessionSettings(), rules=rules)
        context = rule_context(self.settings)
        super().__init__(
            seed,
            *(make_rule(each, context) for each in rules),
            faults=faults,
            start_ns=start_ns,
            calendar=TradingCalendar(
                zone=ZoneInfo(self.settings.session.timezone),
                daily_reset=self.settings.session.daily_reset,
                weekly_reset=self.settings.session.weekly_reset,
            ),
        )

    @property
    def file(self) -> Path:
        return self.directory / "risk.db"

    def start(self, last_run: LastRun, clock: Clock) -> None:
        clock = RestlessClock(clock, self._seed)
        started_ns = clock.now_ns()
        calendar = self._calendar
        self.frame = PictureFrame(Picture(version="t", mode="paper", armed=True, phase="starting"))
        blueprint = Blueprint(
            accounts=self.broker.accounts,
            rules=self._rules,
            calendar=calendar,
            started_ns=started_ns,
            armed=True,
            quote_stale_after_ns=10 * S,
            session=self.broker,
            open_locks=lambda: SqliteLockStore(self.directory, calendar.zone),
            open_journal=lambda: SqliteJournal(self.directory, calendar=calendar, run=run),
            frame=self.frame,
            market=rule_context(self.settings).market,
            last_run=last_run,
            unlock=self.settings.session.unlock_terms(),
        )
        locks = read_locks(self.directory, calendar, started_ns)
        setup = setup_of(self.settings, blueprint, locks, mode="paper")
        run = RunRecord(started_ns, __version__, "paper", True, setup.as_json())
        self.system = ActorSystem(blueprint)
        self.scheduler: RestartingScheduler = RestartingScheduler(clock, self._seed)
        self.scheduler.start(self.system.specs)
        self.broker.emit = self.system.inbound.send
        self.reconcile()
