"""Contracts, prices and the order in which a fill's events are sent."""

from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from risk_actors.core.instruments import CATALOGUE
from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ugliness
from risk_actors.simulator.contracts import front_contract, front_contracts
from risk_actors.simulator.matching import is_on_grid
from risk_actors.simulator.payloads import timestamp
from risk_actors.simulator.prices import PriceWalk, read_prices
from risk_actors.simulator.wire import user_events

MNQ = "CON.F.US.MNQ.Z26"


@pytest.mark.parametrize(
    ("symbol", "day", "contract_id", "name"),
    [
        ("MNQ", date(2026, 11, 21), "CON.F.US.MNQ.Z26", "MNQZ6"),
        ("MNQ", date(2026, 12, 10), "CON.F.US.MNQ.Z26", "MNQZ6"),
        ("MNQ", date(2026, 12, 11), "CON.F.US.MNQ.H27", "MNQH7"),
        ("ES", date(2027, 1, 1), "CON.F.US.EP.H27", "ESH7"),
        ("CL", date(2026, 11, 21), "CON.F.US.CLE.F27", "CLF7"),
        ("ZB", date(2026, 11, 21), "CON.F.US.USA.Z26", "ZBZ6"),
    ],
)
def test_the_front_month_follows_the_date(
    symbol: Any, day: Any, contract_id: str, name: Any
) -> None:
    contract = front_contract(symbol, day)
    assert (contract.contract_id, contract.name) == (contract_id, name)


def test_every_catalogued_product_is_listed_with_costs_and_a_price_on_its_grid() -> None:
    contracts = front_contracts(date(2026, 11, 21))
    assert [c.symbol for c in contracts] == [listing.symbol for listing in CATALOGUE]
    assert all(is_on_grid(c.start_price, c.tick_size) for c in contracts)
    assert all(c.fees_usd > 0 and c.commission_usd > 0 for c in contracts)


def test_the_walk_stays_on_the_grid_uncrossed_and_repeats_for_a_seed() -> None:
    contract = front_contract("MNQ", date(2026, 11, 21))

    def walked() -> list:
        walk = PriceWalk(contract, Random("walk"))
        return [walk.step() for _ in range(2000)]

    quotes = walked()
    assert quotes == walked()
    assert all(
        is_on_grid(p, contract.tick_size)
        for quote in quotes
        for p in (quote.bid, quote.ask, quote.last)
    )
    assert all(quote.bid < quote.ask and quote.last in (quote.bid, quote.ask) for quote in quotes)


def test_a_timestamp_has_seven_fractional_digits() -> None:
    assert timestamp(1_778_074_563_496_279_412) == "2026-05-06T13:36:03.4962794+00:00"


def test_the_events_of_a_fill_come_in_more_than_one_order(floor: Any) -> None:
    orders: Counter = Counter()
    rng = Random(3)
    for _ in range(60):
        floor.place(MNQ, Side.BUY, 1)
        entry = floor.exchange.take_journal()[-1]
        events = user_events(entry, floor.exchange.contracts, Ugliness(), rng)
        names = [event.target.removeprefix("GatewayUser") for event in events]
        assert 2 <= names.count("Account") <= 4
        orders[tuple(n for n in names if n != "Account")] += 1
    assert orders.most_common(1)[0][0] == ("Trade", "Order", "Position")
    assert len(orders) > 2


def test_ids_can_come_as_strings(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 1)
    entry = floor.exchange.take_journal()[-1]
    ugliness = Ugliness(ids_as_strings=True)
    events = user_events(entry, floor.exchange.contracts, ugliness, Random(3))
    trade = next(e.data for e in events if e.target == "GatewayUserTrade")
    assert (trade["accountId"], trade["orderId"], trade["size"]) == ("101", "9001", 1)


def test_a_price_file_is_replayed_and_its_last_quote_stands(
    tmp_path: Path, eventually: Any
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(
        "time,contract,bid,ask,last\n"
        "2026-11-20T15:00:00Z,MNQ,24000.00,24000.25,24000.00\n"
        "2026-11-20T15:00:30Z,MNQZ6,23000.00,23000.25,23000.25\n"
    )
    settings = SimulatorSettings(
        prices_file=str(file), replay_speed=1000, contract_date=date(2026, 11, 21)
    )
    with SimulatorThread(settings) as sim:
        quotes = sim.gateway.exchange.quotes
        eventually(lambda: sim.call(lambda: quotes[MNQ].bid) == 23000)


def test_a_bad_price_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("time,contract,bid,ask,last\n2026-11-20T15:00:00Z,NOPE,1,2,3\n")
    with pytest.raises(ValueError, match="NOPE"):
        list(read_prices(Path(file), {"MNQ": MNQ}))
