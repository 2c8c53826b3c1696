"""What counts as a change of the broker's state, and what our own commands bring about (I6)."""

import time

from core.builders import (
    ACCOUNT,
    BUY,
    ES,
    MNQ,
    SELL,
    account,
    fill,
    held,
    order,
    stop,
)

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, OrderType
from risk_actors.core.broker_changes import REMEMBER_IDS, BrokerChanges
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Outcome

FLAT = account()


class Eyes:
    """Looks at one account whose beginnings have been seen."""

    def __init__(self, state: AccountState = FLAT) -> None:
        self.changes = BrokerChanges()
        self.changes.observe(state, ())

    def sees(self, state: AccountState, *fills: Fill) -> bool:
        return self.changes.observe(state, fills).of_account

    def sees_stops(self, state: AccountState) -> bool:
        return self.changes.observe(state, ()).of_stops

    def closes(self, contract: str = MNQ) -> None:
        self.changes.note(
            CloseContract(id=1, account_id=ACCOUNT, contract_id=contract, correlation_id="c")
        )

    def is_refused(self) -> None:
        self.changes.take(Outcome(command_id=1, account_id=ACCOUNT, answer=Answer.REFUSED))

    def cancels(self, order_id: int) -> None:
        self.changes.note(
            CancelOrder(
                id=1,
                account_id=ACCOUNT,
                contract_id=MNQ,
                order_id=order_id,
                correlation_id="c",
            )
        )


def test_the_same_again_is_no_change() -> None:
    shown = account(held(2), orders=(order(1, BUY),))

    assert not Eyes(shown).sees(shown)


def test_a_new_order_and_a_new_fill_are_the_traders() -> None:
    eyes = Eyes()

    assert eyes.sees(account(orders=(order(1, BUY),)))
    assert eyes.sees(account(held(1)), fill(1, 1, 100, order_id=1))
    assert not eyes.sees(account(held(1)), fill(1, 1, 100, order_id=1))


