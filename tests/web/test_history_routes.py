"""`/api/history`, `/api/curve` and `/api/audit` over sockets, on a store as it is written."""

import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from risk_actors.core.evidence import iso_utc
from risk_actors.store.audit import Record
from risk_actors.store.history import PastDay
from risk_actors.store.schema import DATABASE_FILE, migrate
from risk_actors.web import history
from tests.actors.facts import DAY_START_NS
from tests.conftest import MS, NOON_NS, S
from tests.store.test_history import DAY_NS, MIN, pushed, round_turn, tell, traded
from tests.store.written import Told, a_breach, change, quiet_fill, write_record
from tests.web.served import Served

type Serve = Callable[..., Served]


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """Two days of account 101."""
    migrate(tmp_path)
    before = round_turn(1, NOON_NS - DAY_NS, "100", 101)
    today = round_turn(3, NOON_NS, "-40", 101)
    tell(tmp_path, *map(pushed, [*before, *today]))
    return tmp_path


def test_today_is_what_the_state_says_and_other_days_what_the_store_says(
    serve: Serve, played: Path
) -> None:
    served = serve(played)
    served.show_day(realized=-41.0, fees=1.0, trades=7)

    today, before = served.ask("/api/history").json["days"]

    assert today == {
        "date": "2026-11-17",
        "account": 101,
        "realized": -41.0,
        "fees": 1.0,
        "trades": 7,
        "locks": 0,
        "breaches": 0,
        "peak": None,
        "low": None,
    }
    assert (before["date"], before["realized"], before["fees"]) == ("2026-11-16", 99.0, 1.0)
    assert len(served.ask("/api/history?days=1").json["days"]) == 1


def test_what_is_unknown_is_null_and_never_0(serve: Serve, played: Path) -> None:
    served = serve(played)

    today = served.ask("/api/history").json["days"][0]

    assert (today["realized"], today["fees"], today["peak"]) == (None, None, None)
    points = served.ask("/api/curve?account=101").json["points"]
    assert points[-1][1] is None


def test_the_curve_begins_with_what_the_store_knows_and_ends_as_the_state_says(
    serve: Serve, tmp_path: Path
) -> None:
    migrate(tmp_path)
    fills = round_turn(3, NOON_NS, "-40")
    tell(tmp_path, *map(pushed, fills), traded(*fills))
    change(tmp_path, "update fills set account_id = 101", "update trades set account_id = 101")
    served = serve(tmp_path)
    served.show_day(equity=-41.0)

    curve = served.ask("/api/curve?account=101").json

    assert curve["account"] == 101
    assert curve["day_started_at"] == iso_utc(DAY_START_NS)
    assert curve["points"][:5] == [
        [iso_utc(DAY_START_NS), 0.0],
        [iso_utc(NOON_NS - MS), 0.0],
        [iso_utc(NOON_NS), None],
        [iso_utc(NOON_NS + MIN), -41.0],
        curve["points"][4],
    ]
    assert curve["points"][-1][1] == -41.0
    instants = [at for at, _ in curve["points"]]
    assert instants == sorted({*instants})
    assert [mark["kind"] for mark in curve["marks"]] == ["entry", "exit"]


def test_without_a_store_there_is_nothing_yet(serve: Serve, tmp_path: Path) -> None:
    served = serve(tmp_path)
    served.show_day(equity=5.0)

    assert served.ask("/api/history").json == {"days": []}
    assert served.ask("/api/audit").json == {"records": []}
    curve = served.ask("/api/curve?account=101").json
    assert ([e for _, e in curve["points"]][-1], curve["marks"]) == (5.0, [])


def test_a_store_that_cannot_be_read_is_said_and_hurts_nothing_else(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"this is no database" * 100)
    served = serve(tmp_path)

    reply = served.ask("/api/history")

    assert reply.status == 503
    assert "the store cannot be read now" in reply.json["error"]
    assert served.ask("/api/state").status == 200


def test_reading_never_keeps_the_journal_waiting_nor_writes(serve: Serve, played: Path) -> None:
    served = serve(played)
    with closing(sqlite3.connect(played / DATABASE_FILE, timeout=0)) as writer:
        writer.execute("begin immediate")
        writer.execute("update pnl_days set trades = 99")
        assert served.ask("/api/history").status == 200
        assert served.ask("/api/curve?account=101").status == 200
        assert served.ask("/api/audit").status == 200
        writer.rollback()


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/history?days=0", 400, "days"),
        ("/api/history?days=401", 400, "days"),
        ("/api/history?days=x", 400, "days"),
        ("/api/history?day=1", 400, "takes days"),
        ("/api/history?days=1&days=2", 400, "twice"),
        ("/api/curve", 400, "account"),
        ("/api/curve?account=7", 404, "there are 101"),
        ("/api/curve?account=101%20or%201", 400, "account"),
        ("/api/audit?limit=1001", 400, "limit"),
        ("/api/audit?since=yesterday", 400, "2026-11-21T15:30:00Z"),
        ("/api/audit?since=2026-11-17T12:00:00", 400, "no instant"),
        ("/api/audit?since=9999999-11-17", 400, "no instant"),
        ("/api/audit?since=9999-12-31T23:59:59Z", 400, "no instant"),
        ("/api/audit?since=0001-01-01T00:00:00%2B14:00", 400, "no instant"),
        ("/api/audit?account=9223372036854775808", 400, "account"),
        ("/api/curve?account=9223372036854775808", 400, "account"),
        ("/api/audit?correlation=", 400, "correlation"),
        ("/api/audit?correlation=a&account=101", 400, "alone"),
        ("/api/audit?correlation=none-such", 404, "no such chain"),
    ],
)
def test_what_is_not_understood_is_said_with_what_to_do(
    serve: Serve, tmp_path: Path, path: str, status: int, words: str
) -> None:
    write_record(tmp_path, a_breach())

    reply = serve(tmp_path).ask(path)

    assert reply.status == status
    assert words in reply.json["error"]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    write_record(
        tmp_path,
        [
            *a_breach("quote-1"),
            quiet_fill(2),
            *a_breach("quote-2", account_id=102, since_ns=NOON_NS + 60 * S, lock_id=2),
        ],
    )
    return tmp_path


