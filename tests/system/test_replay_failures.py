"""Runs in which actors were given up, brought down or replaced come out the same when replayed."""

import sqlite3
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
import recorded_world
from recorded_world import RecordedWorld

from risk_actors.actors.rule import RuleActor
from risk_actors.app.replay import replay
from risk_actors.app.system import RESYNC
from risk_actors.core.rules.failure import FAILED_CAUSE
from risk_actors.core.rules.symbol_block import SymbolBlock
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.restarts import MAX_RESTARTS
from risk_actors.runtime.stepped import Restarts, SteppedScheduler
from risk_actors.runtime.tape import REPLACED
from tests.conftest import RecordingOutbox
from tests.system.test_replay import RULES, told

RULE = "rule:symbol_block"


class SupervisedScheduler(SteppedScheduler):
    """Restarts as the supervisor does."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.supervision = Restarts(outbox=RecordingOutbox(), resync=RESYNC)
        super().__init__(clock, seed, self.supervision)


def traded(directory: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedWorld:
    monkeypatch.setattr(recorded_world, "RestartingScheduler", SupervisedScheduler)
    world = RecordedWorld(directory, 2, *RULES)
    world.run(60, trader=Random("trader 2"))
    world.scheduler.stop()
    return world


def test_a_rule_that_was_given_up_and_tried_again_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, calls = RuleActor._take, Counter[str]()

    def fall(actor: RuleActor, *arguments: Any) -> None:
        calls[actor.address] += 1
        if actor.address == RULE and 20 <= calls[RULE] < 21 + MAX_RESTARTS:
            raise RuntimeError("the actor falls")
        take(actor, *arguments)

    monkeypatch.setattr(RuleActor, "_take", fall)
    world = traded(tmp_path, monkeypatch)
    supervision = world.scheduler.supervision  # type: ignore[attr-defined]
    calls.clear()

    replayed = replay(world.file)

    assert supervision.given_up == [RULE]
    assert told(replayed) == []
    assert replayed.runs[0].compared > 20
    assert recorded(world, FAILED_CAUSE)
    assert recorded(world, "ConditionEnded")


def test_a_rule_that_fails_on_some_facts_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate, calls = SymbolBlock.evaluate, Counter[str]()

    def stumble(rule: Any, *arguments: Any) -> Any:
        calls["rule"] += 1
        if 40 <= calls["rule"] < 90:
            raise RuntimeError("the rule stumbles")
        return evaluate(rule, *arguments)

    monkeypatch.setattr(SymbolBlock, "evaluate", stumble)
    world = traded(tmp_path, monkeypatch)
    calls.clear()

    replayed = replay(world.file)

    assert world.scheduler.supervision.restarted == []  # type: ignore[attr-defined]
    assert told(replayed) == []
    assert recorded(world, FAILED_CAUSE)


def test_an_enforcer_that_was_brought_down_with_the_gateway_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_world, "RestartingScheduler", SupervisedScheduler)
    world = RecordedWorld(tmp_path, 2, *RULES)
    trader = Random("trader 2")
    for _ in range(3):
        world.run(10, trader=trader)
        world.scheduler.fail("gateway.out")  # type: ignore[attr-defined]
    world.run(20, trader=trader)
    world.scheduler.stop()
    supervision = world.scheduler.supervision  # type: ignore[attr-defined]

    replayed = replay(world.file)

    assert Counter(supervision.restarted) == {"gateway.out": 3, "enforcer": 3}
    assert told(replayed) == []


@pytest.mark.parametrize("address", [RULE, "enforcer", "pnl", "position:101"])
def test_one_that_was_replaced_is_said_and_what_followed_is_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """What it said while it was stuck reached nobody, so such a run never agrees to the letter."""
    monkeypatch.setattr(recorded_world, "RestartingScheduler", SupervisedScheduler)
    world = RecordedWorld(tmp_path, 2, *RULES)
    trader = Random("trader 2")
    world.run(20, trader=trader)
    scheduler = world.scheduler
    spec = next(spec for spec in world.system.specs if spec.address == address)
    spec.renew()
    context = spec.context(scheduler._clock, scheduler, REPLACED)
    scheduler._actors[address] = spec.make(context)
    scheduler._actors[address].on_start()
    scheduler._resync(scheduler.supervision, address)  # type: ignore[attr-defined]
    world.run(20, trader=trader)
    scheduler.stop()

    replayed = replay(world.file)

    assert told(replayed) == [f"{address}: None / {address} was stuck in the run and replaced ()"]
    assert not replayed.agrees


def recorded(world: RecordedWorld, words: str) -> int:
    """Return how many decisions in the record hold some words."""
    connection = sqlite3.connect(world.file)
    try:
        query = "select count(*) from decisions where kind || message like ?"
        return int(connection.execute(query, [f"%{words}%"]).fetchone()[0])
    finally:
        connection.close()
