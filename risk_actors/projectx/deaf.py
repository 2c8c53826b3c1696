"""Whether a hub that is connected is deaf: pure reckoning, on what was told and what was read.

A hub may be connected and deliver nothing (the SDK lost its subscriptions, the server forgot them,
nobody is at the other end). Silence alone proves nothing. For the user hub the proof is something
that a read over REST shows and the stream did not tell; for the market hub, a recent bar that
shows trading which no quote told of.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from risk_actors.core.broker import Fill, Order, OrderStatus, Position
from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import (
    AccountSnapshot,
    FillReported,
    Message,
    OrderReported,
    PositionReported,
)

SETTLING_NS = 3 * NS_PER_S
"""How long after a read showed it the stream may still tell it. Its events come within
milliseconds (measured live); a broker in a hurry or our own stall may take a second or two."""
FIRST_GAP_NS = 10 * NS_PER_S
LONGEST_GAP_NS = 600 * NS_PER_S
"""Between two new connections for the same deafness: a broker that never sends a kind of event is
not reconnected over and over, each time with a gap of its own."""
FIRST_TRUST_NS = 15 * NS_PER_S
LONGEST_TRUST_NS = 600 * NS_PER_S
"""For how long what is read must agree with what is known before a hub that missed something is
trusted again although nothing came to be told; longer with each time that it misses more."""
_LOOKS = 2
"""Looks that must find it overdue: after a stall of ours, events wait to be handled as well."""


class Kind(StrEnum):
    """What the user hub tells of an account."""

    FILL = "fill"
    ORDER = "order"
    POSITION = "position"


class Missed(NamedTuple):
    """What the stream should have told and did not."""

    kinds: frozenset[Kind]
    words: str


class KickPace:
    """How often a hub may be connected anew for the same reason: at once, then less and less."""

    def __init__(self) -> None:
        self._next_ns = 0
        self._gap_ns = FIRST_GAP_NS

    def may_kick(self, now_ns: int) -> bool:
        """Tell whether it is time; if so, the next time is later."""
        if now_ns < self._next_ns:
            return False
        self._next_ns = now_ns + self._gap_ns
        self._gap_ns = min(self._gap_ns * 2, LONGEST_GAP_NS)
        return True

    def reset(self) -> None:
        """Begin anew: what was missed has been heard."""
        self._next_ns, self._gap_ns = 0, FIRST_GAP_NS


class _Untold:
    """One thing that a read showed and the stream has not told yet."""

    def __init__(self, words: str, since_ns: int) -> None:
        self.words = words
        self.since_ns = since_ns
        self.looks = 0


class _Doubt:
    """Something of one account that the stream did not tell."""

    def __init__(self) -> None:
        self.since_ns = 0
        self.trust_ns = FIRST_TRUST_NS // 2
        self.is_open = False

    def confirm(self, now_ns: int) -> None:
        """Take that the stream has missed something (more)."""
        if not self.is_open:
            self.trust_ns = min(self.trust_ns * 2, LONGEST_TRUST_NS)
        self.since_ns, self.is_open = now_ns, True


class _Known:
    """What is known of one account, by the stream or by reads; ids and sizes alone."""

    def __init__(self) -> None:
        self.is_read = False
        self.expected: set[Kind] = set()
        """Of what kinds this connection must have told whatever a read shows to be new."""
        self.fills: set[int] = set()
        self.working: dict[int, int] = {}
        """Orders that work, by id, with when they were told."""
        self.ended: set[int] = set()
        self.sizes: dict[str, tuple[int, int]] = {}
        """By contract, the size and when it was told."""


class UserEar:
    """Compares what the user hub told with what reads show. Instants are ns of UTC, as received."""

    def __init__(self) -> None:
        self._opened_ns: int | None = None
        self._known: dict[int, _Known] = {}
        self._untold: dict[tuple[int, Kind, int | str], _Untold] = {}
        self._paces = {kind: KickPace() for kind in Kind}
        self._doubts: dict[tuple[int, Kind], _Doubt] = {}

    @property
    def doubted(self) -> set[tuple[int, Kind]]:
        """What was missed of which account and has not been heard since: it is on trial."""
        return {key for key, doubt in self._doubts.items() if doubt.is_open}

    def opened(self, now_ns: int) -> None:
        """Begin with a new connection that is subscribed: what came before was told to another."""
        self._opened_ns = now_ns
        for known in self._known.values():
            known.expected.clear()
        self._untold.clear()
        for doubt in self._doubts.values():
            doubt.since_ns = max(doubt.since_ns, now_ns)

    def closed(self) -> None:
        """Expect nothing of a hub that is down."""
        self._opened_ns = None
        self._untold.clear()

    def heard(self, message: Message, now_ns: int) -> None:
        """Take what the stream told."""
        match message:
            case FillReported(fill=fill):
                self._account(fill.account_id).fills.add(fill.id)
                self._told(fill.account_id, Kind.FILL, fill.id)
            case OrderReported(order=order):
                self._on_order(order, now_ns)
                self._told(order.account_id, Kind.ORDER, order.id)
            case PositionReported(position=position):
                sizes = self._account(position.account_id).sizes
                sizes[position.contract_id] = (position.size, now_ns)
                self._told(position.account_id, Kind.POSITION, position.contract_id)

    def read(self, snapshot: AccountSnapshot, now_ns: int) -> None:
        """Take what a read shows; the first of a connection tells what was before it."""
        account = self._account(snapshot.account_id)
        fresh = [
            *self._new_fills(account, snapshot.fills or ()),
            *self._new_orders(account, snapshot),
            *self._new_sizes(account, snapshot),
        ]
        account.is_read = True
        if self._opened_ns is None or snapshot.asked_ns < self._opened_ns:
            return
        for kind, key, words in fresh:
            if kind in account.expected:
                self._untold.setdefault((snapshot.account_id, kind, key), _Untold(words, now_ns))
        account.expected.update(Kind)

    def agreed(self, account_id: int) -> None:
        """Take that an account's positions and orders were found as they were known before."""
        account = self._account(account_id)
        if self._opened_ns is not None and account.is_read:
            account.expected.update((Kind.POSITION, Kind.ORDER))

    def regain_trust(self, now_ns: int) -> None:
        """End the doubts that nothing has confirmed for long enough; call it now and then."""
        if self._opened_ns is None:
            return
        for (account_id, kind), doubt in self._doubts.items():
            is_untold = any(key[:2] == (account_id, kind) for key in self._untold)
            if doubt.is_open and not is_untold and now_ns - doubt.since_ns >= doubt.trust_ns:
                doubt.is_open = False

    def missed(self, now_ns: int) -> Missed | None:
        """Return what is overdue by now, if anything is; call it a few times a second."""
        overdue: list[tuple[Kind, str]] = []
        for (account_id, kind, _), untold in self._untold.items():
            if now_ns - untold.since_ns >= SETTLING_NS:
                untold.looks += 1
                if untold.looks >= _LOOKS:
                    overdue.append((kind, untold.words))
                    self._doubts.setdefault((account_id, kind), _Doubt()).confirm(now_ns)
        if not overdue:
            return None
        return Missed(frozenset(kind for kind, _ in overdue), overdue[0][1])

    def may_kick(self, missed: Missed, now_ns: int) -> bool:
        """Tell whether to connect anew for what was missed; it is taken as done, and forgotten."""
        self._untold.clear()
        due = [kind for kind in missed.kinds if self._paces[kind].may_kick(now_ns)]
        return bool(due)

    # --- details --------------------------------------------------------------------------

    def _account(self, account_id: int) -> _Known:
        return self._known.setdefault(account_id, _Known())

    def _told(self, account_id: int, kind: Kind, key: int | str) -> None:
        self._untold.pop((account_id, kind, key), None)
        self._doubts.pop((account_id, kind), None)
        self._paces[kind].reset()

    def _on_order(self, order: Order, now_ns: int) -> None:
        account = self._account(order.account_id)
        if order.is_working:
            account.working[order.id] = now_ns
        elif order.status is not OrderStatus.NONE:
            account.working.pop(order.id, None)
            account.ended.add(order.id)

    def _new_fills(
        self, account: _Known, fills: Iterable[Fill]
    ) -> Iterable[tuple[Kind, int | str, str]]:
        for fill in fills:
            if fill.id not in account.fills:
                account.fills.add(fill.id)
                if not fill.voided:
                    yield Kind.FILL, fill.id, f"fill {fill.id}"

    def _new_orders(
        self, account: _Known, snapshot: AccountSnapshot
    ) -> Iterable[tuple[Kind, int | str, str]]:
        # Suspended bracket children come and go with the parent, and not every read lists them.
        listed = {o.id for o in snapshot.orders if o.status is not OrderStatus.SUSPENDED}
        hidden = {o.id for o in snapshot.orders if o.status is OrderStatus.SUSPENDED}
        for order_id in listed - account.working.keys() - account.ended:
            account.working[order_id] = snapshot.asked_ns
            yield Kind.ORDER, order_id, f"order {order_id}"
        for order_id, told_ns in list(account.working.items()):
            if order_id in hidden or (not snapshot.covers_suspended and order_id not in listed):
                account.working.pop(order_id)
            elif order_id not in listed and told_ns < snapshot.asked_ns:
                account.working.pop(order_id)
                account.ended.add(order_id)
                yield Kind.ORDER, order_id, f"the end of order {order_id}"

    def _new_sizes(
        self, account: _Known, snapshot: AccountSnapshot
    ) -> Iterable[tuple[Kind, int | str, str]]:
        read = _sizes(snapshot.positions)
        for contract_id in dict.fromkeys((*account.sizes, *read)):
            size, told_ns = account.sizes.get(contract_id, (0, 0))
            if told_ns < snapshot.asked_ns and read.get(contract_id, 0) != size:
                account.sizes[contract_id] = (read.get(contract_id, 0), snapshot.asked_ns)
                yield Kind.POSITION, contract_id, f"a change of the position in {contract_id}"


def _sizes(positions: Iterable[Position]) -> Mapping[str, int]:
    return {position.contract_id: position.size for position in positions}
