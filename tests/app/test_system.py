"""All actors of one process in memory: the real wiring, fakes at the edge alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from risk_actors import messages as m
from risk_actors.actors.picture import Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.actors.wiring import TOPOLOGY
from risk_actors.app.system import RESYNC, ActorSystem, Blueprint
from risk_actors.core.broker import OrderStatus
from risk_actors.core.commands import CancelOrder, CloseContract, Command
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import Effect
from risk_actors.core.lock import Lock
from risk_actors.core.rules import Rule
from risk_actors.core.rules.max_contracts import MaxContracts
from risk_actors.runtime.clock import SystemClock, VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.heartbeat import HeartTerms
from risk_actors.runtime.outbox import UndeclaredSendError
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.runtime.supervisor import ChildSpec, Supervisor
from tests.actors.facts import (
    DAY_END_NS,
    DAY_START_NS,
    MNQ,
    FakeJournalStore,
    FakeLockStore,
    FakeSession,
    account_state,
    account_updated,
    calendar,
    connected,
    fill,
    order,
    pnl_state,
    pnl_updated,
    position,
    quote,
    rule_of,
    say,
    snapshot,
)
from tests.conftest import MS, S, eventually

ACCOUNTS = {1: "PAPER-1", 2: "PAPER-2"}


def max_contracts(limit: int = 2, **terms: Any) -> Rule[Any, Any]:
    return rule_of("max_contracts", limit=limit, **terms)


def daily_loss(**terms: Any) -> Rule[Any, Any]:
    return rule_of("daily_loss_limit", **{"limit_usd": 500.0} | terms)


class Edge:
    """The fakes that the system is built on."""

    def __init__(self) -> None:
        self.session = FakeSession()
        self.locks = FakeLockStore()
        self.journal = FakeJournalStore()
        self.frame = PictureFrame(Picture(version="1", mode="paper", armed=True, phase="starting"))

    def system(self, *rules: Rule[Any, Any], armed: bool = True) -> ActorSystem:
        return ActorSystem(
            Blueprint(
                accounts=ACCOUNTS,
                rules=rules,
                calendar=calendar(),
                started_ns=DAY_START_NS,
                armed=armed,
                quote_stale_after_ns=10 * S,
                session=self.session,
                open_locks=lambda: self.locks,
                open_journal=lambda: self.journal,
                frame=self.frame,
            )
        )


class World(Edge):
    """A system on the stepped scheduler, connected and reconciled."""

    def __init__(self, clock: VirtualClock, *rules: Rule[Any, Any], armed: bool = True) -> None:
        super().__init__()
        self.clock = clock
        self.made = self.system(*rules, armed=armed)
        self.scheduler = SteppedScheduler(clock, seed=3)
        self.scheduler.start(self.made.specs)
        self.tell(connected())
        for account_id in ACCOUNTS:
            self.reconcile(account_id)

    def tell(self, *messages: m.Message) -> None:
        """Let the broker say something and everybody act on it."""
        for message in messages:
            self.clock.advance(1 * MS)
            self.made.inbound.send(message)
            self.scheduler.run_until_idle()

    def reconcile(self, account_id: int) -> None:
        self.clock.advance(1 * MS)
        asked_ns = self.clock.now_ns()
        self.tell(snapshot(account_id=account_id, asked_ns=asked_ns))

    def open(self, size: int, fill_id: int, account_id: int = 1) -> None:
        """Fill an order from flat and report the position."""
        event = f"fill-{fill_id}"
        self.tell(
            say(m.FillReported, event, fill=fill(fill_id, size, account_id)),
            say(m.PositionReported, event, position=position(size, account_id=account_id)),
        )

    def flat(self, signed_size: int, fill_id: int, profit_usd: int, account_id: int = 1) -> None:
        """Fill the close of a position and report that it is gone."""
        event = f"fill-{fill_id}"
        closing = fill(fill_id, signed_size, account_id, profit_usd=Decimal(profit_usd))
        self.tell(
            say(m.FillReported, event, fill=closing),
            say(m.PositionReported, event, position=position(0, account_id=account_id)),
        )

    def pulse_at(self, at_ns: int) -> None:
        """Let time pass."""
        self.clock.advance(at_ns - self.clock.now_ns())
        self.made.timer_mailbox.deliver(Pulse())
        self.scheduler.run_until_idle()

    def ids_of(self, kind: str) -> set[str]:
        """Return the correlation ids that the record has for a kind of message."""
        return {row.correlation_id for row in self.journal.rows if row.kind == kind}


def test_a_position_over_the_limit_is_reduced_with_the_id_of_the_event(
    clock: VirtualClock,
) -> None:
    """I9: explained, from the broker's event to the command and the record of both."""
    world = World(clock, max_contracts(2))

    world.open(5, fill_id=11)

    (command,) = world.session.commands
    assert isinstance(command, CloseContract)
    assert (command.account_id, command.contract_id, command.size) == (1, MNQ, 3)
    assert command.correlation_id == "fill-11"
    for kind in ("FillReported", "BreachFound", "EnforcementChanged", "SendClose"):
        assert "fill-11" in world.ids_of(kind), kind
    assert world.scheduler.faults == []


