"""How amounts, times, verdicts and locks are written wherever a person reads them.

Colour is never the only signal: each word stands with a sign and a word of its own.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from risk_actors.actors.picture import (
    AccountPicture,
    EnforcementPicture,
    LockPicture,
    OrderPicture,
    Picture,
    PositionPicture,
    RulePicture,
    UnlockPicture,
)
from risk_actors.core.instruments import listing_of, symbol_of
from risk_actors.core.rules.measure import Unit
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.core.unlock_waiver import after_unlock

UNKNOWN = "unknown"
NOT_ENFORCED = "NOT ARMED, nothing is sent"
_MOST_PERCENT = 999
_MOST_DECIMALS = 8
_OVER = "now"

_SINGULAR = {"contracts": "contract", "trades": "trade", "entries": "entry", "losses": "loss"}

VERDICT_SIGNS = {"ok": "✓", "warning": "!", "breach": "✗", "unknown": "?"}
WAS_SIGN = "·"

VERDICT_STYLES = {
    "ok": "green",
    "warning": "bold yellow",
    "breach": "bold red",
    "unknown": "bold magenta",
}


def usd(amount_usd: float | None, *, signed: bool = False) -> str:
    """Return dollars and cents with thousands separators; `unknown` for None."""
    if amount_usd is None:
        return UNKNOWN
    return f"{amount_usd:+,.2f}" if signed else f"{amount_usd:,.2f}"


def is_balance_strange(account: AccountPicture) -> bool:
    """Tell whether the broker's balance is not what the day's fills make of it."""
    return account.balance_check is not None and account.balance_check.unexplained != 0


def balance_check(account: AccountPicture) -> str:
    """Return what came of checking the day's P&L against the change of the balance."""
    check = account.balance_check
    if check is None:
        return (
            "day P&L not checked against the balance"
            " (this guard was not running when the day began)"
        )
    if check.unexplained == 0:
        return "day P&L agrees with the change of the balance"
    return (
        f"balance {usd(check.told)}, by the day's fills {usd(check.expected)}:"
        f" {usd(check.unexplained, signed=True)} is unexplained"
    )


def amount_style(amount_usd: float | None) -> str:
    """Return the colour of a profit, a loss or an unknown amount."""
    if amount_usd is None:
        return "bold magenta"
    return "green" if amount_usd > 0 else "red" if amount_usd < 0 else ""


def figure(rule: RulePicture, value: float | None) -> str:
    """Return a rule's value or limit in the rule's own unit."""
    if value is None:
        return UNKNOWN if rule.verdict == "unknown" else "-"
    if rule.unit == Unit.SECONDS:
        return duration(value)
    return usd(value) if rule.unit == Unit.USD else f"{value:g}"


def room(rule: RulePicture) -> str:
    """Return how far a rule is from breaking: `200.00`, `2 contracts`, `0:04:30`."""
    if rule.distance is None:
        return UNKNOWN if rule.verdict == "unknown" else ""
    if rule.verdict == "breach":
        return "broken"
    match rule.unit:
        case Unit.USD:
            return usd(rule.distance)
        case Unit.SECONDS:
            return duration(rule.distance)
        case _:
            noun = _SINGULAR.get(rule.unit, rule.unit) if rule.distance == 1 else rule.unit
            return f"{rule.distance:g} {noun}"


def duration(seconds: float) -> str:
    """Return a length of time as a clock shows it: `0:04:30`."""
    minutes, rest_s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}"


def share(used: float) -> str:
    """Return a used fraction as a percentage; 100% and more only of a limit that is reached."""
    percent = round(used * 100)
    if used < 1:
        return f"{min(percent, 99)}%"
    return f"{percent}%" if percent <= _MOST_PERCENT else f">{_MOST_PERCENT}%"


def verdict(rule: RulePicture, *, is_seen: bool = True) -> str:
    """Return sign and word of a verdict: `✗ breach`, or of then: `· was breach`."""
    if not is_seen:
        return f"{WAS_SIGN} was {rule.verdict}"
    return f"{VERDICT_SIGNS.get(rule.verdict, '?')} {rule.verdict}"


def verdict_style(rule: RulePicture, *, is_seen: bool = True) -> str:
    """Return the colour of a verdict; one of then has none."""
    return VERDICT_STYLES.get(rule.verdict, "") if is_seen else "dim"


def last_seen(account: AccountPicture, now: datetime) -> str:
    """Return `as last seen at 08:50:10 CST`; empty while the account is watched."""
    return "" if account.seen_at is None else f"as last seen at {clock(account.seen_at, now)}"


def position(held: PositionPicture) -> str:
    """Return a position as traders say it: `SHORT 2 MNQ @ 21,034.25`."""
    side = "LONG" if held.size > 0 else "SHORT"
    return f"{side} {abs(held.size)} {held.symbol} @ {average_price(held)}"


def order(working: OrderPicture) -> str:
    """Return a working order as traders say it: `BUY 2 MNQ stop 21,060.00`."""
    at = "" if working.price is None else f" {price(working.price)}"
    side = working.side.upper()
    return f"{side} {working.size} {symbol_of(working.contract)} {working.type}{at}"


def average_price(held: PositionPicture) -> str:
    """Return an average price; a mean of fills needs no more decimals than a quarter of a tick."""
    listing = listing_of(held.contract)
    if listing is None:
        return price(held.average_price)
    exponent = (listing.tick_size / 4).normalize().as_tuple().exponent
    return price(held.average_price, min(max(-int(exponent), 0), _MOST_DECIMALS))


