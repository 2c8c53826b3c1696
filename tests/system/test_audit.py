# ruff: noqa: S608  # the queries are the test's own
"""The record of a daemon that runs: whole at any moment, and each chain from event to flat."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from daemon_process import Daemon, StartDaemon, eventually

from risk_actors.simulator import OrderType, Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

ACCOUNT, OTHER = 101, 102
OF_COMMANDS = "select distinct correlation_id from commands"
IN_SHORT = {
    "BreachFound": "breach",
    "CommandAnswered": "answered",
    "LocksChanged": "lock",
    "PanicRequested": "panic",
    "SendCancel": "cancel",
    "SendClose": "close",
}


def order(
    sim: SimulatorThread, size: int, account: int = ACCOUNT, limit_price: str | None = None
) -> None:
    sim.place(
        Ticket(
            account_id=account,
            contract_id=sim.contract_id("MNQ"),
            side=Side.BUY,
            size=size,
            type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
            limit_price=None if limit_price is None else Decimal(limit_price),
        )
    )


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def lose_600(sim: SimulatorThread, daemon: Daemon) -> None:
    """Hold 5 MNQ while the price falls; it is the quote that breaks the limit."""
    price(sim, 25_000)
    order(sim, 5)

    def is_marked() -> bool:
        held = daemon.account()["positions"]
        return [(p["size"], p["unrealized"] is not None) for p in held] == [(5, True)]

    eventually(is_marked, what="the position is marked")
    price(sim, 24_940.25)


def let_end(sim: SimulatorThread, daemon: Daemon, account: int = ACCOUNT) -> None:
    """Wait until the account is flat and the daemon has seen it."""
    index = account - ACCOUNT
    eventually(lambda: sim.sizes(account) == {} and sim.orders(account) == [], what="flat")
    eventually(lambda: daemon.account(index)["enforcement"] is None, what="observed")


def let_chains_end(
    sim: SimulatorThread, daemon: Daemon, count: int, account: int = ACCOUNT
) -> None:
    """Wait until so many chains have commands, and each is in the record to its end.

    What is shown may be from before the last order; what came then would join the chain before.
    """
    let_end(sim, daemon, account)
    chains = eventually(
        lambda: [found for found in [daemon.rows(OF_COMMANDS)] if len(found) >= count],
        what=f"{count} chains with commands",
    )[0]
    for (correlation_id,) in chains:
        chain(daemon, f"correlation_id = '{correlation_id}'")


def chain(daemon: Daemon, where: str) -> list[tuple[str, int]]:
    """Return what each row of a chain is, and its time, in the order of the times.

    A breach that is told again after a restart bears the time at which it was first found.
    """

    def rows() -> list[tuple[str, str, int, str | None]]:
        return daemon.rows(
            "select place, kind, max(at_ns, coalesce(json_extract(message, '$.event.at_ns'), 0))"
            " as shown_ns, json_extract(message, '$.phase') from record"
            " where correlation_id ="
            f" (select correlation_id from record where {where} order by seq desc limit 1)"
            " order by shown_ns, seq"
        )

    found = eventually(lambda: [r for r in rows() if r[3] == "flat_observed"] and rows())
    return [
        ("event" if place == "events" else (phase or IN_SHORT.get(kind, kind)), at_ns)
        for place, kind, at_ns, phase in found
        if kind != "PanicRequested" or place == "events"
    ]


def steps_of(found: list[tuple[str, int]]) -> list[str]:
    """Return each kind of step once, in the order in which it first came."""
    return list(dict.fromkeys(step for step, _ in found))


def is_whole(daemon: Daemon) -> bool:
    result = daemon.client("audit", "--verify")
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.startswith("Intact: ")


def test_i9_the_chain_of_a_breach_leads_from_the_quote_to_observed_flat(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim, daemon)
    let_end(sim, daemon)

    wanted = {"event", "breach", "lock", "close", "answered", "flat_observed"}
    found = eventually(
        lambda: [c for c in [chain(daemon, "kind = 'BreachFound'")] if wanted <= {s for s, _ in c}]
    )[0]

    steps = steps_of(found)
    for one, next_ in (
        ("event", "breach"),
        ("breach", "lock"),
        ("breach", "close"),
        ("close", "answered"),
        # The hub may tell of the fill before the request is answered.
        ("close", "flat_observed"),
    ):
        assert steps.index(one) < steps.index(next_), steps
    first = {step: min(at_ns for each, at_ns in found if each == step) for step in steps}
    assert first["event"] < first["breach"] < first["close"]
    assert first["close"] < min(first["answered"], first["flat_observed"])
    shown = daemon.client("audit").stdout
    assert "quote MNQ 24940.25 / 24940.5" in shown
    assert "observed flat for daily-loss" in shown
    assert is_whole(daemon)


def test_i9_every_command_leads_back_through_a_decision_to_what_caused_it(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """A reduction, a breach, orders under a lock, panic, a gap, and a restart."""
    daemon = start_daemon()
    price(sim, 25_000)
    order(sim, 8)
    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5)
    reduction = chain(daemon, "kind = 'SendClose'")
    price(sim, 24_940.25)
    let_chains_end(sim, daemon, 2)
    order(sim, 1)
    let_chains_end(sim, daemon, 3)
    order(sim, 1, limit_price="24000")
    let_chains_end(sim, daemon, 4)
    order(sim, 1, OTHER)
    eventually(lambda: daemon.account(1)["positions"])
    assert daemon.client("panic", "--account", str(OTHER), "--yes").returncode == 0
    let_chains_end(sim, daemon, 5, OTHER)
    sim.cut_hubs()
    order(sim, 2)
    # A kill may take the record's last 50 ms with it.
    let_chains_end(sim, daemon, 6)
    before = len(daemon.rows("select seq from commands"))
    daemon.kill()
    order(sim, 1)
    daemon.start()
    let_end(sim, daemon)
    eventually(lambda: len(daemon.rows("select seq from commands")) > before)

    assert steps_of(reduction)[0] == "event"
    ids = daemon.rows(OF_COMMANDS)
    assert len(ids) >= 7
    for (correlation_id,) in ids:
        steps = steps_of(chain(daemon, f"correlation_id = '{correlation_id}'"))
        assert steps[0] == "event", (correlation_id, steps)
        assert {"started", "flat_observed"} <= {*steps}, (correlation_id, steps)
        assert {"close", "cancel"} & {*steps}
        assert steps[-1] != "close", (correlation_id, steps)
    assert daemon.rows("select seq, kind from events where text is null or text = ''") == []
    assert is_whole(daemon)


def test_the_record_is_whole_while_it_is_written_and_after_a_kill(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim, daemon)
    assert is_whole(daemon)
    let_end(sim, daemon)
    daemon.kill()
    assert is_whole(daemon)

    daemon.start()
    let_end(sim, daemon)
    assert is_whole(daemon)
    assert daemon.terminate() == 0
    assert is_whole(daemon)
    assert len(daemon.rows("select id from runs where last_seq is not null")) == 2


def test_one_changed_row_is_named(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    daemon = start_daemon()
    lose_600(sim, daemon)
    let_end(sim, daemon)
    assert daemon.terminate() == 0
    ((seq,),) = daemon.rows("select max(seq) from decisions where kind = 'BreachFound'")
    with closing(sqlite3.connect(daemon.data_dir / "risk.db")) as database, database:
        database.execute("update decisions set text = 'all was well' where seq = ?", [seq])

    result = daemon.client("audit", "--verify")

    assert result.returncode == 1
    assert f"BROKEN: row {seq} of table decisions (" in result.stdout
    assert "was changed" in result.stdout


def test_what_is_exported_is_what_is_stored(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    lose_600(sim, daemon)
    let_end(sim, daemon)
    assert daemon.terminate() == 0
    stored = daemon.rows("select seq, place, kind, account_id, text, hash from record order by seq")

    lines = daemon.client("audit", "--format", "jsonl").stdout.splitlines()
    table = list(csv.DictReader(io.StringIO(daemon.client("audit", "--format", "csv").stdout)))

    rows = [json.loads(line) for line in lines]
    columns = ("seq", "table", "kind", "account_id", "text", "hash")
    assert [tuple(row[name] for name in columns) for row in rows] == stored
    assert all(row["message"]["type"] == row["kind"] for row in rows)
    assert [(int(row["seq"]), row["hash"]) for row in table] == [(r[0], r[-1]) for r in stored]
    assert {"50KTC-SIM-101"} <= {row["account"] for row in table}
    assert sim.environment["PROJECT_X_API_KEY"] not in "".join(lines)