def test_a_position_within_the_limit_is_left_alone(clock: VirtualClock) -> None:
    world = World(clock, max_contracts(2))

    world.open(2, fill_id=11)

    assert world.session.commands == []
    assert {rule.verdict for rule in world.frame.picture.rules} == {"ok"}


def test_two_accounts_do_not_mix(clock: VirtualClock) -> None:
    world = World(clock, max_contracts(2))

    world.open(2, fill_id=11, account_id=1)
    world.open(3, fill_id=12, account_id=2)
    world.pulse_at(clock.now_ns() + 100 * MS)

    assert [(c.account_id, c.correlation_id) for c in world.session.commands] == [(2, "fill-12")]
    verdicts = {rule.account: rule.verdict for rule in world.frame.picture.rules}
    assert verdicts == {1: "ok", 2: "breach"}


def test_two_rules_that_break_on_one_event_give_one_close(clock: VirtualClock) -> None:
    """I2: one close in flight."""
    world = World(
        clock,
        max_contracts(2, id="a", response="flatten"),
        max_contracts(1, id="b", response="flatten"),
        rule_of("symbol_block", blocked=("MNQ",)),
    )

    world.open(5, fill_id=11)

    assert len(world.ids_of("BreachFound")) == 1
    assert [c.contract_id for c in world.session.commands] == [MNQ]


def test_a_loss_locks_the_account_and_what_appears_until_the_reset_is_flattened(
    clock: VirtualClock,
) -> None:
    """I4: locked means locked."""
    world = World(clock, daily_loss(), max_contracts(9))
    world.open(1, fill_id=11)
    world.flat(-1, fill_id=12, profit_usd=-500)
    (held,) = world.locks.saved.values()

    world.open(1, fill_id=13)
    under_lock = list(world.session.commands)
    world.flat(-1, fill_id=14, profit_usd=0)
    world.pulse_at(DAY_END_NS)
    world.open(1, fill_id=15)

    assert (held.account_id, held.rule_id, held.until_ns) == (1, "daily_loss_limit", DAY_END_NS)
    assert held.correlation_id == "fill-12"
    assert [c.correlation_id for c in under_lock] == ["fill-13"]
    assert world.locks.ended == {held.id: DAY_END_NS}
    assert world.session.commands == under_lock
    assert world.frame.picture.accounts[0].locks == ()


def test_an_order_that_appears_under_a_lock_is_cancelled(clock: VirtualClock) -> None:
    """I4: locked means locked."""
    world = World(clock, daily_loss())
    world.open(1, fill_id=11)
    world.flat(-1, fill_id=12, profit_usd=-500)

    world.tell(say(m.OrderReported, "order-5", order=order(5, 1)))
    world.tell(say(m.OrderReported, "gone", order=order(5, 1, status=OrderStatus.CANCELLED)))

    (command,) = world.session.commands
    assert isinstance(command, CancelOrder)
    assert (command.order_id, command.correlation_id) == (5, "order-5")


def test_a_price_alone_can_break_a_rule(clock: VirtualClock) -> None:
    world = World(clock, daily_loss())
    world.open(1, fill_id=11)

    bid_usd = "19750"  # 250 points, 4 ticks each at 0.50 a tick: exactly 500
    world.tell(quote(MNQ, bid_usd, "19751"))

    (command,) = world.session.commands
    assert command.correlation_id == "quote-1"
    assert "quote-1" in world.ids_of("QuoteReported")


def test_a_system_that_is_not_armed_decides_and_sends_nothing(clock: VirtualClock) -> None:
    world = World(clock, max_contracts(2), daily_loss(), armed=False)

    world.open(5, fill_id=11)
    world.flat(-5, fill_id=12, profit_usd=-900)
    world.pulse_at(clock.now_ns() + 100 * MS)

    assert world.session.commands == []
    assert world.locks.saved == {}
    assert {(rule.id, rule.mode) for rule in world.frame.picture.rules} == {
        ("max_contracts", "shadow"),
        ("daily_loss_limit", "shadow"),
    }
    texts = [event.text for event in world.frame.picture.events]
    assert any("shadow, would have" in text for text in texts)


def test_what_the_picture_shows_becomes_armed_once_all_is_read(clock: VirtualClock) -> None:
    world = World(clock, max_contracts(2))

    world.pulse_at(clock.now_ns() + 100 * MS)

    assert world.frame.picture.phase == "armed"
    assert [account.name for account in world.frame.picture.accounts] == ["PAPER-1", "PAPER-2"]


