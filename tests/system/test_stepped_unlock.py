"""The unlock policy in the whole actor system, with a trader who goes on trading and a bad broker.

A failing seed is run again by its name, for example:
    pytest tests/system/test_stepped_unlock.py -k "delayed and 4"
"""

from random import Random

import pytest
from memory_broker import Faults, S
from world import World, rule

from risk_actors import messages as m
from risk_actors.actors.picture import LockPicture
from risk_actors.core.evidence import Evidence
from risk_actors.core.unlock_policy import NEVER, UnlockPolicy, UnlockTerms

SEEDS = range(4)
FAULTS = Faults(lose_event=0.05, repeat_event=0.1, late_event=0.1, lose_answer=0.1, refuse=0.1)
DELAYED = UnlockTerms(policy=UnlockPolicy.DELAYED, delay_ns=30 * S)


def panicked(seed: int, unlock: UnlockTerms) -> tuple[World, int]:
    """Return a world whose first account was locked at the trader's request, and its id."""
    world = World(seed, rule("max_contracts", limit=5), faults=FAULTS, unlock=unlock)
    account_id = next(iter(world.broker.accounts))
    world.run(10, trader=Random(f"before {seed}"))
    now_ns = world.clock.now_ns()
    world.system.operator_outbox.send(
        m.PanicRequested(
            correlation_id="op-1",
            at_ns=now_ns,
            account_id=account_id,
            evidence=Evidence(template="You pressed panic"),
        )
    )
    world.run(1)
    return world, account_id


def locks(world: World, account_id: int) -> tuple[LockPicture, ...]:
    return world.account(account_id).locks


def ask(world: World, account_id: int, *, is_authorised: bool = False) -> None:
    (lock,) = locks(world, account_id)
    world.system.operator_outbox.send(
        m.UnlockRequested(
            correlation_id=f"op-{world.clock.now_ns()}",
            at_ns=world.clock.now_ns(),
            account_id=account_id,
            lock_id=lock.id,
            reason="an appointment",
            is_authorised=is_authorised,
        )
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_delayed_unlock_holds_until_it_is_due_and_then_lets_the_account_go(seed: int) -> None:
    world, account_id = panicked(seed, DELAYED)
    ask(world, account_id)
    world.run(29, trader=Random(f"locked {seed}"))
    held = locks(world, account_id)
    world.assert_safe()

    world.run(2)
    world.broker.faults = Faults()
    world.run(10)
    world.run(30, trader=Random(f"free {seed}"))

    assert [lock.unlock is not None for lock in held] == [True]
    assert locks(world, account_id) == ()
    world.assert_safe()
    world.scheduler.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_i4_under_never_a_trader_who_keeps_asking_stays_locked(seed: int) -> None:
    world, account_id = panicked(seed, NEVER)
    (held,) = locks(world, account_id)
    trader = Random(f"asks {seed}")
    for _ in range(20):
        ask(world, account_id, is_authorised=trader.random() < 0.5)
        world.run(2, trader=trader)
        assert locks(world, account_id) == (held,)
    world.assert_safe()
    world.broker.faults = Faults()
    world.run(60)

    world.assert_safe()
    world.assert_locked_is_flat()
    world.scheduler.stop()
