"""Small builders of the broker's facts and of what the core makes of them.

Import them with `from core.builders import fill`: the tests directory is on the path.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import (
    Account,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
)
from risk_actors.core.instruments import symbol_of
from risk_actors.core.pnl_state import Closing, PnlState
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Snapshot
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import Breached, Verdict

ACCOUNT = 101
NAME = "50KTC-V2-1001"
CHICAGO = ZoneInfo("America/Chicago")
NEW_YORK = ZoneInfo("America/New_York")

MNQ = "CON.F.US.MNQ.Z26"
MNQ_NEXT = "CON.F.US.MNQ.H27"
NQ = "CON.F.US.ENQ.Z26"
ES = "CON.F.US.EP.Z26"
MES = "CON.F.US.MES.Z26"
MYM = "CON.F.US.MYM.M26"
ZB = "CON.F.US.USA.M26"
ZN = "CON.F.US.TYA.Z26"
CORN = "CON.F.US.ZCE.Z26"
"""A product that the catalogue lacks; the broker's name for it is ZCZ6."""

BUY, SELL = Side.BUY, Side.SELL
MS = 1_000_000
S = 1000 * MS
H = 3600 * S


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, **more: Any) -> int:
    """Return an instant of Chicago's wall clock in ns (`zone` for another's, `fold`, `second`)."""
    zone = more.pop("zone", CHICAGO)
    return int(datetime(year, month, day, hour, minute, tzinfo=zone, **more).timestamp()) * S


NOON = at(2026, 11, 17, 12)
"""A Tuesday; the trading day runs from the evening before to 17:00."""


def chicago_calendar(
    daily: str = "0 17 * * *", weekly: str = "0 17 * * SUN", zone: ZoneInfo = CHICAGO
) -> TradingCalendar:
    return TradingCalendar(zone=zone, daily_reset=daily, weekly_reset=weekly)


def dec(number: str | float | Decimal) -> Decimal:
    return number if isinstance(number, Decimal) else Decimal(str(number))


# --- the broker's facts ---------------------------------------------------------------------


def fill(
    fill_id: int,
    signed_size: int,
    price: str | float,
    *,
    contract: str = MNQ,
    order_id: int | None = None,
    profit: str | float | None = None,
    costs: str | float = 0,
    at_ns: int | None = None,
    voided: bool = False,
) -> Fill:
    """Return a fill; each is of an order of its own and a second after the one before."""
    return Fill(
        id=fill_id,
        account_id=ACCOUNT,
        contract_id=contract,
        order_id=1000 + fill_id if order_id is None else order_id,
        side=BUY if signed_size > 0 else SELL,
        size=abs(signed_size),
        price=dec(price),
        at_ns=NOON + fill_id * S if at_ns is None else at_ns,
        profit_usd=None if profit is None else dec(profit),
        costs_usd=dec(costs),
        voided=voided,
    )


def position(
    size: int, price: str | float = 100, *, contract: str = MNQ, opened_ns: int = NOON
) -> Position:
    return Position(
        account_id=ACCOUNT,
        contract_id=contract,
        size=size,
        average_price=dec(price),
        opened_ns=opened_ns,
    )


def order(
    order_id: int,
    side: Side,
    size: int = 1,
    *,
    contract: str = MNQ,
    status: OrderStatus = OrderStatus.OPEN,
    kind: OrderType = OrderType.LIMIT,
    filled: int = 0,
    updated_ns: int = 0,
    parent: int | None = None,
) -> Order:
    return Order(
        id=order_id,
        account_id=ACCOUNT,
        contract_id=contract,
        status=status,
        type=kind,
        side=side,
        size=size,
        filled_size=filled,
        updated_ns=updated_ns,
        parent_order_id=parent,
    )


def account_row(balance: str | float = 50000, *, can_trade: bool = True) -> Account:
    return Account(id=ACCOUNT, name=NAME, balance_usd=dec(balance), can_trade=can_trade)


def quote(
    contract: str = MNQ,
    *,
    bid: str | float | None = None,
    ask: str | float | None = None,
    last: str | float | None = None,
    at_ns: int = NOON,
) -> Quote:
    return Quote(
        contract_id=contract,
        bid=None if bid is None else dec(bid),
        ask=None if ask is None else dec(ask),
        last=None if last is None else dec(last),
        at_ns=at_ns,
    )


# --- the books ------------------------------------------------------------------------------


def snapshot(
    asked_ns: int,
    *,
    positions: tuple[Position, ...] = (),
    orders: tuple[Order, ...] = (),
    fills: tuple[Fill, ...] = (),
    account: Account | None = None,
    covers_suspended: bool = True,
) -> Snapshot:
    return Snapshot(
        account=account or account_row(),
        positions=positions,
        orders=orders,
        covers_suspended=covers_suspended,
        fills=fills,
        asked_ns=asked_ns,
    )


