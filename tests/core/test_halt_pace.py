"""When a halted market is tried again, given its hours: MNQ pauses from 16:00 to 17:00 Chicago."""

import pytest
from core.builders import S, account, at, held
from core.plan_desk import PlanDesk, refused

from risk_actors.core.commands import Refusal
from risk_actors.core.halt_pace import due_in_hours
from risk_actors.core.market_calendar import MarketCalendar

MARKET = MarketCalendar()
CLOSED = at(2026, 11, 17, 16, 30)
OPENING = at(2026, 11, 17, 17)
MIDDAY = at(2026, 11, 17, 12)


@pytest.mark.parametrize(
    ("now_ns", "pause_s", "expected_s"),
    [
        (MIDDAY, 15, 15),
        (CLOSED, 1, 1),
        (CLOSED, 10, 10),
        (CLOSED, 15, 60),
        (OPENING - 40 * S, 15, 40),
        (OPENING - 1 * S, 15, 1),
        (OPENING, 15, 2),
        (OPENING + 29 * S, 15, 2),
        (OPENING + 29 * S, 1, 1),
        (OPENING + 30 * S, 15, 15),
    ],
)
def test_the_pause_follows_the_hours(now_ns: int, pause_s: int, expected_s: int) -> None:
    due_ns = due_in_hours(MARKET, "MNQ", now_ns, now_ns + pause_s * S)

    assert (due_ns - now_ns) / S == expected_s


def test_a_plan_that_knows_the_hours_closes_at_the_opening_and_not_all_night() -> None:
    desk = PlanDesk(account(held(3)), market=MARKET)
    desk.answers = lambda _: refused(Refusal.HALTED)
    desk.now_ns = OPENING - 1800 * S
    desk.flatten()
    desk.run(1795)
    before = len(desk.closes)
    desk.run(10)

    assert before <= 36
    assert OPENING / S in desk.closes[before:]
