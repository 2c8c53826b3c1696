"""I5: what a guard shows that was killed and started again, once it has come to rest.

Nothing happens at the broker between the two, so everything that is shown has to be the same:
positions, orders, P&L, counters, locks with their ends, and what every rule says.
"""

from typing import Any

from risk_actors.actors.picture import AccountPicture, Picture, RulePicture
from risk_actors.fuzz.stage import instant_ns

_MOVES_BY_ITSELF = "seconds"
"""The unit of rules whose figures and verdicts change with time alone."""


def changed(before: Picture, after: Picture, now_ns: int) -> list[tuple[str, str]]:
    """Return what is not as it was; locks that have ended by now are left out."""
    over = _over(before, now_ns)
    was, now = _shown(before, now_ns, over), _shown(after, now_ns, over)
    return [
        ("I5", f"{name} was {was.get(name)}, after a restart it is {now.get(name)}")
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]


def _over(picture: Picture, now_ns: int) -> set[tuple[str, int]]:
    """Return the rules and accounts of locks that have ended since: their verdicts may have too."""
    return {
        (lock.rule, account.id)
        for account in picture.accounts
        for lock in account.locks
        if lock.until is not None and instant_ns(lock.until) <= now_ns
    }


def _shown(picture: Picture, now_ns: int, over: set[tuple[str, int]]) -> dict[str, Any]:
    """Return what a picture shows that a restart may not change."""
    found: dict[str, Any] = {}
    for account in picture.accounts:
        parts = _account(account, now_ns)
        found |= {f"{name} of {account.id}": value for name, value in parts.items()}
    for rule in picture.rules:
        if (rule.id, rule.account) not in over:
            found[f"rule {rule.id} of {rule.account}"] = _rule(rule)
    return found


def _account(account: AccountPicture, now_ns: int) -> dict[str, Any]:
    locks = [
        (lock.id, lock.rule, lock.scope, lock.until)
        for lock in account.locks
        if lock.until is None or instant_ns(lock.until) > now_ns
    ]
    return {
        "balance": account.balance,
        "permission": account.can_trade,
        "day": account.day,
        "week": account.week,
        "positions": sorted((p.contract, p.size, p.unrealized) for p in account.positions),
        "orders": sorted((order.id, order.size, order.price) for order in account.orders),
        "locks": sorted(locks),
    }


def _rule(rule: RulePicture) -> tuple[object, ...]:
    if rule.unit == _MOVES_BY_ITSELF:
        # A cooldown may have ended meanwhile; the locks tell whether one was forgotten.
        return ()
    return rule.verdict, rule.value, rule.limit