def price(points: float, most: int = _MOST_DECIMALS) -> str:
    """Return a price with two decimals, or as many as it needs, at most so many."""
    text = f"{points:,.{max(most, 2)}f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def zone_of(picture: Picture) -> tzinfo:
    """Return the zone of the trading day, in which people read times."""
    try:
        return ZoneInfo(picture.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def now_in(picture: Picture) -> datetime:
    """Return the present in the zone of the trading day."""
    return datetime.now(zone_of(picture))


def instant(text: str, now: datetime) -> datetime | None:
    """Return an instant of the picture in the zone of `now`; None when it is no instant."""
    try:
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except ValueError:
        return None


def clock(text: str, now: datetime) -> str:
    """Return the time of an instant with its zone, and the weekday when it is another day's."""
    at = instant(text, now)
    if at is None:
        return text
    return at.strftime("%H:%M:%S %Z" if at.date() == now.date() else "%a %H:%M:%S %Z")


def countdown(until: str, now: datetime) -> str:
    """Return the time left until an instant: `6:28:53`, `2d 6:28:53`, `now`."""
    at = instant(until, now)
    if at is None:
        return UNKNOWN
    left_s = int((at - now) / timedelta(seconds=1))
    if left_s <= 0:
        return _OVER
    days, rest_s = divmod(left_s, 86_400)
    hours, rest_s = divmod(rest_s, 3_600)
    minutes, seconds = divmod(rest_s, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}"
    return f"{days}d {text}" if days else text


def lock_end(lock: LockPicture, now: datetime) -> str:
    """Return `until Sat 17:00:00 CST, in 18:26:46`, or that the lock ends on a condition."""
    if lock.until is None:
        return "until its condition ends"
    left = countdown(lock.until, now)
    return f"until {clock(lock.until, now)}, {left if left == _OVER else f'in {left}'}"


def unlock_wait(unlock: UnlockPicture, now: datetime) -> str:
    """Return that a request to end a lock waits, and until when it can be withdrawn."""
    left = countdown(unlock.due, now)
    wait = left if left == _OVER else f"in {left}"
    return f"unlock takes effect at {clock(unlock.due, now)}, {wait} ({unlock.reason})"


def waived(rule: RulePicture, now: datetime) -> str:
    """Return what a rule still does after an unlock waived what it found; empty where none did."""
    if not rule.is_waived:
        return ""
    return after_unlock(rule.id, None if rule.next_cause is None else clock(rule.next_cause, now))


def all_waived(picture: Picture, now: datetime) -> list[tuple[RulePicture, str]]:
    """Return the rules of which an unlock waived what they found, and what they still do."""
    names = {account.id: account.name for account in picture.accounts}
    return [
        (rule, f"{names.get(rule.account, rule.account)}: {waived(rule, now)}")
        for rule in picture.rules
        if rule.is_waived
    ]


def broken(rule: RulePicture, now: datetime) -> str:
    """Return when and at which value a rule broke whose value is back inside the limit."""
    if rule.broken_at is None:
        return ""
    return f"broken at {clock(rule.broken_at, now)} ({figure(rule, rule.broken_value)})"


def unlock_policy(picture: Picture) -> str:
    """Return the unlock policy in one line."""
    match picture.unlock:
        case UnlockPolicy.NEVER:
            terms = "a lock ends by its own condition"
        case UnlockPolicy.DELAYED:
            terms = "on request (`risk-actors unlock`), after a cooling-off time"
        case _:
            terms = "on request (`risk-actors unlock`), with the admin secret"
    return f"Unlock: {picture.unlock}; {terms}"


def running(rule: RulePicture) -> str:
    """Return how much of a rule's time is left while it runs; empty when none runs."""
    if rule.unit != Unit.SECONDS or rule.distance is None or not rule.used:
        return ""
    return f"{duration(rule.distance)} left" if rule.verdict != "breach" else ""


def next_try(under_way: EnforcementPicture, now: datetime) -> str:
    """Return when an enforcement that is held up tries again; empty when that is not ahead."""
    at = instant(under_way.next_try, now) if under_way.next_try else None
    if under_way.next_try is None or at is None or at <= now:
        return ""
    return f" (next try {clock(under_way.next_try, now)})"


def lock_scope(lock: LockPicture) -> str:
    """Return what is locked: `account` or the contract's symbol."""
    return "account" if lock.scope == "account" else symbol_of(lock.scope)


def account_state(account: AccountPicture, *, armed: bool) -> str:
    """Return in a word or two what the account may do; unarmed, no lock holds it."""
    is_locked = any(lock.scope == "account" for lock in account.locks)
    if account.seen_at is not None:
        return "LOCKED, NOT SEEN" if is_locked and armed else "NOT SEEN"
    if account.locks and not armed:
        return "WOULD BE LOCKED"
    if account.enforcement is not None:
        return "ENFORCING"
    if is_locked:
        return "LOCKED"
    if account.locks:
        return "PARTLY LOCKED"
    if account.can_trade is None:
        return "UNKNOWN"
    return "OPEN" if account.can_trade else "BARRED BY BROKER"


def arming(picture: Picture) -> str:
    """Return whether breaches are enforced."""
    if picture.armed and picture.connection.is_blind:
        return "ARMED, BUT CANNOT ACT"
    return "ARMED" if picture.armed else f"SHADOW ({NOT_ENFORCED})"


def phase(picture: Picture) -> str:
    """Return how the guard fares; `connected`, so that it is not taken for the armed flag."""
    return "connected" if picture.phase == "armed" else picture.phase


def rules_of(picture: Picture, account: AccountPicture) -> list[RulePicture]:
    """Return the rules that guard an account, in the order of the settings."""
    return [rule for rule in picture.rules if rule.account == account.id]
