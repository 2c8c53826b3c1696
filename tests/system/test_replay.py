"""What was recorded comes out the same when it is done again; what was changed does not."""

import itertools
import json
import re
import shutil
import sqlite3
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlite_utils
from memory_broker import Faults, S
from recorded_world import RecordedWorld, rule_settings
from world import START_NS

from risk_actors import messages as m
from risk_actors.actors.rule import RuleActor
from risk_actors.app.replay import NothingToReplayError, Replayed, replay
from risk_actors.app.settings import SessionSettings
from risk_actors.core.account_state import AccountState
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.evidence import Evidence
from risk_actors.core.last_run import LastRun
from risk_actors.core.lock import Lock
from risk_actors.core.rules import Mode
from risk_actors.core.rules.symbol_block import SymbolBlock
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.tape import TapeEncoder, insert_tape_row
from risk_actors.store.tape_rows import squeeze, unsqueeze

RULES = (
    rule_settings("max_contracts", limit=5),
    rule_settings("symbol_block", blocked=("ES",)),
    rule_settings("daily_loss_limit", limit_usd=300.0),
    rule_settings("daily_profit_target", target_usd=400.0, mode=Mode.SHADOW),
    rule_settings("trade_cooldown", seconds=20.0),
    rule_settings("stop_required", grace_s=5.0),
    rule_settings("max_unrealized_loss", limit_usd=60.0),
    rule_settings("position_hold_time", max_s=60.0, warn_s=30.0),
)
FAULTS = Faults(
    lose_event=0.05,
    repeat_event=0.1,
    late_event=0.1,
    lose_answer=0.1,
    not_done=0.1,
    refuse=0.1,
    fail_snapshot=0.1,
)


def traded(
    directory: Path, seed: int, for_s: float = 40, faults: Faults | None = None
) -> RecordedWorld:
    world = RecordedWorld(directory, seed, *RULES, faults=faults)
    world.run(for_s, trader=Random(f"trader {seed}"))
    world.scheduler.stop()
    return world


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traded(tmp_path_factory.mktemp("once"), 3, for_s=60).file


@pytest.fixture
def file(once: Path, tmp_path: Path) -> Path:
    """A record of a busy minute, to be changed at will."""
    return Path(shutil.copy(once, tmp_path))


def told(replayed: Replayed) -> list[str]:
    return [
        f"{each.sender}: {each.recorded} / {each.replayed} {each.details}"
        for run in replayed.runs
        for each in run.differences
    ] + [run.fault for run in replayed.runs if run.fault]


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_decides_what_was_recorded(tmp_path: Path, seed: int) -> None:
    world = traded(tmp_path, seed, faults=FAULTS)

    replayed = replay(world.file)

    assert told(replayed) == []
    assert replayed.agrees
    (run,) = replayed.runs
    assert run.compared > 20
    assert run.ticks >= 400
    assert not run.notes
    assert not run.not_compared


