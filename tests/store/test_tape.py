"""Whatever actors are given comes back from the tape exactly as it was."""

import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from risk_actors import messages as m
from risk_actors.app.system import TAPED
from risk_actors.core.broker import (
    Account,
    Bar,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
)
from risk_actors.core.commands import Answer, Outcome
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import Instrument
from risk_actors.core.lock import LockSpan, Unlocked
from risk_actors.runtime.control import Resync
from risk_actors.runtime.tape import MADE, STORE, Note, StoreFailed, next_instant
from risk_actors.store.schema import migrate, open_database
from risk_actors.store.tape import (
    TapeCutOffError,
    TapeDamagedError,
    read_store_failures,
    read_tape,
)
from risk_actors.store.tape_columns import pack_ints, scaled, unpack_ints, unscaled
from risk_actors.store.tape_compact import Compaction
from risk_actors.store.tape_rows import (
    TAPED_KINDS,
    KeptNote,
    KeptNotes,
    RowReader,
    RowWriter,
    TickRun,
)
from tests.store.kept import TapeWriter

NS = st.integers(0, 2**62)
WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=12)
IDS = st.one_of(
    TEXT,
    st.builds("{}-{}".format, st.sampled_from(("q", "tick-17", "x9")), st.integers(0, 10**6)),
)
CONTRACTS = st.sampled_from(("CON.F.US.MNQ.Z26", "CON.F.US.EP.Z26", "né"))
PRICES = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.decimals(-(10**6), 10**6, places=2),
    st.sampled_from((Decimal("1.50"), Decimal("1.5"), Decimal("-0"), Decimal("1E+3"))),
)
OPTIONAL = st.none() | PRICES
ACCOUNTS = st.sampled_from((101, 102))


def built(kind: type, **fields: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, correlation_id=IDS, at_ns=NS, **fields)


FILLS = st.builds(
    Fill,
    id=st.integers(1, 40),
    account_id=ACCOUNTS,
    contract_id=CONTRACTS,
    order_id=st.integers(1, 2**40),
    side=st.sampled_from(Side),
    size=st.integers(1, 9),
    price=PRICES,
    at_ns=NS,
    profit_usd=OPTIONAL,
    costs_usd=PRICES,
    voided=st.booleans(),
)
ORDERS = st.builds(
    Order,
    id=st.integers(1, 40),
    account_id=ACCOUNTS,
    contract_id=CONTRACTS,
    status=st.sampled_from(OrderStatus),
    type=st.sampled_from(OrderType),
    side=st.sampled_from(Side),
    size=st.integers(1, 9),
    limit_price=OPTIONAL,
    stop_price=OPTIONAL,
    custom_tag=st.none() | TEXT,
)
POSITIONS = st.builds(
    Position,
    account_id=ACCOUNTS,
    contract_id=CONTRACTS,
    size=st.integers(-9, 9),
    average_price=PRICES,
    opened_ns=NS,
)
BROKER_ACCOUNTS = st.builds(
    Account, id=ACCOUNTS, name=TEXT, balance_usd=PRICES, can_trade=st.booleans()
)


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=4).map(tuple)


