"""What the trader is told of an enforcement that makes no progress: which contract, why, what now.

One clause for each thing that is stuck, closes first, because a position is what costs money.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import PROTECTIVE_STOP_TYPES
from risk_actors.core.close_slot import CloseSlot
from risk_actors.core.command_slot import CommandSlot, SlotState
from risk_actors.core.commands import CancelOrder, CloseContract, Command, MoveStop, Refusal
from risk_actors.core.enforcement_slots import Slots
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.instruments import symbol_of

MOST_CLAUSES = 4
"""A sentence with more of them says nothing to anybody in a hurry."""

TOO_MANY_REQUESTS = (
    "the broker says there are too many requests; other programs may use the same login"
)
NOT_LOGGED_IN = "the broker does not accept the login any more; a new one is being fetched"
NOT_HEARD = "the account cannot be read, so nobody knows whether it is flat; look in your platform"
HELP_YOURSELF = "close and cancel in your platform if you can"


def why_stuck(state: AccountState, slots: Slots, now_ns: int, *, is_heard: bool = True) -> str:
    """Return, for each position and order that cannot go, why and when it is tried again."""
    clauses = list(_clauses(state, slots, now_ns))
    if not clauses and not is_heard:
        return NOT_HEARD
    if not clauses:
        return "the broker accepted, but the effect is not seen"
    more = len(clauses) - MOST_CLAUSES
    shown = [*clauses[:MOST_CLAUSES], *([f"and {more} more"] if more > 0 else [])]
    return "; ".join(shown)


def what_was_tried(commands: Iterable[Command], state: AccountState | None) -> str:
    """Return commands in plain words, such as `12 closes of MNQ, 1 cancel in ES`."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for command in commands:
        symbol = _symbol(command.contract_id, state)
        match command:
            case CloseContract():
                counted["close of", "closes of", symbol] += 1
            case CancelOrder():
                counted["cancel in", "cancels in", symbol] += 1
            case MoveStop():
                counted["move of a stop in", "moves of stops in", symbol] += 1
    return ", ".join(
        f"{n} {one if n == 1 else many} {symbol}"
        for (one, many, symbol), n in counted.most_common(MOST_CLAUSES)
    )


def next_try_ns(slots: Slots, now_ns: int) -> int | None:
    """Return when the next command that waits is tried again; None when none waits."""
    return min(
        (slot.due_ns for slot in slots if slot.state is SlotState.WAITING and slot.due_ns > now_ns),
        default=None,
    )


def _clauses(state: AccountState, slots: Slots, now_ns: int) -> Iterator[str]:
    if state.can_trade is False:
        yield "the broker has barred the account from trading"
    for contract_id, close in slots.closes.items():
        if state.size_in(contract_id):
            yield _of_close(contract_id, close, state, now_ns)
    alike: dict[tuple[str, str], list[int]] = {}
    for order in state.orders:
        cancel = slots.cancels.get(order.id)
        if cancel is not None and not _is_just_sent(cancel, now_ns):
            said = (_symbol(order.contract_id, state), _of_slot("cancel", cancel, now_ns))
            alike.setdefault(said, []).append(order.id)
    for (symbol, clause), ids in alike.items():
        which = f"order {ids[0]}" if len(ids) == 1 else f"{len(ids)} orders"
        yield f"{which} in {symbol}: {clause}"


def _of_close(contract_id: str, close: CloseSlot, state: AccountState, now_ns: int) -> str:
    symbol = _symbol(contract_id, state)
    if close.is_adopted and close.is_outstanding:
        return f"{symbol}: a closing market order works and is waited for"
    clause = f"{symbol}: {_of_slot('close', close, now_ns)}"
    stays = any(
        order.contract_id == contract_id
        and order.type in PROTECTIVE_STOP_TYPES
        and order.side.sign * state.size_in(contract_id) < 0
        for order in state.orders
    )
    return f"{clause}; its stop stays" if stays and close.state is SlotState.WAITING else clause


def _is_just_sent(slot: CommandSlot, now_ns: int) -> bool:
    is_first = slot.state is SlotState.SENT and slot.reason is None
    return is_first and now_ns - slot.tried_ns < NS_PER_S


def _of_slot(deed: str, slot: CommandSlot, now_ns: int) -> str:
    match slot.state:
        case SlotState.SENT if slot.reason is not None:
            return f"{_undone(deed, slot)}; tried again just now"
        case SlotState.SENT if _is_just_sent(slot, now_ns):
            return f"the {deed} was sent just now"
        case SlotState.SENT:
            return f"the broker does not answer the {deed}"
        case SlotState.ACCEPTED:
            return f"the broker accepted the {deed}, but the effect is not seen"
        case SlotState.UNCERTAIN if slot.doubt is not None:
            return f"it is not known whether the {deed} happened ({slot.doubt}); looking"
        case SlotState.UNCERTAIN if slot.was_accepted:
            return f"the broker accepted the {deed}, but the effect is not seen; looking"
        case SlotState.UNCERTAIN:
            return f"the broker does not answer the {deed}; looking"
        case _:
            return f"{_undone(deed, slot)}{_again(slot, now_ns)}"


def _undone(deed: str, slot: CommandSlot) -> str:
    match slot.reason:
        case Refusal.BUSY:
            return TOO_MANY_REQUESTS
        case Refusal.SESSION:
            return NOT_LOGGED_IN
        case Refusal.UNREACHABLE:
            return f"the {deed} is not sent: there is no connection to the broker"
        case Refusal.DISARMED:
            return "nothing is sent, because you have disarmed"
        case _ if slot.refusal is not None:
            return f"the broker refuses the {deed} ({slot.refusal})"
        case _ if slot.was_in_vain:
            return f"the broker accepted the {deed} and did not carry it out"
        case _ if slot.attempts:
            return f"the {deed} did not happen"
        case _:
            return f"the {deed} waits"


def _again(slot: CommandSlot, now_ns: int) -> str:
    if slot.state is not SlotState.WAITING or slot.due_ns <= now_ns:
        return ""
    return f"; tried again in {_seconds(slot.due_ns - now_ns)}"


def _seconds(span_ns: int) -> str:
    return f"{span_ns / NS_PER_S:.1f} s" if span_ns < 10 * NS_PER_S else f"{span_ns // NS_PER_S} s"


def brake_words(
    tried: str,
    count: int,
    answers: str,
    next_probe_ns: int,
    now_ns: int,
    *,
    for_moves: bool,
    for_cancels: bool,
) -> str:
    """Return why we stopped ourselves, and what the trader should do now."""
    wait = _seconds(max(next_probe_ns - now_ns, 0))
    advice = "look at your stops" if for_moves else HELP_YOURSELF
    paused = "cancelling is paused, closing goes on" if for_cancels else "sending is paused"
    return (
        f"{count} commands changed nothing at the broker ({tried}), so {paused}; "
        f"{answers}; a few are tried again in {wait}; {advice}"
    )


def _symbol(contract_id: str, state: AccountState | None) -> str:
    named = None if state is None else state.named_symbols.get(contract_id)
    return named or symbol_of(contract_id)
