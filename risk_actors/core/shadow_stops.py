"""What a rule in shadow would have done to the stops of one account, each move told once."""

from typing import NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Order
from risk_actors.core.stop_moves import MOVE_AT_MOST_EVERY_NS, lowers_risk
from risk_actors.core.verdict import StopMove


class _Told(NamedTuple):
    move: StopMove
    at_ns: int


class ShadowStops:
    """The moves told, in place of orders that were never moved.

    A stop that is only said to be moved stays where it is, so a trailing rule wants it moved with
    every price. Told is what would have been sent: nearer than the move before, and not too often.
    """

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}
        self.is_empty = True
        """Whether nothing is kept."""

    def newly_moved(
        self, moves: tuple[StopMove, ...], state: AccountState, now_ns: int
    ) -> tuple[StopMove, ...]:
        """Return the moves of those wanted now that would be sent now; they count as told."""
        if self.is_empty and not moves:
            return ()
        orders = {order.id: order for order in state.orders}
        if state.is_reconciled:
            self._told = {i: told for i, told in self._told.items() if i in orders}
        made = tuple(
            move
            for move in moves
            if (order := orders.get(move.order_id)) is not None
            and self._would_send(move, order, state, now_ns)
        )
        self._told |= {move.order_id: _Told(move, now_ns) for move in made}
        self.is_empty = not self._told
        return made

    def _would_send(self, move: StopMove, order: Order, state: AccountState, now_ns: int) -> bool:
        if not lowers_risk(order, move.stop_price, state):
            return False
        told = self._told.get(order.id)
        if told is None:
            return True
        if 0 <= now_ns - told.at_ns < MOVE_AT_MOST_EVERY_NS:
            return False
        moved = msgspec.structs.replace(order, stop_price=told.move.stop_price)
        return lowers_risk(moved, move.stop_price, state)
