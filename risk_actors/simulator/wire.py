"""From the exchange's journal to the events of the user stream, with the broker's habits.

Live, the order of one fill's events is not fixed: a market or stop fill usually comes as trade,
order, position, account; a limit fill as order, trades, position, account; the account a few
milliseconds late and several times.
"""

from collections.abc import Mapping
from random import Random

import msgspec

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.matching import is_limit_like
from risk_actors.simulator.payloads import (
    Row,
    account_row,
    order_row,
    position_row,
    trade_row,
    without_nulls,
)
from risk_actors.simulator.records import (
    AccountChanged,
    Filled,
    JournalEntry,
    Order,
    OrderChanged,
    Trade,
)
from risk_actors.simulator.settings import Ugliness

_SHUFFLE_CHANCE = 0.3
_CREATED, _UPDATED, _REMOVED = 0, 1, 2
_MS_NS = 1_000_000


class UserEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the user hub before it is framed."""

    target: str
    account_id: int
    action: int
    data: Row
    contract_id: str | None = None
    order_id: int | None = None
    delay_ns: int = 0
    """How much later than the event before it this one is sent."""


def user_events(
    entry: JournalEntry, contracts: Mapping[str, Contract], ugliness: Ugliness, rng: Random
) -> list[UserEvent]:
    """Return what the user hub sends for one journal entry, in sending order."""
    writer = _Writer(contracts, ugliness, rng)
    match entry:
        case OrderChanged():
            return [writer.order(entry.order)]
        case AccountChanged():
            return writer.account(entry)
        case Filled():
            return writer.fill(entry)


class _Writer:
    """Writes the events of one journal entry."""

    def __init__(self, contracts: Mapping[str, Contract], ugliness: Ugliness, rng: Random) -> None:
        self._contracts = contracts
        self._ugliness = ugliness
        self._rng = rng

    def fill(self, entry: Filled) -> list[UserEvent]:
        trades = [self._trade(entry.trade, _CREATED)]
        if self._ugliness.resend_opening_trade:
            # Which action a re-sent trade carries live is not known, so it is either.
            trades += [
                self._trade(opening, self._rng.choice((_CREATED, _UPDATED)))
                for opening in entry.reopened
            ]
        order, position = self.order(entry.order), self._position(entry)
        groups = [trades, [order], [position]]
        if is_limit_like(entry.order):
            groups = [[order], trades, [position]]
        if self._ugliness.shuffle_fill_events and self._rng.random() < _SHUFFLE_CHANCE:
            self._rng.shuffle(groups)
        return [event for group in groups for event in group] + self.account(entry)

    def order(self, order: Order) -> UserEvent:
        return UserEvent(
            target="GatewayUserOrder",
            account_id=order.account_id,
            contract_id=order.contract_id,
            order_id=order.id,
            action=_REMOVED if order.status.is_final else _UPDATED,
            data=self._dress(
                order_row(order, self._contracts[order.contract_id], seven_digits=self._seven)
            ),
        )

    def account(self, entry: Filled | AccountChanged) -> list[UserEvent]:
        ugly = self._ugliness.repeat_account_events
        times = self._rng.randint(2, 4) if ugly else 1
        late_ns = self._rng.randint(1, 9) * _MS_NS if ugly else 0
        data = self._dress(account_row(entry.account))
        return [
            UserEvent(
                target="GatewayUserAccount",
                account_id=entry.account.id,
                action=_UPDATED,
                data=data,
                delay_ns=late_ns if n == 0 else 0,
            )
            for n in range(times)
        ]

    @property
    def _seven(self) -> bool:
        return self._ugliness.seven_digit_fractions

    def _trade(self, trade: Trade, action: int) -> UserEvent:
        return UserEvent(
            target="GatewayUserTrade",
            account_id=trade.account_id,
            contract_id=trade.contract_id,
            order_id=trade.order_id,
            action=action,
            data=self._dress(trade_row(trade, seven_digits=self._seven)),
        )

    def _position(self, entry: Filled) -> UserEvent:
        position = entry.position
        row = position_row(
            position, self._contracts[position.contract_id], seven_digits=self._seven
        )
        return UserEvent(
            target="GatewayUserPosition",
            account_id=position.account_id,
            contract_id=position.contract_id,
            order_id=entry.order.id,
            action=_UPDATED if position.signed_size else _REMOVED,
            data=self._dress(row),
        )

    def _dress(self, row: Row) -> Row:
        dressed = without_nulls(row) if self._ugliness.omit_nulls else row
        if not self._ugliness.ids_as_strings:
            return dressed
        return {
            key: str(value) if key.lower().endswith("id") and isinstance(value, int) else value
            for key, value in dressed.items()
        }
