"""The close that is needed is never held up by commands for something else (I3, I6)."""

import msgspec
import pytest
from core.builders import BUY, ES, MNQ, account, at, fill, held, order
from core.plan_desk import ACCEPTED, PlanDesk, barred, refused

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Order
from risk_actors.core.command_gate import CLOSES_A_MINUTE
from risk_actors.core.commands import CloseContract, Refusal
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.retry_pace import RETRY_BY_REASON_NS, pause_ns

# Goes many times over what others cover; measured with coverage it takes ten times as long.
pytestmark = pytest.mark.no_cover

S = 1_000_000_000


def ladder(n: int, contract: str = MNQ) -> tuple[Order, ...]:
    return tuple(order(i, BUY, contract=contract) for i in range(1, n + 1))


def refusing(state: AccountState, reason: Refusal, seconds: float) -> PlanDesk:
    """A lock that has been refused everything for so long, by a broker that gives way now."""
    desk = PlanDesk(state)
    desk.answers = lambda _: refused(reason)
    desk.lock()
    desk.run(seconds)
    desk.answers = lambda _: ACCEPTED
    return desk


def closed_after(desk: PlanDesk) -> float:
    """Return after how many seconds the next close is sent."""
    sent, since_ns = len(desk.closes), desk.now_ns
    while len(desk.closes) == sent and desk.now_ns - since_ns < 400 * S:
        desk.run(0.1)
    return (desk.now_ns - since_ns) / 1e9


@pytest.mark.parametrize("orders", [0, 1, 4, 10, 30])
@pytest.mark.parametrize("halt_s", [60, 305, 640, 900])
def test_after_a_halt_the_close_goes_out_within_15_s_whatever_cancels_there_are(
    orders: int, halt_s: float
) -> None:
    desk = refusing(account(held(2), orders=ladder(orders)), Refusal.HALTED, halt_s)

    assert closed_after(desk) <= 15.1
    assert desk.most_in_a_minute() <= 40 + 8


@pytest.mark.parametrize("orders", [2, 12, 30])
@pytest.mark.parametrize("barred_s", [30, 330, 700])
def test_an_account_that_is_let_in_again_is_closed_and_cancelled_at_once(
    orders: int, barred_s: float
) -> None:
    state = account(held(2), orders=ladder(orders))
    desk = refusing(barred(state), Refusal.ACCOUNT, barred_s)
    sent = len(desk.sent)
    desk.show(barred(state, can_trade=True))

    again = [command for _, command in desk.sent[sent:]]
    assert isinstance(again[0], CloseContract)
    assert len(again) == 1 + min(orders, 28)


def test_a_let_in_that_comes_too_soon_after_another_is_not_forgotten() -> None:
    state = account(held(2))
    desk = refusing(barred(state), Refusal.ACCOUNT, 400)
    desk.answers = lambda _: refused(Refusal.ACCOUNT)
    for can_trade in (True, False, True):
        desk.show(barred(state, can_trade=can_trade))
        desk.run(6)
    since = [s for s in desk.closes if s >= 400]

    assert closed_after(desk) <= 30 - 18 + 0.2
    assert len(since) <= 3


def test_a_position_that_grows_while_cancels_are_braked_is_closed_at_once() -> None:
    state = account(held(2), orders=ladder(30))
    desk = refusing(state, Refusal.OTHER, 640)
    cancels = len(desk.cancelled)
    desk.show(account(held(9), orders=state.orders))

    assert len(desk.cancelled) > cancels
    assert closed_after(desk) <= 30


def test_a_trader_who_reverses_while_cancels_are_braked_releases_them() -> None:
    state = account(held(2), orders=ladder(30))
    desk = refusing(state, Refusal.OTHER, 320)
    cancels = len(desk.cancelled)
    desk.show(account(held(-8), orders=state.orders), fill(1, -10, 100, order_id=900))

    desk.run(31)  # each cancel keeps its pace
    assert len(desk.cancelled) - cancels > 20


@pytest.mark.parametrize("orders", [2, 6, 30])
def test_at_the_opening_the_close_goes_out_although_cancels_are_braked(orders: int) -> None:
    opening_ns = at(2026, 11, 22, 17, 0)
    start = msgspec.structs.replace(account(), snapshot_asked_ns=1)
    desk = PlanDesk(start, market=MarketCalendar())
    desk.now_ns = at(2026, 11, 22, 16, 20)
    desk.answers = lambda _: refused(Refusal.HALTED) if desk.now_ns < opening_ns else ACCEPTED
    desk.show(account(held(2), orders=ladder(orders)))
    desk.lock()
    desk.run(40 * 60 + 5)

    first = next(s for s in desk.closes if s >= opening_ns / 1e9)
    assert first - opening_ns / 1e9 <= 0.1


def test_a_close_in_another_contract_keeps_its_pace_although_cancels_are_braked() -> None:
    desk = PlanDesk(account(held(2, contract=ES), held(1), orders=ladder(30, ES)))
    desk.answers = lambda c: (
        refused(Refusal.HALTED)
        if c.contract_id == ES
        else refused(Refusal.PAUSED)
        if desk.now_ns < 4 * S
        else ACCEPTED
    )
    desk.lock()
    desk.run(6)
    of_mnq = [at_ns / 1e9 for at_ns, c in desk.sent if c.contract_id == MNQ]

    assert of_mnq == [0, 1, 3, 5]
    assert desk.braked


def test_the_pace_alone_never_gets_to_the_brake_of_closes() -> None:
    """The broker gives each time the reason with the shortest pause."""
    desk, times = PlanDesk(account(held(2))), dict.fromkeys(RETRY_BY_REASON_NS, 0)
    times[Refusal.OTHER] = 0

    def quickest(_: object) -> dict[str, object]:
        attempts = sum(times.values()) + 1
        reason = min(times, key=lambda r: pause_ns(r, times[r] + 1, attempts))
        times[reason] += 1
        return refused(reason)

    del times[Refusal.DISARMED]
    desk.answers = quickest
    desk.lock()
    desk.run(600)

    assert desk.braked == []
    assert desk.most_in_a_minute() <= CLOSES_A_MINUTE - 20


def test_closes_that_a_bug_repeats_are_braked_each_contract_by_itself() -> None:
    desk = PlanDesk(account(held(3), held(1, contract=ES)))
    desk.answers = lambda _: ACCEPTED
    desk.flatten(MNQ)
    for _ in range(600):
        desk.show(account(held(1, contract=ES)))
        desk.flatten(MNQ)
        desk.show(account(held(3), held(1, contract=ES)))
        desk.flatten(MNQ)
        desk.run(0.1)
    sent = len(desk.sent)

    assert CLOSES_A_MINUTE - 2 <= sent <= CLOSES_A_MINUTE + 1
    assert "closes of MNQ" in desk.braked[0][1]
    desk.flatten(ES)
    assert [c.contract_id for _, c in desk.sent[sent:]] == [ES]
