from decimal import Decimal
from zoneinfo import ZoneInfo

from risk_actors import messages as m
from risk_actors.actors.describe import describe
from risk_actors.core.commands import MoveStop
from tests.actors.facts import MNQ, say


def test_a_move_of_a_stop_is_a_command_in_plain_words() -> None:
    command = MoveStop(
        id=7_000_245,
        account_id=1,
        contract_id=MNQ,
        order_id=9156,
        stop_price=Decimal("20005.25"),
        correlation_id="quote-1",
    )

    line = describe(say(m.SendMoveStop, command=command), ZoneInfo("UTC"))

    assert line is not None
    assert (line.kind, line.account_id, line.is_alarming) == ("command", 1, False)
    assert line.text == "move the stop of order 9156 in MNQ to 20005.25 (#000245)"
