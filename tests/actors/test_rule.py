from decimal import Decimal

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.rule import RuleActor, RuleShelf
from risk_actors.core.rules import Mode
from risk_actors.core.verdict import Breached, Ok, Reduce, Unknown
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse, Resync
from tests.actors.facts import (
    DAY_END_NS,
    MNQ,
    account_state,
    account_updated,
    context_of,
    open_position,
    pnl_state,
    pnl_updated,
    rule_of,
)
from tests.conftest import RecordingOutbox, RecordingOverseer


class Rig:
    """A rule actor that is called directly."""

    def __init__(
        self,
        type_: str,
        *,
        mode: Mode = Mode.ENFORCE,
        accounts: tuple[int, ...] = (1, 2),
        **terms: object,
    ) -> None:
        self.outbox = RecordingOutbox(RuleActor)
        rule = rule_of(type_, **terms)
        self.actor = RuleActor(
            context_of(f"rule:{type_}", self.outbox, VirtualClock(1), RecordingOverseer()),
            rule=rule,
            mode=mode,
            accounts=set(accounts),
            shelf=RuleShelf(rule, {}),
        )

    def pnl(self, realized_usd: str | None, account_id: int = 1, **terms: object) -> None:
        state = pnl_state(realized_usd, account_id, **terms)
        self.actor.handle(pnl_updated(state, f"event-{realized_usd}"))

    def size(self, size: int) -> None:
        positions = [open_position(size)] if size else []
        self.actor.handle(account_updated(account_state(*positions)))

    @property
    def breaches(self) -> list[m.BreachFound]:
        return self.outbox.of(m.BreachFound)

    @property
    def verdicts(self) -> list[m.VerdictChanged]:
        return self.outbox.of(m.VerdictChanged)


@pytest.fixture
def loss() -> Rig:
    return Rig("daily_loss_limit", limit_usd=500.0)


def test_a_breach_carries_rule_account_cause_and_the_id_of_its_event(loss: Rig) -> None:
    """I9: every command leads back to the event that caused it."""
    loss.pnl("-500", 2)

    (found,) = loss.breaches
    assert (found.rule_id, found.account_id) == ("daily_loss_limit", 2)
    assert found.correlation_id == "event--500"
    assert found.event.correlation_id == "event--500"
    assert found.breach.value == Decimal(-500)


def test_a_breach_is_reported_once_per_cause(loss: Rig) -> None:
    loss.pnl("-500")
    loss.pnl("-510")
    loss.pnl("-500")

    assert len(loss.breaches) == 1


def test_another_cause_is_reported_anew(loss: Rig) -> None:
    loss.pnl("-500")
    loss.pnl("-600", day_start_ns=DAY_END_NS)

    assert len(loss.breaches) == 2


def test_a_breach_that_ended_is_reported_when_it_comes_back() -> None:
    rig = Rig("max_contracts", limit=2)

    for size in (3, 2, 3):
        rig.size(size)

    assert len(rig.breaches) == 2
    assert rig.breaches[0].breach.action == Reduce(targets=((MNQ, 2),))


def test_unknown_does_not_end_a_breach() -> None:
    rig = Rig("max_contracts", limit=2)
    rig.size(3)

    rig.actor.handle(account_updated(account_state(is_reconciled=False)))
    rig.size(3)

    assert len(rig.breaches) == 1
    assert [type(v.verdict) for v in rig.verdicts] == [Breached, Unknown, Breached]


def test_unknown_is_told_and_is_never_ok(loss: Rig) -> None:
    """I7: blind is not safe."""
    loss.pnl(None)

    (told,) = loss.verdicts
    assert isinstance(told.verdict, Unknown)
    assert loss.breaches == []


def test_a_verdict_is_told_when_it_changes_and_not_otherwise(loss: Rig) -> None:
    loss.pnl("-10")
    loss.pnl("-10")
    loss.pnl("-20")

    assert [told.verdict for told in loss.verdicts] == [
        Ok(value=Decimal(-10), limit=Decimal(-500)),
        Ok(value=Decimal(-20), limit=Decimal(-500)),
    ]
    first = loss.verdicts[0]
    assert (first.rule_id, first.rule_type, first.mode, first.account_id) == (
        "daily_loss_limit",
        "daily_loss_limit",
        "enforce",
        1,
    )


def test_in_shadow_mode_a_breach_is_shown_and_never_sent() -> None:
    rig = Rig("daily_loss_limit", limit_usd=500.0, mode=Mode.SHADOW)

    rig.pnl("-500")
    rig.actor.handle_control(Resync(address="enforcer", reason="enforcer was restarted"))

    assert rig.breaches == []
    (told,) = rig.verdicts
    assert told.mode == "shadow"
    assert isinstance(told.verdict, Breached)


def test_an_account_the_rule_does_not_select_is_not_judged() -> None:
    rig = Rig("daily_loss_limit", limit_usd=500.0, accounts=(2,))

    rig.pnl("-500", 1)
    unselected = list(rig.outbox.sent)
    rig.pnl("-500", 2)

    assert unselected == []
    assert [found.account_id for found in rig.breaches] == [2]


def test_each_account_has_a_state_of_its_own(loss: Rig) -> None:
    loss.pnl("-500", 1)
    loss.pnl("-100", 1)
    loss.pnl("-100", 2)

    by_account = {told.account_id: type(told.verdict) for told in loss.verdicts}
    assert by_account == {1: Breached, 2: Ok}
    assert [found.account_id for found in loss.breaches] == [1]


@pytest.mark.parametrize("restarted", ["enforcer", "lockout"])
def test_who_acts_on_breaches_is_told_again_after_its_restart(loss: Rig, restarted: str) -> None:
    """The message that killed it is not given again, and a cause is reported once."""
    loss.pnl("-500", 1)
    loss.pnl("-100", 2)
    (first,) = loss.breaches

    loss.actor.handle_control(Resync(address=restarted, reason="it was restarted"))

    assert loss.breaches == [first, msgspec.structs.replace(first, is_repeat=True)]


def test_a_breach_that_ended_is_not_told_again_after_a_restart() -> None:
    rig = Rig("max_contracts", limit=2)
    rig.size(3)
    rig.size(2)
    rig.outbox.clear()

    rig.actor.handle_control(Resync(address="enforcer", reason="enforcer was restarted"))

    assert rig.outbox.sent == []


def test_a_restart_of_anybody_else_is_no_reason_to_report_again(loss: Rig) -> None:
    loss.pnl("-500")
    loss.outbox.clear()

    loss.actor.handle_control(Resync(address="journal", reason="journal was restarted"))
    loss.actor.handle_control(Pulse())

    assert loss.outbox.sent == []
