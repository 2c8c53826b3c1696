"""What is no single event but lasts: told when it has lasted, again while it does, and at its end.

It is read from the picture, once a second: around every fill some figure is unknown for a few
milliseconds, and a hub that is back after two seconds is no reason to reach for the phone.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.core.evidence import NS_PER_S

BLIND_AFTER_NS = 5 * NS_PER_S
DEGRADED_AFTER_NS = 10 * NS_PER_S
UNKNOWN_AFTER_NS = 15 * NS_PER_S
REMIND_EVERY_NS = 600 * NS_PER_S
"""How often it is told again while something critical lasts."""
REMIND_OF_LESSER_EVERY_NS = 3600 * NS_PER_S
_MOST_NAMED = 4


class Condition(NamedTuple):
    """Something that is so now."""

    key: tuple[str, int | None]
    """The same for as long as it is the same trouble, whatever its words."""
    kind: AlertKind
    severity: Severity
    after_ns: int
    text: str
    over: str
    """What is told once it has ended."""
    account_id: int | None = None
    account: str = ""


class _Lasting(NamedTuple):
    condition: Condition
    since_ns: int
    told_ns: int | None = None


class Watch:
    """Follows what lasts from one look to the next."""

    def __init__(self) -> None:
        self._lasting: dict[tuple[str, int | None], _Lasting] = {}

    def look(
        self, picture: Picture, now_ns: int, mono_ns: int, no_data_after_ns: int
    ) -> list[Alert]:
        """Return what is to be told now.

        Args:
            picture: how everything stands.
            now_ns: the clock, for the alert.
            mono_ns: a clock that is never set, for how long something lasts.
            no_data_after_ns: how long a position may be open without data.
        """
        told: list[Alert] = []
        present = {each.key: each for each in conditions(picture, no_data_after_ns)}
        for key, condition in present.items():
            before = self._lasting.get(key)
            lasting = _Lasting(condition, mono_ns) if before is None else before
            lasting = lasting._replace(condition=condition)
            if _is_due(lasting, mono_ns):
                again = "" if lasting.told_ns is None else "still: "
                told.append(_alert(condition, f"{again}{condition.text}", now_ns))
                lasting = lasting._replace(told_ns=mono_ns)
            self._lasting[key] = lasting
        for key in self._lasting.keys() - present.keys():
            ended = self._lasting.pop(key)
            if ended.told_ns is not None:
                lasted_s = (mono_ns - ended.since_ns) // NS_PER_S
                told.append(_end(ended.condition, f"{ended.condition.over} ({lasted_s} s)", now_ns))
        return told


def conditions(picture: Picture, no_data_after_ns: int) -> Iterator[Condition]:
    """Yield what is wrong in a picture and may last."""
    yield from _of_the_connection(picture)
    for account in picture.accounts:
        why = _no_data(picture, account)
        if why:
            yield Condition(
                ("no data", account.id),
                AlertKind.NO_DATA,
                Severity.CRITICAL,
                no_data_after_ns,
                f"POSITION OPEN AND NO DATA: {_held(account)}, {why}; look at your platform",
                "position open and no data: that is over",
                account.id,
                account.name,
            )
    yield from _unknown(picture)
    if picture.settings_fault:
        yield Condition(
            ("settings", None),
            AlertKind.SETTINGS,
            Severity.WARNING,
            0,
            picture.settings_fault,
            "the edited settings can be read again",
        )


def _of_the_connection(picture: Picture) -> Iterator[Condition]:
    if picture.phase in ("stopping", "faulted"):
        return
    ways = picture.connection
    if ways.is_blind:
        yield Condition(
            ("blind", None),
            AlertKind.BLIND,
            Severity.CRITICAL,
            BLIND_AFTER_NS,
            f"BLIND: {picture.detail or 'nothing can be seen at the broker'}",
            "the broker can be seen again",
        )
    elif picture.phase == "degraded" or ways.since is not None:
        yield Condition(
            ("degraded", None),
            AlertKind.CONNECTION,
            Severity.WARNING,
            DEGRADED_AFTER_NS,
            f"degraded: {picture.detail or 'a way to the broker is down'}",
            "no longer degraded",
        )


def _no_data(picture: Picture, account: AccountPicture) -> str:
    """Return why nobody knows what an open position is worth; empty when it is known."""
    if not account.positions:
        return ""
    if picture.connection.is_blind:
        return "nothing can be seen at the broker"
    if account.seen_at is not None:
        return "the account cannot be seen"
    unvalued = [each.symbol for each in account.positions if each.unrealized is None]
    return f"no price for {', '.join(unvalued)}" if unvalued else ""


def _held(account: AccountPicture) -> str:
    return ", ".join(f"{each.size:+d} {each.symbol}" for each in account.positions)


def _unknown(picture: Picture) -> Iterator[Condition]:
    by_account: defaultdict[int, list[str]] = defaultdict(list)
    reasons: dict[int, str] = {}
    for rule in picture.rules:
        if rule.verdict == "unknown":
            by_account[rule.account].append(rule.id)
            reasons.setdefault(rule.account, rule.reason or "")
    names = {account.id: account.name for account in picture.accounts}
    for account_id, rules in by_account.items():
        more = len(rules) - _MOST_NAMED
        which = ", ".join(rules[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        why = f": {reasons[account_id]}" if reasons[account_id] else ""
        yield Condition(
            ("unknown", account_id),
            AlertKind.UNKNOWN,
            Severity.WARNING,
            UNKNOWN_AFTER_NS,
            f"CANNOT CHECK {which}{why}",
            "all rules can be checked again",
            account_id,
            names.get(account_id, ""),
        )


def _is_due(lasting: _Lasting, mono_ns: int) -> bool:
    if lasting.told_ns is None:
        return mono_ns - lasting.since_ns >= lasting.condition.after_ns
    is_critical = lasting.condition.severity is Severity.CRITICAL
    every_ns = REMIND_EVERY_NS if is_critical else REMIND_OF_LESSER_EVERY_NS
    return mono_ns - lasting.told_ns >= every_ns


def _alert(condition: Condition, text: str, now_ns: int) -> Alert:
    return Alert(
        at_ns=now_ns,
        kind=condition.kind,
        severity=condition.severity,
        text=text,
        account_id=condition.account_id,
        account=condition.account,
        correlation_id=_thread_of(condition),
        is_of_what_lasts=True,
    )


def _end(condition: Condition, text: str, now_ns: int) -> Alert:
    return _alert(condition, text, now_ns)._replace(severity=Severity.INFO)


def _thread_of(condition: Condition) -> str:
    """Return what ties the end of a trouble to its beginning, so that both go to the same."""
    name, account_id = condition.key
    return f"{name}-{account_id}"
