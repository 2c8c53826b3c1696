"""Where accounts stand, in tables that a person reads."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from risk_actors import messages as m
from risk_actors.actors.record import Batch
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.broker import Fill, Side
from risk_actors.core.last_run import LastRun
from risk_actors.core.trade_history import Entry, Trade, TradeHistory
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.runtime.tape import Note
from risk_actors.store.fills import read_seen_fills
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.runs import read_last_run, read_openings
from risk_actors.store.schema import migrate
from risk_actors.store.settings import read_settings
from tests.actors.facts import (
    DAY_END_NS,
    DAY_START_NS,
    ES,
    MNQ,
    WEEK_END_NS,
    WEEK_START_NS,
    account_state,
    account_updated,
    fill,
    open_position,
    say,
    snapshot,
    tick,
)
from tests.conftest import NOON_NS, S
from tests.store.kept import RUN, entry_of, journal_of, read


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    migrate(tmp_path)
    return tmp_path


@pytest.fixture
def journal(data_dir: Path) -> SqliteJournal:
    return journal_of(data_dir)


def tell(journal: SqliteJournal, *messages: m.Message) -> None:
    journal.write(Batch([entry_of(message) for message in messages]))


def pushed(told: Fill, at_ns: int = NOON_NS) -> m.FillReported:
    return say(m.FillReported, fill=told, at_ns=at_ns)


# --- fills and days -----------------------------------------------------------------------------


def test_a_fill_is_kept_exactly_and_with_its_trading_day(
    data_dir: Path, journal: SqliteJournal
) -> None:
    tell(
        journal,
        pushed(fill(7, -2, price=Decimal("20000.25"), profit_usd=Decimal("-12.50"))),
    )

    assert read(data_dir, "select * from fills") == [
        (
            *(1, 7, "2026-11-17 12:00:00.000-06:00", NOON_NS, DAY_START_NS, MNQ),
            *(7, "sell", 2, "20000.25", "-12.50", "0", 0, NOON_NS),
        )
    ]


@pytest.mark.parametrize(
    ("fills", "realized", "costs", "count"),
    [
        ([fill(1, 1, costs_usd=Decimal("0.37"))], "-0.37", "0.37", 1),
        (
            [
                fill(1, 1, costs_usd=Decimal("0.37")),
                fill(2, -1, costs_usd=Decimal("0.37"), profit_usd=Decimal("10.125")),
            ],
            "9.385",
            "0.74",
            2,
        ),
        ([fill(1, 1, profit_usd=Decimal(5), voided=True)], "0", "0", 0),
        ([fill(1, 1), fill(1, 1, profit_usd=Decimal(5))], "5", "0", 1),
        ([fill(1, 1, profit_usd=Decimal(5)), fill(1, 1)], "5", "0", 1),
        ([fill(1, 1, profit_usd=Decimal(5)), fill(1, 1, voided=True)], "0", "0", 0),
        ([fill(1, 1, at_ns=DAY_START_NS, profit_usd=Decimal("1E+2"))], "100", "0", 1),
    ],
    ids=["costs", "two", "voided", "profit later", "profit kept", "voided later", "no exponent"],
)
def test_a_days_profit_is_the_sum_of_its_fills(
    data_dir: Path,
    journal: SqliteJournal,
    fills: list[Fill],
    realized: str,
    costs: str,
    count: int,
) -> None:
    tell(journal, *[pushed(one) for one in fills])

    assert read(data_dir, "select realized_usd, costs_usd, fills from pnl_days") == [
        (realized, costs, count)
    ]


def test_a_fill_belongs_to_the_day_of_its_time(data_dir: Path, journal: SqliteJournal) -> None:
    tell(
        journal,
        pushed(fill(1, 1, at_ns=DAY_END_NS - 1, profit_usd=Decimal(1))),
        pushed(fill(2, 1, at_ns=DAY_END_NS, profit_usd=Decimal(2))),
        pushed(fill(3, 1, account_id=2, at_ns=DAY_END_NS, profit_usd=Decimal(4))),
    )

    rows = read(data_dir, "select account_id, day, realized_usd from pnl_days order by 1, 2")
    assert rows == [(1, "2026-11-17", "1"), (1, "2026-11-18", "2"), (2, "2026-11-18", "4")]


def test_a_fill_whose_time_is_amended_changes_its_day(
    data_dir: Path, journal: SqliteJournal
) -> None:
    tell(journal, pushed(fill(1, 1, at_ns=DAY_END_NS, profit_usd=Decimal(1))))
    tell(journal, pushed(fill(1, 1, at_ns=DAY_END_NS - 1, profit_usd=Decimal(1))))

    rows = read(data_dir, "select day, realized_usd from pnl_days order by day")
    assert rows == [("2026-11-17", "1"), ("2026-11-18", "0")]


def test_i8_a_fill_that_the_broker_does_not_list_is_dropped_and_the_record_says_so(
    data_dir: Path, journal: SqliteJournal
) -> None:
    """The paper account is new at every start."""
    tell(journal, pushed(fill(1, 1, profit_usd=Decimal(5))), pushed(fill(2, 1, account_id=2)))
    tell(journal, snapshot(fills=(fill(9, 1, profit_usd=Decimal(3)),), asked_ns=NOON_NS + S))

    assert read(data_dir, "select account_id, id from fills") == [(1, 9), (2, 2)]
    assert read(data_dir, "select realized_usd from pnl_days where account_id = 1") == [("3",)]
    query = "select message -> '$.gone_fills' from events where kind = 'AccountSnapshot'"
    assert read(data_dir, query) == [("[1]",)]


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (pushed(fill(1, 1), NOON_NS + S), snapshot(asked_ns=NOON_NS + S)),
        (pushed(fill(1, 1, at_ns=WEEK_START_NS - 1)), snapshot(asked_ns=NOON_NS + S)),
        (pushed(fill(1, 1, voided=True)), snapshot(asked_ns=NOON_NS + S)),
        (pushed(fill(1, 1)), snapshot(fills=None, asked_ns=NOON_NS + S)),
    ],
    ids=["pushed since", "older than the list", "voided", "no list"],
)
def test_a_fill_that_a_snapshot_need_not_list_stays(
    data_dir: Path, journal: SqliteJournal, kept: m.FillReported, told: m.AccountSnapshot
) -> None:
    tell(journal, kept)

    tell(journal, told)

    assert read(data_dir, "select id from fills") == [(1,)]


def test_a_fill_pushed_before_an_earlier_snapshot_is_dropped_by_a_later_one(
    data_dir: Path, journal: SqliteJournal
) -> None:
    tell(journal, pushed(fill(1, 1), NOON_NS + S), snapshot(asked_ns=NOON_NS + S))
    tell(journal, snapshot(asked_ns=NOON_NS + 2 * S))

    assert read(data_dir, "select id from fills") == []


def test_the_days_opening_and_its_check_stand_in_its_row(
    data_dir: Path, journal: SqliteJournal
) -> None:
    tell(
        journal,
        say(m.DayOpened, account_id=1, day_start_ns=DAY_START_NS, balance_usd=Decimal("50000.10")),
        say(
            m.BalanceChecked,
            account_id=1,
            day_start_ns=DAY_START_NS,
            expected_usd=Decimal("50010.10"),
            told_usd=Decimal("50000.00"),
        ),
        say(m.DayOpened, account_id=1, day_start_ns=DAY_END_NS, balance_usd=Decimal(7)),
        say(m.DayOpened, account_id=2, day_start_ns=DAY_START_NS, balance_usd=Decimal(9)),
    )

    query = (
        "select start_balance_usd, balance_usd, unexplained_usd, realized_usd from pnl_days"
        " where account_id = 1 order by day_start_ns"
    )
    assert read(data_dir, query) == [
        ("50000.10", "50000.00", "-10.10", "0"),
        ("7", None, None, "0"),
    ]
    assert read_openings(data_dir) == {
        1: DayOpening(day_start_ns=DAY_END_NS, balance_usd=Decimal(7)),
        2: DayOpening(day_start_ns=DAY_START_NS, balance_usd=Decimal(9)),
    }


# --- accounts, positions, trades ----------------------------------------------------------------


def show(journal: SqliteJournal, *updates: m.AccountUpdated) -> None:
    journal.write(Batch(accounts=updates))


def test_accounts_and_open_positions_are_those_of_the_newest_state(
    data_dir: Path, journal: SqliteJournal
) -> None:
    show(journal, account_updated(account_state(open_position(2), open_position(-1, ES))))
    show(
        journal,
        account_updated(account_state(open_position(3), balance_usd=Decimal("49.5"))),
        account_updated(account_state(open_position(1), account_id=2)),
    )

    positions = read(data_dir, "select account_id, contract_id, size from positions order by 1")
    assert positions == [(1, MNQ, 3), (2, MNQ, 1)]
    balances = read(data_dir, "select id, balance_usd from accounts order by id")
    assert balances[0] == (1, "49.5")


def test_the_counters_stand_in_the_row_of_the_day_once_the_account_is_reconciled(
    data_dir: Path, journal: SqliteJournal
) -> None:
    show(journal, account_updated(account_state(is_reconciled=False, trades=9)))
    before = read(data_dir, "select * from pnl_days")
    show(journal, account_updated(account_state(trades=2, entries=3)))

    assert before == []
    assert read(data_dir, "select day_start_ns, trades, entries from pnl_days") == [
        (DAY_START_NS, 2, 3)
    ]


def trade(number: int, closed_ns: int | None = None, side: Side = Side.BUY) -> Trade:
    return Trade(
        contract_id=MNQ,
        symbol="MNQ",
        side=side,
        opened_ns=NOON_NS + number * S,
        closed_ns=closed_ns,
        peak_size=2,
        net_usd=None if closed_ns is None else Decimal("12.34"),
        first_fill_id=number,
    )


def entered(number: int) -> Entry:
    return Entry(
        order_id=number,
        contract_id=MNQ,
        symbol="MNQ",
        side=Side.BUY,
        size=1,
        at_ns=NOON_NS + number * S,
        opened_trade=True,
    )


def with_trades(*closed: Trade, open_: tuple[Trade, ...] = ()) -> m.AccountUpdated:
    history = TradeHistory(entries=(entered(1), entered(2)), closed=closed, open=open_)
    return account_updated(account_state(history=history))


def test_trades_are_kept_from_their_opening_on(data_dir: Path, journal: SqliteJournal) -> None:
    show(journal, with_trades(open_=(trade(1),)))
    opened = read(data_dir, "select opened_at, closed_ns, side, entries, net_usd from trades")
    show(journal, with_trades(trade(1, NOON_NS + 3 * S)))

    at = "2026-11-17 12:00:01.000-06:00"
    assert opened == [(at, None, "long", 2, None)]
    assert read(data_dir, "select opened_at, closed_ns, entries, net_usd from trades") == [
        (at, NOON_NS + 3 * S, 2, "12.34")
    ]


def test_both_trades_of_a_reversal_by_the_first_fill_known_are_kept(
    data_dir: Path, journal: SqliteJournal
) -> None:
    show(journal, with_trades(trade(1, NOON_NS + S), open_=(trade(1, side=Side.SELL),)))

    assert read(data_dir, "select side from trades order by side") == [("long",), ("short",)]


def test_trades_that_the_week_does_not_have_any_more_are_dropped(data_dir: Path) -> None:
    first = journal_of(data_dir)
    show(first, with_trades(trade(1, NOON_NS + S), trade(2, NOON_NS + 3 * S)))
    show(first, with_trades(trade(2, NOON_NS + 3 * S)))
    after_one = read(data_dir, "select first_fill_id from trades")
    first.close()
    later = journal_of(data_dir)

    show(later, with_trades(trade(3, NOON_NS + 4 * S)))

    assert after_one == [(2,)]
    assert read(data_dir, "select first_fill_id from trades") == [(3,)]


def test_after_a_failed_transaction_everything_is_written_again(
    data_dir: Path, journal: SqliteJournal
) -> None:
    notes = {"pnl": [Note("timer", NOON_NS, tick())]}
    batch = Batch([entry_of(pushed(fill(1, 1)))], accounts=[with_trades(open_=(trade(1),))])
    journal._database.execute("alter table tape rename to elsewhere")
    with pytest.raises(sqlite3.OperationalError, match="tape"):
        journal.write(batch._replace(tape=notes))
    journal._database.execute("alter table elsewhere rename to tape")

    journal.write(batch)

    query = "select (select count(*) from trades), (select count(*) from fills), fills"
    assert read(data_dir, f"{query} from pnl_days") == [(1, 1, 1)]


# --- time, settings -----------------------------------------------------------------------------


def test_the_next_start_knows_which_day_and_week_were_told_last(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    journal.write(Batch(alive_ns=NOON_NS + 1))
    first = read_last_run(data_dir)
    journal.write(
        Batch(
            [
                entry_of(
                    say(
                        m.DailyReset,
                        day_start_ns=DAY_END_NS,
                        day_end_ns=DAY_END_NS + 86_400 * S,
                        at_ns=DAY_END_NS,
                    )
                ),
                entry_of(
                    say(
                        m.WeeklyReset,
                        week_start_ns=WEEK_END_NS,
                        week_end_ns=WEEK_END_NS + 1,
                        at_ns=WEEK_END_NS + 5,
                        caught_up=True,
                    )
                ),
            ],
            alive_ns=NOON_NS + 2,
        )
    )

    assert first == LastRun(
        alive_ns=NOON_NS + 1, day_start_ns=DAY_START_NS, week_start_ns=WEEK_START_NS
    )
    assert read_last_run(data_dir) == LastRun(
        alive_ns=NOON_NS + 2, day_start_ns=DAY_END_NS, week_start_ns=WEEK_END_NS
    )
    assert read(data_dir, "select name, at_ns, told_ns, caught_up from resets order by name") == [
        ("daily_reset", DAY_END_NS, DAY_END_NS, 0),
        ("weekly_reset", WEEK_END_NS, WEEK_END_NS + 5, 1),
    ]


def test_a_later_run_does_not_take_a_reset_for_told(data_dir: Path) -> None:
    """It fell into the gap and is to be told at the start."""
    journal_of(data_dir).write(Batch(alive_ns=NOON_NS))

    journal_of(data_dir, RUN._replace(started_ns=DAY_END_NS + S)).write(Batch())

    assert read_last_run(data_dir).day_start_ns == DAY_START_NS


def test_the_settings_in_force_are_kept_with_what_waits(
    data_dir: Path, journal: SqliteJournal
) -> None:
    for in_force, armed in (('{"a":1}', None), ('{"a":2}', False)):
        tell(
            journal,
            say(
                m.SettingsChanged,
                day_start_ns=DAY_START_NS,
                in_force=in_force,
                pending=("a limit waits",),
                armed_by_command=armed,
            ),
        )

    row = read_settings(data_dir)
    assert row is not None
    assert (row.in_force, row.armed_by_command) == ('{"a":2}', False)
    assert read(data_dir, "select pending from settings") == [('["a limit waits"]',)] * 2


def test_when_a_fill_was_seen_first_stays_and_comes_back_at_the_next_start(
    data_dir: Path, journal: SqliteJournal
) -> None:
    """I5: whether an entry on its way was made under a lock is judged as it was before."""
    tell(journal, pushed(fill(7, 2), at_ns=NOON_NS + 5))
    tell(journal, pushed(fill(7, 2, profit_usd=Decimal(1)), at_ns=NOON_NS + 900))

    at_ns = fill(7, 2).at_ns
    assert read_seen_fills(data_dir, 0) == {1: {7: SeenBefore(at_ns, NOON_NS + 5)}}
    assert read_seen_fills(data_dir, at_ns + 1) == {}


def test_a_fill_that_was_not_listed_for_a_while_was_seen_when_it_was(
    data_dir: Path, journal: SqliteJournal
) -> None:
    """Found by `risk-actors fuzz`: a stale list drops it, the next one brings it back (I5)."""
    tell(journal, pushed(fill(7, 2), at_ns=NOON_NS + 5))
    tell(journal, snapshot(asked_ns=NOON_NS + S))
    tell(journal, snapshot(fills=(fill(7, 2),), asked_ns=NOON_NS + 2 * S))

    assert read_seen_fills(data_dir, 0) == {1: {7: SeenBefore(fill(7, 2).at_ns, NOON_NS + 5)}}