QUOTES = built(
    m.QuoteReported,
    quote=st.builds(
        Quote, contract_id=CONTRACTS, bid=OPTIONAL, ask=OPTIONAL, last=OPTIONAL, at_ns=NS
    ),
)
FROM_BROKER = st.one_of(
    QUOTES,
    built(m.FillReported, fill=FILLS),
    built(m.OrderReported, order=ORDERS),
    built(m.PositionReported, position=POSITIONS),
    built(m.AccountReported, account=BROKER_ACCOUNTS),
    built(
        m.AccountSnapshot,
        account=BROKER_ACCOUNTS,
        positions=tuples(POSITIONS),
        orders=tuples(ORDERS),
        covers_suspended=st.booleans(),
        fills=st.none() | tuples(FILLS),
        fills_since_ns=NS,
        asked_ns=NS,
        reason=TEXT,
    ),
    built(m.SnapshotFailed, account_id=ACCOUNTS, detail=TEXT),
    built(
        m.InstrumentResolved,
        instrument=st.builds(
            Instrument, contract_id=CONTRACTS, symbol=TEXT, tick_size=PRICES, tick_value_usd=PRICES
        ),
    ),
    built(
        m.CommandAnswered,
        outcome=st.builds(
            Outcome,
            command_id=NS,
            account_id=ACCOUNTS,
            answer=st.sampled_from(Answer),
            error_code=st.none() | st.integers(0, 99),
            detail=st.none() | TEXT,
        ),
        sent_ns=NS,
    ),
    built(
        m.LocksNoted,
        account_id=ACCOUNTS,
        spans=tuples(st.builds(LockSpan, st.none() | CONTRACTS, NS, st.none() | NS)),
        unlocked=tuples(st.builds(Unlocked, TEXT, st.none() | CONTRACTS, NS)),
    ),
    built(
        m.BarsReported,
        account_id=ACCOUNTS,
        contract_id=CONTRACTS,
        since_ns=NS,
        until_ns=NS,
        bars=st.none() | tuples(st.builds(Bar, start_ns=NS, end_ns=NS, high=PRICES, low=PRICES)),
    ),
)
FIGURES = st.dictionaries(TEXT, st.one_of(PRICES, WHOLE, TEXT, st.none()), max_size=3)
FROM_TRADER = st.one_of(
    built(
        m.PanicRequested,
        account_id=ACCOUNTS,
        evidence=st.builds(Evidence, template=TEXT, figures=FIGURES),
    ),
    built(m.UnlockRequested, account_id=ACCOUNTS, lock_id=NS, reason=TEXT),
    built(m.UnlockWithdrawn, account_id=ACCOUNTS, lock_id=NS),
)
RESETS = built(m.DailyReset, day_start_ns=NS, day_end_ns=NS, caught_up=st.booleans())
TICKS = built(m.Tick)
OWN = st.one_of(
    built(m.BreachEnded, rule_id=TEXT, account_id=ACCOUNTS),
    built(m.ConditionEnded, rule_id=TEXT, account_id=ACCOUNTS),
)
NOTES = st.one_of(
    st.builds(Note, st.just("timer"), NS, TICKS),
    st.builds(Note, st.just("timer"), NS, RESETS),
    st.builds(Note, st.just("gateway.in"), NS, FROM_BROKER),
    st.builds(Note, st.just("operator"), NS, FROM_TRADER),
    st.builds(Note, st.sampled_from(("rule:a", "rule:b", "pnl")), NS, OWN),
    st.builds(Note, st.just(""), NS, st.builds(Resync, address=TEXT, reason=TEXT)),
    st.builds(Note, st.just(MADE), NS, st.none()),
    st.builds(Note, st.just(STORE), NS, st.builds(StoreFailed, st.integers(0, 99), TEXT)),
)
ADDRESSES = st.sampled_from(("enforcer", "lockout", "rule:a", "position:101"))
ROWS = st.lists(st.dictionaries(ADDRESSES, st.lists(NOTES, max_size=12)), max_size=4)


class Listener:
    """Does what a replay does: knows what followed, and keeps each actor's instant."""

    def __init__(self) -> None:
        self.now_ns: dict[str, int] = {}
        self.heard: dict[str, list[Note]] = {}

    def hear(self, row: Mapping[str, KeptNotes], meant: Mapping[str, Sequence[Note]]) -> None:
        for address, kept in row.items():
            followed = iter(
                note.message
                for note in meant.get(address, ())
                if note.sender.startswith(("rule:", "pnl"))
            )
            for note in kept:
                self._take(address, note, followed)

    def _take(self, address: str, kept: KeptNote | TickRun, followed: Any) -> None:
        if isinstance(kept, TickRun):
            for tick in kept.ticks:
                at_ns = next_instant(self.now_ns.get(address, 0), tick.at_ns)
                self._note(address, Note("timer", at_ns, tick))
        elif kept.is_after_message:
            message = next(followed)
            self._note(address, Note(kept.sender, message.at_ns + kept.at_ns, message))
        else:
            self._note(address, Note(kept.sender, kept.at_ns, kept.message))

    def _note(self, address: str, note: Note) -> None:
        self.now_ns[address] = note.at_ns
        self.heard.setdefault(address, []).append(note)


def exactly(notes: Sequence[Note]) -> list[str]:
    """Tell apart what compares equal: 1.5 and 1.50."""
    return [repr(note) for note in notes]


