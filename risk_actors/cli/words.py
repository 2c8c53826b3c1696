"""How amounts, times, verdicts and locks are written wherever a person reads them.

Colour is never the only signal: each word stands with a sign and a word of its own.
"""

from datetime import datetime, timedelta
from functools import cache

import msgspec

from risk_actors.actors.picture import (
    AccountPicture,
    LockPicture,
    OrderPicture,
    Picture,
    PositionPicture,
    RulePicture,
)
from risk_actors.core.instruments import symbol_of
from risk_actors.core.rules import catalogue

UNKNOWN = "unknown"

_MONEY_KEYS = {"limit_usd", "target_usd", "amount_usd"}
"""A rule with one of these compares dollars; any other counts something."""

VERDICT_SIGNS = {"ok": "✓", "warning": "!", "breach": "✗", "unknown": "?"}
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


def amount_style(amount_usd: float | None) -> str:
    """Return the colour of a profit, a loss or an unknown amount."""
    if amount_usd is None:
        return "bold magenta"
    return "green" if amount_usd > 0 else "red" if amount_usd < 0 else ""


def figure(rule: RulePicture, value: float | None) -> str:
    """Return a rule's value or limit in the rule's own unit."""
    if value is None:
        return UNKNOWN if rule.verdict == "unknown" else "-"
    return usd(value) if _is_money(rule.type) else f"{value:g}"


def used_fraction(rule: RulePicture) -> float | None:
    """Return how much of the limit is used, from 0 to 1; None when that is not known."""
    if rule.value is None or rule.limit is None:
        return None
    if rule.limit == 0:
        return 1.0 if rule.value > 0 else 0.0
    return min(max(rule.value / rule.limit, 0.0), 1.0)


def verdict(rule: RulePicture) -> str:
    """Return sign and word of a verdict: `✗ breach`."""
    return f"{VERDICT_SIGNS.get(rule.verdict, '?')} {rule.verdict}"


def position(held: PositionPicture) -> str:
    """Return a position as traders say it: `SHORT 2 MNQ @ 21,034.25`."""
    side = "LONG" if held.size > 0 else "SHORT"
    return f"{side} {abs(held.size)} {held.symbol} @ {price(held.average_price)}"


def order(working: OrderPicture) -> str:
    """Return a working order as traders say it: `BUY 2 MNQ stop 21,060.00`."""
    at = "" if working.price is None else f" {price(working.price)}"
    side = working.side.upper()
    return f"{side} {working.size} {symbol_of(working.contract)} {working.type}{at}"


def price(points: float) -> str:
    """Return a price with two decimals, or as many as it needs."""
    text = f"{points:,.8f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def instant(text: str, now: datetime) -> datetime | None:
    """Return an instant of the picture in the zone of `now`; None when it is no instant."""
    try:
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except ValueError:
        return None


def clock(text: str, now: datetime) -> str:
    """Return the time of day of an instant, with the weekday when it is another day's."""
    at = instant(text, now)
    if at is None:
        return text
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%a %H:%M:%S")


def countdown(until: str, now: datetime) -> str:
    """Return the time left until an instant: `6:28:53`, `2d 6:28:53`, `now`."""
    at = instant(until, now)
    if at is None:
        return UNKNOWN
    left_s = int((at - now) / timedelta(seconds=1))
    if left_s <= 0:
        return "now"
    days, rest_s = divmod(left_s, 86_400)
    hours, rest_s = divmod(rest_s, 3_600)
    minutes, seconds = divmod(rest_s, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}"
    return f"{days}d {text}" if days else text


def lock_end(lock: LockPicture, now: datetime) -> str:
    """Return when a lock ends: `17:00:00, in 6:28:53`, or that it ends on a condition."""
    if lock.until is None:
        return "until its condition ends"
    return f"until {clock(lock.until, now)}, in {countdown(lock.until, now)}"


def lock_scope(lock: LockPicture) -> str:
    """Return what is locked: `account` or the contract's symbol."""
    return "account" if lock.scope == "account" else symbol_of(lock.scope)


def account_state(account: AccountPicture) -> str:
    """Return the one word that says what the account may do."""
    if account.enforcement is not None:
        return "ENFORCING"
    if any(lock.scope == "account" for lock in account.locks):
        return "LOCKED"
    if account.locks:
        return "PARTLY LOCKED"
    if account.can_trade is None:
        return "UNKNOWN"
    return "OPEN" if account.can_trade else "BARRED BY BROKER"


def arming(picture: Picture) -> str:
    """Return whether breaches are enforced: `ARMED` or `SHADOW`."""
    return "ARMED" if picture.armed else "SHADOW"


def rules_of(picture: Picture, account: AccountPicture) -> list[RulePicture]:
    """Return the rules that guard an account, in the order of the settings."""
    return [rule for rule in picture.rules if rule.account == account.id]


@cache
def _is_money(rule_type: str) -> bool:
    rule = catalogue().get(rule_type)
    if rule is None:
        return False
    return any(field.name in _MONEY_KEYS for field in msgspec.structs.fields(rule.Settings))
