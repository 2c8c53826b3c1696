"""What happened, in one plain line: the words that log, store and screens share."""

import re
from datetime import tzinfo

from risk_actors import messages as m
from risk_actors.actors.connection_story import ConnectionStory, without_endpoint
from risk_actors.actors.line import Line
from risk_actors.actors.lockout import PANIC
from risk_actors.core.broker import Side
from risk_actors.core.commands import Answer
from risk_actors.core.enforcement_effects import REDUCED, RULE_BROKEN
from risk_actors.core.evidence import format_day_and_instant, format_usd
from risk_actors.core.instruments import symbol_of
from risk_actors.core.lock import Lock
from risk_actors.core.money import to_cents
from risk_actors.core.unlock_requests import UnlockStatus
from risk_actors.core.verdict import (
    VERDICT_NAMES,
    Breached,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Reduce,
    Unknown,
    Verdict,
)


def reason_of(verdict: Verdict, zone: tzinfo) -> str | None:
    """Return a verdict's sentence, None for ok."""
    return None if isinstance(verdict, Ok) else verdict.evidence.sentence(zone)


def describe(message: m.Message, zone: tzinfo) -> Line | None:
    """Return the line for a message worth showing, None for the others."""
    match message:
        case m.BreachFound():
            sentence = message.breach.evidence.sentence(zone)
            again = "told again: " if message.is_repeat else ""
            text = f"{message.rule_id}: {again}{sentence}"
            return Line("breach", message.account_id, text, not message.is_repeat)
        case m.ShadowBreachFound() | m.ShadowStopMoves():
            return _describe_shadow(message, zone)
        case m.WarningRaised():
            sentence = message.warned.evidence.sentence(zone)
            fraction = message.warned.fraction
            used = "" if fraction is None else f"{fraction:.0%} used, "
            return Line("warning", message.account_id, f"{message.rule_id}: {used}{sentence}", True)
        case m.LocksChanged():
            return _describe_lock(message, zone)
        case m.SendClose() | m.SendCancel() | m.SendMoveStop():
            return _describe_command(message)
        case m.CommandAnswered():
            return _describe_answer(message)
        case m.EnforcementChanged():
            return _describe_enforcement(message)
        case m.PanicRequested():
            return Line("breach", message.account_id, message.evidence.sentence(zone), True)
        case _:
            return _describe_trouble(message)


def cause_of(message: m.Message) -> m.Message | None:
    """Return the broker event at the head of a chain, where the message begins one."""
    if isinstance(
        message,
        m.BreachFound
        | m.ShadowBreachFound
        | m.StopMovesWanted
        | m.ShadowStopMoves
        | m.EnforcementChanged,
    ):
        # That time passed is no event, and the breach itself says when.
        return None if isinstance(message.event, m.Tick) else message.event
    return None


def describe_event(event: m.Message) -> Line:
    """Return the line for the broker event, or the other input, that began a chain."""
    account_id: int | None = getattr(event, "account_id", None)
    match event:
        case m.FillReported():
            fill = event.fill
            verb = "bought" if fill.side is Side.BUY else "sold"
            text = f"{verb} {fill.size} {symbol_of(fill.contract_id)} at {fill.price}"
        case m.PositionReported():
            size, symbol = event.position.size, symbol_of(event.position.contract_id)
            text = f"position {size:+d} {symbol}" if size else f"flat {symbol}"
        case m.OrderReported():
            order = event.order
            text = (
                f"order {order.id} {order.status.name.lower()}: {order.side.name.lower()} "
                f"{order.size} {symbol_of(order.contract_id)} {order.type.name.lower()}"
            )
        case m.QuoteReported():
            quote = event.quote
            text = f"quote {symbol_of(quote.contract_id)} {quote.bid} / {quote.ask}"
        case m.AccountReported():
            text = f"balance {format_usd(event.account.balance_usd)}"
        case m.AccountSnapshot():
            text = f"snapshot ({event.reason})"
        case m.LocksNoted():
            text = "the gateway noted the locks"
        case m.InstrumentResolved():
            text = "the gateway told of a contract"
        case _:
            text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(event).__name__).lower()
    return Line("event", account_id, text)


