"""The stops of one account that rules want moved, and what is under way to move them.

A move is asked for by a rule and decided here: whatever the rule says, a stop is moved only if the
account as it is known now shows that this lowers the risk (I1). Per order at most one move is
outstanding, and it is outstanding until the order's row shows the price.

What the trader does while a move is on its way cannot be known. So a stop that he has just changed
is left alone for a second, and where a move of ours took a better price of his back, the stop is
moved back to it (`stop_rows`).
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from risk_actors.core.account_state import AccountState, is_reduce_only
from risk_actors.core.broker import Order, OrderStatus, OrderType
from risk_actors.core.command_slot import CommandSlot, SlotEvent, SlotState
from risk_actors.core.commands import MoveStop
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.stop_rows import StopRows
from risk_actors.core.verdict import StopMove

MOVE_AT_MOST_EVERY_NS = 1 * NS_PER_S
"""A trailing stop follows a fast market in steps; the broker's rate is needed for closes."""


class MoveSlot(CommandSlot):
    """The move of one stop, and where it is to be."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_price = Decimal(0)

    def send(
        self, *, command_id: int, stop_price: Decimal, correlation_id: str, now_ns: int
    ) -> None:
        """Note what is sent."""
        self.apply(SlotEvent.SEND, now_ns)
        self.command_id = command_id
        self.stop_price = stop_price
        self.correlation_id = correlation_id

    def may_send(self, now_ns: int) -> bool:
        """Tell whether nothing is outstanding and the last move was long enough ago."""
        if self.state is not SlotState.IDLE:
            return False
        # A clock that was set back must not hold a move up.
        return not (self.tried_ns and 0 <= now_ns - self.tried_ns < MOVE_AT_MOST_EVERY_NS)

    def effect_is_seen(self, order: Order) -> bool:
        """Tell whether the order's row shows the price.

        A price with even less risk is the trader's. It does not say that the move has arrived: a
        second one beside it might be overtaken by it.
        """
        if self.state is SlotState.IDLE or order.stop_price is None:
            return False
        return order.stop_price == self.stop_price or (
            self.state is SlotState.WAITING and self.is_pointless(order)
        )

    def is_pointless(self, order: Order) -> bool:
        """Tell whether the order's price has no more risk than the move would leave."""
        price = order.stop_price
        return price is not None and (price - self.stop_price) * order.side.sign <= 0


class _Wish(NamedTuple):
    move: StopMove
    correlation_id: str


