"""Where accounts stand, in tables that a person reads: moved by what the journal is told."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import msgspec
from sqlite_utils import Database

from risk_actors import messages as m
from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.schedules import DAILY_RESET, WEEKLY_RESET
from risk_actors.core.trade_history import Entry, Trade
from risk_actors.core.trading_calendar import TradingCalendar, Window
from risk_actors.store.fills import FillTable, Reconciled, day_sums, exact
from risk_actors.store.record_rows import local_time
from risk_actors.store.storable import NO_COLUMN_HOLDS, readable

_WINDOWS_KEPT = 16

type _TradeKey = tuple[str, int, int, str]


class AccountTables:
    """Accounts, positions, trades, fills, days, resets and settings. The caller commits."""

    def __init__(self, database: Database, calendar: TradingCalendar) -> None:
        """Take the calendar that tells the trading day of a fill."""
        self._database = database
        self._calendar = calendar
        self._windows: list[Window] = []
        self._fills = FillTable(database, self._local, lambda at_ns: self._day_of(at_ns).start_ns)
        self._shown: dict[int, AccountState] = {}

    def forget(self) -> None:
        """Take nothing for stored any more: the transaction was rolled back."""
        self._shown.clear()
        self._fills.changed_days.clear()

    def take(self, message: m.Message) -> Reconciled | None:
        """Put what a recorded message says in its table."""
        match message:
            case m.FillReported():
                self._fills.take(message.fill, message.at_ns)
            case m.AccountSnapshot():
                return self._fills.reconcile(message)
            case m.DailyReset():
                day = Window(message.day_start_ns, message.day_end_ns)
                self._reset(DAILY_RESET, day, message, caught_up=message.caught_up)
            case m.WeeklyReset():
                week = Window(message.week_start_ns, message.week_end_ns)
                self._reset(WEEKLY_RESET, week, message, caught_up=message.caught_up)
            case m.DayOpened():
                self._day(message.account_id, message.day_start_ns)
                self._database.execute(
                    "update pnl_days set start_balance_usd = ?"
                    " where account_id = ? and day_start_ns = ?",
                    [exact(message.balance_usd), message.account_id, message.day_start_ns],
                )
            case m.BalanceChecked():
                self._day(message.account_id, message.day_start_ns)
                self._database.execute(
                    "update pnl_days set balance_usd = ?, unexplained_usd = ?"
                    " where account_id = ? and day_start_ns = ?",
                    [
                        exact(message.told_usd),
                        exact(message.unexplained_usd),
                        message.account_id,
                        message.day_start_ns,
                    ],
                )
            case m.SettingsChanged():
                self._settings(message)
        return None

    def show(self, updates: Iterable[m.AccountUpdated]) -> None:
        """Put in where accounts stand."""
        for update in updates:
            with suppress(*NO_COLUMN_HOLDS):  # the record tells what was said
                self._show(update)

    def _show(self, update: m.AccountUpdated) -> None:
        state, before = update.state, self._shown.get(update.account_id)
        self._account(state, before, update.at_ns)
        if before is None or before.positions != state.positions:
            self._positions(state)
        if state.is_reconciled:
            self._counters(state, before)
            self._trades(state, before)
        self._shown[update.account_id] = state

    def finish(self) -> None:
        """Reckon the days whose fills changed; called when all else of a batch is in."""
        for account_id, day_start_ns in sorted(self._fills.changed_days):
            with suppress(*NO_COLUMN_HOLDS):
                self._reckon(account_id, day_start_ns)
        self._fills.changed_days.clear()

    def _reckon(self, account_id: int, day_start_ns: int) -> None:
        rows = self._database.execute(
            "select profit_usd, costs_usd from fills"
            " where account_id = ? and at_ns >= ? and at_ns < ? and not voided",
            [account_id, day_start_ns, self._day_of(day_start_ns).end_ns],
        ).fetchall()
        realized_usd, costs_usd = day_sums(rows)
        self._day(account_id, day_start_ns)
        self._database.execute(
            "update pnl_days set realized_usd = ?, costs_usd = ?, fills = ?"
            " where account_id = ? and day_start_ns = ?",
            [exact(realized_usd), exact(costs_usd), len(rows), account_id, day_start_ns],
        )

    def begin_timers(self, now_ns: int) -> None:
        """Note the day and the week of the first run: both count as told."""
        self._timer("insert or ignore", DAILY_RESET, self._calendar.day(now_ns))
        self._timer("insert or ignore", WEEKLY_RESET, self._calendar.week(now_ns))

    def _local(self, at_ns: int) -> str:
        return local_time(at_ns, self._calendar.zone)

    def _day_of(self, at_ns: int) -> Window:
        """Return a fill's trading day; the calendar itself remembers one, and others use it."""
        for window in reversed(self._windows):
            if window.contains(at_ns):
                return window
        self._windows = [*self._windows[1 - _WINDOWS_KEPT :], self._calendar.day(at_ns)]
        return self._windows[-1]

    def _timer(self, insert: str, name: str, window: Window) -> None:
        calendar = self._calendar
        runs = calendar.daily if name == DAILY_RESET else calendar.weekly
        self._database.execute(
            f"{insert} into timers (name, cron, zone, last_ns, next_ns) values (?, ?, ?, ?, ?)",
            [name, runs.cron, runs.zone.key, *window],
        )

    def _reset(self, name: str, window: Window, message: m.Message, *, caught_up: bool) -> None:
        self._timer("insert or replace", name, window)
        self._database.execute(
            "insert or ignore into resets (name, at_ns, at, told_ns, caught_up)"
            " values (?, ?, ?, ?, ?)",
            [
                name,
                window.start_ns,
                self._local(window.start_ns),
                message.at_ns,
                int(caught_up),
            ],
        )

    def _settings(self, message: m.SettingsChanged) -> None:
        armed = message.armed_by_command
        self._database.execute(
            "insert into settings (at_ns, day_start_ns, in_force, pending, armed_by_command)"
            " values (?, ?, ?, ?, ?)",
            [
                message.at_ns,
                message.day_start_ns,
                message.in_force,
                msgspec.json.encode(message.pending).decode(),
                None if armed is None else int(armed),
            ],
        )

    def _account(self, state: AccountState, before: AccountState | None, at_ns: int) -> None:
        facts = (state.name, state.balance_usd, state.can_trade)
        if before is not None and facts == (before.name, before.balance_usd, before.can_trade):
            return
        self._database.execute(
            "insert or replace into accounts (id, name, balance_usd, can_trade, changed_ns)"
            " values (?, ?, ?, ?, ?)",
            [
                state.account_id,
                readable(state.name),
                None if state.balance_usd is None else exact(state.balance_usd),
                None if state.can_trade is None else int(state.can_trade),
                at_ns,
            ],
        )

    def _positions(self, state: AccountState) -> None:
        self._database.execute("delete from positions where account_id = ?", [state.account_id])
        for position in state.positions:
            if not position.size:
                continue
            with suppress(*NO_COLUMN_HOLDS):  # the others are there all the same
                self._database.execute(
                    "insert into positions (account_id, contract_id, symbol, size, average_price,"
                    " opened_ns) values (?, ?, ?, ?, ?, ?)",
                    [
                        state.account_id,
                        readable(position.contract_id),
                        readable(position.symbol),
                        position.size,
                        exact(position.average_price),
                        position.opened_ns,
                    ],
                )

    def _counters(self, state: AccountState, before: AccountState | None) -> None:
        counters = _counters_of(state)
        if before is not None and before.is_reconciled and counters == _counters_of(before):
            return
        self._day(state.account_id, state.day_start_ns)
        self._database.execute(
            "update pnl_days set trades = ?, entries = ? where account_id = ? and day_start_ns = ?",
            [state.trades, state.entries, state.account_id, state.day_start_ns],
        )

    def _day(self, account_id: int, day_start_ns: int) -> None:
        """See to it that a day has its row, named by the date on which it ends."""
        end_ns = self._day_of(day_start_ns).end_ns
        day = datetime.fromtimestamp((end_ns - 1) // NS_PER_S, self._calendar.zone).date()
        self._database.execute(
            "insert or ignore into pnl_days (account_id, day_start_ns, day, realized_usd,"
            " costs_usd, fills, trades, entries) values (?, ?, ?, '0', '0', 0, 0, 0)",
            [account_id, day_start_ns, day.isoformat()],
        )

    def _trades(self, state: AccountState, before: AccountState | None) -> None:
        """Store trades that are new or changed, and drop those the week no longer has."""
        history = state.history
        if before is not None and before.is_reconciled and before.history is history:
            return
        told = {_key(trade): trade for trade in (*history.closed, *history.open)}
        known: dict[_TradeKey, Trade | None]
        if before is not None and before.is_reconciled:
            known = {_key(t): t for t in (*before.history.closed, *before.history.open)}
        else:
            known = dict.fromkeys(self._stored_trades(state))
        since_ns = self._calendar.week(state.day_start_ns).start_ns
        for key in known.keys() - told.keys():
            if key[1] >= min(since_ns, state.day_start_ns):
                self._database.execute(
                    "delete from trades where account_id = ? and contract_id = ?"
                    " and opened_ns = ? and first_fill_id = ? and side = ?",
                    [state.account_id, *key],
                )
        for key, trade in told.items():
            if known.get(key) == trade:
                continue
            with suppress(*NO_COLUMN_HOLDS):  # the others are there all the same
                self._database.execute(
                    "insert or replace into trades (account_id, contract_id, opened_ns,"
                    " first_fill_id, side, opened_at, closed_ns, peak_size, entries, net_usd,"
                    " under_lock) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    self._trade_row(state, trade),
                )

    def _stored_trades(self, state: AccountState) -> list[_TradeKey]:
        since_ns = min(self._calendar.week(state.day_start_ns).start_ns, state.day_start_ns)
        rows = self._database.execute(
            "select contract_id, opened_ns, first_fill_id, side from trades"
            " where account_id = ? and opened_ns >= ?",
            [state.account_id, since_ns],
        )
        return list(rows.fetchall())

    def _trade_row(self, state: AccountState, trade: Trade) -> tuple[object, ...]:
        ends_ns, entered = trade.closed_ns, state.history.entries
        first = bisect_left(entered, trade.opened_ns, key=_entered_ns)
        end = None if ends_ns is None else bisect_right(entered, ends_ns, key=_entered_ns)
        entries = sum(entry.contract_id == trade.contract_id for entry in entered[first:end])
        return (
            state.account_id,
            *_key(trade),
            self._local(trade.opened_ns),
            ends_ns,
            trade.peak_size,
            entries,
            None if trade.net_usd is None else exact(trade.net_usd),
            int(trade.under_lock),
        )


def _entered_ns(entry: Entry) -> int:
    return entry.at_ns


def _counters_of(state: AccountState) -> tuple[int, int, int]:
    return state.day_start_ns, state.trades, state.entries


def _key(trade: Trade) -> _TradeKey:
    """Return what no two trades share: a reversal ends one and begins the next with one fill."""
    contract_id = readable(trade.contract_id)
    return contract_id, trade.opened_ns, trade.first_fill_id, _direction(trade)


def _direction(trade: Trade) -> str:
    return "long" if trade.side.sign > 0 else "short"
