"""Rule 019: move the stop of a position in profit to break-even, and let it trail the price."""

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition, is_reduce_only
from risk_actors.core.broker import Order, OrderStatus, OrderType
from risk_actors.core.direction import HIGHER, LOWER, as_one
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveInt, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.measure import NO_MEASURE
from risk_actors.core.verdict import Ok, StopMove, Unknown, Verdict

_BREAK_EVEN = as_one(breakeven_after_ticks=LOWER, offset_ticks=HIGHER)
_TRAIL = as_one(trail_after_ticks=LOWER, trail_ticks=LOWER)


class TradeManagementSettings(RuleSettings, frozen=True, kw_only=True, tag="trade_management"):
    """Settings of rule 019; give `breakeven_after_ticks`, or both keys of the trail, or all."""

    breakeven_after_ticks: Annotated[PositiveInt | None, _BREAK_EVEN] = None
    """The gain in ticks from the average entry at which the stop goes to break-even."""
    offset_ticks: Annotated[int, msgspec.Meta(ge=0), _BREAK_EVEN] = 0
    """How many ticks beyond the average entry break-even is, to cover fees."""
    trail_after_ticks: Annotated[PositiveInt | None, _TRAIL] = None
    """The gain in ticks from which on the stop trails the price."""
    trail_ticks: Annotated[PositiveInt | None, _TRAIL] = None
    """How many ticks behind the price it trails."""

    def __post_init__(self) -> None:
        """Refuse half a setting, and a stop that would be where the price is."""
        if (self.trail_after_ticks is None) != (self.trail_ticks is None):
            raise ValueError("give both `trail_after_ticks` and `trail_ticks`, or neither")
        if self.breakeven_after_ticks is None and self.trail_ticks is None:
            raise ValueError(
                "give `breakeven_after_ticks`, or `trail_after_ticks` and `trail_ticks`"
            )
        if self.breakeven_after_ticks is None and self.offset_ticks:
            raise ValueError("`offset_ticks` needs `breakeven_after_ticks`")
        if (
            self.breakeven_after_ticks is not None
            and self.offset_ticks >= self.breakeven_after_ticks
        ):
            raise ValueError("`offset_ticks` must be less than `breakeven_after_ticks`")


type _Protected = list[tuple[OpenPosition, list[Order]]]
"""Positions and the stops that protect them."""


