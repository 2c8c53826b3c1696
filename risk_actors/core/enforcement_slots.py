"""What an enforcement has sent: the slots of closes, cancels and moves, and what frees them."""

from collections.abc import Iterable, Iterator

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill
from risk_actors.core.close_slot import CloseSlot, closing_order_works
from risk_actors.core.command_slot import CommandSlot, SlotEvent, SlotState
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.first_sights import FirstSights
from risk_actors.core.stop_moves import StopMoves

PACE_KEPT_NS = 60 * NS_PER_S
"""After so long without a command the next one for the same thing begins a pace of its own."""


class Slots:
    """One slot per contract to close, per order to cancel and per stop to move (I2)."""

    def __init__(self, moves: StopMoves) -> None:
        self.closes: dict[str, CloseSlot] = {}
        self.cancels: dict[int, CommandSlot] = {}
        self._moves = moves
        self._first_sights = FirstSights()

    def __iter__(self) -> Iterator[CommandSlot]:
        yield from self.closes.values()
        yield from self.cancels.values()
        yield from self._moves.slots

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered of any command."""
        return not (self.closes or self.cancels or self._moves.slots)

    def of(self, command_id: int) -> CommandSlot | None:
        """Return the slot whose last command has an id."""
        for slot in self:
            if slot.command_id == command_id:
                return slot
        return None

    def order_seen_ns(self, order_id: int, now_ns: int) -> int:
        """Return when an order was first seen."""
        return self._first_sights.get(order_id, now_ns)

    def hear(self, state: AccountState, fills: Iterable[Fill], now_ns: int, heard_ns: int) -> None:
        """Take fills that came since the last time; they may be what a close wanted.

        What the account shows is as of `heard_ns`, when the broker said it or was asked for it.
        """
        for contract_id, slot in self.closes.items():
            slot.hear(contract_id, state, heard_ns)
        sights = self._first_sights
        for order in state.orders:
            if order.id not in sights:
                sights.note(order.id, now_ns, order.created_ns)
        for order_id in state.awaited_order_ids:
            if order_id not in sights:
                sights.note(order_id, now_ns)
        for fill in fills:
            close = self.closes.get(fill.contract_id)
            order_seen_ns = sights.note(fill.order_id, now_ns)
            if close is not None:
                close.count(fill, order_seen_ns)
        sights.forget_oldest()

    def observe(self, state: AccountState, now_ns: int) -> None:
        """Free the slots whose effect the account shows, or shows to be missing."""
        # Stops are watched before one is to be moved: who has just changed one may do so again.
        self._moves.observe(state, now_ns)
        if self.is_empty:
            return
        working = {order.id for order in state.orders}
        for contract_id, close in self.closes.items():
            self._observe_close(contract_id, close, state, now_ns)
        for order_id, cancel in list(self.cancels.items()):
            if order_id not in working:
                del self.cancels[order_id]
            elif cancel.is_refuted_by(state):
                cancel.apply(SlotEvent.NOT_SEEN, now_ns)
            else:
                cancel.observe_look(state, now_ns)

    @staticmethod
    def _observe_close(
        contract_id: str, close: CloseSlot, state: AccountState, now_ns: int
    ) -> None:
        if close.is_flat_early or close.is_flat_doubtful(contract_id, state, now_ns):
            return
        close.observe_size(state.counted_size_in(contract_id))
        if not state.counted_size_in(contract_id) and not close.is_outstanding:
            close.seen_flat(now_ns)
        elif close.state is SlotState.IDLE:
            return
        elif close.effect_is_seen(contract_id, state):
            close.apply(SlotEvent.SEEN, now_ns)
        elif close.is_refuted_by(state):
            pending = closing_order_works(contract_id, close.size_before, state)
            close.apply(SlotEvent.PENDING if pending else SlotEvent.NOT_SEEN, now_ns)
        else:
            close.observe_look(state, now_ns)

    def drop_done(self, now_ns: int) -> None:
        """Forget, after an enforcement, what is not under way any more.

        What was asked for lately is remembered with its pace: an enforcement that begins soon,
        for instance under a lock that follows the one that ended, asks for the same thing (I6).
        """
        self.closes = {
            contract_id: slot
            for contract_id, slot in self.closes.items()
            if slot.state is not SlotState.IDLE
            or (slot.attempts and 0 <= now_ns - slot.tried_ns < PACE_KEPT_NS)
        }
