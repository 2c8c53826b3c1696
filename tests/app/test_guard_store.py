"""Actors that work are not ended for a store that does not; nothing asked meanwhile is lost."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from app.guard_rig import RULES, Rig, eventually
from loguru import logger

from risk_actors.actors.lockout import LockoutActor, LockShelf
from risk_actors.app.rebuild_pace import REST_NS
from risk_actors.app.settings_desk import SettingsDesk
from risk_actors.app.settings_load import load_settings
from risk_actors.app.trader_desk import TraderDesk
from risk_actors.simulator import Side, Ticket
from risk_actors.store.schema import DATABASE_FILE

OTHER = RULES.replace("limit = 5", "limit = {}")


class DeskRig(Rig):
    """With a desk whose pace a test decides."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(directory, stack)
        self.lost: list[Exception] = []
        self.monotonic_ns = 0
        self.desk = SettingsDesk(
            self.guard,
            self.keeper,
            directory,
            lambda: load_settings(directory),
            on_taken=lambda _in_force: None,
            keep=lambda _kept: None,
            on_lost=self.lost.append,
            monotonic_ns=lambda: self.monotonic_ns,
        )
        self.trader = TraderDesk(self.guard.ask, self.guard.judge, self.desk)

    def edit(self, limit: int) -> None:
        (self.directory / "risk.toml").write_text(OTHER.format(limit), encoding="utf-8")
        self.desk.look(changed=True)

    def remove_store(self) -> None:
        for path in self.directory.glob(f"{DATABASE_FILE}*"):
            path.unlink()

    def overwrite_store(self) -> None:
        (self.directory / DATABASE_FILE).write_bytes(b"\x00garbage" * 8192)

    def locks_stored(self) -> list[tuple[str]]:
        database = sqlite3.connect(self.directory / DATABASE_FILE)
        try:
            return database.execute("select rule_id from locks where ended_ns is null").fetchall()
        finally:
            database.close()

    def is_locked(self) -> bool:
        # Just after the actors were replaced the picture has no account yet.
        return any(account.locks for account in self.guard.picture().accounts)

    def buy(self, size: int) -> None:
        contract_id = self.sim.contract_id("MNQ")
        self.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
        self.sim.place(
            Ticket(account_id=self.account_id, contract_id=contract_id, side=Side.BUY, size=size)
        )

    def size(self) -> int:
        return self.sim.size(self.account_id, self.sim.contract_id("MNQ"))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[DeskRig]:
    with ExitStack() as stack:
        yield DeskRig(tmp_path, stack)


def test_saving_the_settings_again_and_again_keeps_the_guard_seeing(rig: DeskRig) -> None:
    """Each set of actors reads every account, and the requests for that are limited."""
    before = len(rig.sim.requests())
    for limit in range(40, 10, -1):
        rig.edit(limit)
        rig.monotonic_ns += REST_NS // 100

    assert rig.runs() == 2
    assert len(rig.sim.requests()) - before < 60
    rig.wait_until_armed()
    rig.buy(45)
    eventually(lambda: rig.size() == 40, "the first edit holds meanwhile")

    rig.monotonic_ns += REST_NS
    rig.edit(4)
    eventually(lambda: rig.size() == 4, "the last edit holds in the end")
    assert rig.runs() == 3


def test_what_no_actor_has_to_do_with_replaces_none(rig: DeskRig) -> None:
    (rig.directory / "app.toml").write_text("[web]\nport = 8790\n", encoding="utf-8")
    rig.desk.look(changed=True)

    assert rig.runs() == 1
    assert rig.keeper.in_force.settings.web.port == 8790


def test_a_store_that_is_gone_is_made_anew_with_the_locks_that_are_in_force(rig: DeskRig) -> None:
    rig.trader.panic(rig.account_id)
    eventually(rig.is_locked, "locked")
    rig.remove_store()

    rig.desk.look(changed=False)

    rig.wait_until_armed()
    assert rig.lost == []
    assert rig.is_locked()
    eventually(lambda: rig.locks_stored() == [("panic",)], "the lock is in the new store")
    assert any("risk.db is gone" in notice for notice in rig.guard.picture().notices)


def test_settings_are_taken_on_over_a_store_that_was_overwritten(rig: DeskRig) -> None:
    rig.trader.panic(rig.account_id)
    eventually(rig.is_locked, "locked")
    rig.overwrite_store()

    rig.edit(2)

    rig.wait_until_armed()
    assert rig.lost == []
    assert rig.is_locked()
    eventually(lambda: ("panic",) in rig.locks_stored(), "the lock is in the new store")
    rig.buy(1)
    eventually(lambda: rig.size() == 0, "locked means locked")