def test_an_event_of_an_account_nobody_guards_is_a_dead_letter(clock: VirtualClock) -> None:
    world = World(clock, max_contracts(2))

    world.tell(say(m.PositionReported, position=position(9, account_id=77)))

    assert world.made.dead_letters.by_receiver() == {"position:77 PositionReported": 1}
    assert world.session.commands == []


def test_equal_seeds_give_equal_records(clock: VirtualClock) -> None:
    def record() -> list[tuple[str, str]]:
        world = World(VirtualClock(clock.now_ns()), max_contracts(2), daily_loss())
        world.open(5, fill_id=11)
        world.flat(-5, fill_id=12, profit_usd=-500)
        return [(row.kind, row.correlation_id) for row in world.journal.rows]

    assert record() == record()


# --- the wiring -------------------------------------------------------------------------------


def spec_at(system: ActorSystem, address: str) -> ChildSpec:
    return next(spec for spec in system.specs if spec.address == address)


def test_a_rule_gets_the_facts_it_wants_and_no_others() -> None:
    system = Edge().system(max_contracts(), daily_loss())
    by_contracts = spec_at(system, "rule:max_contracts").mailbox
    by_loss = spec_at(system, "rule:daily_loss_limit").mailbox

    spec_at(system, "position:1").outbox.send(account_updated(account_state()))
    after_account = (by_contracts.depth, by_loss.depth)
    spec_at(system, "pnl").outbox.send(pnl_updated(pnl_state("0")))

    assert after_account == (1, 0)
    assert (by_contracts.depth, by_loss.depth) == (1, 1)
    assert system.accepts("rule:max_contracts", "AccountUpdated")
    assert not system.accepts("rule:daily_loss_limit", "AccountUpdated")
    assert system.accepts("view", "AccountUpdated")


def test_broker_events_reach_the_position_actor_of_their_account_alone() -> None:
    system = Edge().system()

    system.inbound.send(say(m.PositionReported, position=position(1, account_id=2)))

    assert spec_at(system, "position:1").mailbox.depth == 0
    assert spec_at(system, "position:2").mailbox.depth == 1
    assert spec_at(system, "journal").mailbox.depth == 1


def test_resets_reach_every_position_actor() -> None:
    system = Edge().system()

    spec_at(system, "timer").outbox.send(say(m.DailyReset, day_start_ns=1, day_end_ns=2))

    assert [spec_at(system, f"position:{i}").mailbox.depth for i in ACCOUNTS] == [1, 1]


def test_an_undeclared_send_is_an_error_for_every_sender() -> None:
    system = Edge().system(max_contracts())
    outboxes = [spec.outbox for spec in system.specs]
    outboxes += [system.inbound, system.operator_outbox, system.supervisor_outbox]

    class Undeclared(m.Message, frozen=True, kw_only=True):
        """No actor declares it."""

    for outbox in outboxes:
        with pytest.raises(UndeclaredSendError):
            outbox.send(Undeclared(correlation_id="c", at_ns=1))


def test_actors_start_after_everybody_they_send_to() -> None:
    system = Edge().system(max_contracts(), daily_loss())
    started = [spec.kind for spec in system.specs]

    for edge in TOPOLOGY.edges:
        if edge.source in started:
            last_target = len(started) - 1 - started[::-1].index(edge.target)
            assert last_target < started.index(edge.source), edge


def test_those_asked_to_say_again_what_is_true_are_there() -> None:
    system = Edge().system(max_contracts())

    assert set(RESYNC) <= {spec.kind for spec in system.specs}


# --- on real threads --------------------------------------------------------------------------


class LiveWorld(Edge):
    """A system under its supervisor, with a broker that answers requests for a snapshot."""

    def __init__(self, *rules: Rule[Any, Any], heart: HeartTerms | None = None) -> None:
        super().__init__()
        self.size = 0
        self.clock = SystemClock()
        self.made = self.system(*rules)
        self.session.on_snapshot = self.answer_snapshot
        self.supervisor = Supervisor(
            self.clock,
            outbox=self.made.supervisor_outbox,
            resync=RESYNC,
            heart=heart or HeartTerms(),
        )

    def answer_snapshot(self, account_id: int) -> None:
        now_ns = self.clock.now_ns()
        held = [position(self.size, account_id=account_id)] if self.size and account_id == 1 else []
        self.made.inbound.send(snapshot(*held, account_id=account_id, asked_ns=now_ns))

    def open(self, size: int) -> None:
        """Fill an order of the trader's: the fill first, as the broker mostly tells it."""
        if size:
            self.made.inbound.send(say(m.FillReported, "fill-1", fill=fill(1, size - self.size)))
        self.size = size
        self.made.inbound.send(say(m.PositionReported, "position-1", position=position(size)))

    def picture(self) -> Picture:
        """Return what is shown, and let a pulse see to it that it is painted."""
        self.made.timer_mailbox.deliver(Pulse())
        return self.frame.picture

    def restarts(self, address: str) -> int:
        return next(s.restarts for s in self.supervisor.stats() if s.address == address)


