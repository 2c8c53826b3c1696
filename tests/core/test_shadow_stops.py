"""What a rule in shadow would have done to stops: each move once, as it would have been sent."""

from core.builders import ES, MNQ, NOON, SELL, S, account, dec, held, order, stop

from risk_actors.core.account_state import AccountState
from risk_actors.core.shadow_stops import ShadowStops
from risk_actors.core.verdict import StopMove

LONG = account(held(2), orders=(stop(7, SELL, 2, 90),))


def to(price: float, order_id: int = 7, contract: str = MNQ) -> StopMove:
    return StopMove(order_id=order_id, contract_id=contract, stop_price=dec(price))


class Watch:
    def __init__(self) -> None:
        self.stops = ShadowStops()

    def at(self, after_s: float, *moves: StopMove, state: AccountState = LONG) -> list[float]:
        made = self.stops.newly_moved(moves, state, NOON + round(after_s * S))
        return [float(move.stop_price) for move in made]


def test_a_move_is_told_once_though_the_stop_stays_where_it_is() -> None:
    watch = Watch()

    assert [watch.at(second, to(95)) for second in (0, 1, 2)] == [[95], [], []]


def test_a_trail_is_told_as_it_would_have_been_sent() -> None:
    """Nearer than before, and once a second at most."""
    watch = Watch()
    told = [watch.at(s, to(price)) for s, price in ((0, 95), (0.9, 96), (1, 97), (3, 96), (4, 98))]

    assert told == [[95], [], [97], [], [98]]


def test_what_the_enforcement_would_refuse_is_not_told() -> None:
    watch = Watch()

    assert watch.at(0, to(89)) == watch.at(0, to(90)) == watch.at(0, to(95, order_id=8)) == []
    assert watch.at(0, to(95), state=account(held(1), orders=(stop(7, SELL, 2, 90),))) == []
    assert watch.at(0, to(95), state=account(held(2), orders=(order(7, SELL, 2),))) == []


def test_a_clock_set_back_holds_nothing_up() -> None:
    watch = Watch()
    watch.at(0, to(95))

    assert watch.at(-3600, to(96)) == [96]


def test_where_the_trader_moved_the_stop_further_only_what_is_nearer_is_told() -> None:
    watch, moved = Watch(), account(held(2), orders=(stop(7, SELL, 2, 97),))
    watch.at(0, to(95))

    assert watch.at(2, to(96), state=moved) == []
    assert watch.at(3, to(98), state=moved) == [98]


def test_each_order_is_told_by_itself_and_forgotten_when_it_is_gone() -> None:
    both = account(
        held(2),
        held(1, contract=ES),
        orders=(stop(7, SELL, 2, 90), stop(8, SELL, 1, 90, contract=ES)),
    )
    watch = Watch()

    assert watch.at(0, to(95), to(94, 8, ES), state=both) == [95, 94]
    assert watch.at(2, to(95), to(96, 8, ES), state=both) == [96]
    assert watch.at(3, state=account(held(2))) == []
    assert watch.at(4, to(95)) == [95]


def test_it_is_empty_until_a_move_was_told_and_again_when_its_order_is_gone() -> None:
    watch = Watch()
    found = [watch.stops.is_empty]

    watch.at(0)
    found.append(watch.stops.is_empty)
    watch.at(1, to(95))
    watch.at(2)
    found.append(watch.stops.is_empty)
    watch.at(3, state=account(held(2)))

    assert [*found, watch.stops.is_empty] == [True, True, False, True]
