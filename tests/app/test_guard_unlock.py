"""What an unlock waived stays waived when the actors are made anew, armed or not."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from risk_actors.actors.picture import AccountPicture, RulePicture
from risk_actors.app.admin_secret import set_secret
from risk_actors.app.settings_load import load_settings
from risk_actors.simulator import Side, Ticket
from tests.app.test_guard import Rig, eventually

SECRET = "correct horse battery"
RULES = """[session]
unlock = "admin"
[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 500
"""


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    set_secret(tmp_path, SECRET, None, 0)
    with ExitStack() as stack:
        made = Rig(tmp_path, stack)
        (tmp_path / "risk.toml").write_text(RULES, encoding="utf-8")
        assert made.keeper.offer(load_settings(tmp_path))
        made.guard.take(made.keeper.in_force)
        made.wait_until_armed()
        yield made


def account(rig: Rig) -> AccountPicture:
    return rig.guard.picture().accounts[0]


def the_rule(rig: Rig) -> RulePicture | None:
    return next(iter(rig.guard.picture().rules), None)


def buy(rig: Rig, size: int) -> None:
    contract_id = rig.sim.contract_id("MNQ")
    rig.sim.place(
        Ticket(account_id=rig.account_id, contract_id=contract_id, side=Side.BUY, size=size)
    )


def lose(rig: Rig) -> None:
    """Break the daily loss limit."""
    contract_id = rig.sim.contract_id("MNQ")
    rig.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
    buy(rig, 5)
    eventually(lambda: rig.sim.size(rig.account_id, contract_id) == 5, "the position")
    rig.sim.set_price(contract_id, 24_940.25, 24_940.5, 24_940.25)
    eventually(lambda: account(rig).locks and not account(rig).positions, "locked and flat")
    eventually(lambda: account(rig).enforcement is None, "it is observed")


def rebuild(rig: Rig, *, armed: bool) -> None:
    assert rig.keeper.arm(armed=armed)
    rig.guard.take(rig.keeper.in_force)
    rig.wait_until_armed()
    mode = "enforce" if armed else "shadow"
    eventually(lambda: (rule := the_rule(rig)) is not None and rule.mode == mode, "the rule judges")


def found(rig: Rig) -> list[tuple[str, int | None]]:
    """Return each breach in the record, and whether it was told before."""
    with closing(sqlite3.connect(rig.directory / "risk.db")) as database:
        return database.execute(
            "select kind, json_extract(message, '$.is_repeat') from decisions"
            " where kind in ('BreachFound', 'ShadowBreachFound') order by seq"
        ).fetchall()


def test_disarm_and_arm_do_not_bring_a_lock_back_that_was_ended(rig: Rig) -> None:
    lose(rig)
    (held,) = account(rig).locks
    answer = rig.guard.operator.unlock(held.id, None, "agreed by phone", SECRET)
    eventually(lambda: not account(rig).locks, "unlocked")
    eventually(lambda: (rule := the_rule(rig)) is not None and rule.is_waived, "it is told")

    rebuild(rig, armed=False)
    rebuild(rig, armed=True)
    eventually(lambda: (rule := the_rule(rig)) is not None and rule.is_waived, "told again")
    buy(rig, 1)
    eventually(lambda: account(rig).positions, "the position")
    rebuild(rig, armed=False)
    rebuild(rig, armed=True)
    eventually(lambda: (rule := the_rule(rig)) is not None and rule.is_waived, "and again")

    assert "daily-loss does not act again before" in answer.sentence
    assert (account(rig).locks, len(account(rig).positions)) == ((), 1)
    rule = the_rule(rig)
    assert rule is not None
    assert rule.next_cause is not None
    assert rule.next_cause == held.until
    assert found(rig) == [("BreachFound", 0)]


def test_a_lock_that_was_not_ended_is_told_again_and_recorded_as_told_before(rig: Rig) -> None:
    lose(rig)
    (held,) = account(rig).locks

    rebuild(rig, armed=False)
    rebuild(rig, armed=True)
    eventually(lambda: ("BreachFound", 1) in found(rig), "the record")

    assert [each.id for each in account(rig).locks] == [held.id]
    assert found(rig) == [("BreachFound", 0), ("BreachFound", 1)]