def book(
    *,
    positions: tuple[Position, ...] = (),
    orders: tuple[Order, ...] = (),
    fills: tuple[Fill, ...] = (),
    now_ns: int = NOON,
) -> PositionBook:
    """Return a book that has been read from the broker just before noon."""
    made = PositionBook(ACCOUNT, NAME, chicago_calendar().day(now_ns))
    made.on_snapshot(
        snapshot(now_ns - S, positions=positions, orders=orders, fills=fills), now_ns - S + MS
    )
    return made


# --- the facts that rules judge -------------------------------------------------------------


def held(
    size: int,
    *,
    contract: str = MNQ,
    fills_size: int | None = None,
    opened_ns: int = 1,
    symbol: str | None = None,
) -> OpenPosition:
    return OpenPosition(
        contract_id=contract,
        symbol=symbol or symbol_of(contract),
        size=size,
        average_price=dec(100),
        opened_ns=opened_ns,
        fills_size=size if fills_size is None else fills_size,
        fills_average_price=dec(100),
    )


def account(
    *positions: OpenPosition,
    orders: tuple[Order, ...] = (),
    is_reconciled: bool = True,
    named_symbols: dict[str, str] | None = None,
) -> AccountState:
    return AccountState(
        account_id=ACCOUNT,
        name=NAME,
        balance_usd=dec(50000),
        can_trade=True,
        is_reconciled=is_reconciled,
        snapshot_asked_ns=1 if is_reconciled else 0,
        day_start_ns=0,
        trades=0,
        entries=0,
        positions=positions,
        orders=orders,
        named_symbols=named_symbols or {},
    )


def pnl(
    realized: str | float | None = 0,
    unrealized: str | float | None = 0,
    *,
    day: int = 1,
    unknown: str | None = None,
) -> PnlState:
    return PnlState(
        account_id=ACCOUNT,
        day_start_ns=day,
        week_start_ns=1,
        realized_usd=None if realized is None else dec(realized),
        costs_usd=dec("1.24"),
        week_realized_usd=None,
        unrealized_usd=None if unrealized is None else dec(unrealized),
        trades=3,
        entries=4,
        unknown_reason=unknown,
    )


# --- rules ----------------------------------------------------------------------------------


def rule(kind: str, **settings: Any) -> Rule[Any, Any]:
    """Return a rule as the settings file would make it."""
    rule_class = catalogue()[kind]
    table = {"type": kind, "id": kind.replace("_", "-"), **settings}
    return rule_class(msgspec.convert(table, rule_class.Settings))


def judge(judging: Rule[Any, Any], fact: Any, now_ns: int = NOON) -> Verdict:
    """Return what a rule says of a first fact."""
    _, verdict = judging.evaluate(judging.initial_state(), fact, now_ns)
    return verdict


def judge_all(judging: Rule[Any, Any], *facts: Any) -> list[Verdict]:
    """Return what a rule says of facts shown one after the other."""
    state, verdicts = judging.initial_state(), []
    for number, fact in enumerate(facts):
        state, verdict = judging.evaluate(state, fact, NOON + number * S)
        verdicts.append(verdict)
    return verdicts


def breach_of(judging: Rule[Any, Any], fact: Any) -> Breached:
    verdict = judge(judging, fact)
    assert isinstance(verdict, Breached), verdict
    return verdict


def stop(
    order_id: int,
    side: Side,
    size: int = 1,
    price: str | float = 90,
    *,
    kind: OrderType = OrderType.STOP,
    **terms: Any,
) -> Order:
    """Return a working stop order; `terms` as of `order`."""
    made = order(order_id, side, size, kind=kind, **terms)
    return msgspec.structs.replace(made, stop_price=dec(price))


def worth(
    balance: str | float | None,
    unrealized: str | float | None = 0,
    *,
    realized: str | float = 0,
    high: str | float | None = None,
    closings: tuple[Closing, ...] = (),
    day: int = 1,
    account: AccountState | None = None,
    unknown: str | None = None,
) -> PnlState:
    """Return an account by its balance: what it made of that today, and its high of the week."""
    known = None if balance is None else dec(balance)
    return PnlState(
        account_id=ACCOUNT,
        day_start_ns=day,
        week_start_ns=1,
        realized_usd=None if known is None else dec(realized),
        costs_usd=dec("1.24"),
        week_realized_usd=None if known is None else dec(realized),
        unrealized_usd=None if unrealized is None else dec(unrealized),
        trades=3,
        entries=4,
        account=account,
        balance_usd=known,
        balance_high_usd=known if high is None else dec(high),
        closings=closings,
        unknown_reason=unknown,
    )


def closing(day_end_ns: int, balance: str | float) -> Closing:
    return Closing(day_end_ns=day_end_ns, balance_usd=dec(balance))


def restored(judging: Rule[Any, Any], state: Any) -> Any:
    """Return what a rule remembers once it was stored and read again."""
    return decode_memory(judging, encode_memory(RuleMemory(state=state))).state
