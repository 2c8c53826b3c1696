"""What is painted bit by bit is what would be painted as a whole."""

import pytest

from risk_actors import messages as m
from risk_actors.actors.paint import Canvas, paint
from tests.actors.facts import (
    CHICAGO,
    ES,
    account_state,
    account_updated,
    breached,
    connected,
    lock,
    ok,
    open_position,
    pnl_state,
    pnl_updated,
    say,
    tick,
    unknown,
    verdict_changed,
)
from tests.actors.test_view import Rig, enforcement
from tests.conftest import NOON_NS, S

STEPS: tuple[tuple[m.Message, ...], ...] = (
    (connected(), account_updated(account_state()), account_updated(account_state(account_id=2))),
    (pnl_updated(pnl_state("-120.50")),),
    (verdict_changed(ok()), verdict_changed(unknown(), account_id=2)),
    (verdict_changed(ok(-20)),),
    (verdict_changed(breached(), rule_id="another"),),
    (enforcement(m.EnforcementPhase.STARTED),),
    (say(m.LocksChanged, account_id=1, locks=(lock(),)),),
    (account_updated(account_state(open_position(2, ES), account_id=2)),),
    (enforcement(m.EnforcementPhase.FLAT_OBSERVED),),
    (connected(user_hub=False, rest=False),),
    (tick(NOON_NS + 60 * S),),
    (connected(),),
)


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_what_is_painted_bit_by_bit_is_what_is_painted_as_a_whole(is_made_anew: bool) -> None:
    rig = Rig()
    for step in STEPS:
        rig.show(*step)
        if is_made_anew:
            rig.view = rig.made()
        picture, known = rig.frame.picture, rig.frame.known
        assert known is not None
        assert paint(picture, known, Canvas(known, CHICAGO), picture.events, CHICAGO) == picture


def test_an_account_that_has_not_changed_is_not_painted_again() -> None:
    rig = Rig()
    rig.armed()
    before = rig.frame.picture.accounts
    rig.show(pnl_updated(pnl_state("-120.50")))
    after = rig.frame.picture.accounts

    assert after[0].day.realized == -120.5
    assert after[1] is before[1]
