"""Measure what the tape costs in bytes, and how long it takes to replay.

    python tools/measure_tape.py [--minutes N] [--quotes N]

All rules guard two accounts on a virtual clock that moves on a little whenever it is looked at, as
real ones do, so that every instant is as odd as in a run. First nothing is open; then one contract
is held, and quoted N times a second.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

from sqlite_utils import Database

from risk_actors import __version__
from risk_actors import messages as m
from risk_actors.actors.picture import Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.replay import replay
from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.run_setup import read_locks, setup_of
from risk_actors.app.settings_load import load_settings
from risk_actors.app.system import ActorSystem, Blueprint
from risk_actors.core.broker import (
    Account,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
)
from risk_actors.core.commands import Command
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.instruments import Instrument
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.runs import RunRecord
from risk_actors.store.schema import DATABASE_FILE, migrate
from risk_actors.store.tape_compact import Compaction

NOON = 1_794_938_400 * NS_PER_S
"""A Tuesday noon in Chicago, in the middle of a session."""
MS = NS_PER_S // 1000
TICK_NS = 100 * MS
SNAPSHOT_EVERY_NS = 30 * NS_PER_S
MINUTES_PER_HOUR = 60
FAR_TICKS = 8
"""From the entry; no rule is broken so near."""
CONTRACT = "CON.F.US.MNQ.Z26"
ACCOUNTS = {101: "A-101", 102: "B-102"}


class RestlessClock:
    """Moves on by some ten microseconds with every look."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._random = Random("clock")  # noqa: S311 - the same each time
        self._ahead_ns = 0

    def now_ns(self) -> int:
        """Return the time, a little later each time."""
        self._ahead_ns += self._random.randrange(5_000, 90_000)
        return self._clock.now_ns() + self._ahead_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        return self._clock.monotonic_ns()


class NoBroker:
    """Takes what is asked and answers nothing."""

    def submit(self, command: Command) -> None:
        """Refuse: nothing here should lead to a command."""
        raise AssertionError(f"nothing should be sent in this measurement: {command}")

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        """Do nothing."""

    def request_bars(self, wanted: m.RequestBars) -> None:
        """Do nothing."""

    def note_locks(self, note: m.NoteLocks) -> None:
        """Do nothing."""


class Rig:
    """The actors on a virtual clock, with the store in a directory."""

    def __init__(self, directory: Path) -> None:
        self.virtual = VirtualClock(NOON)
        self.clock = RestlessClock(self.virtual)
        self._random = Random("market")  # noqa: S311 - the same each time
        self._ids = 0
        self._off_ticks = 0
        self._opened_ns = 0
        self.file = directory / DATABASE_FILE
        migrate(directory)
        (directory / "risk.toml").write_text("\n".join(map(example_of, sorted(catalogue()))))
        settings = load_settings(directory)
        context = rule_context(settings)
        calendar, started_ns = context.calendar, self.clock.now_ns()
        blueprint = Blueprint(
            accounts=ACCOUNTS,
            rules=[make_rule(rule, context) for rule in settings.rules],
            calendar=calendar,
            started_ns=started_ns,
            armed=True,
            quote_stale_after_ns=10 * NS_PER_S,
            market=context.market,
            session=NoBroker(),
            open_locks=lambda: SqliteLockStore(directory, calendar.zone),
            open_journal=lambda: SqliteJournal(directory, calendar=calendar, run=run),
            frame=PictureFrame(Picture(version="", mode="paper", armed=True, phase="starting")),
        )
        locks = read_locks(directory, calendar, started_ns)
        setup = setup_of(settings, blueprint, locks, mode="paper")
        run = RunRecord(started_ns, __version__, "paper", armed=True, setup=setup.as_json())
        self.system = ActorSystem(blueprint)
        self.scheduler = SteppedScheduler(self.virtual, 1)
        self.actors = []
        for spec in self.system.specs:
            actor = spec.make(spec.context(self.clock, self.scheduler))
            actor.on_start()
            self.actors.append(actor)
        self.actors.reverse()
        self._tell(m.InstrumentResolved, instrument=_instrument())

    def run(self, minutes: float, quotes_per_s: float = 0) -> None:
        """Let time pass: ticks, snapshots, and quotes if any."""
        end_ns = self.virtual.now_ns() + int(minutes * 60 * NS_PER_S)
        due = {self._tick: TICK_NS, self._snapshots: SNAPSHOT_EVERY_NS}
        if quotes_per_s:
            due[self._quote] = int(NS_PER_S / quotes_per_s)
        next_ns: dict[Callable[[], None], int] = dict.fromkeys(due, self.virtual.now_ns())
        while True:
            what = min(next_ns, key=lambda each: next_ns[each])
            if next_ns[what] >= end_ns:
                return
            self.virtual.advance(max(next_ns[what] - self.virtual.now_ns(), 0))
            what()
            next_ns[what] += due[what]
            self._settle()

    def open_position(self) -> None:
        """Buy one contract, with a stop to it."""
        self._opened_ns = self.virtual.now_ns()
        self._tell(m.FillReported, fill=_fill(self._opened_ns))
        self._tell(m.PositionReported, position=_position(self._opened_ns))
        self._tell(m.OrderReported, order=_stop())
        self._settle()

    def stop(self) -> None:
        """End in order."""
        self._settle()
        for actor in self.actors:
            actor.on_stop()

    def _settle(self) -> None:
        while any(not actor.actor_inbox.empty() for actor in self.actors):
            for actor in self.actors:
                while actor.step():
                    pass

    def _tick(self) -> None:
        self.system.timer_mailbox.deliver(Pulse())

    def _snapshots(self) -> None:
        for account_id, name in ACCOUNTS.items():
            is_open = bool(self._opened_ns) and account_id == min(ACCOUNTS)
            self._tell(
                m.AccountSnapshot,
                account=Account(
                    id=account_id,
                    name=name,
                    balance_usd=Decimal("49999.26") if is_open else Decimal(50_000),
                    can_trade=True,
                ),
                positions=(_position(self._opened_ns),) if is_open else (),
                orders=(_stop(),) if is_open else (),
                covers_suspended=True,
                fills=(_fill(self._opened_ns),) if is_open else (),
                fills_since_ns=NOON - 86_400 * NS_PER_S,
                asked_ns=self.clock.now_ns() - 40 * MS,
                reason="periodic",
            )

    def _quote(self) -> None:
        if abs(self._off_ticks) < FAR_TICKS:
            self._off_ticks += self._random.choice((-1, 0, 0, 1))
        else:
            self._off_ticks -= self._off_ticks // FAR_TICKS
        bid = Decimal(25_000) + Decimal("0.25") * self._off_ticks
        self._tell(
            m.QuoteReported,
            quote=Quote(
                contract_id=CONTRACT,
                bid=bid,
                ask=bid + Decimal("0.25"),
                last=bid,
                at_ns=self.clock.now_ns(),
            ),
        )

    def _tell(self, kind: type[m.Message], **content: object) -> None:
        self._ids += 1
        self.system.inbound.send(
            kind(correlation_id=f"mh3k2x9f-{self._ids}", at_ns=self.clock.now_ns(), **content)
        )


