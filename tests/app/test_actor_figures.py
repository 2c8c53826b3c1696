"""What is counted goes on over actors that are replaced: nothing twice, and nothing goes down."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from app.guard_rig import Rig, eventually
from app.test_mender import Poison

from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.view import ViewActor
from risk_actors.app import actor_figures
from risk_actors.app.mender import Mender
from risk_actors.runtime.topology import MailboxStats
from risk_actors.simulator import Side, Ticket


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield Rig(tmp_path, stack)


def handled(rig: Rig) -> dict[str, int]:
    return {stats.address: stats.handled for stats in rig.guard.figures.mailboxes()}


def of(rig: Rig, address: str) -> MailboxStats:
    return next(each for each in rig.guard.figures.mailboxes() if each.address == address)


def buy(rig: Rig, size: int) -> None:
    contract_id = rig.sim.contract_id("MNQ")
    rig.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
    rig.sim.place(
        Ticket(account_id=rig.account_id, contract_id=contract_id, side=Side.BUY, size=size)
    )


def test_messages_of_actors_that_were_made_anew_still_count(rig: Rig) -> None:
    eventually(lambda: handled(rig)["timer"] >= 5, "ticks")
    before = handled(rig)

    assert rig.guard.remake()

    after = handled(rig)
    assert after.keys() == before.keys()
    assert all(after[address] >= count for address, count in before.items())
    assert rig.guard.figures.times_made == 2
    eventually(lambda: handled(rig)["timer"] > after["timer"], "the count goes on")


def test_a_breach_and_its_command_count_once_however_often_actors_are_made(rig: Rig) -> None:
    tally = rig.guard.figures.tally
    buy(rig, 7)
    eventually(lambda: tally.outcomes["close", "accepted"] == 1, "the answer")
    for _ in range(2):
        assert rig.guard.remake()
        rig.wait_until_armed()
    assert dict(tally.breaches) == {("size", "enforce"): 1}
    assert tally.commands["close"] == tally.outcomes["close", "accepted"] == 1
    assert tally.event_to_command["close"].counted().up_to[-1][1] == 1
    assert tally.losses["user_hub"] == tally.reconnects["user_hub"] == 0
    buy(rig, 2)
    eventually(lambda: tally.breaches["size", "enforce"] == 2, "another breach")


def test_restarts_and_dead_letters_outlive_the_mending(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison = Poison(monkeypatch, EnforcerActor)
    eventually(lambda: "enforcer" in rig.guard.given_up, "given up")
    eventually(lambda: rig.guard.figures.dead_letters().get("enforcer", 0) > 3, "dead letters")
    poison.is_in = False
    restarts, letters = of(rig, "enforcer").restarts, rig.guard.figures.dead_letters()
    assert restarts >= 5

    mender = Mender(rig.guard, threading.Lock(), rig.clock)
    mender.mend()

    assert rig.guard.given_up == ()
    assert of(rig, "enforcer").restarts == restarts
    assert rig.guard.figures.dead_letters()["enforcer"] >= letters["enforcer"]
    assert of(rig, "enforcer").status != "given_up"


def test_a_view_that_hangs_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """I7: its last picture says armed."""
    monkeypatch.setattr(actor_figures, "STALE_AFTER_S", 1.0)
    goes_on = threading.Event()
    healthy = ViewActor.handle

    def hang(view: ViewActor, message: Any) -> None:
        goes_on.wait()
        healthy(view, message)

    assert rig.guard.figures.stale_picture() == ()
    monkeypatch.setattr(ViewActor, "handle", hang)
    try:
        eventually(rig.guard.figures.stale_picture, "told")
        assert rig.guard.shown.phase == "armed"
    finally:
        goes_on.set()
    eventually(lambda: not rig.guard.figures.stale_picture(), "it answers again")
