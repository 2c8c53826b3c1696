"""The picture with every account's headroom in it, reckoned when somebody looks.

Asking every rule what it would say takes some milliseconds an account, so it is done on the
reader's thread, and at most once a second, from what the actors have published.
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
from risk_actors.core.pnl_state import PnlState
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
        self._restored = restored
        self._clock = clock
        self._lock = threading.Lock()
        self._reckoned_ns = 0
        self._headrooms: dict[int, HeadroomPicture | None] = {}

    def picture(self) -> Picture:
        """Return the present picture with the headroom of every account."""
        picture, known = self._frame.picture, self._frame.known
        if known is None:
            return picture
        with self._lock:
            now_ns = self._clock.now_ns()
            if abs(now_ns - self._reckoned_ns) >= RECKON_EVERY_NS:
                self._reckoned_ns = now_ns
                self._headrooms = {
                    account.id: self._headroom(known, account, now_ns)
                    for account in picture.accounts
                }
            headrooms = self._headrooms
        return msgspec.structs.replace(
            picture,
            accounts=tuple(
                msgspec.structs.replace(account, headroom=headrooms.get(account.id))
                for account in picture.accounts
            ),
        )

    def _headroom(
        self, known: Known, account: AccountPicture, now_ns: int
    ) -> HeadroomPicture | None:
        pnl = known.pnl.get(account.id)
        if pnl is None or pnl.account is None or not pnl.account.is_reconciled:
            return None
        rooms = [
            RuleRoom(told.rule_id, told.measure, told.verdict)
            for (_, account_id), told in list(known.verdicts.items())
            if account_id == account.id
        ]
        out = stop_out(pnl.account)
        return HeadroomPicture(
            sizes=self._sizes(known, account, pnl, now_ns),
            first=_first(first_to_fire(rooms, pnl)),
            stop_out=None if out is None else _stop_out(out),
        )

    def _sizes(
        self, known: Known, account: AccountPicture, pnl: PnlState, now_ns: int
    ) -> tuple[SizePicture, ...]:
        traded = dict(reversed(list(known.fill_prices.get(account.id, {}).items())))
        prices = last_prices(pnl, traded)
        lock = next((lock.rule for lock in account.locks if lock.scope == "account"), None)
        trials = [
            Trial(rule, self._state(known, rule, account.id))
            for rule in self._rules
            if rule.settings.selects(account.name)
        ]
        sizes = [
            size
            for contract_id, price in list(prices.items())[:CONTRACTS_AT_MOST]
            if (size := safe_size(trials, pnl, contract_id, price, now_ns)) is not None
        ]
        locked = {lock.scope: lock.rule for lock in account.locks}
        return tuple(_size(size, lock or locked.get(size.contract_id)) for size in sizes)

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


def _first(first: FirstToFire | None) -> FirstToFirePicture | None:
    if first is None:
        return None
    return FirstToFirePicture(
        rule=first.rule_id,
        room=_usd(first.room_usd),
        prices=tuple(
            FiringPricePicture(contract=p.contract_id, symbol=p.symbol, price=float(p.price))
            for p in first.prices
        ),
    )


def _stop_out(out: StopOut) -> StopOutPicture:
    return StopOutPicture(pnl=_usd(out.pnl_usd), unprotected=dict(out.unprotected))
