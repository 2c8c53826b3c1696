"""The actors are made anew over a session that goes on."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from app.guard_rig import RULES, Rig, eventually
from loguru import logger

from risk_actors.app.settings_load import load_settings
from risk_actors.simulator import Side, Ticket


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(tmp_path, stack)


def test_on_the_same_day_nothing_is_made_anew(rig: Rig) -> None:
    rig.guard.renew()

    assert rig.runs() == 1


def test_a_new_day_begins_with_new_actors_once_and_is_said_to_have(rig: Rig) -> None:
    lines: list[str] = []
    number = logger.add(lambda line: lines.append(str(line)), format="{message}")
    rig.begin_another_day()
    rig.renew()
    rig.wait_until_armed()
    rig.guard.renew()
    logger.remove(number)

    assert rig.runs() == 2
    assert sum("A trading day has begun" in line for line in lines) == 1


def test_not_while_a_position_is_open(rig: Rig) -> None:
    contract_id = rig.sim.contract_id("MNQ")
    rig.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
    rig.sim.place(Ticket(account_id=rig.account_id, contract_id=contract_id, side=Side.BUY, size=1))
    eventually(lambda: rig.guard.picture().accounts[0].positions, "the position")
    rig.begin_another_day()

    rig.guard.renew()
    assert rig.runs() == 1

    rig.sim.place(
        Ticket(account_id=rig.account_id, contract_id=contract_id, side=Side.SELL, size=1)
    )
    eventually(lambda: not rig.guard.picture().accounts[0].positions, "flat")
    rig.renew()
    assert rig.runs() == 2


def test_new_actors_guard_what_the_old_ones_did(rig: Rig) -> None:
    rig.begin_another_day()
    rig.renew()
    rig.wait_until_armed()
    contract_id = rig.sim.contract_id("MNQ")
    rig.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)

    rig.sim.place(Ticket(account_id=rig.account_id, contract_id=contract_id, side=Side.BUY, size=7))

    eventually(lambda: rig.sim.size(rig.account_id, contract_id) == 5, "reduced")


def test_what_went_wrong_with_the_store_is_shown_for_good_and_recorded_once(
    tmp_path: Path,
) -> None:
    said = ("risk.db is damaged", "Saved from it: 1 lock")
    with ExitStack() as stack:
        rig = Rig(tmp_path, stack, notices=said)
        rig.begin_another_day()
        rig.renew()
        rig.wait_until_armed()
        assert rig.runs() == 2
        assert rig.guard.picture().notices == said

    with closing(sqlite3.connect(tmp_path / "risk.db")) as database:
        rows = database.execute("select text from events where kind = 'ActorChanged'").fetchall()
    assert rows == [(f"store fault: {each}",) for each in said]


def test_what_was_applied_is_told_once(rig: Rig) -> None:
    (rig.directory / "risk.toml").write_text(RULES.replace("limit = 5", "limit = 2"))
    assert rig.keeper.offer(load_settings(rig.directory))
    rig.guard.take(rig.keeper.in_force)
    rig.wait_until_armed()
    rig.keeper.arm(armed=False)
    rig.guard.take(rig.keeper.in_force)
    rig.wait_until_armed()
    rig.begin_another_day()
    rig.renew()
    rig.wait_until_armed()

    def told() -> list[str]:
        with closing(sqlite3.connect(rig.directory / "risk.db")) as database:
            query = "select text from events where kind = 'SettingsChanged'"
            return [text for (text,) in database.execute(query) if "limit 5 -> 2" in text]

    eventually(told, "told")
    assert told() == ["size: limit 5 -> 2"]
