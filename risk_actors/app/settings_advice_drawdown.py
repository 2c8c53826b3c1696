"""Advice on trailing drawdowns: floors that do not fit the account, keys that do nothing."""

from collections.abc import Iterator
from typing import Any

from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_advice_words import Advice, Situation, dollars, listed
from risk_actors.core.rules.trailing_high import Trail
from risk_actors.simulator.settings import paper_accounts


def floors_that_do_not_fit_the_account(situation: Situation) -> Iterator[Advice]:
    """Tell where the paper account's balance is not the one that a floor is reckoned from.

    A live account's balance is not known before it is read, so only paper's is compared.
    """
    if situation.mode is not TradingMode.PAPER:
        return
    paper = situation.settings.simulator
    balance_usd = paper.balance_usd
    names = [account.name for account in paper_accounts(paper.accounts, balance_usd)]
    for rule in situation.on("trailing_drawdown"):
        first_usd = _first_floor_usd(rule, balance_usd)
        if first_usd is None or not any(rule.selects(name) for name in names):
            continue
        room_usd = balance_usd - first_usd - rule.keep_away_usd
        account = f"the paper account begins with {dollars(balance_usd)}"
        to_do = "; see `balance_usd` of [simulator] in app.toml"
        start_usd = rule.start_balance_usd
        if room_usd <= 0:
            yield Advice(
                f"acts at once: {account}, and the floor is at {dollars(first_usd)}{to_do}", rule.id
            )
        elif rule.floor_usd is None and round(room_usd - _allowance_usd(rule), 2):
            many = room_usd > _allowance_usd(rule)
            yield Advice(
                f"acts {'only' if many else 'already'} after a loss of {dollars(room_usd)}, not of"
                f" {dollars(_allowance_usd(rule))}: {account}, and `start_balance_usd` is"
                f" {dollars(start_usd)}{to_do}",
                rule.id,
            )


def _allowance_usd(rule: Any) -> float:
    return float(rule.amount_usd - rule.keep_away_usd)


def _first_floor_usd(rule: Any, balance_usd: float) -> float | None:
    """Return where the floor of a new account with this balance lies; None: it fits any."""
    if rule.floor_usd is not None:
        return float(rule.floor_usd)
    start_usd = rule.start_balance_usd
    if start_usd is None:
        return None
    top_usd = start_usd if rule.trail is Trail.STATIC else max(start_usd, balance_usd)
    floor_usd = top_usd - rule.amount_usd
    return float(floor_usd if rule.lock_at_usd is None else min(floor_usd, rule.lock_at_usd))


def keys_without_effect_on_a_floor_by_hand(situation: Situation) -> Iterator[Advice]:
    """Tell which keys mean nothing to a floor that is set by hand."""
    for rule in situation.on("trailing_drawdown"):
        keys = ("lock_at_usd", "start_balance_usd")
        idle = [f"`{key}`" for key in keys if getattr(rule, key) is not None]
        if rule.floor_usd is not None and idle:
            have = "has" if len(idle) == 1 else "have"
            yield Advice(
                f"{listed(idle)} {have} no effect: `floor_usd` fixes the floor by hand",
                rule.id,
            )


DRAWDOWN_ADVISERS = (floors_that_do_not_fit_the_account, keys_without_effect_on_a_floor_by_hand)