@given(rows=ROWS)
def test_any_notes_come_back_as_they_were(rows: list[dict[str, list[Note]]]) -> None:
    writer, reader, listener = RowWriter(), RowReader(), Listener()
    meant: dict[str, list[Note]] = {}
    for row in rows:
        for address, notes in row.items():
            meant.setdefault(address, []).extend(notes)
        listener.hear(reader.decode(writer.encode(row)).notes, row)

    assert {a: exactly(n) for a, n in listener.heard.items()} == {
        a: exactly(n) for a, n in meant.items() if n
    }


@given(st.lists(WHOLE))
def test_columns_keep_every_number(numbers: list[int]) -> None:
    assert unpack_ints(pack_ints(numbers)) == numbers


@given(st.decimals())
def test_a_price_keeps_its_exponent_or_is_not_scaled(price: Decimal) -> None:
    digits = scaled(price)

    assert digits is None or repr(unscaled(digits)) == repr(price)


S = 1_000_000_000
START = 1_794_931_200 * S


def tick(number: int, late_ns: int = 0) -> m.Tick:
    at_ns = START + number * S // 10 + late_ns
    return m.Tick(correlation_id=f"tick-1794931200000-{number}", at_ns=at_ns)


def told(detail: str) -> Note:
    message = m.SnapshotFailed(correlation_id="q-1", at_ns=START, account_id=101, detail=detail)
    return Note("gateway.in", START + 5, message)


def reported(*rows: Mapping[str, Sequence[Note]]) -> list[dict[str, list[str]]]:
    """Return rows of notes as they are to come back."""
    return [{a: exactly(notes) for a, notes in row.items()} for row in rows]


def heard(database: Database, run_id: int = 1) -> list[dict[str, list[str]]]:
    rows = []
    for row in read_tape(database, run_id):
        listener = Listener()
        listener.hear(row.notes, {})
        rows.append({a: exactly(notes) for a, notes in listener.heard.items()})
    return rows


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    migrate(tmp_path)
    opened = open_database(tmp_path)
    yield opened
    opened.close()


def count(database: Database) -> int:
    return int(database.execute("select count(*) from tape").fetchone()[0])


def test_the_kinds_that_have_a_tape_are_those_of_the_system() -> None:
    assert TAPED_KINDS == TAPED


def test_a_quote_has_no_field_that_the_columns_do_not_know() -> None:
    assert Quote.__struct_fields__ == ("contract_id", "bid", "ask", "last", "at_ns")
    assert m.QuoteReported.__struct_fields__ == ("correlation_id", "at_ns", "quote")


def test_rows_come_back_in_their_order_and_bear_their_span(database: Database) -> None:
    writer = TapeWriter(database, 1)
    first = {"enforcer": [Note(MADE, START, None), told("a")]}
    second = {"lockout": [told("b")], "enforcer": [told("b")]}
    writer.write(first)
    writer.write({})
    TapeWriter(database, 2).write({"enforcer": [told("another run")]})
    writer.write(second)

    assert heard(database) == reported(first, second)
    spans = database.execute("select run_id, first_ns, last_ns, notes from tape order by id")
    assert spans.fetchall()[0] == (1, START, START + 5, 2)


def test_text_that_is_no_unicode_comes_back_too(database: Database) -> None:
    row = {"enforcer": [told("half a pair: \ud83d")]}
    TapeWriter(database, 1).write(row)

    assert heard(database) == reported(row)


def test_a_row_that_was_undone_is_not_needed_by_the_next(database: Database) -> None:
    writer = TapeWriter(database, 1)
    first, last = {"enforcer": [told("kept")]}, {"enforcer": [told("kept"), told("again")]}
    writer.write(first)
    database.execute("begin immediate")
    writer.write({"enforcer": [told("undone"), Note("timer", START, tick(1))]})
    database.rollback()
    writer.undone()
    writer.write(last)

    assert heard(database) == reported(first, last)


def test_what_was_lost_is_told_where_it_is_missing(database: Database) -> None:
    writer = TapeWriter(database, 1)
    writer.write({"enforcer": [told("before")]})
    writer.write({}, lost=7)

    assert [row.lost for row in read_tape(database, 1)] == [0, 7]