def describe_verdict(message: m.VerdictChanged, zone: tzinfo) -> Line:
    """Return the line for a verdict; a check that cannot be made is alarming."""
    verdict = message.verdict
    text = f"{message.rule_id}: {reason_of(verdict, zone) or 'ok'}"
    name = VERDICT_NAMES[type(verdict)]
    return Line(name, message.account_id, text, isinstance(verdict, Unknown))


def describe_response(breach: Breached, zone: tzinfo) -> str:
    """Return what a breach asks for, in the past: `flattened and locked the account until …`."""
    match breach.action:
        case Flatten(contract_ids=()):
            done = ["flattened"]
        case Flatten(contract_ids=contracts):
            done = [f"flattened {_symbols(contracts)}"]
        case Reduce(targets=targets, cancel_order_ids=orders):
            done = [f"reduced {symbol_of(c)} to {size}" for c, size in targets]
            done += [f"cancelled order {order_id}" for order_id in orders]
    for terms in breach.locks:
        scope = "the account" if terms.contract_id is None else symbol_of(terms.contract_id)
        done.append(f"locked {scope} {_end(terms, zone)}")
    return " and ".join(done) or "done nothing"


def _symbols(contract_ids: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(symbol_of(each) for each in contract_ids))


def _end(terms: LockTerms, zone: tzinfo) -> str:
    match terms.end:
        case LockEnd.DAILY_RESET:
            return "until the daily reset"
        case LockEnd.WEEKLY_RESET:
            return "until the weekly reset"
        case LockEnd.CONDITION:
            return "until its condition ends"
        case LockEnd.INSTANT:
            return _until(terms.until_ns, zone) if terms.until_ns is not None else ""


def _describe_lock(message: m.LocksChanged, zone: tzinfo) -> Line | None:
    if message.engaged is not None:
        lock = message.engaged
        scope = _scope(lock)
        until = "its condition ends it" if lock.until_ns is None else _until(lock.until_ns, zone)
        sentence = lock.evidence.sentence(zone)
        return Line(
            "lock",
            message.account_id,
            f"{scope} locked by {lock.rule_id} {until}: {sentence}",
            True,
        )
    if message.ended is not None:
        return Line(
            "unlock",
            message.account_id,
            f"{_scope(message.ended)}: the lock of {message.ended.rule_id} ended",
        )
    for request in message.unlocks:
        if request.correlation_id == message.correlation_id:
            when = format_day_and_instant(request.due_ns, zone)
            text = f"asked to end lock {request.lock_id} of {request.rule_id} at {when}"
            return Line("lock", message.account_id, text)
    if message.locks:
        held = ", ".join(
            f"{lock.rule_id} {_until(lock.until_ns, zone) if lock.until_ns else ''}".strip()
            for lock in message.locks
        )
        waiting = ", ".join(str(request.lock_id) for request in message.unlocks)
        asked = f"; asked to end: lock {waiting}" if waiting else ""
        return Line("lock", message.account_id, f"locks in force: {held}{asked}")
    return None


def _scope(lock: Lock) -> str:
    return "account" if lock.contract_id is None else symbol_of(lock.contract_id)


def _until(at_ns: int, zone: tzinfo) -> str:
    return f"until {format_day_and_instant(at_ns, zone)}"


def _describe_command(message: m.SendClose | m.SendCancel | m.SendMoveStop) -> Line:
    command = message.command
    symbol = symbol_of(command.contract_id)
    if isinstance(message, m.SendCancel):
        text = f"cancel order {message.command.order_id} in {symbol}"
    elif isinstance(message, m.SendMoveStop):
        stop_price = message.command.stop_price
        text = f"move the stop of order {message.command.order_id} in {symbol} to {stop_price}"
    elif message.command.size is None:
        text = f"close {symbol}"
    else:
        text = f"close {message.command.size} {symbol}"
    return Line("command", command.account_id, f"{text} ({_number(command.id)})")


