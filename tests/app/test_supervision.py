"""The whole system when actors of it fail: who comes back, and what fails closed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.wiring import ACTORS
from risk_actors.app.supervision import POLICIES, RESYNC
from risk_actors.core.commands import CancelOrder, CloseContract, Command
from risk_actors.core.instruments import Instrument
from risk_actors.core.rules import Rule
from risk_actors.core.rules.max_contracts import MaxContracts
from risk_actors.core.verdict import Existing
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.restarts import MAX_RESTARTS, WhenGivenUp, WhenStuck
from risk_actors.runtime.stepped import Restarts, SteppedScheduler
from tests.actors.facts import MNQ, connected, fill, order, position, quote, say, snapshot
from tests.app.test_system import ACCOUNTS, World, max_contracts
from tests.conftest import MS

RULE = "rule:max_contracts"


class FailingWorld(World):
    """The stepped world with restarts, and a broker that answers requests for a snapshot."""

    def __init__(self, clock: VirtualClock, *rules: Rule[Any, Any], armed: bool = True) -> None:
        super(World, self).__init__()
        self.clock = clock
        self.made = self.system(*rules, armed=armed)
        self.lost: list[str] = []
        self.restarts = Restarts(
            outbox=self.made.supervisor_outbox, resync=RESYNC, on_given_up=self.lost.append
        )
        self.scheduler = SteppedScheduler(clock, 3, self.restarts)
        self.scheduler.start(self.made.specs)
        self.tell(connected())
        for account_id in ACCOUNTS:
            self.reconcile(account_id)

    def wait(self, ms: int) -> None:
        """Let time pass, a tick every 100 ms."""
        for _ in range(max(ms // 100, 1)):
            self.pulse_at(self.clock.now_ns() + min(ms, 100) * MS)

    def give_up(self, address: str) -> None:
        """Let an actor fail until it is given up."""
        for _ in range(MAX_RESTARTS + 1):
            self.scheduler.fail(address)
            self.wait(100)
            self.wait(1000)

    def verdict(self, rule: str, account_id: int = 1) -> str:
        return next(
            each.verdict
            for each in self.frame.picture.rules
            if (each.id, each.account) == (rule, account_id)
        )


def test_every_kind_of_actor_has_its_row_in_the_table() -> None:
    assert set(POLICIES) == {actor.kind for actor in ACTORS}


def test_only_what_protects_nobody_is_not_needed_and_done_without() -> None:
    done_without = {
        kind for kind, policy in POLICIES.items() if policy.given_up is WhenGivenUp.DO_WITHOUT
    }

    assert done_without == {"journal", "view", "alerts"}
    assert {kind for kind, policy in POLICIES.items() if not policy.is_needed} == done_without


def test_nobody_who_holds_the_store_or_a_command_is_replaced_while_stuck() -> None:
    replaced = {kind for kind, policy in POLICIES.items() if policy.stuck is WhenStuck.REPLACE}

    assert replaced == {"position", "pnl", "rule", "enforcer"}


def test_those_who_are_brought_start_after_the_one_that_brings_them() -> None:
    """Else they could not end before it and begin after it."""
    started = [spec.kind for spec in FailingWorld(VirtualClock(1)).made.specs]

    for kind, policy in POLICIES.items():
        for brought in policy.brings:
            assert started.index(kind) < started.index(brought)


# --- a rule that is given up ------------------------------------------------------------------


def test_a_rule_that_is_given_up_locks_what_it_guards_and_flattens_nothing(
    clock: VirtualClock,
) -> None:
    """I7 and I10: it fails closed, and a fault of ours takes nobody's position away."""
    world = FailingWorld(clock, max_contracts(2))
    world.open(2, fill_id=11)

    world.give_up(RULE)
    world.wait(3000)

    assert world.lost == [RULE]
    assert world.verdict("max_contracts") == "unknown"
    assert world.session.commands == []
    locks = {lock.account_id: lock for lock in world.locks.saved.values()}
    assert set(locks) == set(ACCOUNTS)
    assert locks[1].existing is locks[2].existing is Existing.KEEP
    assert (locks[1].kept, locks[2].kept) == (((MNQ, 2),), ())
    assert locks[1].until_ns is None
    assert "judges nothing" in locks[1].evidence.sentence()
    assert world.frame.picture.phase == "faulted"


