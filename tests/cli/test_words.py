"""How things are written for people."""

from datetime import datetime, timedelta

import msgspec
import pytest

from risk_actors.actors.picture import (
    AccountPicture,
    BalanceCheckPicture,
    OrderPicture,
    Picture,
    PositionPicture,
)
from risk_actors.cli import words


@pytest.mark.parametrize(
    ("points", "text"),
    [(21_034.25, "21,034.25"), (5.0, "5.00"), (0.0000005, "0.0000005"), (110.015625, "110.015625")],
)
def test_prices_have_the_decimals_they_need(points: float, text: str) -> None:
    assert words.price(points) == text


@pytest.mark.parametrize(
    ("contract", "points", "text"),
    [
        ("CON.F.US.MBT.X26", 94655.83333333, "94,655.83"),
        ("CON.F.US.MNQ.Z26", 21034.33333333, "21,034.3333"),
        ("CON.F.US.MNQ.Z26", 21034.25, "21,034.25"),
        ("CON.F.US.MYM.Z26", 44100.5, "44,100.50"),
        ("CON.F.US.JY6.Z26", 0.0067005333, "0.00670053"),
        ("CON.F.US.TUA.Z26", 104.00390625, "104.00390625"),
        ("CON.F.US.NEW.Z26", 1.33333333, "1.33333333"),
    ],
)
def test_a_mean_of_fills_has_no_more_decimals_than_a_quarter_of_a_tick(
    contract: str, points: float, text: str
) -> None:
    held = PositionPicture(
        contract=contract,
        symbol="X",
        size=-3,
        average_price=points,
        unrealized=None,
        opened_at="2026-11-20T16:28:11Z",
    )
    assert words.position(held) == f"SHORT 3 X @ {text}"


@pytest.mark.parametrize(
    ("left_s", "text"),
    [
        (-1, "now"),
        (0, "now"),
        (1, "0:00:01"),
        (59 * 60 + 59, "0:59:59"),
        (86_400, "1d 0:00:00"),
        (3 * 86_400 + 3_661, "3d 1:01:01"),
    ],
)
def test_countdowns(now: datetime, left_s: int, text: str) -> None:
    until = (now + timedelta(seconds=left_s)).isoformat()
    assert words.countdown(until, now) == text


def test_what_is_no_instant_is_shown_as_it_is(now: datetime) -> None:
    assert words.clock("soon", now) == "soon"
    assert words.countdown("soon", now) == "unknown"


def test_orders_are_named_by_the_exchanges_symbol() -> None:
    order = OrderPicture(
        id=1, contract="CON.F.US.EP.Z26", type="market", side="sell", size=1, price=None
    )
    assert words.order(order) == "SELL 1 ES market"


def test_dollars_and_counts_are_told_apart(
    pictures: dict[str, Picture],
) -> None:
    loss, target, contracts, _, block = pictures["open"].rules
    assert words.figure(loss, loss.limit) == "-500.00"
    assert words.figure(target, target.limit) == "1,400.00"
    assert words.figure(contracts, contracts.limit) == "5"
    assert words.figure(block, block.limit) == "-"


@pytest.mark.parametrize(
    ("unit", "distance", "text"),
    [
        ("usd", 1200.5, "1,200.50"),
        ("contracts", 2.0, "2 contracts"),
        ("contracts", 1.0, "1 contract"),
        ("contracts", 0.5, "0.5 contracts"),
        ("trades", 0.0, "0 trades"),
        ("losses", 1.0, "1 loss"),
        ("entries", 1.0, "1 entry"),
        ("seconds", 270.9, "0:04:30"),
        ("none", None, ""),
    ],
)
def test_how_far_a_rule_is_from_breaking_is_said_in_its_unit(
    pictures: dict[str, Picture], unit: str, distance: float | None, text: str
) -> None:
    rule = msgspec.structs.replace(pictures["open"].rules[0], unit=unit, distance=distance)
    assert words.room(rule) == text
    assert words.room(msgspec.structs.replace(rule, distance=0.0, verdict="breach")) == "broken"
    unknown = msgspec.structs.replace(rule, verdict="unknown", distance=None)
    assert words.room(unknown) == "unknown"