def test_a_tape_without_its_beginning_is_refused(database: Database) -> None:
    writer = TapeWriter(database, 1)
    writer.write({"enforcer": [told("first")]})
    writer.write({"enforcer": [told("second")]})
    database.execute("delete from tape where id = 1")

    with pytest.raises(TapeCutOffError, match="the beginning of its tape is not kept"):
        list(read_tape(database, 1))


@pytest.mark.parametrize("data", [b"", b"1z", b"1zxx", b"1p\xc1", b"npxx", b"1p" + b"\x90"])
def test_a_damaged_row_is_named(database: Database, data: bytes) -> None:
    writer = TapeWriter(database, 1)
    writer.write({"enforcer": [told("first")]})
    writer.write({"enforcer": [told("second")]})
    database.execute("update tape set data = ? where id = 2", [data])

    with pytest.raises(TapeDamagedError, match="row 2 of the tape"):
        list(read_tape(database, 1))


def test_failures_of_the_lock_store_are_found(database: Database) -> None:
    writer = TapeWriter(database, 1)
    writer.write({"lockout": [told("a")]})
    writer.write({"lockout": [Note(STORE, START, StoreFailed(3, "the disk is full"))]})

    assert read_store_failures(database, 1) == {3: "the disk is full"}
    assert read_store_failures(database, 2) == {}


def ticking(rows: int, actors: int) -> Iterator[dict[str, list[Note]]]:
    """Yield rows of ten ticks, which each actor has taken."""
    rng = random.Random("ticks")
    for row in range(rows):
        ticks = [tick(row * 10 + each, rng.randrange(2_000_000)) for each in range(10)]
        yield {
            f"rule:{actor}": [Note("timer", each.at_ns, each) for each in ticks]
            for actor in range(actors)
        }


def test_a_tick_is_kept_once_for_all_actors(database: Database) -> None:
    for run_id, actors in ((1, 2), (2, 40)):
        writer = TapeWriter(database, run_id)
        for row in ticking(rows=50, actors=actors):
            writer.write(row)

    few, many = (
        size for (size,) in database.execute("select sum(length(data)) from tape group by run_id")
    )
    assert many < 1.5 * few
    assert heard(database, 2) == reported(*ticking(rows=50, actors=40))


def test_an_actor_that_was_away_for_long_finds_its_ticks(database: Database) -> None:
    writer = TapeWriter(database, 1)
    rows: list[dict[str, list[Note]]] = list(ticking(rows=1_000, actors=1))
    for row in rows:
        writer.write(row)
    late = {"rule:late": [note for row in rows[:20] + rows[-20:] for note in row["rule:0"]]}
    writer.write(late)

    assert heard(database)[-1] == reported(late)[0]


def test_small_rows_of_an_earlier_run_are_put_together_and_say_the_same(
    database: Database,
) -> None:
    writer = TapeWriter(database, 1)
    rows = list(ticking(rows=300, actors=3))
    for row in rows:
        writer.write(row)
    database.execute("insert into runs (id, started_ns) values (1, 0), (2, 0)")
    TapeWriter(database, 2).write({"enforcer": [told("the run that is on")]})
    before = database.execute("select sum(length(data)) from tape").fetchone()[0]

    compaction = Compaction(database)
    while compaction.step():
        pass

    assert count(database) == 2
    assert database.execute("select sum(length(data)) from tape").fetchone()[0] < before
    assert heard(database) == reported(*rows)
    spans = database.execute("select first_ns, last_ns, notes from tape where run_id = 1")
    assert spans.fetchall() == [(rows[0]["rule:0"][0].at_ns, rows[-1]["rule:0"][-1].at_ns, 9_000)]


def test_a_damaged_row_is_not_put_together(database: Database) -> None:
    writer = TapeWriter(database, 1)
    for row in ticking(rows=3, actors=1):
        writer.write(row)
    database.execute("insert into runs (id, started_ns) values (1, 0), (2, 0)")
    database.execute("update tape set data = ? where id = 1", [b"1zxx"])

    compaction = Compaction(database)
    while compaction.step():
        pass

    assert database.execute("select data from tape where id = 1").fetchone()[0] == b"1zxx"
    assert count(database) == 2
