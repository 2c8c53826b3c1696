"""I1 of stops: what a move that crossed the trader's own is excused for, and what not."""

from decimal import Decimal

import pytest
from fuzz.test_check_allowances import ACCOUNT, stage

from risk_actors.core.commands import MoveStop
from risk_actors.fuzz.broker import MS, S
from risk_actors.fuzz.check_stops import BACK_WITHIN_NS, EXECUTED_WITHIN_NS, StopCheck
from risk_actors.fuzz.health import PATIENCE_NS
from risk_actors.simulator.records import Order, OrderType, Quote, Side, Ticket

WELL = [ACCOUNT]


class Crossing:
    """A long position with a stop, which the trader and the guard both move."""

    def __init__(self) -> None:
        self.stage = stage()
        self.exchange, self.clock = self.stage.broker.exchange, self.stage.clock
        self.contract_id = self.stage.contract_ids["MES"]
        self.check = StopCheck(self.stage)
        self.stage.broker.on_told = self.check.told
        self.bid = self.exchange.quotes[self.contract_id].bid
        self.place(Side.BUY, 2)
        self.order = self.place(Side.SELL, 2, OrderType.STOP, self.price(-20))
        self.take()
        self.tell()

    def price(self, points: int) -> Decimal:
        return self.bid + points

    def place(
        self, side: Side, size: int, kind: OrderType = OrderType.MARKET, stop: Decimal | None = None
    ) -> Order:
        ticket = Ticket(
            account_id=ACCOUNT,
            contract_id=self.contract_id,
            side=side,
            size=size,
            type=kind,
            stop_price=stop,
        )
        return self.exchange.place(ticket, self.clock.now_ns())

    def take(self) -> list[tuple[str, str]]:
        return [f for entry in self.exchange.take_journal() for f in self.check.take(entry)]

    def tell(self) -> None:
        """Tell the guard how the account stands."""
        self.clock.advance(MS)
        self.stage.broker.request_snapshot(ACCOUNT, "look", "x")
        self.clock.advance(60 * MS)
        self.stage.broker.run_due()
        self.clock.advance(60 * MS)
        self.stage.broker.run_due()
        self.clock.advance(MS)

    def send(self, points: int) -> None:
        """The guard sends a move."""
        command = MoveStop(
            id=1,
            account_id=ACCOUNT,
            contract_id=self.contract_id,
            order_id=self.order.id,
            stop_price=self.price(points),
            correlation_id="x",
        )
        self.stage.broker.commands.append((self.clock.now_ns(), command))

    def move(self, points: int, by: str = "client") -> list[tuple[str, str]]:
        self.clock.advance(MS)
        self.exchange.modify(
            ACCOUNT, self.order.id, self.clock.now_ns(), stop_price=self.price(points), by=by
        )
        return self.take()

    def after(self, span_ns: int, well: list[int] = WELL) -> list[tuple[str, str]]:
        self.clock.advance(span_ns)
        return self.check.look(self.clock.now_ns(), well)


def crossed() -> Crossing:
    """The guard wants -10, the trader has set -5 meanwhile, and it is at -10 now."""
    crossing = Crossing()
    crossing.send(-10)
    assert crossing.move(-5, by="trader") == []
    assert crossing.move(-10) == []
    return crossing


def test_a_stop_that_is_not_put_right_in_time_is_found() -> None:
    crossing = crossed()

    assert crossing.after(BACK_WITHIN_NS) == []
    assert [invariant for invariant, _ in crossing.after(MS)] == ["I1"]
    assert crossing.after(60 * S) == []


@pytest.mark.parametrize("points", [-5, -4])
def test_a_stop_that_is_back_or_better_is_excused(points: int) -> None:
    crossing = crossed()
    crossing.after(2 * S)
    crossing.move(points)

    assert crossing.after(60 * S) == []


def test_a_stop_that_is_not_all_the_way_back_is_found() -> None:
    crossing = crossed()
    crossing.after(2 * S)
    crossing.move(-6)

    assert crossing.after(60 * S) != []


def test_what_the_trader_does_afterwards_is_his() -> None:
    crossing = crossed()
    crossing.move(-15, by="trader")

    assert crossing.after(60 * S) == []


def test_where_nothing_is_left_to_put_right_nothing_is_found() -> None:
    gone, flat, larger = crossed(), crossed(), crossed()
    gone.exchange.cancel(ACCOUNT, gone.order.id, gone.clock.now_ns())
    flat.exchange.close(ACCOUNT, flat.contract_id, flat.clock.now_ns())
    larger.exchange.close(ACCOUNT, larger.contract_id, larger.clock.now_ns(), size=1)

    assert [each.after(60 * S) for each in (gone, flat, larger)] == [[], [], []]


def test_in_an_account_that_is_not_well_it_is_excused() -> None:
    assert crossed().after(60 * S, well=[]) == []


def test_while_the_market_has_passed_the_price_it_cannot_be_put_right() -> None:
    crossing = crossed()
    low, high = crossing.price(-7), crossing.price(0)
    crossing.exchange.on_quote(
        crossing.contract_id, Quote(low, low + 1, low), crossing.clock.now_ns()
    )
    assert crossing.after(60 * S) == []
    crossing.exchange.on_quote(
        crossing.contract_id, Quote(high, high + 1, high), crossing.clock.now_ns()
    )

    assert crossing.after(PATIENCE_NS) == []
    assert crossing.after(MS) != []


def test_a_change_that_had_been_told_when_the_command_left_is_found_at_once() -> None:
    crossing = Crossing()
    crossing.move(-5, by="trader")
    crossing.tell()
    crossing.send(-10)

    assert [invariant for invariant, _ in crossing.move(-10)] == ["I1"]


def test_a_change_that_was_told_after_the_command_left_is_excused() -> None:
    crossing = Crossing()
    crossing.send(-10)
    crossing.move(-5, by="trader")
    crossing.tell()

    assert crossing.move(-10) == []


def test_a_loosened_stop_that_no_command_explains_is_found_at_once() -> None:
    for_another_price, too_old = Crossing(), Crossing()
    for_another_price.send(-11)
    too_old.send(-10)
    too_old.clock.advance(EXECUTED_WITHIN_NS)
    found = []
    for crossing in (for_another_price, too_old):
        crossing.move(-5, by="trader")
        found.append(crossing.move(-10))

    assert all(found)
