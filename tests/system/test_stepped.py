"""The whole actor system on a virtual clock and a seeded scheduler, with faults.

A failing seed is run again by its test id, for example:
    pytest "tests/system/test_stepped.py::test_invariants_hold_under_faults[7]"
"""

from collections.abc import Iterator
from random import Random

import pytest
from memory_broker import Faults
from world import World, rule

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill
from risk_actors.core.command_slot import SlotEvent
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import Effect
from risk_actors.core.lock import Lock
from risk_actors.core.pnl_book import PnlBook
from risk_actors.runtime.stepped import ActorFailedError

pytestmark = pytest.mark.no_cover  # its days take four times as long while coverage looks on

SEEDS = range(12)


@pytest.fixture
def world() -> Iterator[World]:
    made = World(
        1,
        rule("max_contracts", limit=5),
        rule("max_contracts_per_instrument", limits={"ES": 3}),
        rule("daily_loss_limit", limit_usd=300.0),
    )
    yield made
    made.scheduler.stop()


def test_a_quiet_account_is_armed_and_gets_no_command(world: World) -> None:
    world.run(5)

    assert world.broker.commands == []
    assert world.frame.picture.accounts[0].balance == 50_000.0


@pytest.mark.parametrize("seed", SEEDS)
def test_invariants_hold_with_a_broker_at_its_best(seed: int) -> None:
    world = World(
        seed,
        rule("max_contracts", limit=5),
        rule("max_contracts_per_instrument", limits={"ES": 3}),
        rule("daily_loss_limit", limit_usd=300.0),
        rule("daily_profit_target", target_usd=400.0),
    )

    world.run(90, trader=Random(f"trader {seed}"))
    world.assert_safe()
    world.run(40)

    world.assert_safe()
    world.assert_agrees_with_broker()
    world.assert_locked_is_flat()
    world.scheduler.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_invariants_hold_under_faults(seed: int) -> None:
    faults = Faults(
        lose_event=0.05,
        repeat_event=0.1,
        late_event=0.1,
        lose_answer=0.1,
        not_done=0.1,
        refuse=0.1,
        fail_snapshot=0.1,
    )
    world = World(
        seed,
        rule("max_contracts", limit=5),
        rule("symbol_block", blocked=("ES",)),
        rule("daily_loss_limit", limit_usd=300.0),
        faults=faults,
    )

    world.run(120, trader=Random(f"trader {seed}"))
    world.assert_safe()
    world.broker.faults = Faults()
    world.run(100)
    locked = world.locked_accounts()
    sent_until_then = len(world.broker.commands)
    world.run(30)

    world.assert_safe()
    world.assert_agrees_with_broker()
    world.assert_locked_is_flat()
    # I6: with the trader gone, nothing is left to do in an account that is locked and flat.
    late = world.broker.commands[sent_until_then:]
    assert [command for _, command in late if command.account_id in locked] == []
    world.scheduler.stop()


def free_every_slot(plan: EnforcementPlan, state: AccountState, now_ns: int) -> None:
    """A broken plan: whatever the broker shows counts as the effect (breaks I2)."""
    del state
    for slot in plan._slots:
        if slot.is_outstanding:
            slot.apply(SlotEvent.SEEN, now_ns)


def forget_locks(
    plan: EnforcementPlan, locks: tuple[Lock, ...], correlation_id: str, now_ns: int
) -> list[Effect]:
    """A broken plan: no lock ever reaches it (breaks I4)."""
    del plan, locks, correlation_id, now_ns
    return []


def count_fills_twice(book: PnlBook, fill: Fill, times: int) -> None:
    """A broken book: every fill counts double (breaks I8)."""
    _ADD(book, fill, 2 * times)


_ADD = PnlBook._add


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (EnforcementPlan, "_observe", free_every_slot),
        (EnforcementPlan, "on_locks", forget_locks),
        (PnlBook, "_add", count_fills_twice),
    ],
    ids=["I2", "I4", "I8"],
)
def test_the_checks_catch_code_that_breaks_an_invariant(
    owner: type, name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, broken)

    with pytest.raises((AssertionError, ActorFailedError)):
        run_every_seed()


def run_every_seed() -> None:
    for seed in SEEDS:
        test_invariants_hold_with_a_broker_at_its_best(seed)
