"""The day's P&L against the change of the balance: what differs must stand, and only then shows."""

from decimal import Decimal

import msgspec
import pytest
from core.builders import MS, NOON, S, account, dec, held, worth

from risk_actors.core.balance_check import OPENS_WITHIN_NS, BalanceCheck, DayOpening
from risk_actors.core.pnl_state import PnlState

DAY = NOON - 3600 * S
OPENING = DayOpening(day_start_ns=DAY, balance_usd=dec(50000))


def day_of(
    balance: str | float | None,
    realized: str | float = 0,
    *,
    told: str | float | None = None,
    settled: bool = True,
    day: int = DAY,
) -> PnlState:
    """Return a day by the balance that the fills make, and the one that the broker told last."""
    of = account(held(1, fills_size=1 if settled else 2))
    of = msgspec.structs.replace(of, balance_usd=dec(told if told is not None else balance or 0))
    return worth(balance, realized=realized, day=day, account=of)


def results(check: BalanceCheck, *readings: tuple[float, PnlState]) -> list[Decimal | None]:
    """Return what is unexplained after each reading (seconds after noon) that is news."""
    found = (check.reconcile(pnl, NOON + int(at_s * S)) for at_s, pnl in readings)
    return [None if each is None else each.unexplained_usd for each in found]


# --- the opening --------------------------------------------------------------------------------


def test_a_day_that_was_seen_to_begin_opens_with_the_balance_less_its_fills() -> None:
    check = BalanceCheck()
    check.begin(DAY)

    opening = check.open(day_of(50020, 20), DAY + S)

    assert opening == OPENING
    assert check.open(day_of(50020, 20), DAY + 2 * S) is None
    assert results(check, (0, day_of(50100, 100))) == [0]


@pytest.mark.parametrize(
    ("pnl", "after_ns"),
    [
        (day_of(50020, 20, settled=False), S),
        (day_of(50020, 20, told=50000), S),
        (day_of(None), S),
        (day_of(50020, 20, day=DAY - 1), S),
        (day_of(50020, 20), OPENS_WITHIN_NS + 1),
    ],
    ids=["fills on their way", "the row lags", "unknown", "of the day before", "too late"],
)
def test_a_balance_that_is_not_known_for_sure_opens_no_day(pnl: PnlState, after_ns: int) -> None:
    check = BalanceCheck()
    check.begin(DAY)

    assert check.open(pnl, DAY + after_ns) is None


def test_the_opening_is_taken_as_soon_as_it_is_sure() -> None:
    check = BalanceCheck()
    check.begin(DAY)
    early = check.open(day_of(50020, 20, settled=False), DAY + MS)

    assert early is None
    assert check.open(day_of(50020, 20), DAY + S) == OPENING


def test_a_start_in_mid_day_cannot_check() -> None:
    check = BalanceCheck()

    assert check.open(day_of(50000), NOON) is None
    assert results(check, (0, day_of(50000)), (30, day_of(49000))) == [None, None]


def test_an_opening_of_another_day_is_no_use() -> None:
    check = BalanceCheck(DayOpening(day_start_ns=DAY - 1, balance_usd=dec(50000)))

    assert results(check, (0, day_of(50000)), (30, day_of(49000))) == [None, None]


# --- the comparison -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([(0, 50000, 0), (30, 50100, 100), (60, 49900, -100)], [0, None, None]),
        ([(0, 49990, 0), (30, 49990, 0), (60, 49990, 0)], [None, -10, None]),
        ([(0, 49990, 0), (1, 49990, 0), (2, 49990, 0)], [None, None, -10]),
        ([(0, 49990, 0), (30, 50090, 100)], [None, -10]),
        ([(0, 49990, 0), (30, 49980, 0), (60, 49980, 0)], [None, None, -20]),
        ([(0, 49990, 0), (30, 50000, 0), (60, 49990, 0)], [None, 0, None]),
        (
            [(0, 50000, 0), (30, 49990, 0), (60, 49990, 0), (90, 50000, 0), (120, 50000, 0)],
            [0, None, -10, 0, None],
        ),
        ([(0, 49990, 0), (3, 49990, 0), (9, 49980, 0), (12, 49980, 0)], [None, -10, None, -20]),
        ([(0, "50000.004", 0)], ["0.004"]),
        ([(0, 52000, 0), (5, 52000, 0)], [None, 2000]),
    ],
    ids=[
        "agrees all day, told once",
        "differs in two readings, told once",
        "two readings too close to each other",
        "differs by the same while trading goes on",
        "another amount begins anew",
        "a row that lagged",
        "there and back",
        "more of it",
        "less than a cent",
        "a deposit",
    ],
)
def test_what_two_readings_do_not_explain_is_told_when_it_changes(
    readings: list[tuple[float, float, float]], expected: list[float | str | None]
) -> None:
    told = results(
        BalanceCheck(OPENING), *((at_s, day_of(b, realized)) for at_s, b, realized in readings)
    )

    assert told == [None if each is None else dec(each) for each in expected]


@pytest.mark.parametrize("pnl", [day_of(None), day_of(49000, settled=False)])
def test_i7_what_is_not_known_is_not_checked_and_not_fine(pnl: PnlState) -> None:
    assert results(BalanceCheck(OPENING), (0, pnl), (30, pnl)) == [None, None]


def test_the_amounts_are_told_with_the_result() -> None:
    check = BalanceCheck(OPENING)
    check.reconcile(day_of(50090, 100), NOON)

    checked = check.reconcile(day_of(50090, 100), NOON + 30 * S)

    assert checked is not None
    assert (checked.expected_usd, checked.told_usd) == (50100, 50090)
    assert checked.day_start_ns == DAY


def test_another_day_forgets_what_was_unexplained() -> None:
    check = BalanceCheck(OPENING)
    results(check, (0, day_of(49990)), (30, day_of(49990)))

    check.begin(DAY + 1)
    check.open(day_of(49990, day=DAY + 1), DAY + S)

    assert results(check, (60, day_of(49990, day=DAY + 1))) == [0]
