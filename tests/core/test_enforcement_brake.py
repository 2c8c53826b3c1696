"""The brake on ourselves inside the plan: what trips it, what releases it, what it never delays."""

import itertools

import pytest
from core.builders import BUY, ES, MNQ, SELL, account, fill, held, order, stop
from core.plan_desk import ACCEPTED, PlanDesk, flat, price, refused

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill
from risk_actors.core.command_gate import CLOSES_A_MINUTE
from risk_actors.core.commands import CancelOrder, CloseContract, MoveStop, Refusal
from risk_actors.core.enforcement_effects import Braked, FlatObserved, Resumed, Started
from risk_actors.core.verdict import StopMove

LIMIT = 40
ENTRY = order(8, BUY)


def flickering(*, fills: bool = False) -> PlanDesk:
    """A position that is gone after each close and back with the next snapshot."""
    desk = PlanDesk(account(held(3)), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    desk.lock()
    closed = 0
    for _ in range(3_000):
        is_filled = fills and len(desk.closes) > closed
        closed = len(desk.closes)
        closing = (fill(closed, -3, 100, order_id=500 + closed),) if is_filled else ()
        desk.show(flat(), *closing)
        desk.run(0.1)
        desk.show(account(held(3)))
        desk.run(0.1)
    return desk


def reworking() -> PlanDesk:
    """An order that works again after each cancel."""
    desk = PlanDesk(account(orders=(ENTRY,)), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    desk.lock()
    for _ in range(3_000):
        desk.show(flat())
        desk.run(0.1)
        desk.show(account(orders=(ENTRY,)))
        desk.run(0.1)
    return desk


@pytest.mark.parametrize(
    "loop",
    [flickering, lambda: flickering(fills=True), reworking],
    ids=["stale snapshots", "closed by fills each time", "cancelled and working again"],
)
def test_a_loop_of_our_own_making_is_braked_although_the_picture_changes(loop: object) -> None:
    desk = loop()  # type: ignore[operator]

    most = CLOSES_A_MINUTE if desk.closes else LIMIT
    assert desk.most_in_a_minute() <= most + 1  # the one change that there was
    assert len(desk.sent) <= most + 1 + 4 * 8
    assert len([1 for at_ns, _ in desk.sent if at_ns > 300 * 10**9]) >= 1
    assert not [e for _, e in desk.told if isinstance(e, Resumed)]


def stubborn(**terms: object) -> PlanDesk:
    """Thirty orders that stay whatever is cancelled, and a position that stays too."""
    orders = tuple(order(n, BUY) for n in range(1, 31))
    desk = PlanDesk(account(held(2), orders=orders), brake_after=LIMIT, **terms)
    desk.answers = lambda _: refused(Refusal.OTHER, "computer says no")
    desk.lock()
    return desk


def test_many_commands_without_effect_are_braked_and_it_is_said_what_was_tried() -> None:
    desk = stubborn()
    desk.run(5)

    ((at_s, said),) = desk.braked
    assert 3 <= at_s <= 4
    assert "commands changed nothing at the broker" in said
    assert "28 cancels in MNQ" in said
    assert "cancelling is paused, closing goes on" in said
    assert "computer says no" in said
    assert "close and cancel in your platform" in said


def test_while_it_lasts_it_is_said_again_and_looked_at_and_probed_with_growing_gaps() -> None:
    desk = stubborn()
    desk.run(5)
    before, asked = len(desk.sent), len(desk.asked)
    desk.run(600)

    probes = sorted({at_ns for at_ns, c in desk.sent[before:] if isinstance(c, CancelOrder)})
    gaps = [(b - a) / 1e9 for a, b in itertools.pairwise(probes)]
    assert gaps[:4] == [20, 40, 80, 160]
    assert max(b - a for a, b in itertools.pairwise(desk.closes)) < 31
    assert len(desk.asked) - asked >= 30
    at = [at_s for at_s, _ in desk.braked]
    assert max(b - a for a, b in itertools.pairwise(at)) <= 61
    assert not desk.stuck or desk.stuck[-1][0] < at[0]
    assert desk.most_in_a_minute() <= LIMIT  # 30 of them cancels, and the closes by their pace


def test_a_change_at_the_broker_releases_it_and_says_so() -> None:
    desk = stubborn()
    desk.run(100)
    sent = len(desk.sent)
    orders = tuple(order(n, BUY) for n in range(2, 31))
    desk.answers = lambda _: ACCEPTED
    desk.show(account(held(2), orders=(*orders, order(99, BUY))))

    assert len([e for _, e in desk.told if isinstance(e, Resumed)]) == 1
    assert len(desk.sent) - sent >= 25
    desk.show(flat())
    assert isinstance(desk.told[-1][1], FlatObserved)


def test_a_ladder_of_orders_is_cancelled_without_a_word_of_a_brake() -> None:
    """More than the limit at once: what the first cancels change lets the rest go."""
    orders = tuple(order(n, BUY) for n in range(1, 101))
    desk = PlanDesk(account(orders=orders), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    desk.lock()
    while desk.state.orders:
        desk.run(0.1)
        gone = set(desk.cancelled)
        desk.show(account(orders=tuple(o for o in orders if o.id not in gone)))

    assert sorted(desk.cancelled) == list(range(1, 101))
    assert desk.now_ns <= 10**9
    assert desk.braked == []


def test_a_trader_on_tilt_is_never_braked() -> None:
    """Five entries a second on either side for two minutes."""
    desk = PlanDesk(flat(), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    desk.lock()
    for n in range(600):
        side = 1 if n % 3 else -1
        desk.run(0.1)
        desk.show(account(held(side)), fill(2 * n, side, 100, order_id=2_000 + n))
        desk.run(0.1)
        desk.show(flat(), fill(2 * n + 1, -side, 100, order_id=9_000 + n))

    assert len(desk.closes) == 600
    assert desk.braked == []


def test_a_flatten_in_another_contract_goes_out_although_we_are_braked() -> None:
    """A price broke a rule there: nothing that the trader did."""
    orders = tuple(order(n, BUY) for n in range(1, 31))
    desk = PlanDesk(account(held(2), held(4, contract=ES), orders=orders), brake_after=LIMIT)
    desk.answers = lambda _: refused(Refusal.OTHER)
    desk.flatten(MNQ)
    desk.run(50)
    assert desk.braked
    before = len(desk.sent)
    desk.flatten(ES)
    desk.run(2)

    _, close = desk.sent[before]
    assert isinstance(close, CloseContract)
    assert close.contract_id == ES
    assert not [c for _, c in desk.sent[before:] if isinstance(c, CancelOrder)]


def test_flat_ends_it_although_the_brake_was_on() -> None:
    desk = stubborn()
    desk.run(50)
    desk.show(flat())

    assert isinstance(desk.told[-1][1], FlatObserved)
    desk.run(400)
    assert isinstance(desk.told[-1][1], FlatObserved)


def test_an_enforcement_that_begins_while_the_brake_is_on_says_so_at_once() -> None:
    desk = flickering()
    told = [type(e) for _, e in desk.told]
    last = len(told) - 1 - told[::-1].index(Started)

    assert Braked in told[last : last + 2]


def test_stops_that_are_moved_in_vain_are_braked_by_themselves() -> None:
    """They do not take the count from closes, and no enforcement is under way."""

    def at(stop_price: float) -> AccountState:
        return account(held(2), orders=(stop(7, SELL, 2, stop_price),))

    desk = PlanDesk(at(90), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    wish = (StopMove(order_id=7, contract_id=MNQ, stop_price=price(95)),)
    desk._take(desk.plan.on_stop_moves("trail", wish, "w", 0))
    for _ in range(200):
        desk.run(0.5)
        desk.show(at(95))
        desk.run(0.6)
        desk.show(at(90))
    moves = [at_ns for at_ns, c in desk.sent if isinstance(c, MoveStop)]

    assert len(moves) <= LIMIT // 4 + 4 * 6
    ((cause, said), *_) = [(e.cause, e.detail) for _, e in desk.told if isinstance(e, Braked)]
    assert cause == "stops"
    assert "moves of stops in MNQ" in said

    desk.flatten()
    assert len(desk.closes) == 1


def test_a_trailing_stop_that_follows_the_market_is_never_braked() -> None:
    def at(stop_price: int) -> AccountState:
        return account(held(2), orders=(stop(7, SELL, 2, stop_price),))

    desk = PlanDesk(at(1000), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    for n in range(1001, 1200):
        wish = (StopMove(order_id=7, contract_id=MNQ, stop_price=price(n)),)
        desk._take(desk.plan.on_stop_moves("trail", wish, "w", desk.now_ns))
        desk.run(1)
        desk.show(at(n))

    assert len(desk.sent) == 199
    assert desk.braked == []


def test_fills_that_only_a_snapshot_tells_are_the_traders_too() -> None:
    """The user hub is dead: entries are known from polling alone."""
    desk = PlanDesk(flat(), brake_after=LIMIT)
    desk.answers = lambda _: ACCEPTED
    desk.lock()
    known: tuple[Fill, ...] = ()
    for n in range(200):
        desk.run(0.2)
        known += (fill(2 * n, 1, 100, order_id=2_000 + n),)
        desk._take(desk.plan.on_account(account(held(1)), "s", desk.now_ns, (), known))
        desk.run(0.2)
        known += (fill(2 * n + 1, -1, 100, order_id=9_000 + n),)
        desk._take(desk.plan.on_account(flat(), "s", desk.now_ns, (), known))

    assert len(desk.closes) == 200
    assert desk.braked == []


def test_the_traders_own_panic_goes_out_whatever_pause_there_is() -> None:
    desk = stubborn()
    desk.run(50)
    assert desk.braked
    closes = len(desk.closes)
    desk._take(desk.plan.on_panic("panic", "p", desk.now_ns))

    assert len(desk.closes) == closes + 1
    assert len([e for _, e in desk.told if isinstance(e, Resumed)]) == 1
