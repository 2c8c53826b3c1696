"""The enforcement of one account: what must go, what was sent, and whether it is gone.

A breach adds a goal, a lock adds a scope that must stay empty; the plan compares both with what
the broker shows and asks for closes and cancels until they agree. It is idempotent: a breach that
comes while another is being enforced joins it, and the same fact twice changes nothing.

- Only a position that the broker reports is closed, and it is closed by the Gateway's own close,
  which can reduce it and nothing else (I1).
- One close per contract is outstanding at most; see `command_slot` (I2).
- It ends when the account shows neither position nor working order in scope (I3).
- Orders that could open or increase are cancelled together with the close. Orders that only
  reduce protect the position, so they stay until the close is accepted or flat is seen.
- What rules want done to stops is apart from that (`stop_moves`): no breach and no enforcement.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from risk_actors.core.account_state import (
    AccountState,
    entry_size,
    is_market,
    waits_for_parent,
)
from risk_actors.core.broker import PROTECTIVE_STOP_TYPES, Fill, Order
from risk_actors.core.close_slot import CloseSlot, certain_size, closing_order_works
from risk_actors.core.command_slot import (
    ANSWER_TIMEOUT_NS,
    CommandSlot,
    SlotEvent,
    SlotState,
)
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Outcome, Refusal
from risk_actors.core.enforcement_effects import (
    FLAT,
    REDUCED,
    RULE_BROKEN,
    AskSnapshot,
    Effect,
    FlatObserved,
    Goal,
    Started,
    Stuck,
)
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.flat_by_fills import FlatByFills
from risk_actors.core.kept_sizes import KeptSizes
from risk_actors.core.lock import Lock
from risk_actors.core.stop_moves import StopMoves
from risk_actors.core.verdict import Action, Existing, Flatten, StopMove

NS_PER_MS = NS_PER_S // 1000

STUCK_AFTER_NS = 3 * NS_PER_S
"""An enforcement that has not ended by then says so."""
SAY_STUCK_EVERY_NS = 10 * NS_PER_S
REMEMBER_ORDERS = 10_000
"""How many orders' first sight is remembered; more than can matter to one close."""
CONFIRM_AT_MOST_EVERY_NS = 10 * NS_PER_S
"""How often what was observed in events is confirmed by a snapshot."""
ASK_AGAIN_AFTER_NS = 2 * NS_PER_S
"""A snapshot that did not come is asked for again."""
EXPLAINED_WITHIN_NS = 300 * NS_PER_MS
"""\"There is nothing to close or cancel\": the event that says why is on its way this long."""
MARKET_ORDER_GRACE_NS = 250 * NS_PER_MS
"""A market order fills before a cancel could reach it; one that still works then is cancelled."""


class _Episode(NamedTuple):
    cause: str
    correlation_id: str
    started_ns: int


