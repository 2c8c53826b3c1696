"""Headroom runs the rules' own code; what a rule does there hurts no reader."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from app.guard_rig import Rig, eventually
from loguru import logger

from risk_actors.actors.picture import HeadroomPicture
from risk_actors.app.headroom_desk import HeadroomDesk
from risk_actors.core.rules.max_contracts import MaxContracts
from risk_actors.simulator import Side, Ticket

HEALTHY = MaxContracts.evaluate


class HeadroomRig(Rig):
    """A guard with an open position whose headroom is known."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(directory, stack)
        contract_id = self.sim.contract_id("MNQ")
        self.sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
        ticket = Ticket(account_id=self.account_id, contract_id=contract_id, side=Side.BUY, size=1)
        self.sim.place(ticket)
        eventually(lambda: self.guard.shown.accounts[0].positions, "the position")
        eventually(
            lambda: (headroom := self.shown()) is not None and headroom.sizes,
            "reckoned by its own thread",
        )

    def shown(self) -> HeadroomPicture | None:
        return self.guard.picture().accounts[0].headroom


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[HeadroomRig]:
    with ExitStack() as stack:
        yield HeadroomRig(tmp_path, stack)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    told: list[str] = []
    number = logger.add(lambda line: told.append(str(line)), format="{message}")
    yield told
    logger.remove(number)


def fail(*_: object) -> Any:
    raise ZeroDivisionError("no such number")


def test_a_rule_that_fails_allows_nothing_and_is_named_and_logged_once(
    rig: HeadroomRig, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    before = rig.shown()
    assert before is not None
    assert before.sizes[0].contracts == 4
    desk = desk_of(rig)
    monkeypatch.setattr(MaxContracts, "evaluate", fail)

    desk.reckon()
    desk.reckon()
    headroom = desk.picture().accounts[0].headroom
    monkeypatch.setattr(MaxContracts, "evaluate", HEALTHY)

    assert headroom is not None
    assert [(size.contracts, size.rule) for size in headroom.sizes] == [(0, "size")]
    assert len([line for line in lines if "size failed when asked for a safe size" in line]) == 1


def test_what_else_cannot_be_reckoned_is_unknown(
    rig: HeadroomRig, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    desk = desk_of(rig)
    monkeypatch.setattr("risk_actors.app.headroom_desk.stop_out", fail)

    desk.reckon()

    assert desk.picture().accounts[0].headroom == HeadroomPicture(
        unknown="it cannot be reckoned, see the log"
    )
    assert any("may still do cannot be reckoned" in line for line in lines)


def test_nobody_waits_for_a_rule_that_hangs(
    rig: HeadroomRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, hangs = threading.Event(), threading.Event()

    def hang(rule: MaxContracts, state: Any, fact: Any, now_ns: int) -> Any:
        if threading.current_thread() is reckons:
            hangs.set()
            may_go_on.wait(20)
        return HEALTHY(rule, state, fact, now_ns)

    desk = desk_of(rig)
    reckons = threading.Thread(target=desk.reckon, daemon=True)
    monkeypatch.setattr(MaxContracts, "evaluate", hang)
    reckons.start()
    assert hangs.wait(5)

    fresh = desk.picture().accounts[0].headroom
    monkeypatch.setattr("risk_actors.app.headroom_desk.OLD_AFTER_NS", 0)
    old = desk.picture().accounts[0].headroom
    may_go_on.set()
    reckons.join(5)

    assert fresh is None
    assert old == HeadroomPicture(unknown="not reckoned for 0 s: size does not answer")


def desk_of(rig: Rig) -> HeadroomDesk:
    """Return another desk over what the guard's actors publish, in the place of their own."""
    running = rig.guard._running
    assert running is not None
    desk = running.assembly.desk
    desk.stop()
    eventually(lambda: not desk._thread.is_alive(), "ended")
    return HeadroomDesk(desk._frame, desk._rules, {}, rig.clock)


def test_requests_and_new_actors_do_not_ask_rules_for_headroom(
    rig: HeadroomRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, hangs = threading.Event(), threading.Event()

    def hang(rule: MaxContracts, state: Any, fact: Any, now_ns: int) -> Any:
        if threading.current_thread().name == "headroom":
            hangs.set()
            may_go_on.wait(30)
        return HEALTHY(rule, state, fact, now_ns)

    monkeypatch.setattr(MaxContracts, "evaluate", hang)
    assert hangs.wait(5)

    answers = []
    asking = threading.Thread(
        target=lambda: answers.extend(
            [
                rig.guard.picture().phase,
                rig.guard.judge(lambda inlet: inlet.judge_disarm("lunch", None)).accepted,
                rig.guard.remake(),
                rig.guard.ask(lambda inlet: inlet.panic()).accepted,
            ]
        ),
        daemon=True,
    )
    asking.start()
    asking.join(10)
    may_go_on.set()

    assert answers == ["armed", True, True, True]
