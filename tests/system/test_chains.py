"""I9 on the whole actor system: what the record says about every command, whatever the broker does.

A failing seed is run again by its test id.
"""

from collections import defaultdict
from random import Random

import pytest
from memory_broker import Faults, S
from world import START_NS, World, rule

from risk_actors import messages as m
from risk_actors.actors.journal import JournalActor
from risk_actors.actors.record import Entry
from risk_actors.store.record_rows import table_of
from risk_actors.store.schema import RECORD_TABLES

SEEDS = range(8)
FAULTS = Faults(
    lose_event=0.05,
    repeat_event=0.1,
    late_event=0.1,
    lose_answer=0.1,
    not_done=0.1,
    refuse=0.1,
    fail_snapshot=0.1,
)


def chains(world: World) -> dict[str, dict[str, list[Entry]]]:
    """Return the rows by correlation id and table."""
    found: dict[str, dict[str, list[Entry]]] = defaultdict(
        lambda: {table: [] for table in RECORD_TABLES}
    )
    for entry in world.journal.entries:
        found[entry.correlation_id][table_of(entry.message)].append(entry)
    return found


def unexplained(world: World) -> list[str]:
    """Return what a command's chain lacks, for each command that was sent."""
    found = chains(world)
    problems = []
    for _, command in world.broker.commands:
        chain = found[command.correlation_id]
        lacking = [table for table in ("decisions", "commands") if not chain[table]]
        # That time passed is no event; the decision says when and why.
        if not chain["events"] and not command.correlation_id.startswith("tick-"):
            lacking.append("events")
        if lacking:
            problems.append(f"{command}: no {', '.join(lacking)}")
    return problems


def _world(seed: int, faults: Faults) -> World:
    return World(
        seed,
        rule("max_contracts", limit=5),
        rule("symbol_block", blocked=("ES",)),
        rule("daily_loss_limit", limit_usd=300.0),
        rule("max_unrealized_loss", limit_usd=150.0),
        faults=faults,
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("faults", [Faults(), FAULTS], ids=["best", "faults"])
def test_i9_every_command_has_its_event_and_its_decision(seed: int, faults: Faults) -> None:
    world = _world(seed, faults)

    world.run(90, trader=Random(f"trader {seed}"))
    world.broker.faults = Faults()
    world.run(30)

    assert unexplained(world) == []
    assert world.broker.commands
    world.scheduler.stop()


def test_the_check_finds_an_event_that_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JournalActor, "_record_cause", lambda *_: None)
    world = _world(0, Faults())

    world.run(90, trader=Random("trader 0"))

    assert any(problem.endswith("no events") for problem in unexplained(world))
    world.scheduler.stop()


def test_a_lock_that_the_reset_ends_stands_in_the_chain_of_the_reset() -> None:
    """17:00 in Chicago is 23:00 UTC."""
    world = World(5, rule("daily_loss_limit", limit_usd=1.0), start_ns=START_NS + 25_170 * S)
    world.run(20, trader=Random("trader 5"))
    assert world.locked_accounts()

    world.run(30)

    ended = [
        entry
        for entry in world.journal.entries
        if isinstance(entry.message, m.LocksChanged) and entry.message.ended is not None
    ]
    assert {entry.account_id for entry in ended} == set(world.broker.accounts)
    for entry in ended:
        (event, *_) = chains(world)[entry.correlation_id]["events"]
        assert isinstance(event.message, m.DailyReset)
        assert event.at_ns <= entry.at_ns
    world.scheduler.stop()