class StopMoves:
    """The moves of one account."""

    def __init__(self, account_id: int, command_ids: Iterator[int]) -> None:
        self._account_id = account_id
        self._command_ids = command_ids
        self._wishes: dict[str, tuple[_Wish, ...]] = {}
        self._slots: dict[int, MoveSlot] = {}
        self._rows: dict[int, StopRows] = {}
        """By order id, of all stops that work."""
        self._orders: tuple[Order, ...] = ()
        """As they were shown last."""
        self._asked_ns = 0

    @property
    def has_work(self) -> bool:
        """Whether a move is wanted or under way, or one is to be put right."""
        if self._wishes or any(slot.is_outstanding for slot in self._slots.values()):
            return True
        return any(rows.overwritten is not None for rows in self._rows.values())

    @property
    def is_empty(self) -> bool:
        """Whether no move is wanted, and none is remembered."""
        return not (self._wishes or self._slots)

    @property
    def slots(self) -> Iterable[MoveSlot]:
        """What was sent for orders that still work."""
        return self._slots.values()

    def want(self, rule_id: str, moves: tuple[StopMove, ...], correlation_id: str) -> None:
        """Take all moves that a rule wants now; what it wanted before and not now is dropped."""
        self._wishes.pop(rule_id, None)
        if moves:
            self._wishes[rule_id] = tuple(_Wish(move, correlation_id) for move in moves)

    def observe(self, state: AccountState, now_ns: int) -> None:
        """Free what the account shows to be done, gone, or not done."""
        self._observe_rows(state, now_ns)
        orders = {order.id: order for order in state.orders} if self._slots else {}
        for order_id, slot in list(self._slots.items()):
            order = orders.get(order_id)
            if order is None:
                del self._slots[order_id]
            elif slot.effect_is_seen(order):
                slot.apply(SlotEvent.SEEN, now_ns)
            elif slot.is_refuted_by(state):
                is_over = slot.is_pointless(order)
                slot.apply(SlotEvent.SEEN if is_over else SlotEvent.NOT_SEEN, now_ns)
            else:
                slot.observe_look(state, now_ns)

    def _observe_rows(self, state: AccountState, now_ns: int) -> None:
        asked_ns = state.snapshot_asked_ns
        if state.orders is not self._orders or asked_ns != self._asked_ns:
            before, self._rows = self._rows, {}
            for order in state.orders:
                if order.type is not OrderType.STOP:
                    continue
                rows = before.get(order.id)
                if rows is None:
                    rows = StopRows(order, now_ns, state.clock_ahead_ns)
                else:
                    rows.take(order, now_ns, asked_ns)
                self._rows[order.id] = rows
            self._orders, self._asked_ns = state.orders, asked_ns
        for order in state.orders:
            rows = self._rows.get(order.id)
            if rows is not None and rows.overwritten and not state.size_in(order.contract_id):
                rows.overwritten = None

    def to_send(
        self,
        state: AccountState,
        may_move: Callable[[Order], bool],
        now_ns: int,
        may_send: Callable[[int], bool] = lambda _: True,
    ) -> Iterator[MoveStop]:
        """Yield the moves to be sent now.

        Args:
            state: the account as it is known now.
            may_move: tells whether an order may be moved at all.
            now_ns: the time.
            may_send: the last word on a move, by the order's id: the brake.
        """
        for order in state.orders:
            wish = self._wish_for(order)
            if wish is None or not may_move(order):
                continue
            stop_price = wish.move.stop_price
            rows = self._rows.get(order.id)
            if rows is None or rows.is_to_wait(now_ns):
                continue
            if rows.may_be_better(stop_price, order.side.sign):
                continue
            if not lowers_risk(order, stop_price, state):
                continue
            slot = self._slots.setdefault(order.id, MoveSlot())
            if not slot.may_send(now_ns) or not may_send(order.id):
                continue
            slot.send(
                command_id=next(self._command_ids),
                stop_price=stop_price,
                correlation_id=wish.correlation_id,
                now_ns=now_ns,
            )
            rows.sent(order, stop_price, wish.correlation_id, now_ns)
            yield MoveStop(
                id=slot.command_id,
                account_id=self._account_id,
                contract_id=order.contract_id,
                order_id=order.id,
                stop_price=stop_price,
                correlation_id=wish.correlation_id,
            )

    def _wish_for(self, order: Order) -> _Wish | None:
        """Return what is wanted of an order; of several wishes the one with the least risk."""
        wishes = [
            wish
            for wanted in self._wishes.values()
            for wish in wanted
            if (wish.move.order_id, wish.move.contract_id) == (order.id, order.contract_id)
            and wish.move.stop_price.is_finite()
        ]
        rows = self._rows.get(order.id)
        if rows is not None and rows.overwritten is not None:
            price, correlation_id = rows.overwritten
            move = StopMove(order_id=order.id, contract_id=order.contract_id, stop_price=price)
            wishes.append(_Wish(move, correlation_id))
        return min(wishes, key=lambda wish: wish.move.stop_price * order.side.sign, default=None)


def lowers_risk(order: Order, stop_price: Decimal, state: AccountState) -> bool:
    """Tell whether moving an order's stop to a price can only lower the risk (I1).

    The order is a plain working stop that can do nothing but reduce a position on which report
    and fills agree, and the price is strictly nearer to the profit side than the present one.
    """
    position = state.position_in(order.contract_id)
    if position is None or not position.is_settled or state.distrusted is not None:
        return False
    if order.contract_id in state.awaited:
        return False
    if order.type is not OrderType.STOP or order.status is not OrderStatus.OPEN:
        return False
    if order.side.sign * position.size >= 0 or not is_reduce_only(order, position.size):
        return False
    if order.stop_price is None or stop_price <= 0:
        return False
    return (stop_price - order.stop_price) * order.side.sign < 0
