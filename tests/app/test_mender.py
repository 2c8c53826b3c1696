"""What failed for good is made anew with all the rest, over the session that goes on."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from app.guard_rig import Rig, eventually

from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.journal import JournalActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.rule import RuleActor
from risk_actors.app.mender import LOOK_AGAIN_NS, Mender
from risk_actors.messages import PanicRequested, Tick
from risk_actors.runtime.actor import Actor
from risk_actors.runtime.supervisor import StartFailedError
from risk_actors.simulator import Side, Ticket
from risk_actors.simulator.faults import fault_from


class Poison:
    """Makes each actor of a class fail at each tick for as long as it is in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: type[Actor]) -> None:
        self.is_in = True
        healthy = kind.handle

        def handle(actor: Actor, message: Any) -> None:
            if self.is_in and isinstance(message, Tick):
                raise OSError("poisoned")
            healthy(actor, message)

        monkeypatch.setattr(kind, "handle", handle)


class MendedRig(Rig):
    """With a mender, whose thread a test may start."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(directory, stack)
        self.mender = Mender(self.guard, threading.Lock(), self.clock)
        stack.callback(self.mender.stop)

    def buy(self, size: int) -> None:
        contract_id = self.sim.contract_id("MNQ")
        self.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
        self.sim.place(
            Ticket(account_id=self.account_id, contract_id=contract_id, side=Side.BUY, size=size)
        )

    def size(self) -> int:
        return self.sim.size(self.account_id, self.sim.contract_id("MNQ"))

    def until_given_up(self, poison: Poison, address: str) -> None:
        eventually(lambda: address in self.guard.given_up, "given up")
        poison.is_in = False


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[MendedRig]:
    with ExitStack() as stack:
        yield MendedRig(tmp_path, stack)


def test_with_the_enforcer_given_up_all_are_made_anew_and_guard_again(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(monkeypatch, EnforcerActor)
    rig.until_given_up(poison, "enforcer")
    rig.buy(7)
    eventually(lambda: rig.guard.picture().accounts[0].positions, "the position")
    assert rig.guard.picture().phase == "faulted"

    rig.mender.start()

    eventually(lambda: rig.size() == 5, "enforced again")
    rig.wait_until_armed()
    assert rig.guard.given_up == ()
    assert rig.runs() == 2
    (notice,) = rig.guard.picture().notices
    assert notice.startswith("enforcer failed too often")
    eventually(
        lambda: any("made anew" in event.text for event in rig.guard.picture().events), "told"
    )


def test_locks_survive_it(rig: MendedRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.guard.operator.panic()
    eventually(lambda: rig.guard.has_locks, "locked")
    poison = Poison(monkeypatch, LockoutActor)
    rig.until_given_up(poison, "lockout")

    assert rig.mender.mend() == LOOK_AGAIN_NS

    rig.wait_until_armed()
    assert rig.guard.has_locks
    rig.buy(1)
    eventually(lambda: rig.sim.requests("Position/closeContract"), "flattened")
    eventually(lambda: rig.size() == 0, "flat")
    assert rig.mender.mend() is None


def test_a_panic_while_the_lockout_is_given_up_locks_once_it_is_made_anew(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.buy(2)
    eventually(lambda: rig.guard.shown.accounts[0].positions, "the position")
    rig.until_given_up(Poison(monkeypatch, LockoutActor), "lockout")

    answer = rig.guard.ask(lambda inlet: inlet.panic())
    eventually(lambda: rig.size() == 0, "flat")
    assert answer.accepted
    assert "lockout failed: what it does follows" in answer.sentence
    rig.mender.mend()

    rig.wait_until_armed()
    eventually(lambda: rig.guard.has_locks, "locked")
    (lock,) = rig.guard.shown.accounts[0].locks
    assert (lock.rule, lock.scope) == ("panic", "account")
    rig.buy(1)
    eventually(lambda: rig.sim.requests("Position/closeContract"), "flattened")
    eventually(lambda: rig.size() == 0, "flat under the lock")
    assert rig.mender.mend() is None


def test_a_panic_on_which_the_lockout_fails_is_given_to_the_next_one(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, failed = LockoutActor.handle, []

    def fail_once(actor: LockoutActor, message: Any) -> None:
        if isinstance(message, PanicRequested) and not failed:
            failed.append(message)
            raise OSError("poisoned")
        healthy(actor, message)

    monkeypatch.setattr(LockoutActor, "handle", fail_once)
    rig.mender.start()

    assert rig.guard.ask(lambda inlet: inlet.panic()).accepted

    eventually(lambda: rig.guard.has_locks, "locked")
    assert len(failed) == 1
    assert rig.runs() == 1


def test_a_panic_that_has_locked_is_not_given_again(rig: MendedRig) -> None:
    rig.guard.operator.panic()
    eventually(lambda: rig.guard.has_locks, "locked")

    assert not rig.guard.repeat_panics()
    assert rig.mender.mend() is None


def test_a_journal_waits_while_the_accounts_cannot_be_read(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New actors would act on nothing before they have read them."""
    rig.guard.operator.panic()
    eventually(lambda: rig.guard.has_locks, "locked")
    rig.sim.inject(
        fault_from(
            {"kind": "status", "status": 429, "endpoint": "Position/searchOpen", "for_s": 60.0}
        )
    )
    rig.buy(1)
    eventually(lambda: rig.sim.requests("Position/closeContract"), "flattened")
    eventually(lambda: not rig.guard.can_be_read, "the accounts cannot be read")
    poison = Poison(monkeypatch, JournalActor)
    rig.until_given_up(poison, "journal")

    assert rig.mender.mend() == LOOK_AGAIN_NS

    assert rig.guard.given_up == ("journal",)
    rig.buy(1)
    eventually(lambda: len(rig.sim.requests("Position/closeContract")) == 2, "guarded as before")