def test_under_that_lock_entries_are_cancelled_and_the_position_may_only_shrink(
    clock: VirtualClock,
) -> None:
    world = FailingWorld(clock, max_contracts(9))
    world.open(2, fill_id=11)
    world.give_up(RULE)
    world.wait(3000)

    world.tell(say(m.OrderReported, "order-5", order=order(5, 1)))
    (cancel,) = world.session.commands
    world.open(1, fill_id=12)
    world.tell(say(m.PositionReported, "grown", position=position(3)))
    world.wait(1000)

    assert isinstance(cancel, CancelOrder)
    assert cancel.order_id == 5
    closes = [each for each in world.session.commands if isinstance(each, CloseContract)]
    assert closes
    assert {(each.contract_id, each.size) for each in closes} == {(MNQ, 1)}


def test_the_lock_ends_when_the_rule_is_tried_again_and_judges(clock: VirtualClock) -> None:
    world = FailingWorld(clock, max_contracts(2))
    world.open(1, fill_id=11)
    world.give_up(RULE)
    world.wait(3000)
    held = set(world.locks.saved)

    world.wait(31_000)

    assert set(world.locks.ended) == held
    assert world.verdict("max_contracts") == "ok"
    assert all(account.locks == () for account in world.frame.picture.accounts)
    assert world.frame.picture.phase == "armed"


def test_a_system_that_is_not_armed_only_says_so(clock: VirtualClock) -> None:
    world = FailingWorld(clock, max_contracts(2), armed=False)
    world.open(1, fill_id=11)

    world.give_up(RULE)
    world.wait(3000)

    assert world.verdict("max_contracts") == "unknown"
    assert world.locks.saved == {}