def _describe_shadow(message: m.ShadowBreachFound | m.ShadowStopMoves, zone: tzinfo) -> Line:
    head = f"{message.rule_id}: shadow, would have"
    if isinstance(message, m.ShadowBreachFound):
        sentence = message.breach.evidence.sentence(zone)
        would = describe_response(message.breach, zone)
        return Line("breach", message.account_id, f"{head} {would}: {sentence}", True)
    moved = " and ".join(
        f"the stop of order {move.order_id} in {symbol_of(move.contract_id)} to {move.stop_price:,}"
        for move in message.moves
    )
    return Line("command", message.account_id, f"{head} moved {moved}")


def _number(command_id: int) -> str:
    """Return a command's number, short enough to compare by eye within a day."""
    return f"#{command_id % 1_000_000:06d}"


def _describe_answer(message: m.CommandAnswered) -> Line:
    outcome = message.outcome
    words = {
        Answer.ACCEPTED: "accepted",
        Answer.GONE: "nothing left to do",
        Answer.REFUSED: "refused",
        Answer.UNCERTAIN: "uncertain",
    }
    detail = f": {outcome.detail}" if outcome.detail else ""
    code = f" (code {outcome.error_code})" if outcome.error_code else ""
    took_ms = max(message.at_ns - message.sent_ns, 0) / 1e6
    text = f"{_number(outcome.command_id)} {words[outcome.answer]}{detail}{code}"
    return Line(
        "outcome",
        outcome.account_id,
        f"{text} in {took_ms:.1f} ms",
        outcome.answer in (Answer.REFUSED, Answer.UNCERTAIN),
    )


def _describe_enforcement(message: m.EnforcementChanged) -> Line:
    took_s = message.took_ns / 1e9
    match message.phase:
        case m.EnforcementPhase.STARTED:
            # What a lock alone does says what it is about: something appeared under it.
            why = "" if message.detail == RULE_BROKEN else f": {message.detail}"
            why = " at your request" if message.cause == PANIC else why
            text = f"closing and cancelling for {message.cause}{why}"
        case m.EnforcementPhase.STUCK:
            text = (
                f"CANNOT FINISH {message.cause} after {took_s:.1f} s, still trying: "
                f"{message.detail}"
            )
        case m.EnforcementPhase.BRAKED:
            text = f"BRAKED {message.cause}: {message.detail}"
        case m.EnforcementPhase.RESUMED:
            text = f"resumed {message.cause}: {message.detail}"
        case m.EnforcementPhase.FLAT_OBSERVED:
            seen = "reduced" if message.detail == REDUCED else "flat"
            text = f"observed {seen} for {message.cause} after {took_s:.3f} s: {message.detail}"
    alarming = message.phase is not m.EnforcementPhase.FLAT_OBSERVED
    return Line("enforcement", message.account_id, text, alarming)


def _describe_trouble(message: m.Message) -> Line | None:
    match message:
        case m.ConnectionChanged():
            # By itself; the log and the screen tell it with what was before.
            return ConnectionStory().take(message)
        case m.PayloadRejected():
            return Line("fault", None, f"unreadable {message.source}: {message.detail}", True)
        case m.ReconciliationDiffered():
            told = "; ".join(
                f"{d.subject}: had {d.local}, broker has {d.broker}" for d in message.differences
            )
            return Line("reconciliation", message.account_id, told)
        case m.BalanceChecked():
            return _describe_balance(message)
        case m.SnapshotFailed():
            text = f"the account could not be read: {without_endpoint(message.detail)}"
            return Line("fault", message.account_id, text, True)
        case m.ActorChanged():
            alarming = message.status not in (m.ActorStatus.RESTARTED, m.ActorStatus.STARTED)
            return Line(
                "fault", None, f"{message.address} {message.status}: {message.detail}", alarming
            )
        case m.DailyReset() | m.WeeklyReset() | m.ClockStepped():
            return _describe_time(message)
        case _:
            return _describe_request(message)