def test_without_any_store_the_old_actors_go_on(
    rig: DeskRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is gone: the settings wait, protection does not."""

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("risk_actors.app.store_watch.open_or_recover", refuse)
    rig.remove_store()

    rig.edit(2)

    assert rig.lost == []
    assert any("go on in memory" in notice for notice in rig.guard.picture().notices)
    rig.buy(7)
    eventually(lambda: rig.size() == 5, "guarded as before")


@pytest.mark.parametrize("damage", [DeskRig.remove_store, DeskRig.overwrite_store])
def test_what_was_changed_while_there_was_no_store_is_taken_on_once_there_is(
    rig: DeskRig, monkeypatch: pytest.MonkeyPatch, damage: Callable[[DeskRig], None]
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("risk_actors.app.store_watch.open_or_recover", refuse)
        damage(rig)
        rig.edit(2)
    rig.monotonic_ns += REST_NS

    rig.desk.look(changed=False)

    rig.wait_until_armed()
    rig.buy(7)
    eventually(lambda: rig.size() == 2, "the change holds")


def test_a_disarm_holds_although_the_actors_could_not_be_made_anew(
    rig: DeskRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those from before go on, armed as they are; what they send goes nowhere."""
    opened, tries = LockoutActor.opened, []

    def refuse_once(actor: LockoutActor) -> None:
        tries.append(actor)
        if len(tries) == 1:
            raise OSError("no such disk")
        opened(actor)

    monkeypatch.setattr(LockoutActor, "opened", refuse_once)

    assert rig.desk.arm(armed=False)
    rig.wait_until_armed()
    assert rig.guard.picture().armed
    rig.buy(7)

    eventually(
        lambda: any("not sent: disarmed" in e.text for e in rig.guard.picture().events), "refused"
    )
    assert rig.size() == 7
    rig.monotonic_ns += REST_NS
    rig.desk.look(changed=False)
    assert not rig.guard.picture().armed
    assert rig.desk.arm(armed=True)
    eventually(lambda: rig.size() == 5, "enforced again")


def test_a_disarm_holds_while_other_settings_are_being_taken_on(rig: DeskRig) -> None:
    rig.guard.hold_commands()
    rig.edit(2)
    rig.wait_until_armed()

    rig.buy(7)

    eventually(
        lambda: any("not sent: disarmed" in e.text for e in rig.guard.picture().events), "refused"
    )
    assert rig.size() == 7


def test_locks_are_saved_anew_when_nobody_writes_into_the_lost_store_any_more(
    rig: DeskRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.trader.panic(rig.account_id)
    eventually(rig.is_locked, "locked")
    save_again, guarded = LockShelf.save_again, []

    def observed(shelf: LockShelf) -> None:
        guarded.append(rig.guard.is_guarding)
        save_again(shelf)

    monkeypatch.setattr(LockShelf, "save_again", observed)
    rig.remove_store()

    rig.desk.look(changed=False)

    assert guarded == [False]
    eventually(lambda: rig.locks_stored() == [("panic",)], "the lock is in the new store")


def test_a_day_that_could_not_begin_is_not_said_to_have(
    rig: DeskRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    lines: list[str] = []
    number = logger.add(lambda line: lines.append(str(line)), format="{message}")
    rig.begin_another_day()
    monkeypatch.setattr("risk_actors.app.store_watch.open_or_recover", refuse)
    rig.remove_store()

    rig.guard.renew()

    logger.remove(number)
    assert any("cannot be made anew" in line for line in lines)
    assert not any("A trading day has begun" in line for line in lines)


def test_a_panic_while_actors_are_replaced_reaches_the_new_ones(rig: DeskRig) -> None:
    for limit in (4, 3, 2):
        rig.monotonic_ns += REST_NS
        edit = threading.Thread(target=rig.edit, args=(limit,))
        edit.start()
        assert rig.trader.panic(rig.account_id).accepted
        edit.join()
        eventually(rig.is_locked, "the panic locked")


def test_arm_and_disarm_do_not_wait_for_the_pace(rig: DeskRig) -> None:
    rig.edit(4)
    assert rig.desk.arm(armed=False)
    rig.wait_until_armed()
    assert not rig.guard.picture().armed
    rig.buy(7)
    eventually(lambda: rig.guard.picture().accounts[0].positions, "the position is seen")

    assert rig.desk.arm(armed=True)

    eventually(lambda: rig.size() == 4, "enforced again")
    assert rig.runs() == 4


def test_from_the_instant_of_a_disarm_nothing_is_sent(rig: DeskRig) -> None:
    """Also by the actors that are there still: it is the emergency stop."""
    rig.guard.hold_commands()

    rig.buy(7)

    eventually(
        lambda: any("not sent: disarmed" in e.text for e in rig.guard.picture().events), "refused"
    )
    assert rig.size() == 7
