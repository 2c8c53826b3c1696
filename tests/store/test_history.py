"""Past days, the worth of a day while flat, and its marks, as the store tells them."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.record import Batch
from risk_actors.core.broker import Fill
from risk_actors.core.trade_history import Trade, TradeHistory
from risk_actors.store.audit import Record
from risk_actors.store.day_marks_history import Mark, read_marks
from risk_actors.store.history import Worth, read_day_worth, read_past_days
from risk_actors.store.schema import migrate
from tests.actors.facts import (
    DAY_END_NS,
    DAY_START_NS,
    MNQ,
    account_state,
    account_updated,
    breach_found,
    fill,
    lock,
    say,
)
from tests.conftest import MS, NOON_NS, S
from tests.store.kept import entry_of, journal_of
from tests.store.written import change

MIN = 60 * S
DAY_NS = DAY_END_NS - DAY_START_NS


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    migrate(tmp_path)
    return tmp_path


def tell(data_dir: Path, *told: m.Message) -> None:
    journal = journal_of(data_dir)
    updates = [each for each in told if isinstance(each, m.AccountUpdated)]
    entries = [
        entry_of(each)._replace(correlation_id=each.correlation_id)
        for each in told
        if not isinstance(each, m.AccountUpdated)
    ]
    journal.write(Batch(entries, accounts=updates))
    journal.close()


def pushed(told: Fill) -> m.FillReported:
    return say(m.FillReported, f"fill-{told.id}", fill=told, at_ns=told.at_ns)


def round_turn(first_id: int, at_ns: int, profit: str, account_id: int = 1) -> list[Fill]:
    return [
        fill(first_id, 1, account_id, at_ns=at_ns, costs_usd=Decimal("0.50")),
        fill(
            first_id + 1,
            -1,
            account_id,
            at_ns=at_ns + MIN,
            profit_usd=Decimal(profit),
            costs_usd=Decimal("0.50"),
        ),
    ]


def traded(*fills: Fill, is_open: bool = False) -> m.AccountUpdated:
    """Return the state after fills, of which each two are a trade."""
    trades = [
        Trade(
            contract_id=MNQ,
            symbol="MNQ",
            side=opening.side,
            opened_ns=opening.at_ns,
            first_fill_id=opening.id,
            peak_size=1,
            closed_ns=closing.at_ns,
        )
        for opening, closing in zip(fills[::2], fills[1::2], strict=False)
    ]
    left = fills[-1:] if is_open else ()
    still = [
        Trade(
            contract_id=MNQ,
            symbol="MNQ",
            side=f.side,
            opened_ns=f.at_ns,
            first_fill_id=f.id,
            peak_size=1,
        )
        for f in left
    ]
    history = TradeHistory(closed=tuple(trades), open=tuple(still))
    return account_updated(account_state(trades=len(trades), history=history))


def test_a_store_of_nothing_has_no_days(data_dir: Path) -> None:
    with Record(data_dir) as record:
        assert read_past_days(record, 30) == []
        assert read_day_worth(record, 1, DAY_START_NS, NOON_NS) == [
            Worth(DAY_START_NS, Decimal(0)),
            Worth(NOON_NS - MS, Decimal(0)),
        ]
        assert read_marks(record, 1, DAY_START_NS) == []


def test_days_come_newest_first_with_what_the_store_knows(data_dir: Path) -> None:
    first, second = round_turn(1, NOON_NS - DAY_NS, "100"), round_turn(3, NOON_NS, "-40")
    tell(data_dir, *map(pushed, [*first, *second]), traded(*second))

    with Record(data_dir) as record:
        days = read_past_days(record, 30)
        (newest,) = read_past_days(record, 1)

    assert [(day.day, day.account_id) for day in days] == [("2026-11-17", 1), ("2026-11-16", 1)]
    assert [(day.realized_usd, day.costs_usd) for day in days] == [
        (Decimal("-41.00"), Decimal("1.00")),
        (Decimal("99.00"), Decimal("1.00")),
    ]
    assert [day.trades for day in days] == [1, 0]
    assert newest == days[0]


def test_locks_and_breaches_count_on_the_day_on_which_they_came(data_dir: Path) -> None:
    yesterday = round_turn(1, NOON_NS - DAY_NS, "1")
    again = msgspec.structs.replace(breach_found(), is_repeat=True)
    tell(
        data_dir,
        *map(pushed, [*yesterday, *round_turn(3, NOON_NS, "1")]),
        breach_found(),
        again,
    )
    change(
        data_dir,
        "insert into locks (id, account_id, rule_id, since_ns, existing, evidence, correlation_id)"  # noqa: S608
        f" values (1, 1, 'daily-loss', {DAY_END_NS - 1 - DAY_NS}, 'flatten', '', 'a'),"
        f" (2, 1, 'daily-loss', {DAY_START_NS}, 'flatten', '', 'b')",
    )

    with Record(data_dir) as record:
        today, before = read_past_days(record, 30)

    assert (today.locks, today.breaches) == (1, 1)
    assert (before.locks, before.breaches) == (1, 0)


def test_breaches_of_days_whose_record_is_gone_are_not_known(data_dir: Path) -> None:
    tell(data_dir, *map(pushed, round_turn(1, NOON_NS - DAY_NS, "1")))
    change(
        data_dir,
        f"insert into record_anchors values (1, 'x', {NOON_NS - DAY_NS + 5}, 'kept long enough')",  # noqa: S608
    )

    with Record(data_dir) as record:
        (day,) = read_past_days(record, 30)

    assert day.breaches is None
    assert day.locks == 0


def test_the_day_is_worth_what_was_realised_whenever_nothing_is_open(data_dir: Path) -> None:
    fills = [*round_turn(1, NOON_NS, "10"), *round_turn(3, NOON_NS + 10 * MIN, "-30")]
    tell(data_dir, *map(pushed, fills), traded(*fills))

    with Record(data_dir) as record:
        worth = read_day_worth(record, 1, DAY_START_NS, NOON_NS + 20 * MIN)

    assert worth == [
        Worth(DAY_START_NS, Decimal(0)),
        Worth(NOON_NS - MS, Decimal(0)),
        Worth(NOON_NS, None),
        Worth(NOON_NS + MIN, Decimal("9.00")),
        Worth(NOON_NS + 10 * MIN - MS, Decimal("9.00")),
        Worth(NOON_NS + 10 * MIN, None),
        Worth(NOON_NS + 11 * MIN, Decimal("-22.00")),
        Worth(NOON_NS + 20 * MIN - MS, Decimal("-22.00")),
    ]


def test_what_is_open_now_is_not_known_to_the_end(data_dir: Path) -> None:
    fills = round_turn(1, NOON_NS, "10")[:1]
    tell(data_dir, *map(pushed, fills), traded(*fills, is_open=True))

    with Record(data_dir) as record:
        worth = read_day_worth(record, 1, DAY_START_NS, NOON_NS + MIN)

    assert [each.equity_usd for each in worth] == [Decimal(0), Decimal(0), None]


def test_marks_are_entries_exits_and_what_was_decided_in_order(data_dir: Path) -> None:
    fills = round_turn(1, NOON_NS, "10")
    engaged = lock(since_ns=NOON_NS + 3 * MIN)
    tell(
        data_dir,
        *map(pushed, fills),
        msgspec.structs.replace(breach_found(correlation_id="quote-1"), at_ns=NOON_NS + 2 * MIN),
        say(
            m.LocksChanged,
            "quote-1",
            at_ns=NOON_NS + 3 * MIN,
            account_id=1,
            locks=(engaged,),
            engaged=engaged,
        ),
        say(
            m.LocksChanged,
            "tick-1",
            at_ns=NOON_NS + 4 * MIN,
            account_id=1,
            locks=(),
            ended=engaged,
        ),
    )

    with Record(data_dir) as record:
        marks = read_marks(record, 1, DAY_START_NS)
        nobodys = read_marks(record, 2, DAY_START_NS)

    assert [(mark.kind, mark.correlation_id) for mark in marks] == [
        ("entry", "fill-1"),
        ("exit", "fill-2"),
        ("breach", "quote-1"),
        ("lock", "quote-1"),
        ("unlock", "tick-1"),
    ]
    assert marks[0] == Mark(NOON_NS, "entry", "bought 1 MNQ at 20000", "fill-1")
    assert nobodys == []


def test_a_reading_that_takes_too_long_fails_and_does_no_more(data_dir: Path) -> None:
    with Record(data_dir) as record:
        record.give_up_after(0.0)
        with pytest.raises(Exception, match="interrupted"):
            record.ask(
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9000000)"
                " select max(i) from n"
            )