def test_a_rule_that_fails_on_one_account_blinds_nobody_else(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its actor lives; the account it fails on is locked, the other one is judged and enforced."""
    monkeypatch.setattr(MaxContracts, "evaluate", failing_on(1, MaxContracts.evaluate))
    world = FailingWorld(clock, max_contracts(2))

    world.open(5, fill_id=11, account_id=1)
    world.open(5, fill_id=12, account_id=2)
    world.wait(3000)

    assert world.lost == world.restarts.restarted == []
    assert (world.verdict("max_contracts", 1), world.verdict("max_contracts", 2)) == (
        "unknown",
        "breach",
    )
    assert {command.account_id for command in world.session.commands} == {2}
    assert {lock.account_id for lock in world.locks.saved.values()} == {1}


def failing_on(account_id: int, evaluate: Callable[..., Any]) -> Callable[..., Any]:
    def fail(rule: Any, state: Any, fact: Any, now_ns: int) -> Any:
        if fact.account_id == account_id:
            raise ArithmeticError("not this one")
        return evaluate(rule, state, fact, now_ns)

    return fail


# --- others -----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["position:1", "pnl", "enforcer", "lockout", "timer"])
def test_whoever_fails_on_a_fill_a_breach_is_enforced_all_the_same(
    clock: VirtualClock, address: str
) -> None:
    """I3: it is closed once; the message that was lost is made up for by what is said again."""
    world = FailingWorld(clock, max_contracts(2))
    world.open(1, fill_id=11)

    world.scheduler.fail(address)
    world.tell(
        say(m.FillReported, "fill-12", fill=fill(12, 4)),
        say(m.PositionReported, "fill-12", position=position(5)),
    )
    world.wait(100)
    asked = list(world.session.snapshots)
    world.tell(snapshot(position(5), asked_ns=clock.now_ns(), fills=(fill(11, 1), fill(12, 4))))
    world.wait(1000)

    assert world.restarts.restarted == [address]
    assert asked
    (close,) = world.session.commands
    assert isinstance(close, CloseContract)
    assert (close.account_id, close.contract_id, close.size) == (1, MNQ, 3)


def test_the_gateway_that_fails_brings_the_enforcer_which_goes_on_with_its_plans(
    clock: VirtualClock,
) -> None:
    """I2: what the old one had sent is remembered, so nothing is sent twice."""
    world = FailingWorld(clock, max_contracts(2))
    failed: list[Command] = []

    def refuse(command: Command) -> None:
        failed.append(command)
        world.session.on_command = lambda _command: None
        raise ConnectionError("loop is closed")

    world.session.on_command = refuse
    world.open(5, fill_id=11)
    world.wait(1000)

    assert world.restarts.restarted == ["gateway.out", "enforcer"]
    assert len(failed) == 1
    assert [c for c in world.session.commands if c is not failed[0]] == []


@pytest.mark.parametrize("address", ["enforcer", "lockout", "position:1", "pnl", "timer"])
def test_one_that_protection_needs_asks_for_all_to_be_made_anew(
    clock: VirtualClock, address: str
) -> None:
    world = FailingWorld(clock, max_contracts(2))
    spec = next(spec for spec in world.made.specs if spec.address == address)

    for _ in range(MAX_RESTARTS + 1):
        world.scheduler.fail(address)
        world.tell(say(m.PositionReported, position=position(1)))
        world.wait(1000)

    assert world.lost == [address]
    assert spec.mailbox.is_closed
    assert spec.policy.given_up is WhenGivenUp.REMAKE


@pytest.mark.parametrize("address", ["journal", "view", "alerts"])
def test_protection_goes_on_without_the_record_and_without_the_screen(
    clock: VirtualClock, address: str
) -> None:
    world = FailingWorld(clock, max_contracts(2))
    for _ in range(MAX_RESTARTS + 1):
        world.scheduler.fail(address)
        world.wait(1000)

    world.open(5, fill_id=11)

    assert world.lost == [address]
    (command,) = world.session.commands
    assert isinstance(command, CloseContract)


def test_a_replaced_enforcer_has_plans_of_its_own_and_waits_for_what_was_sent(
    clock: VirtualClock,
) -> None:
    """I2: what the stuck one sent may still take effect; and it writes to plans nobody reads."""
    world = FailingWorld(clock, max_contracts(2))
    spec = next(s for s in world.made.specs if s.address == EnforcerActor.kind)
    old = world.scheduler._actors[EnforcerActor.kind]._plans

    spec.renew()
    new = spec.make(spec.context(clock, world.scheduler))._plans

    assert new is not old
    assert all(new[account_id] is not old[account_id] for account_id in ACCOUNTS)
    assert isinstance(spec.make(spec.context(clock, world.scheduler)), EnforcerActor)


def test_a_restarted_enforcer_keeps_the_plans(clock: VirtualClock) -> None:
    world = FailingWorld(clock, max_contracts(2))
    spec = next(s for s in world.made.specs if s.address == EnforcerActor.kind)
    old = world.scheduler._actors[EnforcerActor.kind]._plans

    assert spec.make(spec.context(clock, world.scheduler))._plans is old


@pytest.mark.parametrize("address", ["pnl", "position:1"])
def test_one_that_is_made_anew_knows_the_instruments_that_the_broker_told_once(
    clock: VirtualClock, address: str
) -> None:
    """I7: without tick size and value the P&L of that contract would be unknown for ever."""
    world = FailingWorld(clock, max_contracts(2))
    odd = "CON.F.US.ODD.Z26"
    instrument = Instrument(
        contract_id=odd, symbol="ODD", tick_size=Decimal("0.25"), tick_value_usd=Decimal(5)
    )
    world.tell(say(m.InstrumentResolved, instrument=instrument))

    world.scheduler.fail(address)
    world.reconcile(1)
    world.wait(1000)
    world.tell(
        quote(odd, "100", "100.25"),
        snapshot(position(1, contract_id=odd, average_price=Decimal(100)), asked_ns=clock.now_ns()),
        quote(odd, "101", "101.25"),
    )
    world.wait(1000)

    assert world.restarts.restarted == [address]
    (held,) = world.frame.picture.accounts[0].positions
    assert (held.symbol, held.unrealized) == ("ODD", 20.0)


def test_one_that_is_stuck_shows_until_it_answers(clock: VirtualClock) -> None:
    world = FailingWorld(clock, max_contracts(2))

    def told(status: m.ActorStatus) -> tuple[str, str | None]:
        world.made.supervisor_outbox.send(
            say(m.ActorChanged, address="pnl", status=status, detail="it did")
        )
        world.wait(100)
        return world.frame.picture.phase, world.frame.picture.detail

    stuck, back = told(m.ActorStatus.STUCK), told(m.ActorStatus.STARTED)

    assert stuck == ("degraded", "stuck, not answering: pnl")
    assert back == ("armed", None)