class EnforcementPlan:
    """The plan of one account. Every method returns what is to be done now."""

    def __init__(
        self,
        account_id: int,
        *,
        command_ids: Iterator[int],
        armed: bool = True,
        made_ns: int = 0,
        under_way_until_ns: int = 0,
    ) -> None:
        """Take where command ids come from; while not armed nothing is ever sent.

        Nothing is sent either before a snapshot asked for after `made_ns`. A plan that takes the
        place of another does not know what that one has under way, and no snapshot may show it
        yet; so it reduces nothing before `under_way_until_ns`, when such a command is over.
        """
        self._made_ns = made_ns
        self._may_reduce_ns = under_way_until_ns
        self._account_id = account_id
        self._command_ids = command_ids
        self._armed = armed
        self._state: AccountState | None = None
        self._goals: list[Goal] = []
        self._locks: tuple[Lock, ...] = ()
        self._kept = KeptSizes(made_ns)
        self._closes: dict[str, CloseSlot] = {}
        self._cancels: dict[int, CommandSlot] = {}
        self._moves = StopMoves(account_id, command_ids)
        self._episode: _Episode | None = None
        self._snapshot_asked_ns: int | None = None
        self._say_stuck_ns = 0
        self._confirmed_ns = 0
        self._order_seen_ns: dict[int, int] = {}
        self._flat_by_fills = FlatByFills(EXPLAINED_WITHIN_NS)

    # --- what comes in --------------------------------------------------------------------

    def on_breach(
        self, cause: str, action: Action, correlation_id: str, now_ns: int
    ) -> list[Effect]:
        """Begin, or join, the enforcement of a breach."""
        goal = Goal(cause, action, correlation_id)
        self._goals = [g for g in self._goals if g.cause != cause] + [goal]
        return self._step(correlation_id, now_ns)

    def on_breach_over(self, cause: str, correlation_id: str, now_ns: int) -> list[Effect]:
        """Drop what is left of a reduction whose rule no longer wants it; a flatten goes on."""
        self._goals = [
            goal for goal in self._goals if goal.cause != cause or isinstance(goal.action, Flatten)
        ]
        return self._step(correlation_id, now_ns)

    def on_locks(self, locks: tuple[Lock, ...], correlation_id: str, now_ns: int) -> list[Effect]:
        """Take all locks now in force on the account."""
        self._locks = locks
        self._kept.observe(locks, self._state, now_ns)
        return self._step(correlation_id, now_ns)

    def on_stop_moves(
        self, rule_id: str, moves: tuple[StopMove, ...], correlation_id: str, now_ns: int
    ) -> list[Effect]:
        """Take all moves of stops that a rule wants now, in place of those it wanted before."""
        self._moves.want(rule_id, moves, correlation_id)
        return self._step(correlation_id, now_ns)

    def on_account(
        self,
        state: AccountState,
        correlation_id: str,
        now_ns: int,
        fills: Iterable[Fill] = (),
    ) -> list[Effect]:
        """Take what the broker shows, and the fills that came since the last time."""
        self._count_fills(state, fills, now_ns)
        self._flat_by_fills.observe(self._state, state, now_ns)
        self._state = state
        if self._snapshot_asked_ns is not None and (
            state.snapshot_asked_ns >= self._snapshot_asked_ns
        ):
            self._snapshot_asked_ns = None
        self._observe(state, now_ns)
        return self._step(correlation_id, now_ns)

    def on_outcome(self, outcome: Outcome, correlation_id: str, now_ns: int) -> list[Effect]:
        """Take the answer to a command; answers to superseded commands tell nothing."""
        slot = self._slot_of(outcome.command_id)
        if slot is None or not slot.is_outstanding:
            return []
        if outcome.answer is Answer.REFUSED:
            slot.refusal, slot.refusal_lasts = outcome.detail, outcome.reason is Refusal.ACCOUNT
        match outcome.answer:
            case Answer.ACCEPTED:
                if slot.state is not SlotState.ACCEPTED:
                    slot.apply(SlotEvent.ACCEPT, now_ns)
            case Answer.REFUSED:
                if slot.state is SlotState.ACCEPTED:
                    slot.apply(SlotEvent.DOUBT, now_ns)
                slot.apply(SlotEvent.REFUSE, now_ns)
            case Answer.GONE:
                slot.apply(SlotEvent.DOUBT, now_ns)
                slot.look_ns = now_ns + EXPLAINED_WITHIN_NS
            case Answer.UNCERTAIN:
                slot.apply(SlotEvent.DOUBT, now_ns)
        return self._step(correlation_id, now_ns)

    def on_tick(self, correlation_id: str, now_ns: int) -> list[Effect]:
        """Let time pass."""
        has_work = self._episode is not None or self._moves.has_work
        if not has_work and not self._waits_for_first_snapshot():
            return []
        return self._step(correlation_id, now_ns)

    def _count_fills(self, state: AccountState, fills: Iterable[Fill], now_ns: int) -> None:
        seen_ns = self._order_seen_ns
        for order_id in (*(order.id for order in state.orders), *state.awaited_order_ids):
            seen_ns.setdefault(order_id, now_ns)
        for fill in fills:
            close = self._closes.get(fill.contract_id)
            order_seen_ns = seen_ns.setdefault(fill.order_id, now_ns)
            if close is not None and close.is_outstanding:
                close.count(fill, order_seen_ns)
        while len(seen_ns) > REMEMBER_ORDERS:
            del seen_ns[next(iter(seen_ns))]

    # --- observing ------------------------------------------------------------------------

    def _observe(self, state: AccountState, now_ns: int) -> None:
        """Free the slots whose effect the account shows, or shows to be missing."""
        working = {order.id for order in state.orders}
        for contract_id, close in list(self._closes.items()):
            if close.state is SlotState.IDLE:
                continue
            if close.effect_is_seen(contract_id, state):
                close.apply(SlotEvent.SEEN, now_ns)
            elif close.is_refuted_by(state):
                pending = closing_order_works(contract_id, close.size_before, state)
                close.apply(SlotEvent.PENDING if pending else SlotEvent.NOT_SEEN, now_ns)
        for order_id, cancel in list(self._cancels.items()):
            if order_id not in working:
                del self._cancels[order_id]
            elif cancel.is_refuted_by(state):
                cancel.apply(SlotEvent.NOT_SEEN, now_ns)
        self._moves.observe(state, now_ns)
        self._kept.observe(self._locks, state, now_ns)

    # --- deciding -------------------------------------------------------------------------

    def _step(self, correlation_id: str, now_ns: int) -> list[Effect]:
        if not self._armed:
            return []
        state = self._state
        if state is None or not self._is_known(state):
            return self._ask_to_begin(correlation_id, now_ns)
        for slot in self._slots():
            slot.run_clock(now_ns)
        effects: list[Effect] = []
        if self._episode is None and (self._goals or self._is_work_left(state)):
            effects.append(self._begin(correlation_id, now_ns))
        if self._episode is not None:
            correlation_id = self._episode.correlation_id
            effects.extend(self._closes_to_send(state, correlation_id, now_ns))
            effects.extend(self._cancels_to_send(state, correlation_id, now_ns))
        if now_ns >= self._may_reduce_ns:
            effects.extend(self._moves.to_send(state, self._may_move, now_ns))
        effects.extend(self._snapshot_to_ask(correlation_id, now_ns))
        effects.extend(self._finish(state, now_ns))
        return effects

    def _may_move(self, order: Order) -> bool:
        """Tell whether a stop is not about to go, with its position or by itself."""
        close = self._closes.get(order.contract_id)
        return (
            self._target(order.contract_id) != 0
            and (close is None or not close.is_outstanding)
            and order.id not in self._cancels
        )

    def _ask_to_begin(self, correlation_id: str, now_ns: int) -> list[Effect]:
        """Nothing is known of the account yet, so the first thing is to look."""
        if not self._goals and not self._locks:
            return []
        return list(self._ask(correlation_id, "enforcement before the first snapshot", now_ns))

    def _begin(self, correlation_id: str, now_ns: int) -> Started:
        if self._goals:
            cause, correlation_id = self._goals[0].cause, self._goals[0].correlation_id
            detail = RULE_BROKEN
        else:
            cause = ", ".join(dict.fromkeys(lock.rule_id for lock in self._locks))
            detail = "something appeared under a lock"
        self._episode = _Episode(cause, correlation_id, now_ns)
        self._say_stuck_ns = now_ns + STUCK_AFTER_NS
        return Started(cause, detail, correlation_id)

    def _target(self, contract_id: str) -> int | None:
        """Return the largest size that may stay in a contract; None where any may."""
        wanted = [goal.target(contract_id) for goal in self._goals]
        locked = [
            self._kept.size(lock, contract_id) for lock in self._locks if lock.covers(contract_id)
        ]
        return min((size for size in (*wanted, *locked) if size is not None), default=None)

    def _closes_to_send(
        self, state: AccountState, correlation_id: str, now_ns: int
    ) -> Iterator[Effect]:
        for position in state.positions:
            target = self._target(position.contract_id)
            size = position.size if target == 0 else certain_size(position)
            if target is None or abs(size) <= target:
                continue
            if target and now_ns < self._may_reduce_ns:
                continue
            if self._flat_by_fills.awaits_report(position.contract_id, now_ns):
                continue
            slot = self._closes.setdefault(position.contract_id, CloseSlot())
            if target == 0:
                self._overtake(slot, now_ns)
            if slot.state is not SlotState.IDLE:
                continue
            if closing_order_works(position.contract_id, position.size, state):
                slot.adopt(position.size, now_ns)
                continue
            slot.send(
                command_id=next(self._command_ids),
                size=size,
                partial_size=None if target == 0 else abs(size) - target,
                now_ns=now_ns,
            )
            yield CloseContract(
                id=slot.command_id,
                account_id=self._account_id,
                contract_id=position.contract_id,
                correlation_id=correlation_id,
                size=slot.partial_size,
            )

    @staticmethod
    def _overtake(slot: CloseSlot, now_ns: int) -> None:
        """A flatten waits for a reduction under way, but not for longer than an answer takes."""
        if slot.partial_size is None or slot.state is SlotState.IDLE:
            return
        refused = slot.state is SlotState.WAITING
        if refused or now_ns - slot.sent_ns >= ANSWER_TIMEOUT_NS:
            slot.apply(SlotEvent.OVERTAKE, now_ns)
            slot.partial_size = None

    def _cancels_to_send(
        self, state: AccountState, correlation_id: str, now_ns: int
    ) -> Iterator[Effect]:
        for order in state.orders:
            if not self._is_to_cancel(order, state, now_ns):
                continue
            slot = self._cancels.setdefault(order.id, CommandSlot())
            if slot.state is not SlotState.IDLE:
                continue
            slot.apply(SlotEvent.SEND, now_ns)
            slot.command_id = next(self._command_ids)
            yield CancelOrder(
                id=slot.command_id,
                account_id=self._account_id,
                contract_id=order.contract_id,
                order_id=order.id,
                correlation_id=correlation_id,
            )

    def _is_unwanted(self, order: Order, state: AccountState) -> bool:
        """Tell whether an order must be gone before the enforcement can end."""
        if any(goal.names(order.id) or goal.covers(order.contract_id) for goal in self._goals):
            return True
        scopes = [lock for lock in self._locks if lock.covers(order.contract_id)]
        if any(lock.existing is Existing.FLATTEN for lock in scopes):
            return True
        return bool(scopes) and _could_open(order, state) and not self._protects(order, state)

    def _protects(self, order: Order, state: AccountState) -> bool:
        """Tell whether an order is protection of an open position although it is larger than that.

        The broker brings a bracket's exits down with the position, a moment after the position
        shrank. A plain stop it leaves as it is; better too large a stop than none on what is kept,
        for if it fills, what it opens is flattened. One larger than what was there when the lock
        began was never protection.
        """
        size = state.counted_size_in(order.contract_id)
        if order.side.sign * size >= 0:
            return False
        if order.parent_order_id is not None:
            return True
        kept = max((dict(lock.kept).get(order.contract_id, 0) for lock in self._locks), default=0)
        return (
            order.type in PROTECTIVE_STOP_TYPES
            and self._target(order.contract_id) != 0
            and order.open_size <= max(kept, abs(size))
        )

    def _is_to_cancel(self, order: Order, state: AccountState, now_ns: int) -> bool:
        """Tell whether an unwanted order is to be cancelled now."""
        if not self._is_unwanted(order, state) or waits_for_parent(order, state.orders):
            return False
        if _could_open(order, state):
            seen_ns = self._order_seen_ns.get(order.id, now_ns)
            return not is_market(order) or now_ns - seen_ns >= MARKET_ORDER_GRACE_NS
        if any(goal.names(order.id) for goal in self._goals):
            return True
        close = self._closes.get(order.contract_id)
        if close is None or not close.is_outstanding or close.is_adopted:
            return False
        # A market order of the closing side is most likely our own close at work.
        return close.state is SlotState.ACCEPTED and not is_market(order)

    # --- ending ---------------------------------------------------------------------------

    def _is_met(self, goal: Goal, state: AccountState) -> bool:
        """Tell whether the broker shows what a goal wants."""
        above = any(
            (target := goal.target(position.contract_id)) is not None
            and abs(position.counted_size) > target
            for position in state.positions
        )
        unwanted = any(
            goal.covers(order.contract_id) or goal.names(order.id) for order in state.orders
        )
        awaited = any(goal.target(contract_id) is not None for contract_id in state.awaited)
        return not (above or unwanted or awaited or state.distrusted)

    def _is_work_left(self, state: AccountState) -> bool:
        """Tell whether the broker shows anything that must go, or may be about to."""
        return (
            any(
                (target := self._target(position.contract_id)) is not None
                and (abs(position.counted_size) > target)
                for position in state.positions
            )
            or any(self._is_unwanted(order, state) for order in state.orders)
            or any(self._target(contract_id) is not None for contract_id in state.awaited)
        )

    def _finish(self, state: AccountState, now_ns: int) -> Iterator[Effect]:
        episode = self._episode
        if episode is None:
            return
        took_ns = now_ns - episode.started_ns
        # A goal that is met is done with, even while another part of the plan is stuck: kept, it
        # would cut down what the trader may open again.
        self._goals = [goal for goal in self._goals if not self._is_met(goal, state)]
        if not (self._goals or state.distrusted or self._is_work_left(state)):
            self._episode = None
            self._closes = {
                contract_id: slot
                for contract_id, slot in self._closes.items()
                if slot.is_outstanding
            }
            detail = REDUCED if state.positions else FLAT
            yield FlatObserved(episode.cause, detail, episode.correlation_id, took_ns)
            if now_ns - self._confirmed_ns >= CONFIRM_AT_MOST_EVERY_NS:
                # The stream may have lost an order's row; one look at the broker shows it.
                self._confirmed_ns = now_ns
                yield AskSnapshot("confirm flat", episode.correlation_id)
        elif now_ns >= self._say_stuck_ns:
            self._say_stuck_ns = now_ns + SAY_STUCK_EVERY_NS
            yield Stuck(episode.cause, self._why_stuck(), episode.correlation_id, took_ns)

    def _why_stuck(self) -> str:
        slots = [*self._closes.values(), *self._cancels.values()]
        refusals = {slot.refusal for slot in slots if slot.refusal}
        if refusals:
            return "the broker refuses: " + "; ".join(sorted(refusals))
        if any(slot.state is SlotState.UNCERTAIN for slot in slots):
            return "the broker does not answer; waiting for a snapshot"
        return "the broker accepted, but the effect is not seen"

    def _snapshot_to_ask(self, correlation_id: str, now_ns: int) -> Iterator[Effect]:
        for slot in self._slots():
            if slot.state is SlotState.UNCERTAIN and slot.look_ns <= now_ns:
                asked_for = slot.correlation_id or correlation_id
                yield from self._ask(asked_for, "uncertain answer", now_ns)

    def _ask(self, correlation_id: str, reason: str, now_ns: int) -> Iterator[Effect]:
        asked_ns = self._snapshot_asked_ns
        if asked_ns is not None and now_ns - asked_ns < ASK_AGAIN_AFTER_NS:
            return
        self._snapshot_asked_ns = now_ns
        yield AskSnapshot(reason, correlation_id)

    # --- details --------------------------------------------------------------------------

    def _waits_for_first_snapshot(self) -> bool:
        unknown = self._state is None or not self._is_known(self._state)
        return unknown and bool(self._goals or self._locks)

    def _is_known(self, state: AccountState) -> bool:
        return state.is_reconciled and state.snapshot_asked_ns >= self._made_ns

    def _slots(self) -> Iterable[CommandSlot]:
        yield from self._closes.values()
        yield from self._cancels.values()
        yield from self._moves.slots

    def _slot_of(self, command_id: int) -> CommandSlot | None:
        for slot in self._slots():
            if slot.command_id == command_id:
                return slot
        return None


def _could_open(order: Order, state: AccountState) -> bool:
    """Tell whether an order could open or increase exposure, given what the account holds."""
    position = state.position_in(order.contract_id)
    return entry_size(order, position.counted_size if position else 0) > 0
