"""What counts as a change of the broker's state, and what our own commands bring about (I6)."""

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
from risk_actors.core.broker_changes import BrokerChanges
from risk_actors.core.commands import CancelOrder, CloseContract

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


def test_closes_that_reverse_the_position_to_and_fro_change_nothing() -> None:
    eyes = Eyes(account(held(3)))
    seen = []
    for n in range(20):
        sign = 1 if n % 2 else -1
        eyes.closes()
        seen.append(eyes.sees(account(held(3 * sign)), fill(n, 6 * sign, 100, order_id=100 + n)))

    assert not any(seen)


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