def test_a_chain_leads_from_the_event_to_what_was_observed(serve: Serve, recorded: Path) -> None:
    chain = serve(recorded).ask("/api/audit?correlation=quote-1").json

    assert chain["correlation_id"] == "quote-1"
    assert [step["kind"] for step in chain["steps"]] == [
        "event",
        "breach",
        "command",
        "enforcing",
        "lock",
        "outcome",
        "observed",
    ]
    assert chain["steps"][0]["text"] == "quote MNQ 24940 / 24940.25"
    assert chain["steps"][0]["at"] == iso_utc(NOON_NS)
    assert chain["steps"] == sorted(chain["steps"], key=lambda step: str(step["at"]))


def test_the_latest_records_come_newest_first(serve: Serve, recorded: Path) -> None:
    served = serve(recorded)

    every = served.ask("/api/audit").json["records"]
    of_one = served.ask("/api/audit?account=102").json["records"]
    two = served.ask("/api/audit?limit=2").json["records"]
    late = served.ask("/api/audit?since=2026-11-17T18:00:30Z").json["records"]

    assert [record["kind"] for record in every[:2]] == ["observed", "outcome"]
    assert len(every) == 12
    assert {record["account"] for record in of_one} == {102}
    assert two == every[:2]
    assert {record["correlation_id"] for record in late} == {"quote-2"}


def test_no_secret_and_no_broken_text_gets_out(serve: Serve, tmp_path: Path) -> None:
    told = a_breach()[0]
    write_record(tmp_path, [Told(told.table, told.message, "access_token=eyJabc.def.ghi x")])
    change(tmp_path, "update events set text = cast(x'ff41' || text as text)")

    reply = serve(tmp_path).ask("/api/audit?correlation=quote-1")

    assert reply.status == 200
    assert b"eyJabc" not in reply.body


def test_many_readers_at_once_are_served_or_told_to_come_again(serve: Serve, played: Path) -> None:
    served = serve(played)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(served.ask("/api/history").status))
        for _ in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {*statuses} <= {200, 503}
    assert 200 in statuses


def test_the_highest_and_lowest_are_told_of_a_day_that_was_watched_or_flat(
    serve: Serve, tmp_path: Path
) -> None:
    migrate(tmp_path)
    fills = round_turn(3, NOON_NS, "-40")
    tell(tmp_path, *map(pushed, fills), traded(*fills))
    change(tmp_path, "update pnl_days set account_id = 101", "update trades set account_id = 101")
    change(tmp_path, "update fills set account_id = 101")
    served = serve(tmp_path)
    book = served.server._history.book

    def ends(began_ns: int) -> tuple[float | None, float | None]:
        book.__init__()  # type: ignore[misc]
        served.show_day(equity=0.0)
        book.take(served.picture, began_ns)
        for after_s, equity in enumerate((0.0, 12.5, -60.0, -41.0)):
            served.show_day(equity=equity)
            book.take(served.picture, began_ns + after_s * S)
        day = served.ask("/api/history").json["days"][0]
        return day["peak"], day["low"]

    assert ends(NOON_NS - S) == (12.5, -60.0)
    assert ends(NOON_NS + 30 * S) == (None, None)


def test_a_slow_reading_keeps_nobody_else_waiting_and_only_so_many_wait_for_it(
    serve: Serve, played: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slow(record: Record, days: int) -> list[PastDay]:
        assert go_on.wait(30)
        return []

    monkeypatch.setattr(history, "read_past_days", slow)
    served = serve(played)
    statuses: queue.Queue[int] = queue.Queue()
    threads = [
        threading.Thread(target=lambda: statuses.put(served.ask("/api/history").status))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()

    turned_away = [statuses.get(timeout=10) for _ in range(2)]
    others = [served.ask(path).status for path in ("/livez", "/api/state", "/api/events")]
    go_on.set()
    for thread in threads:
        thread.join()

    assert turned_away == [503, 503]
    assert others == [200, 200, 200]
    assert [statuses.get(timeout=10) for _ in range(10)] == [200] * 10
