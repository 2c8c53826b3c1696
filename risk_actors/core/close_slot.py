"""The close of one contract: what it was sent for, and when its effect counts as seen."""

from risk_actors.core.account_state import AccountState, OpenPosition, is_market
from risk_actors.core.broker import Fill, Order
from risk_actors.core.command_slot import CommandSlot, SlotEvent, SlotState
from risk_actors.core.evidence import NS_PER_S

FLAT_BELIEVED_AFTER_NS = 5 * NS_PER_S
"""A flat that nothing explains is believed after so long, should no look come."""


class CloseSlot(CommandSlot):
    """The close of one contract, and what it was sent for."""

    def __init__(self) -> None:
        super().__init__()
        self.size_before = 0
        self.partial_size: int | None = None
        self.sent_ns = 0
        self.is_adopted = False
        self._largest_size = 0
        self._closed_size = 0
        self._counted: set[int] = set()
        self._flat_ns: int | None = None
        self._flat_heard_ns: int | None = None
        """As of when the broker said flat; None while the contract is open."""
        self._is_left = False

    @property
    def may_be_repeated(self) -> bool:
        """A part that is closed twice is too much."""
        return self.partial_size is None

    def send(self, *, command_id: int, size: int, partial_size: int | None, now_ns: int) -> None:
        """Note what is sent: a close of a signed size, or of a part of it."""
        self.apply(SlotEvent.SEND, now_ns)
        self.command_id = command_id
        self.sent_ns = now_ns
        self.size_before = size
        if size * self._largest_size <= 0 or abs(size) > abs(self._largest_size):
            self._largest_size = size
        self.partial_size = partial_size
        self._closed_size = 0
        self._counted.clear()
        self.is_adopted = False
        self._flat_ns, self._flat_heard_ns, self._is_left = None, None, False

    def adopt(self, size: int, now_ns: int) -> None:
        """Take a closing market order that already works for the close; nothing is sent.

        It is the trader's own exit, or a close of ours that was taken for done. A second one
        beside it could reverse the position, so it is given its time like any close.
        """
        self.send(command_id=0, size=size, partial_size=None, now_ns=now_ns)
        self.apply(SlotEvent.ACCEPT, now_ns)
        self.is_adopted = True

    def observe_size(self, size: int) -> None:
        """Take the signed size that the account shows now."""
        if size * self._largest_size <= 0:
            self._largest_size = 0

    def hear(self, contract_id: str, state: AccountState, heard_ns: int) -> None:
        """Take what the account shows as of an instant: of an event now, of a snapshot its asking.

        Of what is flat already only a snapshot says so again: an event may be about something else.
        """
        if state.size_in(contract_id):
            self._flat_heard_ns = None
        elif self._flat_heard_ns is None:
            self._flat_heard_ns = heard_ns
        else:
            self._flat_heard_ns = max(self._flat_heard_ns, state.snapshot_asked_ns)

    @property
    def is_flat_early(self) -> bool:
        """Whether a flat is known only from a snapshot asked for before the close was sent.

        It may have been read before the position was opened, or after the close had filled; then
        one that was asked for later, and read before that, shows the position again. So it tells
        nothing of the close, which is outstanding until an event or another look does (I2).
        """
        heard_ns = self._flat_heard_ns
        return self.is_outstanding and heard_ns is not None and heard_ns < self.sent_ns

    def is_flat_doubtful(self, contract_id: str, state: AccountState, now_ns: int) -> bool:
        """Tell whether a flat is shown that nothing explains, for the close was refused.

        A stale read shows a flat like that for a moment, and with its end the position is bare if
        its stop was cancelled. So a fill that leaves the position explains it, or another look
        confirms it.
        """
        is_refused = self.reason is not None and not self.is_outstanding
        if not is_refused or state.counted_size_in(contract_id) or self._is_left:
            self._flat_ns = None
            return False
        if self._flat_ns is None or now_ns < self._flat_ns:
            self._flat_ns = now_ns
        is_confirmed = state.snapshot_asked_ns > self._flat_ns
        return not is_confirmed and now_ns - self._flat_ns < FLAT_BELIEVED_AFTER_NS

    def wants_look(self, now_ns: int) -> bool:
        """Tell whether only a snapshot can say how the command went, or whether it is flat."""
        is_flat_shown = self.is_flat_early or self._flat_ns is not None
        return is_flat_shown or super().wants_look(now_ns)

    def seen_flat(self, now_ns: int) -> None:
        """Take that nothing is open any more, whoever closed it."""
        self._flat_ns = None
        if self.state is SlotState.IDLE:
            self._forget()
        else:
            self.apply(SlotEvent.SEEN, now_ns)

    def guarded(self, order: Order) -> bool:
        """Tell whether an order was no larger than the position that we began to close.

        After a part of the close was filled such a stop is larger than what is left. Better too
        large a stop than none while the rest cannot be closed.
        """
        is_opposite = order.side.sign * self._largest_size < 0
        return is_opposite and order.open_size <= abs(self._largest_size)

    def count(self, fill: Fill, order_seen_ns: int) -> None:
        """Take a fill that came since the close was sent; what counts came while it was under way.

        What an order fills that was seen before the close was sent is not the close's doing.
        """
        if fill.side.sign * self.size_before >= 0:
            return
        self._is_left = True
        if not self.is_outstanding or fill.id in self._counted:
            return
        self._counted.add(fill.id)
        if order_seen_ns > self.sent_ns:
            self._closed_size += fill.size

    def effect_is_seen(self, contract_id: str, state: AccountState) -> bool:
        """Tell whether the account shows that the close happened.

        The contract is flat; or the part to be closed was filled on the closing side by an order
        that is new, once report and fills agree; or a snapshot asked for since shows a size that is
        smaller by as much. A reported size that shrank does not say by whose doing: the trader's
        own stop may have filled while the close is still on its way. While a market order of the
        closing side still works, more of it is to come.

        No fill shows that a close of all is over while something is open: the broker closes what
        is open when the command arrives, which may be more than was known when it was sent, and
        not every entry is told as a fill of its own. A position that merely changed sides proves
        nothing: the close may be on its way to that one too.

        A flat that is only reported does not tell of a part either: the report may be one of the
        moment in which an order of the trader's turned the position round.
        """
        position = state.position_in(contract_id)
        size = 0 if position is None else position.size
        if size == 0:
            return self.partial_size is None or state.counted_size_in(contract_id) == 0
        if closing_order_works(contract_id, self.size_before, state):
            return False
        if self.is_adopted:
            return state.is_settled
        if self.partial_size is None or size * self.size_before < 0:
            return False
        is_read_since = state.snapshot_asked_ns > self.sent_ns
        if is_read_since and abs(size) <= abs(self.size_before) - self.partial_size:
            return True
        return self._closed_size >= self.partial_size and state.is_settled


def certain_size(position: OpenPosition) -> int:
    """Return the signed size that report and fills both support.

    A reduction by too much cannot be taken back, so it goes by the smaller of the two; the next
    event, or a snapshot after a quarter of a second, settles the rest.
    """
    if position.size * position.fills_size <= 0:
        return 0
    return min(position.size, position.fills_size, key=abs)


def largest_size(position: OpenPosition) -> int:
    """Return the signed size that report or fills support: so much a flatten may have to close.

    Going by a report that lags behind the fills, a stop that guards it would look too large to stay
    until the rest is closed.
    """
    return position.counted_size if position.size * position.fills_size > 0 else position.size


def closing_order_works(contract_id: str, size: int, state: AccountState) -> bool:
    """Tell whether a market order that closes a signed size still works.

    It may be our own close, partly filled or held up in a halted market. Closing again beside it
    would trade twice and could reverse the position.
    """
    return any(
        order.contract_id == contract_id and is_market(order) and order.side.sign * size < 0
        for order in state.orders
    )
