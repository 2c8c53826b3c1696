"""I5: what a guard shows that was killed and started again, once it has come to rest.

Nothing happens at the broker between the two, so everything that is shown has to be the same:
positions, orders, P&L, counters, locks with their ends, and what every rule says. Time alone goes
on: a lock ends, and an entry counts no more once its hour is over. What is not as it was has
therefore to be what a guard shows by then that nobody killed.
"""

from collections.abc import Callable
from typing import Any

from risk_actors.actors.picture import AccountPicture, Picture, RulePicture

_MOVES_BY_ITSELF = "seconds"
"""The unit of rules whose figures and verdicts change with time alone."""


def changed(
    before: Picture, after: Picture, unbroken: Callable[[], Picture]
) -> list[tuple[str, str]]:
    """Return what is neither as it was nor as time has made it.

    `unbroken` gives what a guard shows that went on without a restart, at the instant of `after`.
    It is asked only where something differs, for it takes as long as the whole day.
    """
    was, now = _shown(before), _shown(after)
    differs = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    if not differs:
        return []
    goes_on = _shown(unbroken())
    return [
        ("I5", f"{name} was {was.get(name)}, after a restart it is {now.get(name)}")
        for name in differs
        if goes_on.get(name) != now.get(name)
    ]


def _shown(picture: Picture) -> dict[str, Any]:
    """Return what a picture shows that a restart may not change."""
    found: dict[str, Any] = {}
    for account in picture.accounts:
        parts = _account(account)
        found |= {f"{name} of {account.id}": value for name, value in parts.items()}
    for rule in picture.rules:
        found[f"rule {rule.id} of {rule.account}"] = _rule(rule)
    return found


def _account(account: AccountPicture) -> dict[str, Any]:
    locks = [(lock.id, lock.rule, lock.scope, lock.until) for lock in account.locks]
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