@contextmanager
def live(*rules: Rule[Any, Any], heart: HeartTerms | None = None) -> Iterator[LiveWorld]:
    world = LiveWorld(*rules, heart=heart)
    world.supervisor.start(world.made.specs)
    try:
        for account_id in ACCOUNTS:
            world.answer_snapshot(account_id)
        yield world
    finally:
        assert world.supervisor.stop() == []


def test_a_breach_on_real_threads_becomes_a_close() -> None:
    with live(max_contracts(2)) as world:
        world.open(5)
        (command,) = eventually(lambda: world.session.commands)

    assert command.correlation_id == "fill-1"
    assert world.locks.is_closed
    assert world.journal.is_closed
    assert {"BreachFound", "SendClose"} <= set(world.journal.kinds)


def failing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next tick break the first plan that is shown it."""
    on_tick, failed = EnforcementPlan.on_tick, []

    def fail_once(plan: EnforcementPlan, correlation_id: str, now_ns: int) -> list[Effect]:
        if not failed:
            failed.append(plan)
            raise RuntimeError("broken")
        return on_tick(plan, correlation_id, now_ns)

    monkeypatch.setattr(EnforcementPlan, "on_tick", fail_once)


def test_an_enforcer_that_failed_in_the_middle_takes_the_enforcement_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I3: it ends when flat is observed, also when the rule has said its cause already.

    I2: what the broken plan had under way is given its 3 s before anything is reduced again.
    """
    with live(max_contracts(2)) as world:
        world.open(5)
        eventually(lambda: world.session.commands)

        failing_once(monkeypatch)
        eventually(lambda: world.picture() and len(world.session.commands) == 2)

    first, second = world.session.commands
    assert isinstance(first, CloseContract)
    assert isinstance(second, CloseContract)
    assert second.size == first.size == 3
    assert second.correlation_id == first.correlation_id


def test_a_breach_that_killed_the_lockout_actor_locks_all_the_same() -> None:
    """I4: the message is not given again, so the rule has to say it again."""
    with live(rule_of("symbol_block", blocked=("MNQ",))) as world:
        save = world.locks.save
        world.locks.save = dying_once(save)  # type: ignore[method-assign]

        world.open(1)
        eventually(lambda: world.locks.saved)
        eventually(lambda: any(account.locks for account in world.picture().accounts))

    assert world.restarts("lockout") == 1
    (held,) = world.locks.saved.values()
    assert (held.contract_id, held.correlation_id) == (MNQ, "fill-1")


def dying_once(save: Callable[[Lock], None]) -> Callable[[Lock], None]:
    """Return a commit that takes its actor down the first time."""
    calls: list[Lock] = []

    def save_or_die(lock: Lock) -> None:
        calls.append(lock)
        if len(calls) == 1:
            raise SystemExit(1)
        save(lock)

    return save_or_die


def test_a_session_that_fails_on_a_command_does_not_end_protection() -> None:
    """The gateway actor is restarted; the close that got lost is doubted and looked into."""

    def refuse(_command: Command) -> None:
        world.session.on_command = lambda _command: None
        raise ConnectionError("loop is closed")

    with live(max_contracts(2)) as world:
        world.session.on_command = refuse
        world.open(5)
        eventually(lambda: world.restarts("gateway.out") == 1)
        eventually(lambda: world.picture().phase != "degraded")
        world.open(0)

    assert world.session.snapshots


def test_a_rule_that_gets_stuck_is_replaced_and_breaches_are_enforced_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I7: its thread hangs in a handler for good; another judges in its place."""
    evaluate, stuck, release = MaxContracts.evaluate, threading.Event(), threading.Event()

    def hang_once(rule: MaxContracts, *arguments: Any) -> Any:
        if not stuck.is_set():
            stuck.set()
            release.wait(20)
        return evaluate(rule, *arguments)

    monkeypatch.setattr(MaxContracts, "evaluate", hang_once)
    terms = HeartTerms(every_s=0.01, stuck_after_ns=200 * MS, replace_after_ns=400 * MS)
    try:
        with live(max_contracts(2), heart=terms) as world:
            assert stuck.wait(5)
            world.open(5)
            (command,) = eventually(lambda: world.session.commands)
            release.set()
    finally:
        release.set()

    assert isinstance(command, CloseContract)
    assert world.restarts("rule:max_contracts") == 1
