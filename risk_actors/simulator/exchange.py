"""The exchange behind the simulated gateway: accounts, orders, fills and positions.

It does no I/O, owns no thread and reads no clock: time comes in as `now_ns` (nanoseconds UTC)
and all chance from one injected generator, so a seed and a list of calls give the same day again.
What happened is taken out with `take_journal`.
"""

import copy
from collections.abc import Iterable
from decimal import Decimal
from itertools import count
from random import Random

from risk_actors.simulator import brackets, ledger, matching
from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.faults import Faults, LateCancel, PendOrders, RejectOrder
from risk_actors.simulator.mishaps import Mishaps
from risk_actors.simulator.records import (
    ZERO,
    Account,
    AccountChanged,
    Filled,
    JournalEntry,
    Order,
    OrderChanged,
    OrderStatus,
    Position,
    Quote,
    Side,
    Ticket,
    Trade,
)
from risk_actors.simulator.refusals import Reason, RefusedError, change_fault, fault_of
from risk_actors.simulator.tickets import order_from

_EXCHANGE = "exchange"
_PARTIAL_CHANCE = 0.3
_CAN_TRADE = frozenset({OrderStatus.OPEN, OrderStatus.PENDING_CANCELLATION})


class Exchange:
    """Orders in, fills out. Every public method is one step and leaves a consistent state."""

    def __init__(
        self,
        *,
        contracts: Iterable[Contract],
        accounts: Iterable[Account],
        rng: Random,
        partial_fills: bool = False,
        faults: Faults | None = None,
    ) -> None:
        """Open with every contract quoted one tick wide at its starting price."""
        self.contracts = {contract.contract_id: contract for contract in contracts}
        self.accounts = {account.id: account for account in accounts}
        self.quotes: dict[str, Quote] = {
            contract.contract_id: Quote(
                contract.start_price,
                contract.start_price + contract.tick_size,
                contract.start_price,
            )
            for contract in self.contracts.values()
        }
        self.orders: dict[int, Order] = {}
        self.positions: dict[tuple[int, str], Position] = {}
        self.trades: list[Trade] = []
        self.halted: set[str] = set()
        """Contracts in a trading halt: nothing trades, orders and closes are refused."""
        self._rng = rng
        self._partial_fills = partial_fills
        self._live: dict[int, Order] = {}
        self.mishaps = Mishaps(faults or Faults())
        """What goes wrong with orders because a fault was asked for."""
        self._journal: list[JournalEntry] = []
        self._order_ids = count(9_001)
        self._trade_ids = count(7_001)
        self._position_ids = count(501)
        self._rejections_due = 0
        self._tags: set[tuple[int, str]] = set()

    def take_journal(self) -> list[JournalEntry]:
        """Return what happened since the last call, oldest first, and forget it."""
        taken, self._journal = self._journal, []
        return taken

    def place(self, ticket: Ticket, now_ns: int) -> Order:
        """Accept an order, fill what trades at once, and return it.

        Raises:
            RefusedError: the account, contract or order is not acceptable. A rejected order
                exists with status 5 and its id is in the error.
        """
        account = self._tradable(ticket.account_id)
        contract = self._contract(ticket.contract_id)
        if not account.can_trade:
            raise RefusedError(Reason.ACCOUNT_VIOLATION, "Account is not eligible for trading.")
        if contract.contract_id in self.halted:
            raise RefusedError(Reason.MARKET_CLOSED)
        order = self._new_order(ticket, contract, now_ns)
        fault = self._reject_reason(ticket, contract)
        if fault is not None:
            order.status = OrderStatus.REJECTED
            self._note(order, None, ticket.source, now_ns)
            raise RefusedError(Reason.ORDER_REJECTED, fault, order.id)
        self._live[order.id] = order
        self._note(order, None, ticket.source, now_ns)
        for leg in brackets.legs_of(order, ticket, self._order_ids):
            self.orders[leg.id] = self._live[leg.id] = leg
            self._note(leg, None, _EXCHANGE, now_ns)
        self._arrive(order, now_ns)
        return copy.copy(order)

    def modify(
        self,
        account_id: int,
        order_id: int,
        now_ns: int,
        *,
        size: int | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
        trail_price: Decimal | None = None,
        by: str = "trader",
    ) -> None:
        """Change size or prices of a working order; what is None stays.

        Raises:
            RefusedError: no such working order, or the new values are not acceptable.
        """
        self._tradable(account_id)
        order = self._working(account_id, order_id)
        contract = self.contracts[order.contract_id]
        before = copy.copy(order)
        prices = (limit_price, stop_price or trail_price)
        fault = change_fault(order, contract, self.quotes[order.contract_id], size, prices)
        if fault is not None:
            raise RefusedError(Reason.ORDER_REJECTED, fault, order.id)
        order.size = order.size if size is None else size
        order.limit_price = order.limit_price if limit_price is None else limit_price
        order.stop_price = order.stop_price if stop_price is None else stop_price
        if trail_price is not None:
            order.trail_distance = abs(self.quotes[order.contract_id].last - trail_price)
            order.stop_price = trail_price
        order.updated_ns = now_ns
        self._note(order, before, by, now_ns)

    def cancel(self, account_id: int, order_id: int, now_ns: int, *, by: str = "trader") -> None:
        """Cancel a working order; the suspended legs of an entry go with it.

        Raises:
            RefusedError: no such working order of this account.
        """
        self._tradable(account_id)
        order = self._working(account_id, order_id)
        late = self.mishaps.of_cancel(order, by)
        if late is None:
            self._cancel(order, now_ns, by)
        else:
            self._cancel_late(order, late, now_ns, by)

    def close(
        self,
        account_id: int,
        contract_id: str,
        now_ns: int,
        *,
        size: int | None = None,
        source: str = "trader",
    ) -> Order:
        """Close a position, or `size` contracts of it, at the market.

        Resting orders stay, as live: a target or stop left behind can open a new position.

        Raises:
            RefusedError: no such position, a size beyond it, or the market is closed.
        """
        self._tradable(account_id)
        self._contract(contract_id)
        position = self.positions.get((account_id, contract_id))
        if position is None:
            raise RefusedError(Reason.POSITION_NOT_FOUND)
        open_size = abs(position.signed_size)
        volume = open_size if size is None else size
        if not 0 < volume <= open_size:
            raise RefusedError(Reason.INVALID_SIZE)
        if contract_id in self.halted:
            raise RefusedError(Reason.ORDER_REJECTED)
        ticket = Ticket(
            account_id=account_id,
            contract_id=contract_id,
            side=Side.SELL if position.signed_size > 0 else Side.BUY,
            size=volume,
            source=source,
        )
        order = self._new_order(ticket, self.contracts[contract_id], now_ns)
        order.is_close = True
        self._live[order.id] = order
        self._note(order, None, source, now_ns)
        self._arrive(order, now_ns)
        return copy.copy(order)

    def advance(self, now_ns: int) -> None:
        """Let happen what faults have put off until now; every quote does so too."""
        self.mishaps.run(now_ns)

    def on_quote(self, contract_id: str, quote: Quote, now_ns: int) -> None:
        """Take a new quote and trade every resting order it reaches."""
        self.quotes[contract_id] = quote
        self.advance(now_ns)
        if contract_id in self.halted:
            return
        for order in list(self._live.values()):
            if (
                order.contract_id == contract_id
                and order.status in _CAN_TRADE
                and not self.mishaps.is_sliced(order)
            ):
                self._match(order, now_ns, arriving=False)

    def set_can_trade(self, account_id: int, now_ns: int, *, can_trade: bool) -> None:
        """Give or take an account's permission to open; closes and cancels stay possible."""
        self.account(account_id).can_trade = can_trade
        account = copy.copy(self.accounts[account_id])
        self._journal.append(AccountChanged(at_ns=now_ns, account=account))

    def set_blocked(self, account_id: int, *, blocked: bool) -> None:
        """Switch the platform's block of an account: orders, closes and cancels are refused."""
        self.account(account_id).blocked = blocked

    def set_halted(self, contract_id: str, *, halted: bool) -> None:
        """Begin or end a trading halt."""
        (self.halted.add if halted else self.halted.discard)(contract_id)

    def reject_next(self, count: int = 1) -> None:
        """Reject the next orders placed: status 5, with a real id."""
        self._rejections_due += count

    def account(self, account_id: int) -> Account:
        """Return an account.

        Raises:
            RefusedError: there is no such account.
        """
        account = self.accounts.get(account_id)
        if account is None:
            raise RefusedError(Reason.ACCOUNT_NOT_FOUND)
        return account

    def working_orders(self, account_id: int) -> list[Order]:
        """Return copies of the account's orders that can still trade, suspended legs included."""
        return [copy.copy(o) for o in self._live.values() if o.account_id == account_id]

    def signed_size(self, account_id: int, contract_id: str) -> int:
        """Return the open size in a contract; short is negative, flat is 0."""
        position = self.positions.get((account_id, contract_id))
        return position.signed_size if position else 0

    def _tradable(self, account_id: int) -> Account:
        account = self.account(account_id)
        if account.blocked:
            raise RefusedError(Reason.ACCOUNT_REJECTED, "Account is blocked from trading.")
        return account

    def _contract(self, contract_id: str) -> Contract:
        contract = self.contracts.get(contract_id)
        if contract is None:
            raise RefusedError(Reason.CONTRACT_NOT_FOUND)
        return contract

    def _working(self, account_id: int, order_id: int) -> Order:
        order = self._live.get(order_id)
        if order is None or order.account_id != account_id:
            raise RefusedError(Reason.ORDER_NOT_FOUND)
        return order

    def _reject_reason(self, ticket: Ticket, contract: Contract) -> str | None:
        if self._rejections_due:
            self._rejections_due -= 1
            return "Order rejected."
        if ticket.custom_tag is not None:
            tag = (ticket.account_id, ticket.custom_tag)
            if tag in self._tags:
                return "Custom tag is already in use."
            self._tags.add(tag)
        return fault_of(ticket, contract, self.quotes[contract.contract_id])

    def _new_order(self, ticket: Ticket, contract: Contract, now_ns: int) -> Order:
        quote = self.quotes[contract.contract_id]
        order = order_from(ticket, contract, quote, order_id=next(self._order_ids), now_ns=now_ns)
        self.orders[order.id] = order
        return order

    def _arrive(self, order: Order, now_ns: int) -> None:
        mishap = self.mishaps.of_arriving(order, self.contracts[order.contract_id])
        match mishap:
            case None:
                self._enter(order, now_ns)
            case RejectOrder():
                self._end_unfilled(order, OrderStatus.REJECTED, now_ns, _EXCHANGE)
            case PendOrders():
                order.is_close &= not mishap.can_reverse
                self.mishaps.after(
                    mishap.delay_s, now_ns, lambda at_ns: self._enter_late(order, at_ns)
                )
            case _:
                sizes = self.mishaps.begin_slices(order, mishap.slices)
                self._slice(order, sizes, mishap.gap_s, now_ns)

    def _enter_late(self, order: Order, now_ns: int) -> None:
        if self._is_wanted_still(order, now_ns):
            self._enter(order, now_ns)

    def _is_wanted_still(self, order: Order, now_ns: int) -> bool:
        """Tell whether an order can trade after a while; a close shrinks to what is open."""
        if order.id not in self._live:
            return False  # cancelled meanwhile
        if order.is_close:
            closable = -order.side.sign * self.signed_size(order.account_id, order.contract_id)
            if closable <= 0:
                self.mishaps.end_slices(order)
                self._cancel(order, now_ns, _EXCHANGE)
                return False
            order.size = order.fill_volume + min(order.remaining, closable)
        return True

    def _enter(self, order: Order, now_ns: int) -> None:
        """Let an order trade at once, and rest if it cannot."""
        if order.contract_id not in self.halted:
            self._match(order, now_ns, arriving=True)
        if order.status is OrderStatus.PENDING:
            before = copy.copy(order)
            order.status = OrderStatus.OPEN
            self._note(order, before, _EXCHANGE, now_ns)

    def _slice(self, order: Order, sizes: list[int], gap_s: float, now_ns: int) -> None:
        """Trade the first slice, and the others one gap after another."""
        if not self._is_wanted_still(order, now_ns):
            return
        if order.contract_id in self.halted or len(sizes) == 1 or sizes[0] >= order.remaining:
            self.mishaps.end_slices(order)
            self._enter(order, now_ns)
            return
        price = matching.fill_price(order, self.quotes[order.contract_id], arriving=True)
        if price is not None:
            self._fill(order, sizes[0], price, now_ns)
        self.mishaps.after(gap_s, now_ns, lambda at_ns: self._slice(order, sizes[1:], gap_s, at_ns))

    def _cancel_late(self, order: Order, late: LateCancel, now_ns: int, by: str) -> None:
        """Accept a cancel that takes effect later or never; the order can trade meanwhile."""
        if late.shows and order.status is OrderStatus.OPEN:
            before = copy.copy(order)
            order.status = OrderStatus.PENDING_CANCELLATION
            self._note(order, before, _EXCHANGE, now_ns)
        if late.delay_s is not None:
            self.mishaps.after(
                late.delay_s,
                now_ns,
                lambda at_ns: self._cancel(order, at_ns, by) if order.id in self._live else None,
            )

    def _match(self, order: Order, now_ns: int, *, arriving: bool) -> None:
        quote = self.quotes[order.contract_id]
        before = copy.copy(order)
        if matching.trail(order, quote) or matching.trigger(order, quote):
            order.updated_ns = now_ns
            self._note(order, before, _EXCHANGE, now_ns)
        price = matching.fill_price(order, quote, arriving=arriving)
        if price is None:
            return
        first = self._first_part(order)
        self._fill(order, first, price, now_ns)
        # A taker's rest trades at once; what is left of a limit waits for the next quote.
        if order.remaining and not matching.is_limit_like(order):
            self._fill(order, order.remaining, price, now_ns)

    def _first_part(self, order: Order) -> int:
        splits = self._partial_fills and order.remaining > 1
        if splits and self._rng.random() < _PARTIAL_CHANCE:
            return self._rng.randint(1, order.remaining - 1)
        return order.remaining

    def _fill(self, order: Order, volume: int, price: Decimal, now_ns: int) -> None:
        key = (order.account_id, order.contract_id)
        size_now = self.signed_size(*key)
        for part in ledger.split_at_flat(size_now, order.side, volume):
            if part:
                self._half_turn(order, part, price, now_ns)
        self._after_fill(order, volume, now_ns)

    def _half_turn(self, order: Order, volume: int, price: Decimal, now_ns: int) -> None:
        """Trade `volume` that wholly opens or wholly closes, and book it everywhere."""
        contract = self.contracts[order.contract_id]
        position = self._position(order, now_ns)
        size_before = position.signed_size
        entry_average = position.average_price
        closes = size_before * order.side.sign < 0
        pnl_usd = ledger.close(position, contract, volume, price) if closes else None
        reopened = ledger.closed_openings(position, volume) if closes else ()
        trade = ledger.half_turn(
            order,
            contract,
            trade_id=next(self._trade_ids),
            volume=volume,
            price=price,
            pnl_usd=pnl_usd,
            now_ns=now_ns,
        )
        self.trades.append(trade)
        if not closes:
            ledger.add(position, trade)
            entry_average = position.average_price
        if not position.signed_size:
            del self.positions[(order.account_id, order.contract_id)]
        filled_cost = (order.filled_price or ZERO) * order.fill_volume + price * volume
        order.fill_volume += volume
        order.filled_price = filled_cost / order.fill_volume
        order.status = OrderStatus.OPEN if order.remaining else OrderStatus.FILLED
        order.updated_ns = now_ns
        account = self.accounts[order.account_id]
        account.balance_usd += (pnl_usd or ZERO) - trade.fees_usd - trade.commissions_usd
        self._journal.append(
            Filled(
                at_ns=now_ns,
                order=copy.copy(order),
                trade=trade,
                position=ledger.view(position, entry_average),
                size_before=size_before,
                account=copy.copy(account),
                reopened=reopened,
            )
        )

    def _position(self, order: Order, now_ns: int) -> Position:
        key = (order.account_id, order.contract_id)
        position = self.positions.get(key)
        if position is None:
            position = Position(
                id=next(self._position_ids),
                account_id=order.account_id,
                contract_id=order.contract_id,
                created_ns=now_ns,
            )
            self.positions[key] = position
        return position

    def _after_fill(self, order: Order, volume: int, now_ns: int) -> None:
        if order.status.is_final:
            self._live.pop(order.id, None)
        for leg in [o for o in self._live.values() if o.parent_id == order.id]:
            before = copy.copy(leg)
            last = self.quotes[order.contract_id].last
            taken = self.orders[leg.linked_id].fill_volume if leg.linked_id is not None else 0
            contract = self.contracts[order.contract_id]
            brackets.cover(leg, order, contract, last=last, taken=taken)
            self._note(leg, before, _EXCHANGE, now_ns)
        sibling = self._live.get(order.linked_id) if order.linked_id is not None else None
        if sibling is None:
            return
        before = copy.copy(sibling)
        sibling.size -= volume
        if order.status is OrderStatus.FILLED or sibling.remaining <= 0:
            sibling.size = before.size
            self._cancel(sibling, now_ns, _EXCHANGE)
        else:
            self._note(sibling, before, _EXCHANGE, now_ns)

    def _cancel(self, order: Order, now_ns: int, by: str) -> None:
        self._end_unfilled(order, OrderStatus.CANCELLED, now_ns, by)

    def _end_unfilled(self, order: Order, status: OrderStatus, now_ns: int, by: str) -> None:
        """End what is left of an order; legs that cover nothing yet are cancelled with it."""
        before = copy.copy(order)
        order.status = status
        self._live.pop(order.id, None)
        self._note(order, before, by, now_ns)
        for leg in [o for o in self._live.values() if o.parent_id == order.id]:
            # Legs that already cover a filled part go on protecting it.
            if leg.status is OrderStatus.SUSPENDED:
                self._cancel(leg, now_ns, _EXCHANGE)

    def _note(self, order: Order, before: Order | None, by: str, now_ns: int) -> None:
        order.updated_ns = now_ns
        self._journal.append(
            OrderChanged(at_ns=now_ns, order=copy.copy(order), before=before, by=by)
        )