def test_an_actor_that_failed_fails_again_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plans, memories and locks are on shelves; what it sent before it failed has arrived."""
    evaluate, on_account = SymbolBlock.evaluate, EnforcementPlan.on_account
    take = RuleActor._take
    calls: Counter[str] = Counter()

    def fall(actor: RuleActor, *arguments: Any) -> None:
        calls["actor"] += actor.address == "rule:symbol_block"
        if actor.address == "rule:symbol_block" and calls["actor"] in (20, 60, 61):
            raise RuntimeError("the actor falls")
        take(actor, *arguments)

    def stumble(rule: SymbolBlock, state: Any, fact: AccountState, now_ns: int) -> Any:
        calls["rule"] += 1
        if calls["rule"] in (40, 90, 91):
            raise RuntimeError("the rule stumbles")
        return evaluate(rule, state, fact, now_ns)

    def trip(plan: EnforcementPlan, *arguments: Any, **named: Any) -> Any:
        calls["plan"] += 1
        if calls["plan"] in (30, 31, 120):
            raise RuntimeError("the plan trips")
        return on_account(plan, *arguments, **named)

    monkeypatch.setattr(RuleActor, "_take", fall)
    monkeypatch.setattr(SymbolBlock, "evaluate", stumble)
    monkeypatch.setattr(EnforcementPlan, "on_account", trip)
    world = traded(tmp_path, 2)
    assert Counter(world.scheduler.restarts) == {"rule:symbol_block": 3}
    assert len([fault for fault in world.scheduler.faults if "the plan trips" in fault]) == 3
    stumbles = [fault for fault in world.scheduler.faults if "the rule stumbles" in fault]
    assert len(stumbles) == 2, "one that stumbles on one fact goes on, and says so once"
    calls.clear()

    replayed = replay(world.file)

    assert told(replayed) == []
    assert replayed.runs[0].compared > 20
    monkeypatch.undo()
    without = replay(world.file)
    assert not without.agrees
    assert any("failed in the run, not in the replay" in each for each in told(without))


def test_locks_that_could_not_be_saved_fail_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = SqliteLockStore.save, itertools.count()

    def refuse(store: SqliteLockStore, lock: Lock) -> None:
        if next(calls) < 2:
            raise sqlite3.OperationalError("database or disk is full")
        save(store, lock)

    monkeypatch.setattr(SqliteLockStore, "save", refuse)
    world = traded(tmp_path, 3)
    assert any("could not save a lock" in fault for fault in world.scheduler.faults)
    monkeypatch.undo()

    replayed = replay(world.file)

    assert told(replayed) == []
    query = "select count(*) from decisions where kind = 'LocksChanged' and message like ?"
    database = sqlite3.connect(world.file)
    assert database.execute(query, ['%"unsaved":1%']).fetchone()[0] > 0
    database.close()


def test_what_the_trader_asked_for_is_asked_again(tmp_path: Path) -> None:
    """Panic, an unlock that takes effect after its time, and one that is withdrawn."""
    session = SessionSettings(unlock=UnlockPolicy.DELAYED, unlock_delay_s=60)
    world = RecordedWorld(tmp_path, 6, *RULES, session=session)
    world.run(10, trader=Random("trader 6"))
    evidence = Evidence(template="You pressed panic at {at:time}", figures={"at": 1, "x": S})
    ids: dict[str, Any] = {"correlation_id": "op-1", "at_ns": world.clock.now_ns()}
    for account_id in world.broker.accounts:
        world.system.operator_outbox.send(
            m.PanicRequested(**ids, account_id=account_id, evidence=evidence)
        )
    world.run(2)
    database = sqlite3.connect(world.file)
    query = "select id, account_id from locks where rule_id = 'panic' order by id"
    first, second = database.execute(query).fetchall()
    database.close()
    ids["at_ns"] = world.clock.now_ns()
    for lock_id, account_id in (first, second, (99, 101)):
        world.system.operator_outbox.send(
            m.UnlockRequested(**ids, account_id=account_id, lock_id=lock_id, reason="calm again")
        )
    world.run(5)
    world.system.operator_outbox.send(
        m.UnlockWithdrawn(**ids, account_id=second[1], lock_id=second[0])
    )
    world.run(61)
    world.scheduler.stop()

    replayed = replay(world.file)

    assert told(replayed) == []
    database = sqlite3.connect(world.file)
    query = "select message from decisions where kind = 'UnlockChanged'"
    statuses = {json.loads(text)["status"] for (text,) in database.execute(query)}
    database.close()
    assert statuses == {"asked", "withdrawn", "done", "refused"}


def test_a_run_that_was_killed_and_the_one_after_it_agree(tmp_path: Path) -> None:
    world = RecordedWorld(tmp_path, 5, *RULES, faults=FAULTS)
    trader = Random("trader 5")
    world.run(30, trader=trader)
    world.start(LastRun(alive_ns=world.clock.now_ns()), world.clock)
    world.run(30, trader=trader)
    world.scheduler.stop()

    replayed = replay(world.file)

    assert told(replayed) == []
    assert [run.run.is_complete for run in replayed.runs] == [False, True]
    assert all(run.compared for run in replayed.runs)


def test_what_had_not_reached_the_record_at_a_kill_is_no_difference(file: Path) -> None:
    """The tape may know more than the record; here the record's end is cut off."""
    (last,) = found(file, "select max(seq) from decisions")
    changed(file, "update runs set ended_ns = null")
    changed(file, "delete from decisions where seq = ?", last)

    (run,) = replay(file).runs

    assert not run.differences
    assert len(run.unrecorded) == 1


