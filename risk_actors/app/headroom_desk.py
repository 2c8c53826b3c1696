"""The picture with every account's headroom in it, reckoned when somebody looks.

Asking every rule what it would say takes some milliseconds an account, so the safe sizes are
reckoned on the reader's thread and at most once a second, from what the actors have published.
"""

import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from risk_actors.actors.paint import Known
from risk_actors.actors.picture import (
    AccountPicture,
    FiringPricePicture,
    FirstToFirePicture,
    HeadroomPicture,
    Picture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.actors.view import PictureFrame
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.headroom.room import FirstToFire, RuleRoom, first_to_fire
from risk_actors.core.headroom.safe_size import SafeSize, Trial, last_prices, safe_size
from risk_actors.core.headroom.stop_out import StopOut, stop_out
from risk_actors.core.money import ZERO
from risk_actors.core.rules import Mode, Rule
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.runtime.clock import Clock

RECKON_EVERY_NS = NS_PER_S
CONTRACTS_AT_MOST = 4
"""Contracts asked about, open ones first, then those traded last."""


class HeadroomDesk:
    """Reads the picture for whoever shows it; any thread may ask."""

    def __init__(
        self,
        frame: PictureFrame,
        rules: Sequence[Rule[Any, Any]],
        restored: Mapping[tuple[str, int], RuleMemory],
        clock: Clock,
    ) -> None:
        """Take the rules; those in shadow count only where none is enforced."""
        self._frame = frame
        enforced = [rule for rule in rules if rule.settings.mode is Mode.ENFORCE]
        self._rules = enforced or list(rules)
        self._rule_ids = {rule.settings.id for rule in self._rules}
        self._restored = restored
        self._clock = clock
        self._lock = threading.Lock()
        self._reckoned_ns = 0
        self._sizes: dict[int, tuple[SizePicture, ...]] = {}

    def picture(self) -> Picture:
        """Return the present picture with the headroom of every account."""
        picture, known = self._frame.picture, self._frame.known
        if known is None:
            return picture
        with self._lock:
            now_ns = self._clock.now_ns()
            if abs(now_ns - self._reckoned_ns) >= RECKON_EVERY_NS:
                self._reckoned_ns = now_ns
                self._sizes = {
                    account.id: self._sizes_of(known, account, now_ns)
                    for account in picture.accounts
                }
            sizes = self._sizes
        return msgspec.structs.replace(
            picture,
            accounts=tuple(
                msgspec.structs.replace(
                    account, headroom=self._headroom(known, account, sizes.get(account.id, ()))
                )
                for account in picture.accounts
            ),
        )

    def _headroom(
        self, known: Known, account: AccountPicture, sizes: tuple[SizePicture, ...]
    ) -> HeadroomPicture | None:
        pnl = known.pnl.get(account.id)
        if pnl is None or pnl.account is None or not pnl.account.is_reconciled:
            return None
        told = [
            each
            for (rule_id, account_id), each in list(known.verdicts.items())
            if account_id == account.id and rule_id in self._rule_ids
        ]
        first = first_to_fire((RuleRoom(t.rule_id, t.measure, t.verdict) for t in told), pnl)
        modes = {each.rule_id: each.mode for each in told}
        out = stop_out(pnl)
        return HeadroomPicture(
            sizes=sizes,
            first=None if first is None else _first(first, modes[first.rule_id]),
            stop_out=None if out is None else _stop_out(out),
        )

    def _sizes_of(
        self, known: Known, account: AccountPicture, now_ns: int
    ) -> tuple[SizePicture, ...]:
        pnl = known.pnl.get(account.id)
        if pnl is None or pnl.account is None or not pnl.account.is_reconciled:
            return ()
        fills = dict(reversed(list(known.last_fills.get(account.id, {}).items())))
        prices = last_prices(pnl, {contract_id: fill.price for contract_id, fill in fills.items()})
        lock = next((lock.rule for lock in account.locks if lock.scope == "account"), None)
        locked = {lock.scope: lock.rule for lock in account.locks}
        trials = [
            Trial(rule, self._state(known, rule, account.id))
            for rule in self._rules
            if rule.settings.selects(account.name)
        ]
        broker_ns = now_ns - pnl.account.clock_ahead_ns
        sizes: list[SizePicture] = []
        for contract_id, price in list(prices.items())[:CONTRACTS_AT_MOST]:
            fill = fills.get(contract_id)
            costs_usd = ZERO if fill is None else fill.costs_usd / max(fill.size, 1)
            size = safe_size(trials, pnl, contract_id, price, broker_ns, costs_usd=costs_usd)
            if size is not None:
                sizes.append(_size(size, lock or locked.get(contract_id)))
        return tuple(sizes)

    def _state(self, known: Known, rule: Rule[Any, Any], account_id: int) -> Any:
        key = (rule.settings.id, account_id)
        memory = known.memories.get(key) or self._restored.get(key)
        return rule.initial_state() if memory is None else memory.state


def _size(size: SafeSize, locked_by: str | None) -> SizePicture:
    return SizePicture(
        contract=size.contract_id,
        symbol=size.symbol,
        contracts=size.contracts if locked_by is None else 0,
        rule=locked_by or size.rule_id,
    )


def _usd(amount_usd: Decimal) -> float:
    return round(float(amount_usd), 2)


def _first(first: FirstToFire, mode: str) -> FirstToFirePicture:
    return FirstToFirePicture(
        rule=first.rule_id,
        mode=mode,
        room=_usd(first.room_usd),
        prices=tuple(
            FiringPricePicture(contract=p.contract_id, symbol=p.symbol, price=float(p.price))
            for p in first.prices
        ),
    )


def _stop_out(out: StopOut) -> StopOutPicture:
    return StopOutPicture(
        day=None if out.day_usd is None else _usd(out.day_usd), unprotected=dict(out.unprotected)
    )
