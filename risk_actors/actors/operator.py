"""The operator inlet: the trader's own requests enter here.

What tightens is passed on; what loosens is subject to the unlock policy, and every attempt is sent
on to be recorded. The admin secret ends here: no message, log or answer ever has it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from risk_actors import messages as m
from risk_actors.actors.picture import LockPicture, Picture
from risk_actors.actors.trader_requests import AnswerKind, SecretCheck, TraderAnswer
from risk_actors.core.evidence import Evidence, format_instant_from
from risk_actors.core.unlock_policy import NEVER, UnlockPolicy, UnlockTerms
from risk_actors.core.unlock_requests import (
    ADMIN_NEEDED,
    NEVER_REFUSES,
    NOTHING_WAITS,
    Asking,
    Ruling,
    UnlockStatus,
    rule_on,
)
from risk_actors.core.unlock_waiver import after_unlock
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.outbox import Outbox

OPERATOR = "operator"
OPERATOR_SENDS: frozenset[type] = frozenset(
    {m.PanicRequested, m.UnlockRequested, m.UnlockWithdrawn, m.TraderActed, m.SettingsChanged}
)

_NS_PER_MS = 1_000_000
_LOCKS_FIRST = (
    'a lock is in force and the unlock policy is "delayed": ask for the locks to be ended first '
    "(`risk-actors unlock`); once none is in force, disarm acts at once"
)
_NOT_ARMED = (
    "NOT ARMED: nothing was sent and nothing is locked. Flatten in your platform; set "
    "`armed = true` in app.toml, or call `risk-actors arm`, to have it done from here"
)


class _Held(NamedTuple):
    """A lock that is shown, and whose it is."""

    account_id: int
    lock: LockPicture


class OperatorInlet:
    """A source of the message graph, called by the command line and the web side."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        account_ids: Iterable[int],
        *,
        armed: bool,
        unlock: UnlockTerms = NEVER,
        picture: Callable[[], Picture] | None = None,
        secret: SecretCheck | None = None,
        zone: tzinfo = UTC,
        keep_panic: Callable[[m.PanicRequested], str] = lambda _asked: "",
    ) -> None:
        """Take where requests go and what decides on them.

        Args:
            outbox: where messages are sent.
            clock: says when a request was made.
            account_ids: the guarded accounts.
            armed: whether anything is sent to the broker.
            unlock: the unlock policy.
            picture: returns the present picture, which has the locks in force.
            secret: knows the admin secret; without it nobody can give it.
            zone: in which times are put into words.
            keep_panic: sees to it that a panic is not lost; returns what is in its way.
        """
        self._keep_panic = keep_panic
        self._armed = armed
        self._outbox = outbox
        self._clock = clock
        self._account_ids = tuple(account_ids)
        self._unlock = unlock
        self._picture = picture
        self._secret = secret
        self._zone = zone

    def tell_settings(
        self,
        *,
        day_start_ns: int,
        in_force: str,
        applied: tuple[str, ...],
        pending: tuple[str, ...],
        fault: str,
        armed_by_command: bool | None,
    ) -> None:
        """Have it recorded and shown which settings are in force and which wait."""
        now_ns = self._clock.now_ns()
        self._outbox.send(
            m.SettingsChanged(
                correlation_id=f"settings-{now_ns // _NS_PER_MS:x}",
                at_ns=now_ns,
                day_start_ns=day_start_ns,
                in_force=in_force,
                applied=applied,
                pending=pending,
                fault=fault,
                armed_by_command=armed_by_command,
            )
        )

    def panic(self, account_id: int | None = None) -> TraderAnswer:
        """Flatten and lock one account, or all, until the daily reset."""
        if not self._armed:
            return TraderAnswer(AnswerKind.CONFLICT, _NOT_ARMED)
        if account_id is not None and account_id not in self._account_ids:
            return TraderAnswer(AnswerKind.UNKNOWN, f"account {account_id} is not guarded")
        now_ns, in_the_way = self._clock.now_ns(), ""
        for guarded in self._account_ids if account_id is None else (account_id,):
            asked = m.PanicRequested(
                correlation_id=_correlation_id(now_ns),
                at_ns=now_ns,
                account_id=guarded,
                evidence=Evidence(
                    template="You pressed panic at {at:time}", figures={"at": now_ns}
                ),
            )
            in_the_way = self._keep_panic(asked)
            self._outbox.send(asked)
        sentence = "flattening and locking until the daily reset"
        if in_the_way:
            sentence = f"{sentence}; but {in_the_way}, so watch your positions until then"
        return TraderAnswer(AnswerKind.ACCEPTED, sentence)

    def unlock(
        self, lock_id: int, account_id: int | None, reason: str, secret: str | None
    ) -> TraderAnswer:
        """Ask for a lock to be ended; the lockout actor decides in the same way."""
        held = self._find(lock_id)
        if held is None or account_id not in (None, held.account_id):
            return self._no_such_lock("unlock", lock_id, reason, account_id)
        denied = self._denied(secret, (held.lock,))
        now_ns = self._clock.now_ns()
        request = m.UnlockRequested(
            correlation_id=_correlation_id(now_ns),
            at_ns=now_ns,
            account_id=held.account_id,
            lock_id=lock_id,
            reason=reason.strip(),
            is_authorised=self._unlock.policy is UnlockPolicy.ADMIN and not denied,
            denied=denied,
        )
        self._outbox.send(request)
        asking = Asking(
            reason=request.reason,
            at_ns=now_ns,
            correlation_id=request.correlation_id,
            is_authorised=request.is_authorised,
            denied=denied,
        )
        waits = held.lock.unlock
        due_ns = None if waits is None else _ns_of(waits.due)
        ruling = rule_on(self._unlock, asking, due_ns, self._zone)
        if ruling.status is UnlockStatus.REFUSED:
            return TraderAnswer(AnswerKind.REFUSED, ruling.detail)
        kind = AnswerKind.ACCEPTED if ruling.is_new else AnswerKind.CONFLICT
        return TraderAnswer(kind, ruling.detail + self._after(held, ruling))

    def _after(self, held: _Held, ruling: Ruling) -> str:
        """Return what the rule still does once its lock has ended, as the rest of an answer."""
        rules = () if self._picture is None else self._picture().rules
        whose = (held.lock.rule, held.account_id)
        rule = next((each for each in rules if (each.id, each.account) == whose), None)
        if rule is None:
            return ""
        now_ns = self._clock.now_ns()
        ends_ns = now_ns if ruling.due_ns is None else ruling.due_ns
        next_ns = None if rule.next_cause is None else _ns_of(rule.next_cause)
        until = None
        if next_ns is not None and next_ns > ends_ns:
            until = format_instant_from(next_ns, now_ns, self._zone)
        if ruling.status is UnlockStatus.DONE:
            return f"; {after_unlock(rule.id, until)}"
        return f". Once the lock has ended: {after_unlock(rule.id, until, 'then')}"

    def withdraw(self, lock_id: int) -> TraderAnswer:
        """Take back a request for a lock."""
        held = self._find(lock_id)
        if held is None:
            return self._no_such_lock("withdraw", lock_id, "")
        now_ns = self._clock.now_ns()
        self._outbox.send(
            m.UnlockWithdrawn(
                correlation_id=_correlation_id(now_ns),
                at_ns=now_ns,
                account_id=held.account_id,
                lock_id=lock_id,
            )
        )
        if held.lock.unlock is None:
            return TraderAnswer(AnswerKind.CONFLICT, NOTHING_WAITS)
        return TraderAnswer(AnswerKind.ACCEPTED, "withdrawn: the lock ends by its own condition")

    def permit_arm(self, *, is_disarming: bool = False) -> TraderAnswer:
        """Say whether the guard may be armed, and record the attempt; the caller does it.

        One that is about to be disarmed may be, too.
        """
        if self._armed and not is_disarming:
            answer = TraderAnswer(AnswerKind.CONFLICT, "it is armed already")
        else:
            answer = TraderAnswer(AnswerKind.ACCEPTED, "armed: breaches are enforced from now on")
        self._record("arm", answer.sentence, answer)
        return answer

    def note_disarm(self, reason: str, answer: TraderAnswer) -> TraderAnswer:
        """Record an attempt to disarm and how it was answered."""
        given = reason.strip() or "none"
        self._record("disarm", f"{answer.sentence}; reason given: {given}", answer)
        return answer

    def judge_disarm(
        self, reason: str, secret: str | None, *, is_arming: bool = False
    ) -> TraderAnswer:
        """Say whether the guard may be disarmed; sends nothing, the caller does it and notes it.

        One that is about to be armed may be, too.
        """
        if not self._armed and not is_arming:
            return TraderAnswer(AnswerKind.CONFLICT, "it is not armed")
        if not reason.strip():
            return TraderAnswer(AnswerKind.REFUSED, "a reason is needed to disarm")
        if self._picture is None or self._picture().phase == "starting":
            # Which locks are in force is not known before they are shown.
            return TraderAnswer(AnswerKind.CONFLICT, "the guard is starting; ask again in a moment")
        locks = [held.lock for held in self._held()]
        if locks:
            match self._unlock.policy:
                case UnlockPolicy.NEVER:
                    sentence = f"a lock is in force and {NEVER_REFUSES}"
                    return TraderAnswer(AnswerKind.REFUSED, sentence)
                case UnlockPolicy.DELAYED:
                    return TraderAnswer(AnswerKind.REFUSED, _LOCKS_FIRST)
                case UnlockPolicy.ADMIN:
                    denied = self._denied(secret, locks)
                    if denied:
                        return TraderAnswer(AnswerKind.REFUSED, f"a lock is in force: {denied}")
        return TraderAnswer(
            AnswerKind.ACCEPTED, "disarmed: nothing is sent to the broker until it is armed again"
        )

    def _denied(self, secret: str | None, locks: Sequence[LockPicture]) -> str:
        """Return why a secret does not authorise to end all of these locks; empty if it does."""
        if self._unlock.policy is not UnlockPolicy.ADMIN:
            return ""
        if self._secret is None:
            return ADMIN_NEEDED
        return self._secret.refusal(secret, min(_ns_of(lock.since) for lock in locks))

    def _no_such_lock(
        self, action: str, lock_id: int, reason: str, account_id: int | None = None
    ) -> TraderAnswer:
        """Answer with the locks that there are, and record the attempt."""
        held = [each for each in self._held() if account_id in (None, each.account_id)]
        there = ", ".join(f"{each.lock.id} ({each.lock.rule})" for each in held) or "none"
        where = "" if account_id is None else " on this account"
        sentence = f"no lock {lock_id} is in force{where}; in force: {there}"
        answer = TraderAnswer(AnswerKind.UNKNOWN, sentence)
        given = f"; reason given: {reason.strip()}" if reason.strip() else ""
        self._record(action, f"{answer.sentence}{given}", answer)
        return answer

    def _record(self, action: str, detail: str, answer: TraderAnswer) -> None:
        now_ns = self._clock.now_ns()
        self._outbox.send(
            m.TraderActed(
                correlation_id=_correlation_id(now_ns),
                at_ns=now_ns,
                action=action,
                accepted=answer.accepted,
                detail=detail,
            )
        )

    def _find(self, lock_id: int) -> _Held | None:
        return next((held for held in self._held() if held.lock.id == lock_id), None)

    def _held(self) -> list[_Held]:
        if self._picture is None:
            return []
        return [
            _Held(account.id, lock)
            for account in self._picture().accounts
            for lock in account.locks
        ]


def _correlation_id(now_ns: int) -> str:
    return f"op-{now_ns // _NS_PER_MS:x}"


def _ns_of(instant: str) -> int:
    """Return an instant of the picture, which is whole milliseconds."""
    return round(datetime.fromisoformat(instant).timestamp() * 1000) * _NS_PER_MS
