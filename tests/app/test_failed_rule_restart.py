"""A lock for a rule that failed, over the end of the program: it waits until the rule judges."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from risk_actors.actors.picture import Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.assembly import Assembly, Surroundings, assemble
from risk_actors.app.rule_context import rule_context
from risk_actors.app.run_setup import Edges, blueprint_of, decode_setup
from risk_actors.app.settings import SessionSettings, Settings, TradingMode
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.base import OnRuleFailure
from risk_actors.core.rules.max_contracts import MaxContracts
from risk_actors.core.verdict import Existing
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.schema import migrate
from tests.actors.facts import FakeSession, account, calendar, connected, snapshot
from tests.conftest import NOON_NS, S


class NextRun:
    """The run after one that left a lock for a rule that had failed."""

    def __init__(self, directory: Path, on_failure: OnRuleFailure = OnRuleFailure.LOCK) -> None:
        self.directory = directory
        migrate(directory)
        store = SqliteLockStore(directory, calendar().zone)
        store.save(
            Lock(
                id=7,
                account_id=1,
                contract_id=None,
                rule_id="size",
                since_ns=NOON_NS - 60 * S,
                until_ns=None,
                evidence=Evidence(template="This rule failed"),
                correlation_id="c",
                existing=Existing.KEEP,
            )
        )
        store.close()
        self.clock = VirtualClock(NOON_NS)
        self.frame = PictureFrame(Picture(version="", mode="paper", armed=True, phase="starting"))
        self.assembly = self.assembled(on_failure)
        self.scheduler = SteppedScheduler(self.clock, 1)
        self.scheduler.start(self.assembly.system.specs)
        self.scheduler.run_until_idle()

    def assembled(self, on_failure: OnRuleFailure) -> Assembly:
        settings = Settings(
            session=SessionSettings(on_rule_failure=on_failure),
            rules=(catalogue()["max_contracts"].Settings(id="size", limit=5),),
        )
        return assemble(
            settings,
            rule_context(settings),
            [account()],
            Surroundings(
                session=FakeSession(),
                frame=self.frame,
                data_dir=self.directory,
                clock=self.clock,
                mode=TradingMode.PAPER,
                armed=True,
            ),
        )

    def reconcile(self) -> None:
        self.clock.advance(1 * S)
        for message in (connected(), snapshot(asked_ns=self.clock.now_ns())):
            self.assembly.system.inbound.send(message)
        self.scheduler.run_until_idle()

    @property
    def locks(self) -> list[int]:
        store = SqliteLockStore(self.directory, calendar().zone)
        try:
            return [lock.id for lock in store.restored(self.clock.now_ns(), 0).locks]
        finally:
            store.close()


def test_it_holds_after_the_start_and_ends_when_the_rule_judges(tmp_path: Path) -> None:
    run = NextRun(tmp_path)
    at_start = run.locks
    run.reconcile()
    run.scheduler.stop()

    assert at_start == [7]
    assert run.locks == []


def test_it_holds_while_the_rule_still_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I4: nobody gets free by starting the program again."""

    def fail(*_: Any) -> Any:
        raise LookupError("still")

    monkeypatch.setattr(MaxContracts, "evaluate", fail)
    run = NextRun(tmp_path)
    run.reconcile()
    run.scheduler.stop()

    assert run.locks == [7]


def test_where_the_trader_wants_no_such_locks_any_more_it_ends(tmp_path: Path) -> None:
    """Nothing would ever end it."""
    run = NextRun(tmp_path, OnRuleFailure.ALERT)
    run.scheduler.stop()

    assert run.locks == []


def test_a_replay_begins_with_the_same_knowledge(tmp_path: Path) -> None:
    run = NextRun(tmp_path)
    run.reconcile()
    run.scheduler.stop()
    connection = sqlite3.connect(tmp_path / "risk.db")
    (text,) = connection.execute("select setup from runs").fetchone()
    connection.close()
    edges = Edges(
        session=FakeSession(),
        open_locks=lambda: None,  # type: ignore[arg-type,return-value]
        open_journal=lambda: None,  # type: ignore[arg-type,return-value]
        make_mailbox=Mailbox,
    )

    assert blueprint_of(decode_setup(text), edges).held == {"size": frozenset({1})}
