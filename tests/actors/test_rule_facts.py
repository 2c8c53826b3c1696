"""When what a rule says leaves nothing to do but to tell it."""

from decimal import Decimal

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.rule_facts import is_plain_ok
from risk_actors.actors.rule_shelf import RuleShelf, Watch
from risk_actors.core.broker import OrderType
from risk_actors.core.evidence import Evidence
from risk_actors.core.verdict import (
    Breached,
    Flatten,
    Ok,
    StopMove,
    Unknown,
    Verdict,
    Warned,
)
from tests.actors.facts import MNQ, account_state, open_position, order, rule_of
from tests.conftest import NOON_NS

MOVE = StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal(19990))
WHY = Evidence(template="because")
BREACH = Breached(value=None, limit=None, evidence=WHY, cause="day 1", action=Flatten())
TICK = m.Tick(correlation_id="c", at_ns=NOON_NS)


def watch_of() -> Watch:
    return RuleShelf(rule_of("daily_loss_limit", limit_usd=500), {}).watch(1)


def is_plain(watch: Watch, verdict: Verdict | None = None, *, waits_for_end: bool = False) -> bool:
    verdict = Ok() if verdict is None else verdict
    return is_plain_ok(watch, watch.memory, verdict, waits_for_end=waits_for_end)


def found() -> m.BreachFound:
    return m.BreachFound(
        correlation_id="c", at_ns=NOON_NS, rule_id="r", account_id=1, breach=BREACH, event=TICK
    )


def test_a_rule_that_is_kept_as_it_was_leaves_nothing_to_do() -> None:
    assert is_plain(watch_of())


@pytest.mark.parametrize(
    "verdict",
    [
        Ok(stop_moves=(MOVE,)),
        Warned(value=None, limit=None, evidence=WHY),
        Unknown(evidence=WHY),
        BREACH,
    ],
)
def test_whatever_else_a_rule_says_is_to_be_followed(verdict: Verdict) -> None:
    assert not is_plain(watch_of(), verdict)


def test_what_was_reported_is_to_be_ended() -> None:
    now, failing, remembered = watch_of(), watch_of(), watch_of()
    now.reported = found()
    failing.failure = found()
    remembered.memory = msgspec.structs.replace(remembered.memory, reported="day 1")

    assert not any(map(is_plain, (now, failing, remembered)))


def test_a_rule_that_failed_is_to_be_believed_first() -> None:
    watch = watch_of()

    watch.failing.fail(NOON_NS)

    assert not is_plain(watch)


def test_stops_that_were_to_be_moved_are_to_stay_now() -> None:
    wanted, shadowed = watch_of(), watch_of()
    wanted.moves_wanted = m.StopMovesWanted(
        correlation_id="c", at_ns=NOON_NS, rule_id="r", account_id=1, moves=(), event=TICK
    )
    stop = order(7, -1, type=OrderType.STOP, limit_price=None, stop_price=Decimal(19980))
    state = account_state(open_position(1), orders=(stop,))
    assert shadowed.shadow_stops.newly_moved((MOVE,), state, NOON_NS)

    assert not is_plain(wanted)
    assert not is_plain(shadowed)


def test_locks_that_wait_for_the_rule_to_be_kept_are_let_go_once() -> None:
    watch = watch_of()
    before = is_plain(watch, waits_for_end=True)

    watch.is_released = True

    assert (before, is_plain(watch, waits_for_end=True)) == (False, True)