def test_after_lost_notes_nothing_can_be_compared_and_that_is_said(file: Path) -> None:
    database = sqlite_utils.Database(file)
    rows = database.execute("select id, data from tape order by id").fetchall()
    database.execute("delete from tape where id > ?", [rows[len(rows) // 2][0]])
    row = TapeEncoder().encode({}, lost=12)
    assert row is not None
    insert_tape_row(database, 1, row)
    database.close()

    replayed = replay(file)

    (run,) = replayed.runs
    assert replayed.agrees
    assert run.compared > 5
    assert run.not_compared > 5
    assert any("12 notes of the tape were lost" in note for note in run.notes)


def test_a_damaged_tape_is_a_fault(file: Path) -> None:
    (middle,) = found(file, "select max(id) / 2 from tape")
    changed(file, "update tape set data = x'00' where id = ?", middle)

    replayed = replay(file)

    assert not replayed.agrees
    assert f"row {middle} of the tape" in replayed.runs[0].fault


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("delete from tape", "its tape is not kept any more"),
        ("delete from tape where id = 1", "the beginning of its tape is not kept any more"),
        ("delete from runs", "has no run"),
        ("update runs set started_ns = 1, alive_ns = 2", "no run is kept that lived on"),
    ],
)
def test_when_nothing_can_be_replayed_it_is_said_why(file: Path, statement: str, said: str) -> None:
    database = sqlite3.connect(file)
    with database:
        database.execute(statement)
    database.close()

    with pytest.raises(NothingToReplayError, match=said):
        replay(file, date(2026, 11, 17))


def test_a_day_is_compared_alone(tmp_path: Path) -> None:
    """The run begins at 16:59:40 and the next trading day at 17:00."""
    world = RecordedWorld(tmp_path, 4, *RULES, start_ns=START_NS + (7 * 3600 - 20) * S)
    world.run(60, trader=Random("trader 4"))
    world.scheduler.stop()

    tuesday, wednesday = (replay(world.file, date(2026, 11, day)) for day in (17, 18))
    latest = replay(world.file)

    assert tuesday.agrees
    assert wednesday.agrees
    assert latest.day == date(2026, 11, 18)
    counts = [each.runs[0].compared for each in (tuesday, wednesday)]
    assert all(counts)
    assert latest.runs[0].compared == counts[1]
    with pytest.raises(NothingToReplayError):
        replay(world.file, date(2026, 11, 19))


def changed(file: Path, statement: str, *values: object) -> None:
    database = sqlite3.connect(file)
    with database:
        assert database.execute(statement, values).rowcount == 1
    database.close()


def test_a_changed_decision_differs_and_its_row_is_named(file: Path) -> None:
    (seq, message) = found(
        file,
        "select seq, message from decisions where kind = 'LocksChanged' order by seq desc",
    )
    changed(
        file,
        "update decisions set message = ? where seq = ?",
        message.replace('"unsaved":0', '"unsaved":7'),
        seq,
    )

    replayed = replay(file)

    assert not replayed.agrees
    assert replayed.broken is not None
    assert replayed.broken.seq == seq
    (difference,) = replayed.runs[0].differences
    assert difference.details == ("unsaved: 7 recorded, 0 replayed",)


def test_a_decision_that_was_taken_out_of_the_record_is_missed(file: Path) -> None:
    (seq,) = found(file, "select min(seq) from commands")
    changed(file, "delete from commands where seq = ?", seq)

    replayed = replay(file)

    assert not replayed.agrees
    assert [each.recorded for each in replayed.runs[0].differences] == [None]


def test_other_settings_decide_otherwise(file: Path) -> None:
    (setup,) = found(file, "select setup from runs")
    assert setup.count(r"\"limit_usd\":300.0") == 1
    changed(
        file,
        "update runs set setup = ?",
        setup.replace(r"\"limit_usd\":300.0", r"\"limit_usd\":299.0"),
    )

    replayed = replay(file)

    assert not replayed.agrees
    assert any("299" in str(each.replayed) for each in replayed.runs[0].differences)


def test_a_changed_fill_decides_otherwise(file: Path) -> None:
    with_dearer_fill(file)

    assert not replay(file).agrees


def with_dearer_fill(file: Path) -> None:
    """Change one digit of what one fill on the tape brought in."""
    database = sqlite3.connect(file)
    with database:
        for row_id, data in database.execute("select id, data from tape order by id").fetchall():
            row = unsqueeze(data[1:])
            other = re.sub(
                rb"(profit_usd[\xa0-\xbf]-?)(\d)",
                lambda match: match[1] + (b"7" if match[2] != b"7" else b"8"),
                row,
                count=1,
            )
            if other != row:
                values = (data[:1] + squeeze(other), row_id)
                database.execute("update tape set data = ? where id = ?", values)
                break
        else:
            raise AssertionError("no fill on the tape brought anything in")
    database.close()


def found(file: Path, query: str) -> tuple[Any, ...]:
    database = sqlite3.connect(file)
    row: tuple[Any, ...] = database.execute(query).fetchone()
    database.close()
    return row