def test_a_position_is_a_change_each_time_it_is_smaller_than_ever() -> None:
    eyes = Eyes(account(held(5)))

    assert [eyes.sees(account(held(n))) for n in (4, 4, 5, 3, 4, 3, 1)] == [
        True,
        False,
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_position_that_comes_back_with_each_snapshot_changes_once() -> None:
    eyes = Eyes(account(held(3)))
    seen = []
    for n in range(20):
        eyes.closes()
        seen.append(eyes.sees(FLAT, fill(n, -3, 100, order_id=100 + n)))
        seen.append(eyes.sees(account(held(3))))

    assert seen.count(True) == 1


def test_closes_that_reverse_the_position_to_and_fro_change_once() -> None:
    """No close of ours should; so the first time it may as well be the trader."""
    eyes = Eyes(account(held(3)))
    seen = []
    for n in range(20):
        sign = 1 if n % 2 else -1
        eyes.closes()
        seen.append(eyes.sees(account(held(3 * sign)), fill(n, 6 * sign, 100, order_id=100 + n)))

    assert seen.count(True) == 1


def test_the_order_that_each_close_makes_is_no_change_even_if_it_comes_late() -> None:
    eyes = Eyes(account(held(3)))
    seen = []
    for n in range(10):
        eyes.closes()
        eyes.closes()
        for m in (0, 1):
            made = order(100 + 2 * n + m, SELL, 3, kind=OrderType.MARKET)
            seen.append(eyes.sees(account(held(3), orders=(made,))))
        seen.append(eyes.sees(account(held(3))))

    assert not any(seen)


def test_an_order_that_is_cancelled_again_and_again_changes_once() -> None:
    working = account(orders=(order(1, BUY),))
    eyes = Eyes(working)
    seen = []
    for _ in range(20):
        eyes.cancels(1)
        seen.append(eyes.sees(FLAT))
        seen.append(eyes.sees(working))

    assert seen.count(True) == 1


def test_an_order_that_goes_by_itself_is_no_change() -> None:
    eyes = Eyes(account(orders=(order(1, BUY),)))

    assert not eyes.sees(FLAT)


def test_a_trader_who_enters_again_on_either_side_changes_each_time() -> None:
    """Also on the side on which our closes trade."""
    eyes = Eyes()
    seen = []
    for n in range(20):
        sign = -1 if n % 2 else 1
        seen.append(eyes.sees(account(held(sign)), fill(2 * n, sign, 100, order_id=200 + n)))
        eyes.closes()
        eyes.sees(FLAT, fill(2 * n + 1, -sign, 100, order_id=100 + n))

    assert all(seen)


def test_a_market_order_of_the_trader_is_told_from_our_one() -> None:
    eyes = Eyes(account(held(3)))
    eyes.closes()
    ours = order(100, SELL, 3, kind=OrderType.MARKET)
    another = order(101, SELL, 1, kind=OrderType.MARKET)

    assert not eyes.sees(account(held(3), orders=(ours,)))
    assert eyes.sees(account(held(3), orders=(ours, another)))


def test_what_the_trader_does_in_one_contract_is_a_change_of_the_account() -> None:
    eyes = Eyes(account(held(3)))

    assert eyes.sees(account(held(3), held(1, contract=ES)), fill(1, 1, 100, contract=ES))


def test_a_stop_is_a_change_each_time_it_is_nearer_than_ever() -> None:
    def at(price: float) -> AccountState:
        return account(held(2), orders=(stop(7, SELL, 2, price),))

    eyes = Eyes(at(90))

    assert [eyes.sees_stops(at(price)) for price in (91, 90, 91, 92, 90, 92)] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_stop_that_moves_does_not_release_closes() -> None:
    eyes = Eyes(account(held(2), orders=(stop(7, SELL, 2, 90),)))

    assert not eyes.sees(account(held(2), orders=(stop(7, SELL, 2, 95),)))


def test_a_position_that_grows_is_a_change_even_if_no_fill_is_told() -> None:
    eyes = Eyes(account(held(2)))

    assert [eyes.sees(account(held(n))) for n in (9, 2, 9, 2, 10, 9)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert eyes.sees(account(held(2)))
    assert not any(eyes.sees(account(held(n))) for n in (2, 9, 10, 2, 9, 10, 3))


def test_a_refused_close_makes_no_order_so_the_traders_sell_is_his() -> None:
    eyes = Eyes(account(held(2)))
    for _ in range(8):
        eyes.closes()
        eyes.is_refused()

    assert eyes.sees(account(held(1)), fill(1, -1, 100, order_id=900))
    assert eyes.sees(account(held(1), orders=(order(901, SELL, kind=OrderType.MARKET),)))


def test_a_trader_who_reverses_is_a_change_although_our_close_is_on_its_way() -> None:
    eyes = Eyes(account(held(2)))
    eyes.closes()

    assert eyes.sees(account(held(-8)), fill(1, -10, 100, order_id=900))


def test_more_fills_than_are_remembered_are_no_change_each_time() -> None:
    week = tuple(fill(n, 1, 100, order_id=n) for n in range(REMEMBER_IDS + 5_000))
    eyes = Eyes()
    eyes.sees(account(held(1)), *week)
    now = time.process_time()

    assert not any(eyes.sees(account(held(1)), *week) for _ in range(5))
    assert not eyes.sees(account(held(1)), fill(1, 1, 100, order_id=1))
    assert not eyes.sees(account(held(1)), *week)
    assert time.process_time() - now < 2


def test_a_memory_of_ids_is_bounded_and_quick_however_many_come() -> None:
    eyes, now = Eyes(account(held(1))), time.process_time()
    for n in range(0, 4 * REMEMBER_IDS, 1_000):
        eyes.sees(account(held(1)), *(fill(n + k, 1, 100, order_id=n + k) for k in range(1_000)))

    assert len(eyes.changes._fills._known) <= 2 * REMEMBER_IDS
    assert time.process_time() - now < 20
