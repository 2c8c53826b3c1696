"""Flat is observed (I3): what nobody has heard of late is looked at before it is called flat."""

import itertools

from core.builders import ACCOUNT, account, held
from core.plan_desk import PlanDesk, flat

from risk_actors.core.enforcement import HEARD_WITHIN_NS, EnforcementPlan
from risk_actors.core.enforcement_effects import AskSnapshot, FlatObserved, Started
from risk_actors.core.enforcement_words import NOT_HEARD
from risk_actors.core.verdict import Flatten

S = 1_000_000_000


def quiet_desk() -> PlanDesk:
    """Return an account that was flat when it was last heard, some time ago."""
    desk = PlanDesk(flat())
    desk.now_ns = HEARD_WITHIN_NS + S
    return desk


def observed(desk: PlanDesk) -> list[int]:
    return [at_ns for at_ns, effect in desk.told if isinstance(effect, FlatObserved)]


def test_i3_flat_of_long_ago_is_looked_at_first() -> None:
    desk = quiet_desk()
    desk.flatten()

    assert observed(desk) == []
    assert len(desk.asked) == 1
    desk.run(0.1)
    assert observed(desk) == [desk.now_ns]


def test_i3_while_nothing_can_be_read_nothing_is_called_flat_and_that_is_said() -> None:
    desk = quiet_desk()
    desk.reads = False
    desk.flatten()
    desk.run(60)

    assert observed(desk) == []
    assert {words for _, words in desk.stuck} == {NOT_HEARD}
    assert 20 < len(desk.asked) <= 31
    desk.reads = True
    desk.run(0.2)
    assert len(observed(desk)) == 1


def test_what_the_look_shows_is_closed() -> None:
    desk = quiet_desk()
    desk.reads = False
    desk.flatten()
    desk.show(account(held(3)))

    assert len(desk.closes) == 1
    assert observed(desk) == []


def test_what_was_heard_a_moment_ago_needs_no_look() -> None:
    desk = PlanDesk(flat())
    desk.now_ns = HEARD_WITHIN_NS
    desk.flatten()

    assert observed(desk) == [desk.now_ns]


def test_what_did_not_come_from_the_broker_was_not_heard() -> None:
    """The note of our own lock moves the account, and tells nothing of what it holds."""
    plan = EnforcementPlan(ACCOUNT, command_ids=itertools.count(1))
    plan.on_account(flat(), "e-0", 0)
    now_ns = HEARD_WITHIN_NS + S

    began = plan.on_breach("panic", Flatten(), "op-1", now_ns)
    noted = plan.on_account(flat(), "lock-1", now_ns, heard_ns=0)

    assert [type(effect) for effect in began] == [Started, AskSnapshot]
    assert noted == []
