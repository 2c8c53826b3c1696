"""The enforcement of one account: what must go, what was sent, and whether it is gone.

A breach adds a goal, a lock adds a scope that must stay empty (`enforcement_scope`); the plan
compares both with what the broker shows and asks for closes and cancels until they agree. It is
idempotent: a breach that comes while another is being enforced joins it, and the same fact twice
changes nothing.

- Only a position that the broker reports is closed, and it is closed by the Gateway's own close,
  which can reduce it and nothing else (I1).
- One close per contract is outstanding at most; see `command_slot` (I2).
- It ends when the account shows neither position nor working order in scope (I3).
- Orders that could open or increase are cancelled together with the close. Orders that only
  reduce protect the position, so they stay until the close is accepted or flat is seen. After a
  close that was accepted in vain they stay until flat is seen.
- What does not happen is tried again at a pace that fits the reason (`retry_pace`). Commands that
  change nothing are braked, whatever the reason (`brake`).
- What rules want done to stops is apart from that (`stop_moves`): no breach and no enforcement.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState, is_market, waits_for_parent
from risk_actors.core.broker import PROTECTIVE_STOP_TYPES, Fill, Order
from risk_actors.core.broker_looks import (
    BEFORE_THE_FIRST,
    CONFIRM_FLAT,
    IS_BRAKED,
    IS_UNCERTAIN,
    BrokerLooks,
)
from risk_actors.core.close_slot import CloseSlot, certain_size, closing_order_works, largest_size
from risk_actors.core.command_gate import BrakedKind, CommandGate
from risk_actors.core.command_slot import (
    ANSWER_TIMEOUT_NS,
    EXPLAINED_WITHIN_NS,
    CommandSlot,
    SlotEvent,
    SlotState,
)
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Outcome, Refusal
from risk_actors.core.enforcement_effects import (
    FLAT,
    REDUCED,
    STOPS,
    Braked,
    Effect,
    FlatObserved,
    Goal,
    Resumed,
    Started,
    Stuck,
)
from risk_actors.core.enforcement_scope import Scope, could_open
from risk_actors.core.enforcement_slots import Slots
from risk_actors.core.enforcement_voice import StuckVoice
from risk_actors.core.enforcement_words import brake_words, next_try_ns, what_was_tried, why_stuck
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.flat_by_fills import FlatByFills
from risk_actors.core.halt_pace import HALTS, due_in_hours
from risk_actors.core.let_in import LetIn
from risk_actors.core.lock import Lock
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.stop_moves import StopMoves
from risk_actors.core.verdict import Action, Flatten, StopMove

HEARD_WITHIN_NS = 2 * NS_PER_S
"""What the broker showed so shortly before an enforcement began still holds; older than that, and
"flat" is what somebody remembers (I3)."""
LOOK_WHILE_BRAKED_EVERY_NS = 15 * NS_PER_S
MARKET_ORDER_GRACE_NS = NS_PER_S // 4
"""A market order fills before a cancel could reach it; one that still works then is cancelled."""
BRAKE_AFTER_COMMANDS = 40
"""So many commands in a minute without any change, unless told otherwise."""


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
        brake_after: int = BRAKE_AFTER_COMMANDS,
        market: MarketCalendar | None = None,
    ) -> None:
        """Take where command ids come from; while not armed nothing is ever sent.

        Nothing is sent either before a snapshot asked for after `made_ns`. A plan that takes the
        place of another does not know what that one has under way, and no snapshot may show it
        yet; so it reduces nothing before `under_way_until_ns`, when such a command is over. After
        `brake_after` cancels and moves in a minute that change nothing, those pause; closes keep
        to their own pace, which has a brake of its own. Where the market's hours are known, what a
        closed market refuses is tried again at its opening.
        """
        self._market = market
        self._made_ns = made_ns
        self._may_reduce_ns = under_way_until_ns
        self._account_id = account_id
        self._command_ids = command_ids
        self._armed = armed
        self._state: AccountState | None = None
        self._scope = Scope(made_ns)
        self._moves = StopMoves(account_id, command_ids)
        self._slots = Slots(self._moves)
        self._gate = CommandGate(brake_after)
        self._let_in = LetIn()
        self._episode: _Episode | None = None
        self._looks = BrokerLooks()
        self._voice = StuckVoice()
        self._looked_ns = 0
        self._heard_ns = 0
        self._flat_by_fills = FlatByFills(EXPLAINED_WITHIN_NS)

    # --- what comes in --------------------------------------------------------------------

    def on_breach(
        self, cause: str, action: Action, correlation_id: str, now_ns: int
    ) -> list[Effect]:
        """Begin, or join, the enforcement of a breach."""
        self._scope.add(Goal(cause, action, correlation_id))
        return self._step(correlation_id, now_ns)

    def on_panic(self, cause: str, correlation_id: str, now_ns: int) -> list[Effect]:
        """Flatten because the trader asks for it: at once, whatever pause or brake there is."""
        self._gate.release(now_ns)
        for slot in self._slots:
            slot.hurry(now_ns)
        return self.on_breach(cause, Flatten(), correlation_id, now_ns)

    def on_breach_over(self, cause: str, correlation_id: str, now_ns: int) -> list[Effect]:
        """Drop what is left of a reduction whose rule no longer wants it; a flatten goes on."""
        self._scope.drop_reduction(cause)
        return self._step(correlation_id, now_ns)

    def on_locks(self, locks: tuple[Lock, ...], correlation_id: str, now_ns: int) -> list[Effect]:
        """Take all locks now in force on the account."""
        self._scope.take_locks(locks, self._state, now_ns)
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
        known_fills: Iterable[Fill] = (),
        heard_ns: int | None = None,
    ) -> list[Effect]:
        """Take what the broker shows.

        Args:
            state: the account.
            correlation_id: what brought it.
            now_ns: the time.
            fills: those that came since the last time.
            known_fills: all known ones, where a snapshot told them; when they came is not known.
            heard_ns: as of when the broker said so, 0 where it said nothing; now unless told.
        """
        heard_ns = now_ns if heard_ns is None else heard_ns
        self._heard_ns = max(self._heard_ns, heard_ns)
        self._slots.hear(state, fills, now_ns, heard_ns)
        self._gate.observe(state, (*fills, *known_fills), now_ns)
        self._flat_by_fills.observe(self._state, state, now_ns)
        self._state = state
        self._looks.came(state.snapshot_asked_ns)
        self._observe(state, now_ns)
        self._let_in.observe(state.can_trade)
        return [] if self._is_idle() else self._step(correlation_id, now_ns)

    def doubt_account(self) -> None:
        """Take that something the account showed was lost: it has to be seen again first (I3)."""
        self._state = None

    def on_outcome(self, outcome: Outcome, correlation_id: str, now_ns: int) -> list[Effect]:
        """Take the answer to a command; answers to superseded commands tell nothing."""
        self._gate.take(outcome, now_ns)
        slot = self._slots.of(outcome.command_id)
        if slot is None or not slot.is_outstanding:
            return []
        slot.take(self._judged(outcome), now_ns)
        self._wait_for_opening(slot, now_ns)
        self._voice.note(slot)
        return self._step(correlation_id, now_ns)

    def on_tick(self, correlation_id: str, now_ns: int) -> list[Effect]:
        """Let time pass."""
        return self._step(correlation_id, now_ns) if self.waits_for_time else []

    @property
    def waits_for_time(self) -> bool:
        """Whether the passing of time may change anything."""
        has_work = self._episode is not None or self._moves.has_work
        return has_work or self._waits_for_first_snapshot()

    def _judged(self, outcome: Outcome) -> Outcome:
        """Return an answer; a refusal without a reason from an account that is barred has one."""
        is_barred = self._state is not None and self._state.can_trade is False
        says_nothing = outcome.reason in (None, Refusal.OTHER)
        if outcome.answer is Answer.REFUSED and says_nothing and is_barred:
            return msgspec.structs.replace(outcome, reason=Refusal.ACCOUNT)
        return outcome

    def _wait_for_opening(self, slot: CommandSlot, now_ns: int) -> None:
        is_halted = slot.state is SlotState.WAITING and slot.reason in HALTS
        if self._market is None or self._state is None or not is_halted:
            return
        for position in self._state.positions:
            if self._slots.closes.get(position.contract_id) is slot:
                slot.due_ns = due_in_hours(self._market, position.symbol, now_ns, slot.due_ns)

    def _observe(self, state: AccountState, now_ns: int) -> None:
        self._slots.observe(state, now_ns)
        self._scope.observe(state, now_ns)

    # --- deciding -------------------------------------------------------------------------

    def _is_idle(self) -> bool:
        """Tell whether there is nothing to do whatever the account shows, nor anything to say."""
        if self._episode is not None or not (self._scope.is_empty and self._slots.is_empty):
            return False
        return self._moves.is_empty and self._gate.is_at_rest and not self._let_in.is_wanted

    def _step(self, correlation_id: str, now_ns: int) -> list[Effect]:
        if not self._armed:
            return []
        state = self._state
        if state is None or not self._is_known(state):
            return self._ask_to_begin(correlation_id, now_ns)
        is_free = self._gate.is_at_rest
        self._run_clocks(now_ns)
        if self._episode is None:
            self._slots.drop_done(now_ns)
        effects: list[Effect] = []
        if self._episode is None and (self._scope.goals or self._scope.is_work_left(state)):
            effects.append(self._begin(correlation_id, now_ns))
        if not is_free:
            effects.extend(self._resumed(correlation_id, now_ns))
        if self._episode is not None:
            correlation_id = self._episode.correlation_id
            effects.extend(self._closes_to_send(state, correlation_id, now_ns))
            effects.extend(self._cancels_to_send(state, correlation_id, now_ns))
        if now_ns >= self._may_reduce_ns:
            effects.extend(self._moves_to_send(state, now_ns))
        effects.extend(self._snapshot_to_ask(correlation_id, now_ns))
        effects.extend(self._finish(state, now_ns))
        if not is_free:
            effects.extend(self._braked(state, correlation_id, now_ns))
        return effects

    def _run_clocks(self, now_ns: int) -> None:
        for slot in self._slots:
            slot.run_clock(now_ns)
        self._gate.run_clock(now_ns)
        if self._let_in.is_due(now_ns):
            self._gate.changed(now_ns)
            for slot in self._slots:
                slot.let_in_again(now_ns)

    def _ask_to_begin(self, correlation_id: str, now_ns: int) -> list[Effect]:
        """Nothing is known of the account yet, so the first thing is to look."""
        if self._scope.is_empty:
            return []
        return list(self._looks.want(BEFORE_THE_FIRST, correlation_id, now_ns))

    def _begin(self, correlation_id: str, now_ns: int) -> Started:
        cause, detail, correlation_id = self._scope.why(correlation_id)
        self._episode = _Episode(cause, correlation_id, now_ns)
        self._voice.begin(now_ns)
        return Started(cause, detail, correlation_id)

    def _closes_to_send(
        self, state: AccountState, correlation_id: str, now_ns: int
    ) -> Iterator[Effect]:
        closes = self._slots.closes
        # Where not all may go at once, those that have waited longest go first.
        for position in sorted(state.positions, key=lambda p: _tried_ns(closes.get(p.contract_id))):
            contract_id = position.contract_id
            target = self._scope.target(contract_id)
            size = position.size if target == 0 else certain_size(position)
            if target is None or abs(size) <= target:
                continue
            if target and now_ns < self._may_reduce_ns:
                continue
            if self._flat_by_fills.awaits_report(contract_id, now_ns):
                continue
            slot = closes.setdefault(contract_id, CloseSlot())
            if target == 0:
                self._overtake(slot, now_ns)
            if slot.state is not SlotState.IDLE:
                continue
            if closing_order_works(contract_id, position.size, state):
                slot.adopt(position.size, now_ns)
                continue
            if not self._gate.may_close(contract_id, now_ns):
                continue
            slot.send(
                command_id=next(self._command_ids),
                size=size if target else largest_size(position),
                partial_size=None if target == 0 else abs(size) - target,
                now_ns=now_ns,
            )
            close = CloseContract(
                id=slot.command_id,
                account_id=self._account_id,
                contract_id=contract_id,
                correlation_id=correlation_id,
                size=slot.partial_size,
            )
            self._gate.note(close, now_ns)
            yield close

    @staticmethod
    def _overtake(slot: CloseSlot, now_ns: int) -> None:
        """A flatten waits for a reduction under way, but not for longer than an answer takes."""
        if slot.partial_size is None or slot.state is SlotState.IDLE:
            return
        refused = slot.state is SlotState.WAITING and not slot.was_turned_away
        if refused or now_ns - slot.sent_ns >= ANSWER_TIMEOUT_NS:
            slot.apply(SlotEvent.OVERTAKE, now_ns)
            slot.partial_size = None

    def _cancels_to_send(
        self, state: AccountState, correlation_id: str, now_ns: int
    ) -> Iterator[Effect]:
        cancels = self._slots.cancels
        for order in sorted(state.orders, key=lambda o: _tried_ns(cancels.get(o.id))):
            if not self._is_to_cancel(order, state, now_ns):
                continue
            slot = cancels.setdefault(order.id, CommandSlot())
            if slot.state is not SlotState.IDLE or not self._gate.may_cancel(now_ns):
                continue
            slot.apply(SlotEvent.SEND, now_ns)
            slot.command_id = next(self._command_ids)
            cancel = CancelOrder(
                id=slot.command_id,
                account_id=self._account_id,
                contract_id=order.contract_id,
                order_id=order.id,
                correlation_id=correlation_id,
            )
            self._gate.note(cancel, now_ns)
            yield cancel

    def _is_to_cancel(self, order: Order, state: AccountState, now_ns: int) -> bool:
        """Tell whether an unwanted order is to be cancelled now."""
        if not self._scope.is_unwanted(order, state) or waits_for_parent(order, state.orders):
            return False
        close = self._slots.closes.get(order.contract_id)
        if could_open(order, state) and not self._guards_the_rest(order, close, state):
            seen_ns = self._slots.order_seen_ns(order.id, now_ns)
            return not is_market(order) or now_ns - seen_ns >= MARKET_ORDER_GRACE_NS
        if self._scope.names(order.id):
            return True
        if close is None or not close.is_outstanding or close.is_adopted or close.was_in_vain:
            return False
        # A market order of the closing side is most likely our own close at work.
        return close.state is SlotState.ACCEPTED and not is_market(order)

    def _guards_the_rest(self, order: Order, close: CloseSlot | None, state: AccountState) -> bool:
        """Tell whether a stop protects what is still to be closed of a position.

        Once no more is open than may stay, a stop that is larger than that is an entry.
        """
        target = self._scope.target(order.contract_id)
        is_reduced = target and abs(state.counted_size_in(order.contract_id)) <= target
        return not is_reduced and _is_protection(order, close)

    def _moves_to_send(self, state: AccountState, now_ns: int) -> Iterator[Effect]:
        for move in self._moves.to_send(
            state, self._may_move, now_ns, lambda _: self._gate.may_move(now_ns)
        ):
            self._gate.note(move, now_ns)
            yield move

    def _may_move(self, order: Order) -> bool:
        """Tell whether a stop is not about to go, with its position or by itself."""
        close = self._slots.closes.get(order.contract_id)
        return (
            self._scope.target(order.contract_id) != 0
            and (close is None or not close.is_outstanding)
            and order.id not in self._slots.cancels
        )

    # --- ending, and saying how it stands ---------------------------------------------------

    def _finish(self, state: AccountState, now_ns: int) -> Iterator[Effect]:
        episode = self._episode
        if episode is None:
            return
        is_heard = self._heard_ns >= episode.started_ns - HEARD_WITHIN_NS
        is_work_left = self._scope.is_work_left(state)
        if is_heard:
            self._scope.drop_met(state)
        elif not is_work_left:
            yield from self._looks.want(CONFIRM_FLAT, episode.correlation_id, now_ns)
        if is_heard and not (self._scope.goals or state.distrusted or is_work_left):
            self._episode = None
            self._gate.forget_told()
            detail = REDUCED if state.positions else FLAT
            took_ns = now_ns - episode.started_ns
            yield FlatObserved(episode.cause, detail, episode.correlation_id, took_ns)
            yield from self._looks.confirm(episode.correlation_id, now_ns)
        elif not self._gate.is_on and self._voice.is_due(self._slots, now_ns):
            yield Stuck(
                episode.cause,
                why_stuck(state, self._slots, now_ns, is_heard=is_heard),
                episode.correlation_id,
                now_ns - episode.started_ns,
                next_try_ns(self._slots, now_ns),
            )

    def _braked(self, state: AccountState, correlation_id: str, now_ns: int) -> Iterator[Effect]:
        """Say that the brake is on, and look at the account now and then."""
        for kind in self._gate.kinds:
            is_wanted = self._episode is not None or kind is self._gate.moves
            if not is_wanted or not kind.brake.is_on:
                continue
            if not 0 <= now_ns - self._looked_ns < LOOK_WHILE_BRAKED_EVERY_NS:
                self._looked_ns = now_ns
                yield from self._looks.want(IS_BRAKED, correlation_id, now_ns)
            if kind.is_to_tell(now_ns):
                kind.note_told(now_ns)
                yield self._say_braked(kind, state, correlation_id, now_ns)

    def _say_braked(
        self, kind: BrakedKind, state: AccountState, correlation_id: str, now_ns: int
    ) -> Braked:
        episode, for_moves = self._episode, kind is self._gate.moves
        for_cancels = kind is self._gate.cancels
        detail = brake_words(
            what_was_tried(kind.commands, state),
            kind.count,
            why_stuck(state, self._slots, now_ns),
            kind.brake.opens_ns,
            now_ns,
            for_moves=for_moves,
            for_cancels=for_cancels,
        )
        cause = STOPS if for_moves or episode is None else episode.cause
        took_ns = 0 if episode is None else now_ns - episode.started_ns
        return Braked(cause, detail, correlation_id, took_ns, kind.brake.opens_ns)

    def _resumed(self, correlation_id: str, now_ns: int) -> Iterator[Effect]:
        """Say that the brake was released."""
        episode = self._episode
        for kind in self._gate.kinds:
            if not kind.was_released:
                continue
            kind.was_released = False
            if episode is None:
                yield Resumed(STOPS, correlation_id, 0, is_under_way=False)
            else:
                took_ns = now_ns - episode.started_ns
                yield Resumed(episode.cause, episode.correlation_id, took_ns, is_under_way=True)

    # --- snapshots ------------------------------------------------------------------------

    def _snapshot_to_ask(self, correlation_id: str, now_ns: int) -> Iterator[Effect]:
        for slot in self._slots:
            if slot.wants_look(now_ns):
                asked_for = slot.correlation_id or correlation_id
                yield from self._looks.want(IS_UNCERTAIN, asked_for, now_ns)

    def _waits_for_first_snapshot(self) -> bool:
        unknown = self._state is None or not self._is_known(self._state)
        return unknown and not self._scope.is_empty

    def _is_known(self, state: AccountState) -> bool:
        return state.is_reconciled and state.snapshot_asked_ns >= self._made_ns


def _tried_ns(slot: CommandSlot | None) -> int:
    """Return when a command was last sent; 0 where none was."""
    return 0 if slot is None else slot.tried_ns


def _is_protection(order: Order, close: CloseSlot | None) -> bool:
    """Tell whether a stop was no larger than what we began to close, of which a part is left."""
    return close is not None and order.type in PROTECTIVE_STOP_TYPES and close.guarded(order)
