from decimal import Decimal
from zoneinfo import ZoneInfo

from risk_actors import messages as m
from risk_actors.actors.describe import describe
from risk_actors.core.commands import MoveStop
from risk_actors.core.verdict import StopMove
from tests.actors.facts import ES, MNQ, say, tick


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


def test_a_move_of_stops_in_shadow_says_what_would_have_been_done() -> None:
    moves = (
        StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal("21000.25")),
        StopMove(order_id=8, contract_id=ES, stop_price=Decimal(6990)),
    )

    line = describe(
        say(m.ShadowStopMoves, rule_id="trail", account_id=1, moves=moves, event=tick()),
        ZoneInfo("UTC"),
    )

    assert line is not None
    assert (line.kind, line.account_id, line.is_alarming) == ("command", 1, False)
    assert line.text == (
        "trail: shadow, would have moved the stop of order 7 in MNQ to 21,000.25 and the stop of "
        "order 8 in ES to 6,990"
    )
