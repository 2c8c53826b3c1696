"""When most CME futures trade, in Chicago's wall clock."""

import pytest
from core.builders import NEW_YORK, at

from risk_actors.core.market_calendar import MarketCalendar


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        # Tuesday: open but for the pause from 16:00 to 17:00.
        (at(2026, 11, 17), True),
        (at(2026, 11, 17, 15, 59), True),
        (at(2026, 11, 17, 16) - 1, True),
        (at(2026, 11, 17, 16), False),
        (at(2026, 11, 17, 17) - 1, False),
        (at(2026, 11, 17, 17), True),
        # Friday 16:00 to Sunday 17:00.
        (at(2026, 11, 20, 15, 59), True),
        (at(2026, 11, 20, 16), False),
        (at(2026, 11, 20, 17), False),
        (at(2026, 11, 20, 23), False),
        (at(2026, 11, 21, 3), False),
        (at(2026, 11, 21, 23), False),
        (at(2026, 11, 22, 12), False),
        (at(2026, 11, 22, 17) - 1, False),
        (at(2026, 11, 22, 17), True),
        (at(2026, 11, 23, 3), True),
        (at(2026, 11, 23, 16, 30), False),
        # The clocks of Chicago decide, in summer and winter and on the Sundays they change.
        (at(2026, 7, 14, 16, 30), False),
        (at(2026, 7, 14, 17, 30, zone=NEW_YORK), False),
        (at(2026, 11, 17, 18, zone=NEW_YORK), True),
        (at(2026, 3, 8, 16, 59), False),
        (at(2026, 3, 8, 17), True),
        (at(2026, 11, 1, 16, 59), False),
        (at(2026, 11, 1, 17), True),
    ],
)
def test_the_market_is_open_from_sunday_evening_to_friday_with_a_daily_pause(
    instant: int, *, is_open: bool
) -> None:
    assert MarketCalendar().is_open(None, instant) is is_open