def _describe_request(message: m.Message) -> Line | None:
    """Return the line for what the trader asked for or changed, and for what was read for it."""
    match message:
        case m.UnlockRequested() | m.UnlockWithdrawn() | m.UnlockChanged():
            return Line("request", message.account_id, _describe_unlock(message))
        case m.TraderActed():
            done = "done" if message.accepted else "REFUSED"
            text = f"{message.action} {done}: {message.detail}"
            return Line("request", None, text, not message.accepted)
        case m.SettingsChanged():
            if message.fault:
                return Line("settings", None, message.fault, True)
            waiting = (f"{each[:1].lower()}{each[1:]}" for each in message.pending)
            changed = [*message.applied, *waiting]
            return Line("settings", None, "; ".join(changed) or "the settings in force")
        case m.DayOpened():
            text = f"the day began with a balance of {format_usd(message.balance_usd)}"
            return Line("balance", message.account_id, text)
        case m.BreachEnded():
            return Line("cleared", message.account_id, f"{message.rule_id}: no longer broken")
        case m.ConditionEnded():
            text = f"{message.rule_id}: what its lock waited for has come"
            return Line("condition", message.account_id, text)
        case m.BarsReported():
            read = "could not be read" if message.bars is None else f"read: {len(message.bars)}"
            text = f"bars of {symbol_of(message.contract_id)} {read}"
            return Line("event", message.account_id, text, message.bars is None)
        case _:
            return None


def _describe_unlock(message: m.UnlockRequested | m.UnlockWithdrawn | m.UnlockChanged) -> str:
    match message:
        case m.UnlockRequested():
            return f"you asked to end lock {message.lock_id}: {message.reason}"
        case m.UnlockWithdrawn():
            return f"you asked to withdraw the request to end lock {message.lock_id}"
        case m.UnlockChanged():
            whose = f" ({message.rule_id})" if message.rule_id else ""
            came_of_it = _CAME_OF_UNLOCK[message.status]
            return f"lock {message.lock_id}{whose}: {came_of_it}, {message.detail}"


_CAME_OF_UNLOCK = {
    UnlockStatus.REFUSED: "refused",
    UnlockStatus.ASKED: "unlock asked for",
    UnlockStatus.WITHDRAWN: "unlock withdrawn",
    UnlockStatus.DONE: "unlocked",
    UnlockStatus.MOOT: "unlock came to nothing",
}


def _describe_time(message: m.DailyReset | m.WeeklyReset | m.ClockStepped) -> Line:
    match message:
        case m.DailyReset():
            return Line("reset", None, f"a new trading day began{_late(message)}")
        case m.WeeklyReset():
            return Line("reset", None, f"a new trading week began{_late(message)}")
        case m.ClockStepped():
            return Line("clock", None, message.detail, True)


def _describe_balance(message: m.BalanceChecked) -> Line:
    unexplained_usd = message.unexplained_usd
    if not to_cents(unexplained_usd):
        return Line("balance", message.account_id, "the day's fills explain the balance")
    return Line(
        "balance",
        message.account_id,
        f"the broker's balance {format_usd(message.told_usd)} is not the"
        f" {format_usd(message.expected_usd)} that the day's fills make of it,"
        f" {format_usd(unexplained_usd)} is unexplained: money paid in or out, a fee charged"
        " apart, an account reset, or fills that the broker does not list",
        True,
    )


def _late(message: m.DailyReset | m.WeeklyReset) -> str:
    return " while this program was not running" if message.caught_up else ""
