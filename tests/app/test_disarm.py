"""Disarm is the emergency stop: at once, whatever is being made anew; the latest wish holds."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from app.guard_rig import Rig, eventually

from risk_actors.actors.journal import JournalActor
from risk_actors.actors.trader_requests import AnswerKind, TraderAnswer
from risk_actors.app.settings_desk import SettingsDesk
from risk_actors.app.settings_load import load_settings
from risk_actors.app.trader_desk import TraderDesk
from risk_actors.simulator import Side, Ticket
from risk_actors.simulator.faults import fault_from


class DisarmRig(Rig):
    """A guard with the desks that take what the trader asks for."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(directory, stack)
        self.desk = SettingsDesk(
            self.guard,
            self.keeper,
            directory,
            lambda: load_settings(directory),
            on_taken=lambda _in_force: None,
            keep=lambda _kept: None,
            on_lost=lambda _error: None,
        )
        self.trader = TraderDesk(self.guard.ask, self.guard.judge, self.desk)
        self.answers: dict[str, TraderAnswer] = {}

    @property
    def is_holding(self) -> bool:
        return self.guard._session.hold_commands

    def buy(self, size: int) -> None:
        contract_id = self.sim.contract_id("MNQ")
        self.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
        self.sim.place(
            Ticket(account_id=self.account_id, contract_id=contract_id, side=Side.BUY, size=size)
        )

    def size(self) -> int:
        return self.sim.size(self.account_id, self.sim.contract_id("MNQ"))

    def ask(self, what: str) -> threading.Thread:
        """Ask to arm or to disarm on a thread of its own."""

        def work() -> None:
            arms = what == "arm"
            self.answers[what] = self.trader.arm() if arms else self.trader.disarm("lunch", None)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[DisarmRig]:
    with ExitStack() as stack:
        yield DisarmRig(tmp_path, stack)


def test_it_does_not_wait_for_actors_that_are_being_made_anew(
    rig: DisarmRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, is_slow = threading.Event(), threading.Event()
    opened = JournalActor.opened

    def open_slowly(actor: JournalActor) -> None:
        if not is_slow.is_set():
            is_slow.set()
            may_go_on.wait(60)
        opened(actor)

    monkeypatch.setattr(JournalActor, "opened", open_slowly)
    remaking = threading.Thread(target=rig.guard.remake, daemon=True)
    remaking.start()
    assert is_slow.wait(60)

    disarming = rig.ask("disarm")

    eventually(lambda: rig.is_holding, "nothing is sent")
    assert not may_go_on.is_set()
    assert remaking.is_alive()
    may_go_on.set()
    disarming.join(60)
    assert rig.answers["disarm"].accepted
    rig.wait_until_armed()
    assert not rig.guard.shown.armed
    eventually(
        lambda: any("reason given: lunch" in e.text for e in rig.guard.shown.events), "recorded"
    )


def test_an_older_wish_to_arm_does_not_undo_it(rig: DisarmRig) -> None:
    assert rig.desk.arm(armed=False)
    rig.wait_until_armed()
    with rig.desk.turn:
        arming = rig.ask("arm")
        eventually(lambda: rig.desk.waits(armed=True), "it waits for its turn")
        disarming = rig.ask("disarm")
        eventually(lambda: rig.desk.waits(armed=False), "it waits for its turn")
    arming.join(60)
    disarming.join(60)

    assert rig.answers["arm"].kind is AnswerKind.CONFLICT
    assert rig.answers["disarm"].accepted
    assert rig.is_holding
    assert not rig.guard.shown.armed


def test_a_later_wish_to_arm_holds(rig: DisarmRig) -> None:
    with rig.desk.turn:
        disarming = rig.ask("disarm")
        eventually(lambda: rig.desk.waits(armed=False), "it waits for its turn")
        arming = rig.ask("arm")
        eventually(lambda: rig.desk.waits(armed=True), "it waits for its turn")
    disarming.join(60)
    arming.join(60)

    assert rig.answers["disarm"].kind is AnswerKind.CONFLICT
    assert rig.answers["arm"].accepted
    rig.wait_until_armed()
    assert not rig.is_holding
    assert rig.guard.shown.armed


def test_a_wish_that_was_not_granted_waits_no_more(rig: DisarmRig) -> None:
    assert rig.trader.arm().kind is AnswerKind.CONFLICT
    assert not rig.desk.waits(armed=True)
    assert rig.trader.disarm("", None).kind is AnswerKind.REFUSED
    assert not rig.is_holding


def test_no_second_reduction_goes_beside_one_of_the_actors_before_those_before(
    rig: DisarmRig,
) -> None:
    """A command of actors before a disarm may still take effect when it is armed again."""
    endpoint = "Position/partialCloseContract"
    rig.sim.inject(fault_from({"kind": "delay", "endpoint": endpoint, "delay_s": 2.0, "times": 1}))
    rig.buy(7)
    eventually(lambda: rig.sim.requests(endpoint), "the reduction is under way")

    assert rig.trader.disarm("lunch", None).accepted
    rig.wait_until_armed()
    assert rig.trader.arm().accepted
    rig.wait_until_armed()
    eventually(lambda: rig.sim.requests(endpoint)[0].answered_ns, "it took effect")

    assert rig.size() == 5
    assert len(rig.sim.requests(endpoint)) == 1
