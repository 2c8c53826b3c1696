"""What the gateway does not send because the trader has disarmed, and what the plan makes of it."""

import time
from typing import Any

from core.builders import S, account, held
from core.plan_desk import PlanDesk

from risk_actors.core.commands import Answer, CloseContract, Refusal
from risk_actors.messages import CommandAnswered


def test_a_command_that_is_held_is_answered_with_its_reason(rig: Any) -> None:
    contract_id = rig.simulator.contract_id("MNQ")
    rig.gateway.hold_commands = True

    outcome = rig.send(
        CloseContract(id=1, account_id=101, contract_id=contract_id, correlation_id="c")
    ).outcome

    assert (outcome.answer, outcome.reason) == (Answer.REFUSED, Refusal.DISARMED)
    assert rig.simulator.requests("Position/closeContract") == []

    desk = PlanDesk(account(held(2)))
    desk.answers = lambda _: {"answer": outcome.answer, "reason": outcome.reason}
    desk.lock()
    desk.run(3_600)
    assert "because you have disarmed" in desk.stuck[0][1]
    assert desk.braked == []
    later = [at_s for at_s in desk.closes if at_s * S > 60 * S]
    assert 200 <= len(later) <= 240


def test_a_command_that_waits_for_the_loop_does_not_leave_after_disarm(rig: Any) -> None:
    """Nothing leaves once `disarm` was acknowledged, though it was handed over before."""
    contract_id = rig.simulator.contract_id("MNQ")
    rig.gateway._service._lane._wires._free.clear()  # so that it has to go over the loop
    rig.gateway._thread.call(lambda: time.sleep(0.5))
    mark = rig.recorder.mark()
    rig.gateway.submit(
        CloseContract(id=1, account_id=101, contract_id=contract_id, correlation_id="c")
    )
    rig.gateway.hold_commands = True

    outcome = rig.recorder.wait(CommandAnswered, after=mark).outcome

    assert (outcome.answer, outcome.reason) == (Answer.REFUSED, Refusal.DISARMED)
    assert rig.simulator.requests("Position/closeContract") == []