@pytest.mark.parametrize(
    ("can_trade", "state"), [(True, "OPEN"), (False, "BARRED BY BROKER"), (None, "UNKNOWN")]
)
def test_the_state_of_an_account(can_trade: bool | None, state: str) -> None:
    account = AccountPicture(id=1, name="a", can_trade=can_trade)
    assert words.account_state(account, armed=True) == state


def test_i7_the_state_of_an_account_that_is_not_seen(pictures: dict[str, Picture]) -> None:
    (account,) = pictures["locked"].accounts
    locked = msgspec.structs.replace(account, seen_at="2026-11-20T16:28:12.000+00:00")
    free = msgspec.structs.replace(locked, locks=())
    assert words.account_state(locked, armed=True) == "LOCKED, NOT SEEN"
    assert words.account_state(free, armed=True) == "NOT SEEN"


def test_unarmed_a_lock_holds_nobody(pictures: dict[str, Picture]) -> None:
    (account,) = pictures["locked"].accounts
    assert words.account_state(account, armed=True) == "LOCKED"
    assert words.account_state(account, armed=False) == "WOULD BE LOCKED"


@pytest.mark.parametrize(
    ("used", "text"),
    [
        (0.0, "0%"),
        (0.5, "50%"),
        (0.99999, "99%"),
        (1.0, "100%"),
        (1.34548, "135%"),
        (100.0, ">999%"),
    ],
)
def test_a_used_share_says_when_the_limit_is_reached_and_exceeded(used: float, text: str) -> None:
    assert words.share(used) == text


@pytest.mark.parametrize(
    ("until", "text"),
    [
        ("2026-11-20T23:00:00+00:00", "until 17:00:00 CST, in 6:28:53"),
        ("2026-11-21T10:57:53+00:00", "until Sat 04:57:53 CST, in 18:26:46"),
        ("2026-11-20T16:31:07+00:00", "until 10:31:07 CST, now"),
        (None, "until its condition ends"),
    ],
)
def test_the_end_of_a_lock_says_day_time_zone_and_what_is_left(
    pictures: dict[str, Picture], now: datetime, until: str | None, text: str
) -> None:
    lock = msgspec.structs.replace(pictures["locked"].accounts[0].locks[0], until=until)
    assert words.lock_end(lock, now) == text


def test_times_are_said_in_the_zone_of_the_trading_day(pictures: dict[str, Picture]) -> None:
    assert words.now_in(pictures["open"]).strftime("%Z") in {"CST", "CDT"}
    unknown = msgspec.structs.replace(pictures["open"], timezone="Mars/Olympus")
    assert words.now_in(unknown).strftime("%Z") == "UTC"


@pytest.mark.parametrize(
    ("check", "words_of_it", "is_strange"),
    [
        (
            None,
            (
                "day P&L not checked against the balance"
                " (this guard was not running when the day began)"
            ),
            False,
        ),
        ((50100.0, 50100.0, 0.0), "day P&L agrees with the change of the balance", False),
        (
            (50100.0, 50090.0, -10.0),
            "balance 50,090.00, by the day's fills 50,100.00: -10.00 is unexplained",
            True,
        ),
    ],
)
def test_the_balance_check_is_said_and_not_checked_is_not_fine(
    check: tuple[float, float, float] | None, words_of_it: str, is_strange: bool
) -> None:
    picture = None
    if check is not None:
        expected, told, unexplained = check
        picture = BalanceCheckPicture(expected=expected, told=told, unexplained=unexplained)
    account = AccountPicture(id=1, name="PAPER", balance_check=picture)

    assert words.balance_check(account) == words_of_it
    assert words.is_balance_strange(account) is is_strange