def _instrument() -> Instrument:
    return Instrument(
        contract_id=CONTRACT,
        symbol="MNQ",
        tick_size=Decimal("0.25"),
        tick_value_usd=Decimal("0.50"),
    )


def _fill(at_ns: int) -> Fill:
    return Fill(
        id=1,
        account_id=min(ACCOUNTS),
        contract_id=CONTRACT,
        order_id=1,
        side=Side.BUY,
        size=1,
        price=Decimal(25_000),
        at_ns=at_ns,
        costs_usd=Decimal("0.74"),
    )


def _position(opened_ns: int) -> Position:
    return Position(
        account_id=min(ACCOUNTS),
        contract_id=CONTRACT,
        size=1,
        average_price=Decimal(25_000),
        opened_ns=opened_ns,
    )


def _stop() -> Order:
    return Order(
        id=2,
        account_id=min(ACCOUNTS),
        contract_id=CONTRACT,
        status=OrderStatus.OPEN,
        type=OrderType.STOP,
        side=Side.SELL,
        size=1,
        stop_price=Decimal(24_980),
        created_ns=NOON,
        updated_ns=NOON,
    )


def _size(file: Path) -> int:
    database = sqlite3.connect(file)
    (size,) = database.execute("select coalesce(sum(length(data)), 0) from tape").fetchone()
    database.close()
    return int(size)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="of each of the two")
    parser.add_argument("--quotes", type=float, default=42.0, help="a second")
    options = parser.parse_args()
    per_hour = MINUTES_PER_HOUR / options.minutes
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory))
        taped = sum(spec.tape is not None for spec in rig.system.specs)
        rig.run(0.5)
        before = _size(rig.file)
        rig.run(options.minutes)
        idle = _size(rig.file) - before
        rig.open_position()
        before = _size(rig.file)
        rig.run(options.minutes, options.quotes)
        held = _size(rig.file) - before
        rig.stop()
        print(f"{taped} actors with a tape, {options.minutes:g} minutes of each:")
        for what, size in (("nothing open", idle), ("held and quoted", held)):
            print(f"  {what:16}{size * per_hour / 1e6:8.2f} MB an hour")
        _replay(rig.file)
        total = _size(rig.file)
        database = Database(rig.file)
        with database.conn:
            database.execute("insert into runs (id, started_ns) values (2, 0)")
        compaction = Compaction(database)
        while compaction.step():
            pass
        database.close()
        print(f"  put together: {total:,} -> {_size(rig.file):,} bytes")


def _replay(file: Path) -> None:
    began_s = time.monotonic()
    replayed = replay(file)
    took_s = time.monotonic() - began_s
    (run,) = replayed.runs
    print(
        f"  replayed {run.ticks:,} ticks and {run.events:,} events in {took_s:.1f} s, "
        f"{run.compared} decisions, {len(run.differences)} differences {run.fault}"
    )


if __name__ == "__main__":
    main()