class TradeManagement(Rule[TradeManagementSettings, None]):
    """Move working stops toward less risk, and never back.

    Only plain stop orders on the opposite side of the position are moved. The broker moves trailing
    stops by itself, and stop-limits are left alone. A stop is moved by whole ticks, never nearer
    than one tick to the price. The gain is the one at the present price: where the price comes and
    goes before the stop could be moved, it stays.
    """

    number = 19
    Settings = TradeManagementSettings
    facts = frozenset({PnlState})
    breaks_when = "- (automation)"
    response = "move the stop toward less risk only"
    measure = NO_MEASURE

    def __init__(
        self, settings: TradeManagementSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        ticks = (settings.breakeven_after_ticks, settings.trail_after_ticks)
        self._least_ticks = Decimal(min(each for each in ticks if each is not None))
        """With a smaller gain nothing is moved."""
        self._known: dict[int, tuple[AccountState, _Protected]] = {}
        """By account, what was found the last time."""

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        settings, parts = self.settings, []
        if settings.breakeven_after_ticks is not None:
            beyond = f" plus {settings.offset_ticks} ticks" if settings.offset_ticks else ""
            parts.append(
                f"{settings.breakeven_after_ticks} ticks in profit, move the stop to the average"
                f" entry{beyond}"
            )
        if settings.trail_after_ticks is not None:
            parts.append(
                f"{settings.trail_after_ticks} ticks in profit, trail the price by"
                f" {settings.trail_ticks} ticks"
            )
        return f"From {'; from '.join(parts)}."

    def evaluate(self, state: None, fact: PnlState, now_ns: int) -> tuple[None, Verdict]:  # noqa: ARG002
        """Compare each stop with where it should be."""
        return state, self._judge(fact)

    def _judge(self, pnl: PnlState) -> Verdict:
        account = pnl.account
        if account is None or not account.is_reconciled:
            return _unknown("positions have not been read from the broker yet")
        if not account.orders:
            return Ok()
        protected = self._protected(account)
        if not protected:
            return Ok()
        marks = {position.contract_id: position for position in pnl.positions}
        moves: list[StopMove] = []
        unknown: list[str] = []
        for position, stops in protected:
            instrument = catalogued_instrument(position.contract_id)
            valued = marks.get(position.contract_id)
            if instrument is None:
                unknown.append(f"{position.symbol}: the tick size is not known")
            elif valued is None or valued.mark_price is None:
                why = valued.unknown_reason if valued is not None else None
                unknown.append(why or f"{position.symbol}: the price is not known")
            elif not position.is_settled:
                unknown.append(f"{position.symbol}: fills and reported position differ")
            else:
                moves += self._moves(position, stops, valued.mark_price, instrument)
        if unknown:
            return _unknown("; ".join(unknown), tuple(moves))
        return Ok(stop_moves=tuple(moves))

    def _protected(self, account: AccountState) -> _Protected:
        """Return what is open with a stop, looked for once for each state of the account."""
        known = self._known.get(account.account_id)
        if known is None or known[0] is not account:
            found = [(p, [*_stops(account, p)]) for p in account.positions]
            # Replaced as a whole: more than one thread may ask.
            known = (account, [each for each in found if each[1]])
            self._known[account.account_id] = known
        return known[1]

    def _moves(
        self, position: OpenPosition, stops: list[Order], mark: Decimal, instrument: Instrument
    ) -> Iterator[StopMove]:
        sign = 1 if position.size > 0 else -1
        tick = instrument.tick_size
        if (mark - position.average_price) * sign < self._least_ticks * tick:
            return
        wanted = [
            price
            for price in self._prices(position.average_price, mark, sign, tick)
            if (mark - price) * sign >= tick
        ]
        if not wanted:
            return
        target = max(wanted, key=lambda price: price * sign)
        for order in stops:
            if is_nearer(order, target, tick):
                yield StopMove(
                    order_id=order.id, contract_id=position.contract_id, stop_price=target
                )

    def _prices(self, entry: Decimal, mark: Decimal, sign: int, tick: Decimal) -> Iterator[Decimal]:
        """Yield where the stop may be by what the position has gained (`sign` -1 for a short)."""
        settings = self.settings
        gained = (mark - entry) * sign
        after, trail_after = settings.breakeven_after_ticks, settings.trail_after_ticks
        if after is not None and gained >= after * tick:
            # An average entry may lie between ticks: up to the next one of the profit side.
            yield _on_grid(entry + settings.offset_ticks * tick * sign, tick, sign)
        if (
            trail_after is not None
            and settings.trail_ticks is not None
            and gained >= trail_after * tick
        ):
            yield _on_grid(mark - settings.trail_ticks * tick * sign, tick, -sign)


def _stops(account: AccountState, position: OpenPosition) -> Iterator[Order]:
    """Yield the plain working stops that can do nothing but reduce a position."""
    for order in account.orders:
        if (
            order.contract_id == position.contract_id
            and order.type is OrderType.STOP
            and order.status is OrderStatus.OPEN
            and is_reduce_only(order, position.counted_size)
        ):
            yield order


def is_nearer(order: Order, stop_price: Decimal, tick: Decimal) -> bool:
    """Tell whether a price is nearer to the profit side than an order's by a tick at least."""
    if order.stop_price is None:
        return False
    return (order.stop_price - stop_price) * order.side.sign >= tick


def _on_grid(price: Decimal, tick: Decimal, way: int) -> Decimal:
    """Return the next price on the grid, upward for `way` +1 and downward for -1."""
    rounding = ROUND_CEILING if way > 0 else ROUND_FLOOR
    return (price / tick).to_integral_value(rounding=rounding) * tick


def _unknown(why: str, moves: tuple[StopMove, ...] = ()) -> Unknown:
    template = "Not every stop can be moved: {why}" if moves else "No stop can be moved: {why}"
    return Unknown(evidence=Evidence(template=template, figures={"why": why}), stop_moves=moves)
