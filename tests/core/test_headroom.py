"""How much an account may still do: rooms, prices, stops and sizes."""

import tomllib
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.builders import (
    BUY,
    ES,
    MNQ,
    NOON,
    SELL,
    ZN,
    account,
    dec,
    fill,
    held,
    order,
    pnl,
    position,
    quote,
    rule,
)
from core.desk import RuleDesk

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Order, OrderStatus, OrderType
from risk_actors.core.evidence import Evidence
from risk_actors.core.headroom.room import (
    RuleRoom,
    first_to_fire,
    price_after_loss,
    room_of,
    used_of,
)
from risk_actors.core.headroom.safe_size import Trial, jump_usd, safe_size
from risk_actors.core.headroom.stop_out import StopOut, stop_out
from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Verdict, Warned

SAID = Evidence(template="so it is")
EQUITY = Measure(Unit.USD, MovedBy.EQUITY_LOSS)
POSITION = Measure(Unit.USD, MovedBy.POSITION_LOSS)


def ticks_of(contract_id: str) -> Instrument:
    instrument = catalogued_instrument(contract_id)
    assert instrument is not None
    return instrument


def valued(state: AccountState, *marks: tuple[str, str, str], **terms: Any) -> PnlState:
    """P&L of an account: contract, mark and unrealised of each position."""
    positions = tuple(
        PositionPnl(contract_id=c, mark_price=dec(mark), unrealized_usd=dec(usd))
        for c, mark, usd in marks
    )
    total = sum((p.unrealized_usd or Decimal(0) for p in positions), Decimal(0))
    base = pnl(terms.pop("realized", 0), total)
    return msgspec.structs.replace(base, account=state, positions=positions, **terms)


def broken() -> Breached:
    return Breached(value=dec(-1), limit=dec(-1), evidence=SAID, cause="c", action=Flatten())


@pytest.mark.parametrize(
    ("verdict", "room"),
    [
        (Ok(value=dec(-300), limit=dec(-500)), 200),
        (Ok(value=dec(48500), limit=dec(48000)), 500),
        (Ok(value=dec(3), limit=dec(5)), 2),
        (Ok(value=dec(3), limit=dec(5), room=dec(1)), 1),
        (Warned(value=dec(-400), limit=dec(-500), evidence=SAID), 100),
        (broken(), 0),
        (Unknown(evidence=SAID), None),
        (Ok(), None),
    ],
)
def test_the_room_of_a_rule_is_what_lies_between_value_and_limit(
    verdict: Verdict, room: int | None
) -> None:
    assert room_of(verdict) == room


@pytest.mark.parametrize(
    ("verdict", "used"),
    [
        (Ok(value=dec(-300), limit=dec(-500)), 0.6),
        (Ok(value=dec(100), limit=dec(-500)), 0.0),
        (Ok(value=dec(3), limit=dec(5)), 0.6),
        (Ok(value=dec(0), limit=dec(0)), 0.0),
        (Ok(value=dec(49000), limit=dec(48000), allowance=dec(2000)), 0.5),
        (Ok(value=dec(51000), limit=dec(48000), allowance=dec(2000)), 0.0),
        (
            Breached(value=dec(-600), limit=dec(-500), evidence=SAID, cause="c", action=Flatten()),
            1.2,
        ),
        (Breached(value=None, limit=None, evidence=SAID, cause="c", action=Flatten()), 1.0),
        (Unknown(evidence=SAID, limit=dec(-500)), None),
        (Ok(), None),
    ],
)
def test_the_used_share_is_of_what_was_allowed(verdict: Verdict, used: float | None) -> None:
    assert used_of(verdict) == pytest.approx(used)


@pytest.mark.parametrize(
    ("contract", "size", "mark", "loss", "price"),
    [
        (MNQ, 1, "20000.00", "100", "19950.00"),
        (MNQ, 2, "20000.00", "100", "19975.00"),
        (MNQ, -1, "20000.00", "100", "20050.00"),
        (MNQ, 1, "20000.00", "0.10", "19999.75"),
        (MNQ, 1, "20000.00", "0", "20000.00"),
        (ZN, 1, "110.500000", "15.625", "110.484375"),
        (ZN, -3, "110.500000", "46.88", "110.531250"),
    ],
)
def test_the_price_of_a_loss_is_the_first_on_the_grid_that_reaches_it(
    contract: str, size: int, mark: str, loss: str, price: str
) -> None:
    reached = price_after_loss(ticks_of(contract), size, dec(mark), dec(loss))

    assert reached == dec(price)