def test_a_journal_waits_until_there_is_room_for_the_requests(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.until_given_up(Poison(monkeypatch, JournalActor), "journal")
    eventually(lambda: rig.guard.can_be_read, "the accounts read")

    with monkeypatch.context() as patched:
        patched.setattr(type(rig.guard), "has_room", False)
        assert rig.mender.mend() == LOOK_AGAIN_NS
        assert rig.runs() == 1

    def is_made_anew() -> bool:
        rig.mender.mend()
        return rig.runs() == 2

    eventually(is_made_anew, "made anew")


def test_a_journal_waits_until_nothing_is_open(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.buy(1)
    eventually(lambda: rig.guard.picture().accounts[0].positions, "the position")
    poison = Poison(monkeypatch, JournalActor)
    rig.until_given_up(poison, "journal")

    assert rig.mender.mend() == LOOK_AGAIN_NS
    assert rig.guard.given_up == ("journal",)

    contract_id = rig.sim.contract_id("MNQ")
    rig.sim.place(
        Ticket(account_id=rig.account_id, contract_id=contract_id, side=Side.SELL, size=1)
    )
    eventually(lambda: not rig.guard.picture().accounts[0].positions, "flat")
    rig.mender.mend()

    assert rig.guard.given_up == ()
    rig.wait_until_armed()


def test_a_rule_that_was_given_up_has_its_stand_in_and_nothing_is_made_anew(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(monkeypatch, RuleActor)
    rig.until_given_up(poison, "rule:size")

    assert rig.mender.mend() is None
    assert rig.runs() == 1


def test_when_nothing_can_be_started_it_says_so_and_tries_again(
    rig: MendedRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(monkeypatch, EnforcerActor)
    rig.until_given_up(poison, "enforcer")

    def refuse(_actor: LockoutActor) -> None:
        raise OSError("no such disk")

    with monkeypatch.context() as patched:
        patched.setattr(LockoutActor, "opened", refuse)
        assert rig.mender.mend() == LOOK_AGAIN_NS
    assert not rig.guard.is_guarding
    assert rig.guard.picture().phase == "faulted"
    answer = rig.guard.ask(lambda inlet: inlet.panic())
    assert not answer.accepted
    assert "nothing is guarded" in answer.sentence

    rig.mender.mend()

    assert rig.guard.is_guarding
    rig.wait_until_armed()
    rig.buy(7)
    eventually(lambda: rig.size() == 5, "guarded again")


def test_after_three_times_it_waits(rig: MendedRig, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> bool:
        raise StartFailedError("lockout did not start")

    poison = Poison(monkeypatch, EnforcerActor)
    rig.until_given_up(poison, "enforcer")
    monkeypatch.setattr(rig.guard, "remake", refuse)

    waits_s = [round((rig.mender.mend() or 0) / 1e9) for _ in range(5)]

    assert waits_s == [1, 1, 30, 30, 30]
