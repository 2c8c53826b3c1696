"""Positions, working orders and fills of one account: a cache of the broker's truth (I8).

The events of one fill (trade, order, position, account) come in any order, twice, or not at all.
So the book keeps two sizes per contract, the one the broker reported and the one its fills add up
to, and calls the contract settled when they agree. A snapshot read over REST overrules both,
except for what was pushed after the snapshot was asked for.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from risk_actors.core import reconciliation
from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import Account, Fill, Order, OrderStatus, Position
from risk_actors.core.clock_offset import ClockOffset
from risk_actors.core.contract_book import ContractBook
from risk_actors.core.day_counts import DayCounts
from risk_actors.core.lock import LockSpan, Unlocked
from risk_actors.core.money import ZERO, to_cents
from risk_actors.core.position_math import FLAT, Holding
from risk_actors.core.reconciliation import Difference, Snapshot
from risk_actors.core.same_parts import same_or_new
from risk_actors.core.trade_history import TradeHistory
from risk_actors.core.trade_ledger import SeenBefore, SeenFill, TradeLedger
from risk_actors.core.trading_calendar import Window


class PositionBook:
    """The account's state, moved by events and corrected by snapshots. `now_ns` is receipt."""

    def __init__(
        self,
        account_id: int,
        name: str,
        day: Window,
        seen_before: dict[int, SeenBefore] | None = None,
    ) -> None:
        """Take the account, and by id when fills of it were first seen to come.

        `seen_before` may outlive this book: what comes is put in, so that a fill which has to be
        read anew is timed as it was.
        """
        self._account_id = account_id
        self._name = name
        self._balance: Account | None = None
        self._balance_ns = 0
        self._contracts: dict[str, ContractBook] = {}
        self._orders: dict[int, tuple[Order, int]] = {}
        self._ended_orders: dict[int, int] = {}
        self._fills: dict[int, tuple[Fill, int]] = {}
        self._told_again_ns: dict[int, int] = {}
        self._filled_by_order: Counter[int] = Counter()
        self._awaited: dict[int, tuple[Order, int]] = {}
        self._day = day
        self._ledger = TradeLedger()
        self._last_counted = (0, 0)
        self._last_fill_ns = 0
        self._read_later: set[int] = set()
        self._seen_before = {} if seen_before is None else seen_before
        self._offset = ClockOffset()
        self._lock_spans: tuple[LockSpan, ...] = ()
        self._locks_noted = False
        self._unlocked: tuple[Unlocked, ...] = ()
        self._balance_by_fills_usd: Decimal | None = None
        self._asked_ns = 0
        self._has_all_fills = False
        self._named_symbols: dict[str, str] = {}
        # What was shown last: a part that has not changed is shown as the same object, by which
        # rules know that they need not look at it again.
        self._positions: tuple[OpenPosition, ...] = ()
        self._shown_orders: tuple[Order, ...] = ()
        self._day_counts: DayCounts | None = None
        self.unsettled_since_ns: int | None = None
        """Since when some contract's report and fills differ; None while all agree."""
        self.distrusted: str | None = None
        """Why only a snapshot can say what is true, or None."""
        self._distrusted_ns = 0

    # --- events ---------------------------------------------------------------------------

    def on_account(self, account: Account, now_ns: int) -> bool:
        """Take an account row; tell whether it changed anything."""
        self._balance_ns = now_ns
        if account == self._balance:
            return False
        self._balance = account
        return True

    def on_position(self, position: Position, now_ns: int) -> bool:
        """Take a position row; tell whether it changed anything.

        A closed position comes with its entry average, so only the size says that it is closed.
        """
        contract = self._contract(position.contract_id)
        reported = Holding(position.size, position.average_price) if position.size else FLAT
        changed = reported != contract.reported or (
            bool(reported.size) and position.opened_ns != contract.opened_ns
        )
        contract.reported = reported
        contract.reported_ns = now_ns
        if position.size:
            contract.opened_ns = position.opened_ns or now_ns
        self._settle(now_ns)
        return changed

    def on_order(self, order: Order, now_ns: int) -> bool:
        """Take an order row; tell whether it changed anything.

        An order that has ended never works again, and an older row never replaces a newer one. A
        row whose status says nothing ends nothing: a snapshot has to tell.
        """
        if order.id in self._ended_orders:
            return False
        known = self._orders.get(order.id)
        if known is not None and _is_older(order, known[0]):
            return False
        if order.status is OrderStatus.NONE:
            self._distrust(f"the status of order {order.id} is not known", now_ns)
            return True
        if known is not None and known[0] == order:
            self._orders[order.id] = (order, now_ns)
            return False
        if known is None or order.updated_ns > known[0].updated_ns:
            self._time(order.updated_ns, now_ns)
        self._await_fills(order, now_ns)
        self._settle(now_ns)
        if order.is_working:
            self._orders[order.id] = (order, now_ns)
            return True
        self._ended_orders[order.id] = now_ns
        return self._orders.pop(order.id, None) is not None or order.id in self._awaited

    def _await_fills(self, order: Order, received_ns: int) -> None:
        """Remember an order that says more was filled than the fills that came.

        Such an account looks flat for a moment between the order's row and the fill's.
        """
        filled = order.size if order.status is OrderStatus.FILLED else order.filled_size
        if filled > self._filled_by_order[order.id]:
            self._awaited[order.id] = (order, received_ns)
        else:
            self._awaited.pop(order.id, None)

    def on_fill(self, fill: Fill, now_ns: int) -> Fill | None:
        """Take a trade row; return it as now known when it is new or changed, else None."""
        known = self._fills.get(fill.id)
        if known is not None:
            self._told_again_ns[fill.id] = now_ns
            amended = self._amend(known[0], fill, known[1])
            if amended is not None:
                self._recount()
                if amended.voided and not known[0].voided:
                    self._distrust(f"fill {fill.id} was voided", now_ns)
            return amended
        self._fills[fill.id] = (fill, now_ns)
        self._seen_before.setdefault(fill.id, SeenBefore(fill.at_ns, now_ns))
        self._last_fill_ns = now_ns
        if fill.voided:
            return None
        self._add_to_balance(fill.net_usd)
        self._filled_by_order[fill.order_id] += fill.size
        awaited = self._awaited.get(fill.order_id)
        if awaited is not None:
            self._await_fills(*awaited)
        contract = self._contract(fill.contract_id)
        was_flat = contract.by_fills.size == 0
        contract.add_fill(fill)
        if was_flat and contract.reported.size == 0:
            contract.opened_ns = fill.at_ns
        self._count(fill)
        self._time(fill.at_ns, now_ns)
        self._settle(now_ns)
        return fill

    def on_day(self, day: Window) -> None:
        """Begin another trading day: its counters start from its own fills."""
        self._day = day

    def on_locks(self, spans: tuple[LockSpan, ...], unlocked: tuple[Unlocked, ...] = ()) -> bool:
        """Take when the account was locked and unlocked; tell whether it changes what is known."""
        is_news = not self._locks_noted or unlocked != self._unlocked
        self._locks_noted, self._unlocked = True, unlocked
        if spans == self._lock_spans:
            return is_news
        before = self._ledger.history()
        self._lock_spans = spans
        self._recount()
        return is_news or self._ledger.history() != before

    def forget_fills_before(self, at_ns: int) -> None:
        """Drop fills and ended orders that nothing will ask for again.

        The trading day's own fills stay, wherever in it the instant lies.
        """
        at_ns = min(at_ns, self._day.start_ns)
        self._fills = {i: f for i, f in self._fills.items() if f[0].at_ns >= at_ns}
        self._read_later &= self._fills.keys()
        for fill_id in [i for i, seen in self._seen_before.items() if seen.at_ns < at_ns]:
            del self._seen_before[fill_id]
        self._told_again_ns = {i: ns for i, ns in self._told_again_ns.items() if i in self._fills}
        self._recount()
        self._ended_orders = {i: ns for i, ns in self._ended_orders.items() if ns >= at_ns}

    # --- reconciliation -------------------------------------------------------------------

    def on_snapshot(self, snapshot: Snapshot, now_ns: int) -> tuple[Difference, ...]:
        """Correct everything to the broker's truth; return what differed.

        What was pushed after the snapshot was asked for is newer than it, or at least may be, and
        stays. Should that be wrong, report and fills differ, and another snapshot settles it. A
        snapshot that a later one overtook says nothing any more.
        """
        if snapshot.asked_ns < self._asked_ns:
            return ()
        first = self._asked_ns == 0
        differences = [
            *self._take_account(snapshot),
            *self._take_orders(snapshot, now_ns),
            *self._take_fills(snapshot, now_ns),
            *self._take_positions(snapshot),
        ]
        self._asked_ns = snapshot.asked_ns
        self._has_all_fills = snapshot.fills is not None
        self._filled_by_order = Counter()
        for fill, _ in self._fills.values():
            self._filled_by_order[fill.order_id] += 0 if fill.voided else fill.size
        awaited, self._awaited = self._awaited, {}
        for order, received_ns in awaited.values():
            if received_ns >= snapshot.asked_ns:
                self._await_fills(order, received_ns)
        if self._distrusted_ns < snapshot.asked_ns:
            self.distrusted = None
        self._recount()
        self._settle(now_ns)
        return () if first else tuple(differences)

    def _take_account(self, snapshot: Snapshot) -> Iterable[Difference]:
        if self._balance_ns >= snapshot.asked_ns:
            return
        if self._balance is not None and not snapshot.account_read:
            return
        known, self._balance = self._balance, snapshot.account
        if known is not None:
            yield from reconciliation.account_differences(known, snapshot.account)

    def _take_orders(self, snapshot: Snapshot, now_ns: int) -> Iterable[Difference]:
        told = {order.id: order for order in snapshot.orders if order.is_working}
        for order_id, (order, received_ns) in list(self._orders.items()):
            hidden = order.status is OrderStatus.SUSPENDED and not snapshot.covers_suspended
            if order_id not in told and received_ns < snapshot.asked_ns and not hidden:
                # Not listed is not ended: a row pushed later may still say that it works.
                del self._orders[order_id]
                yield reconciliation.order_not_working(order)
        for order_id, order in told.items():
            if self._ended_orders.get(order_id, -1) >= snapshot.asked_ns:
                continue
            self._ended_orders.pop(order_id, None)
            known, received_ns = self._orders.get(order_id, (None, -1))
            if known is None or not (_is_older(order, known) or received_ns >= snapshot.asked_ns):
                yield from reconciliation.order_differences(known, order)
                self._orders[order_id] = (order, now_ns)

    def _take_fills(self, snapshot: Snapshot, now_ns: int) -> Iterable[Difference]:
        if snapshot.fills is None:
            return
        told_ns = {i: self._told_ns(i) for i in self._fills}
        known = [(fill, told_ns[i]) for i, (fill, _) in self._fills.items()]
        for fill in reconciliation.unlisted(known, snapshot):
            yield self._drop(fill, now_ns)
        for fill in snapshot.fills:
            if fill.id not in self._fills:
                yield from self._take_missed(fill, now_ns)
                continue
            before, received_ns = self._fills[fill.id]
            is_newer_here = told_ns[fill.id] >= snapshot.asked_ns
            told = reconciliation.completed(before, fill) if is_newer_here else fill
            amended = self._amend(before, told, received_ns)
            if amended is not None:
                yield from reconciliation.fill_differences(before, amended)

    def _take_missed(self, fill: Fill, now_ns: int) -> Iterable[Difference]:
        self._fills[fill.id] = (fill, now_ns)
        self._read_later.add(fill.id)
        self._last_fill_ns = now_ns
        if not fill.voided:
            self._add_to_balance(fill.net_usd)
            yield reconciliation.fill_not_known(fill)

    def _drop(self, fill: Fill, now_ns: int) -> Difference:
        """Take a fill out that the broker lists no longer; another look has to confirm it."""
        del self._fills[fill.id]
        self._read_later.discard(fill.id)
        self._told_again_ns.pop(fill.id, None)
        self._add_to_balance(-fill.net_usd)
        self._distrust(f"fill {fill.id} is not listed any more", now_ns)
        return reconciliation.fill_not_listed(fill)

    def _take_positions(self, snapshot: Snapshot) -> Iterable[Difference]:
        told = {p.contract_id: p for p in snapshot.positions if p.size}
        in_snapshot = {fill.id for fill in snapshot.fills or ()}
        later = [
            fill
            for fill, received_ns in self._fills.values()
            if received_ns >= snapshot.asked_ns and fill.id not in in_snapshot and not fill.voided
        ]
        if snapshot.account_read:
            self._balance_by_fills_usd = snapshot.account.balance_usd + sum(
                (fill.net_usd for fill in later), ZERO
            )
        for contract_id in dict.fromkeys((*self._contracts, *told)):
            contract = self._contract(contract_id)
            position = told.get(contract_id)
            holding = Holding(position.size, position.average_price) if position else FLAT
            if contract.reported_ns < snapshot.asked_ns:
                opened_ns = position.opened_ns if position else 0
                opened_ns = opened_ns or contract.opened_ns
                yield from reconciliation.position_differences(
                    contract_id, contract.reported, holding, (contract.opened_ns, opened_ns)
                )
                contract.reported = holding
                if position:
                    contract.opened_ns = opened_ns
            contract.start_from(holding, (f for f in later if f.contract_id == contract_id))

    # --- what is known --------------------------------------------------------------------

    @property
    def fills(self) -> tuple[Fill, ...]:
        """All fills known, voided ones included."""
        return tuple(fill for fill, _ in self._fills.values())

    @property
    def history(self) -> TradeHistory:
        """Entries and trades of the week."""
        return self._ledger.history()

    def state(self) -> AccountState:
        """Return the account as it is known now."""
        shown = (contract.position() for contract in self._contracts.values())
        positions = tuple([position for position in shown if position is not None])
        orders = tuple([order for order, _ in self._orders.values()])
        self._positions = positions = same_or_new(self._positions, positions)
        self._shown_orders = orders = same_or_new(self._shown_orders, orders)
        balance, history = self._balance, self.history
        counts = self._day_counts
        if counts is None or counts.day != self._day:
            counts = self._day_counts = DayCounts.of(history, self._day)
        elif counts.history is not history:
            counts = self._day_counts = counts.after(history)
        return AccountState(
            account_id=self._account_id,
            name=self._name,
            balance_usd=balance.balance_usd if balance else None,
            can_trade=balance.can_trade if balance else None,
            is_reconciled=self._asked_ns > 0,
            snapshot_asked_ns=self._asked_ns,
            day_start_ns=self._day.start_ns,
            trades=counts.trades,
            entries=counts.entries,
            positions=positions,
            orders=orders,
            awaited_order_ids=tuple(self._awaited),
            has_all_fills=self._has_all_fills,
            awaited=tuple({order.contract_id: None for order, _ in self._awaited.values()})
            if self._awaited
            else (),
            distrusted=self.distrusted,
            balance_by_fills_usd=self._balance_by_fills_usd,
            clock_ahead_ns=self._offset.ahead_ns,
            history=history,
            locks_noted=self._locks_noted,
            unlocked=self._unlocked,
            named_symbols=self._named_symbols,
        )

    # --- details --------------------------------------------------------------------------

    def _contract(self, contract_id: str) -> ContractBook:
        contract = self._contracts.get(contract_id)
        if contract is None:
            contract = self._contracts[contract_id] = ContractBook(contract_id)
        return contract

    def name_symbol(self, contract_id: str, symbol: str) -> None:
        """Take the symbol that the broker gave for a contract the catalogue lacks."""
        contract = self._contract(contract_id)
        contract.symbol = contract.named_symbol = symbol
        # Replaced, never written to: states that were shown have the one before.
        self._named_symbols = {**self._named_symbols, contract_id: symbol}

    def _amend(self, known: Fill, told: Fill, received_ns: int) -> Fill | None:
        """Merge a row sent again: profit once known stays known, voided once voided."""
        merged = msgspec.structs.replace(
            told,
            profit_usd=known.profit_usd if told.profit_usd is None else told.profit_usd,
            voided=known.voided or told.voided,
        )
        if merged == known:
            return None
        before_usd = ZERO if known.voided else known.net_usd
        self._add_to_balance((ZERO if merged.voided else merged.net_usd) - before_usd)
        self._fills[known.id] = (merged, received_ns)
        return merged

    def _told_ns(self, fill_id: int) -> int:
        """Return when a fill was pushed last, or read first."""
        return max(self._fills[fill_id][1], self._told_again_ns.get(fill_id, 0))

    def _distrust(self, reason: str, now_ns: int) -> None:
        self.distrusted = reason
        self._distrusted_ns = now_ns

    def _settle(self, now_ns: int) -> None:
        is_settled = not self._awaited
        if is_settled:
            for contract in self._contracts.values():
                if contract.reported.size != contract.by_fills.size:
                    is_settled = False
                    break
        if is_settled:
            self.unsettled_since_ns = None
        elif self.unsettled_since_ns is None:
            self.unsettled_since_ns = now_ns

    def _add_to_balance(self, amount_usd: Decimal) -> None:
        if self._balance_by_fills_usd is not None:
            self._balance_by_fills_usd += amount_usd

    @property
    def unexplained_balance_usd(self) -> Decimal | None:
        """What the broker's last balance has that the fills do not explain; None if nothing.

        A payout, a deposit, or a fill that was never told. A balance told before the last fill
        says nothing.
        """
        told, expected = self._balance, self._balance_by_fills_usd
        if told is None or expected is None or self._balance_ns < self._last_fill_ns:
            return None
        difference = told.balance_usd - expected
        return difference if to_cents(difference) else None

    def _count(self, fill: Fill) -> None:
        if _by_time(fill) < self._last_counted:
            self._recount()
        else:
            self._ledger.add(self._seen(fill, self._fills[fill.id][1]))
            self._last_counted = _by_time(fill)

    def _seen(self, fill: Fill, received_ns: int) -> SeenFill:
        seen_ns = received_ns
        if fill.id in self._read_later:
            # It may have been seen to come before; else the broker says when it was.
            before = self._seen_before.get(fill.id)
            if before is not None and before.at_ns == fill.at_ns:
                seen_ns = before.seen_ns
            else:
                seen_ns = fill.at_ns + self._offset.ahead_ns
        return SeenFill(fill, seen_ns, self._contract(fill.contract_id).symbol)

    def _time(self, made_ns: int, received_ns: int) -> None:
        """Compare the clocks by a row that was pushed; what was read later is timed by it."""
        if made_ns and self._offset.take(made_ns, received_ns) and self._read_later:
            self._recount()

    def _recount(self) -> None:
        counted = [each for each in self._fills.values() if not each[0].voided]
        sizes = {cid: contract.by_fills.size for cid, contract in self._contracts.items()}
        for fill, _ in counted:
            sizes[fill.contract_id] = sizes.get(fill.contract_id, 0) - fill.signed_size
        self._ledger = TradeLedger.counted(
            (self._seen(fill, received_ns) for fill, received_ns in counted),
            sizes,
            self._lock_spans,
        )
        self._last_counted = max((_by_time(fill) for fill, _ in counted), default=(0, 0))


def _by_time(fill: Fill) -> tuple[int, int]:
    return fill.at_ns, fill.id


def _is_older(row: Order, known: Order) -> bool:
    """Tell whether a row is an earlier state of a known order; fills only ever grow."""
    if row.updated_ns and known.updated_ns and row.updated_ns != known.updated_ns:
        return row.updated_ns < known.updated_ns
    return row.filled_size < known.filled_size