def test_the_rule_with_the_least_room_for_a_loss_fires_first_and_at_which_price() -> None:
    state = account(held(2, contract=MNQ), held(-1, contract=ES))
    rules = [
        RuleRoom("daily-loss", EQUITY, Ok(value=dec(-300), limit=dec(-500))),
        RuleRoom("drawdown", EQUITY, Ok(value=dec(48100), limit=dec(48000))),
        RuleRoom(
            "contracts", Measure(Unit.CONTRACTS, MovedBy.SIZE), Ok(value=dec(1), limit=dec(2))
        ),
        RuleRoom("no-price", EQUITY, Unknown(evidence=SAID)),
        RuleRoom("broken", EQUITY, broken()),
    ]

    first = first_to_fire(rules, valued(state, (MNQ, "20000", "0"), (ES, "6000", "0")))

    assert first is not None
    assert (first.rule_id, first.room_usd) == ("drawdown", 100)
    assert [(p.symbol, p.price) for p in first.prices] == [
        ("MNQ", dec("19975.00")),
        ("ES", dec("6002.00")),
    ]


def test_a_rule_on_one_position_fires_at_that_positions_price_alone() -> None:
    state = account(held(2, contract=MNQ), held(-1, contract=ES))
    told = Ok(value=dec(-40), limit=dec(-50), contract_id=MNQ)

    first = first_to_fire(
        [RuleRoom("position", POSITION, told)],
        valued(state, (MNQ, "20000", "-40"), (ES, "6000", "0")),
    )

    assert first is not None
    assert [(p.symbol, p.price) for p in first.prices] == [("MNQ", dec("19997.50"))]


def test_without_a_position_the_first_rule_has_a_room_and_no_price() -> None:
    first = first_to_fire(
        [RuleRoom("daily-loss", EQUITY, Ok(value=dec(0), limit=dec(-500)))], valued(account())
    )

    assert first is not None
    assert (first.room_usd, first.prices) == (500, ())
    assert first_to_fire([], None) is None


def stop(order_id: int, side: Any, size: int, price: str, **terms: Any) -> Order:
    made = order(order_id, side, size, kind=terms.pop("kind", OrderType.STOP), **terms)
    return msgspec.structs.replace(made, stop_price=dec(price))


@pytest.mark.parametrize(
    ("size", "stops", "usd", "unprotected"),
    [
        (2, [stop(1, SELL, 2, "90")], "-40.00", {}),
        (2, [stop(1, SELL, 1, "90")], "-20.00", {"MNQ": 1}),
        (2, [stop(1, SELL, 2, "80"), stop(2, SELL, 1, "95")], "-50.00", {}),
        (-1, [stop(1, BUY, 1, "110"), stop(2, BUY, 1, "120")], "-20.00", {}),
        (1, [stop(1, SELL, 1, "110")], "20.00", {}),
        (1, [stop(1, BUY, 1, "110")], "none", {"MNQ": 1}),
        (1, [stop(1, SELL, 1, "90", contract=ES)], "none", {"MNQ": 1}),
        (1, [stop(1, SELL, 1, "90", status=OrderStatus.SUSPENDED)], "none", {"MNQ": 1}),
        (1, [stop(1, SELL, 1, "90", kind=OrderType.TRAILING_STOP)], "-20.00", {}),
        (1, [order(1, SELL, 1)], "none", {"MNQ": 1}),
    ],
    ids=[
        "whole",
        "part",
        "nearest first, no more than is open",
        "short",
        "in profit",
        "wrong side",
        "another contract",
        "suspended",
        "trailing",
        "a target is no stop",
    ],
)
def test_what_the_working_stops_would_make_of_a_position(
    size: int, stops: list[Order], usd: str, unprotected: dict[str, int]
) -> None:
    out = stop_out(valued(account(held(size), orders=tuple(stops)), realized=-7))

    assert out is not None
    day_usd = None if usd == "none" else dec(usd) - 7
    assert (out.day_usd, out.unprotected) == (day_usd, unprotected)


def test_a_flat_account_has_nothing_to_be_stopped_out_of() -> None:
    assert stop_out(valued(account(orders=(stop(1, BUY, 1, "110"),)))) is None


def test_a_day_whose_realised_side_is_unknown_has_no_figure() -> None:
    fact = valued(account(held(1), orders=(stop(1, SELL, 1, "90"),)), realized=None)

    assert stop_out(fact) == StopOut(day_usd=None)


def asked(*rules: Any, state: AccountState | None = None, **terms: Any) -> tuple[Any, Any]:
    fact = terms.pop("fact", None) or valued(state or account())
    trials = [Trial(each, each.initial_state()) for each in rules]
    size = safe_size(trials, fact, terms.get("contract", MNQ), dec(20000), NOON)
    assert size is not None
    return size.contracts, size.rule_id


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100, 499])
def test_the_largest_safe_size_is_what_the_rule_allows_and_not_one_more(limit: int) -> None:
    assert asked(rule("max_contracts", limit=limit)) == (limit, "max-contracts")


def test_what_is_open_takes_away_from_what_is_safe() -> None:
    state = account(held(-3))
    fact = valued(state, (MNQ, "20000", "0"))

    assert asked(rule("max_contracts", limit=5), fact=fact) == (2, "max-contracts")
    assert asked(rule("max_contracts", limit=3), fact=fact) == (0, "max-contracts")


def test_the_tightest_rule_decides() -> None:
    rules = (
        rule("max_contracts", limit=5),
        rule("max_contracts_per_instrument", limits={"MNQ": 2}),
    )

    assert asked(*rules) == (2, "max-contracts-per-instrument")


def test_a_forbidden_symbol_has_no_safe_size() -> None:
    assert asked(rule("symbol_block", blocked=["MNQ"])) == (0, "symbol-block")


def test_what_no_rule_limits_has_no_bound() -> None:
    assert asked(rule("symbol_block", blocked=["ES"])) == (None, None)
    assert asked() == (None, None)


def test_a_rule_on_dollars_allows_what_survives_one_jump_of_the_price() -> None:
    """Sixteen points of MNQ at 20,000 are 32 dollars a contract, and the spread is 0.50."""
    assert jump_usd(ticks_of(MNQ), dec(20000)) == 32
    assert asked(rule("daily_loss_limit", limit_usd=500.0)) == (15, "daily-loss-limit")
    assert asked(rule("daily_loss_limit", limit_usd=487.5)) == (14, "daily-loss-limit")
    assert asked(rule("daily_loss_limit", limit_usd=487.51)) == (15, "daily-loss-limit")


def test_the_fees_of_the_entry_count() -> None:
    rules = [Trial(each, None) for each in (rule("daily_loss_limit", limit_usd=500.0),)]
    size = safe_size(rules, valued(account()), MNQ, dec(20000), NOON, costs_usd=dec("0.85"))

    assert size is not None
    assert size.contracts == 14  # 14 x 33.35 = 466.90; 15 are 500.25


def test_what_is_open_jumps_too_in_every_contract() -> None:
    """Three MNQ lose 96, one ES 240: of 680 that leaves 344, which is ten more MNQ."""
    state = account(held(3), held(-1, contract=ES))
    fact = valued(state, (MNQ, "20000", "0"), (ES, "6000", "0"))

    size = safe_size(
        [Trial(rule("daily_loss_limit", limit_usd=680.0), None)], fact, MNQ, dec(20000), NOON
    )

    assert jump_usd(ticks_of(ES), dec(6000)) == 240
    assert size is not None
    assert size.contracts == 10  # 96 + 240 + 10 x 32.50 = 661


def test_i7_what_a_rule_cannot_tell_is_not_safe() -> None:
    """An open position without a price may have lost anything."""
    desk = RuleDesk(rule("daily_loss_limit", limit_usd=500.0))
    desk.see(fill(1, 1, 20000), fill(2, -1, 19755, profit=-440), position(0))
    trial = Trial(desk.rule, desk.state)
    known = safe_size([trial], desk.fact(), MNQ, dec(20000), desk.now_ns)
    desk.see(fill(3, 1, 6000, contract=ES), position(1, 6000, contract=ES))

    blind = safe_size([trial], desk.fact(), MNQ, dec(20000), desk.now_ns)

    assert isinstance(desk.verdicts[-1], Unknown)
    assert known is not None
    assert (known.contracts, known.rule_id) == (1, "daily-loss-limit")
    assert blind is not None
    assert (blind.contracts, blind.rule_id) == (0, "daily-loss-limit")


@pytest.mark.parametrize("limit", [1, 2, 8, 499])
def test_an_order_of_that_size_must_be_allowed_as_well(limit: int) -> None:
    assert asked(rule("max_order_size", limit=limit)) == (limit, "max-order-size")


@pytest.mark.parametrize("size", [3, -3])
def test_a_limit_on_orders_counts_the_one_order_and_not_what_is_open(size: int) -> None:
    fact = valued(account(held(size)), (MNQ, "20000", "0"))

    assert asked(rule("max_order_size", limit=2), fact=fact) == (2, "max-order-size")


def test_a_size_is_not_counted_as_filled_and_as_working_at_once() -> None:
    counting = rule("max_contracts", limit=5, include_working=True)

    assert asked(counting) == (5, "max-contracts")
    assert asked(counting, state=account(orders=(order(1, BUY, 2),))) == (3, "max-contracts")


@pytest.mark.parametrize("rule_type", sorted(catalogue()))
def test_no_rule_calls_a_well_known_account_unknown_because_something_is_imagined(
    rule_type: str,
) -> None:
    (table,) = tomllib.loads(example_of(rule_type))["rules"]
    desk = RuleDesk(rule(rule_type, **table))
    desk.see(quote(bid=20000, ask="20000.25"), fill(1, 1, 20000), position(1, 20000))

    size = safe_size([Trial(desk.rule, desk.state)], desk.fact(), MNQ, dec(20000), desk.now_ns)

    assert size is not None
    assert size.contracts != 0


def test_a_contract_with_unknown_ticks_has_no_answer() -> None:
    unlisted = "CON.F.US.XYZ.Z26"

    assert safe_size([], valued(account()), unlisted, dec(1), NOON) is None
    assert safe_size([], pnl(), MNQ, dec(1), NOON) is None
