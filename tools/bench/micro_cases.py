"""The micro-benchmarks themselves, for pyperf, which runs this again and again.

python -m bench.micro_cases -o FILE
"""

import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import pyperf

from risk_actors import messages as m
from risk_actors.actors.record import Batch, Entry
from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill, Position, Quote, Side
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.instruments import Instrument
from risk_actors.core.lock import Lock
from risk_actors.core.lock_book import LockBook, RestoredLocks
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.position_book import PositionBook
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.base import default_context
from risk_actors.runtime.crew import Crew
from risk_actors.runtime.crew_member import Member
from risk_actors.runtime.mailbox import Mailbox, Seat

from .rig_rules import RULES

NOW_NS = 1_794_931_200 * NS_PER_S
CONTRACT = "CON.F.US.MNQ.Z26"
ACCOUNT_ID = 1
CONTEXT = default_context()
_FIRST_OF_FILES = 5
"""How many benchmarks come before those that need files."""


def mailbox_hop(loops: int) -> float:
    """Return seconds for so many hops to a thread that waits."""
    there, back = Mailbox("there"), Mailbox("back")
    here, over = back.seat(), there.seat()
    message = m.Tick(correlation_id="c", at_ns=1)

    def answer() -> None:
        for _ in range(loops):
            over.await_next()
            back.deliver(message)

    thread = threading.Thread(target=answer)
    thread.start()
    began_s = time.perf_counter()
    for _ in range(loops):
        there.deliver(message)
        here.await_next()
    took_s = time.perf_counter() - began_s
    thread.join()
    return took_s / 2


class _Passer:
    """Passes on what it gets, so many times."""

    def __init__(self, seat: Seat, target: Mailbox, loops: int, ended: threading.Event) -> None:
        self._seat, self._target, self._left, self._ended = seat, target, loops, ended
        self.is_done = False
        self.is_patient = False

    def turn(self, member: Member) -> bool:
        """Take one message and pass it on."""
        envelope = self._seat.take()
        if envelope is not None:
            self._left -= 1
            self._target.deliver(envelope.message)
            if self._left <= 0:
                self.is_done = True
                self._ended.set()
                return False
        return not self._seat.rest(member.wake)


def crew_hop(loops: int) -> float:
    """Return seconds for so many hops between actors that share a thread."""
    crew, boxes = Crew("crew", 2), (Mailbox("a"), Mailbox("b"))
    ended = [threading.Event(), threading.Event()]
    for rank, (own, other) in enumerate((boxes, boxes[::-1])):
        crew.join(_Passer(own.seat(), other, loops, ended[rank]), rank)
    began_s = time.perf_counter()
    boxes[0].deliver(m.Tick(correlation_id="c", at_ns=1))
    for each in ended:
        each.wait()
    return (time.perf_counter() - began_s) / 2


def open_account() -> tuple[AccountState, Fill]:
    """Return an account with a position, and the fill that made it."""
    book = PositionBook(ACCOUNT_ID, "BENCH-1", CONTEXT.calendar.day(NOW_NS))
    fill = Fill(
        id=1,
        account_id=ACCOUNT_ID,
        contract_id=CONTRACT,
        order_id=1,
        side=Side.BUY,
        size=1,
        price=Decimal(20_000),
        at_ns=NOW_NS,
    )
    book.on_fill(fill, NOW_NS)
    book.on_position(
        Position(
            account_id=ACCOUNT_ID,
            contract_id=CONTRACT,
            size=1,
            average_price=Decimal(20_000),
            opened_ns=NOW_NS,
        ),
        NOW_NS,
    )
    return book.state(), fill


def valued() -> tuple[PnlBook, Marks]:
    """Return a P&L book with a position, and the marks to value it by."""
    marks = Marks(10 * NS_PER_S)
    marks.on_instrument(
        Instrument(
            contract_id=CONTRACT,
            symbol="MNQ",
            tick_size=Decimal("0.25"),
            tick_value_usd=Decimal("0.50"),
        )
    )
    book = PnlBook(ACCOUNT_ID, CONTEXT.calendar, NOW_NS)
    state, fill = open_account()
    book.on_account(state, (fill,), after_snapshot=False)
    return book, marks


def add_pnl(runner: pyperf.Runner) -> None:
    """Add the valuation of one account at a new price, and one rule's look at it."""
    book, marks = valued()
    quotes = [
        Quote(contract_id=CONTRACT, bid=bid, ask=bid + Decimal("0.25"), at_ns=NOW_NS)
        for bid in (Decimal(20_000), Decimal("20000.25"))
    ]
    turn = 0

    def update() -> None:
        nonlocal turn
        turn += 1
        marks.on_quote(quotes[turn % 2], NOW_NS)
        book.pnl(marks, NOW_NS)

    update()
    runner.bench_func("P&L update", update)
    kind = catalogue()["daily_loss_limit"]
    rule = kind(
        msgspec.convert(
            {"type": "daily_loss_limit", "id": "loss", "limit_usd": 500.0}, kind.Settings
        ),
        CONTEXT,
    )
    state, fact = rule.initial_state(), book.pnl(marks, NOW_NS)
    runner.bench_func("rule evaluation", rule.evaluate, state, fact, NOW_NS)


def add_locks(runner: pyperf.Runner) -> None:
    """Add the look whether an account is locked."""
    lock = Lock(
        id=1,
        account_id=ACCOUNT_ID,
        contract_id=None,
        rule_id="loss",
        since_ns=NOW_NS,
        until_ns=None,
        evidence=Evidence(template="bench"),
        correlation_id="c",
    )
    book = LockBook.restored(
        CONTEXT.calendar,
        RestoredLocks(locks=(lock,), past=(), last_id=1, requests=(), unlocked=()),
    )
    runner.bench_func("lock check", book.in_force, ACCOUNT_ID)


def add_files(runner: pyperf.Runner, directory: Path) -> None:
    """Add the loading of settings, and one commit of the record."""
    # Each benchmark runs in processes of its own; only these need what takes long to import.
    from risk_actors.app.settings_load import load_settings  # noqa: PLC0415
    from risk_actors.store.journal import SqliteJournal  # noqa: PLC0415
    from risk_actors.store.recovery import open_or_recover  # noqa: PLC0415
    from risk_actors.store.runs import RunRecord  # noqa: PLC0415

    (directory / "risk.toml").write_text(RULES, encoding="utf-8")
    runner.bench_func("settings load", load_settings, directory)
    open_or_recover(directory, NOW_NS, CONTEXT.calendar.zone)
    run = RunRecord(NOW_NS, "bench", "paper", True, "{}")
    store = SqliteJournal(directory, calendar=CONTEXT.calendar, run=run)
    message = m.ConnectionChanged(
        correlation_id="c", at_ns=NOW_NS, user_hub=True, market_hub=True, rest=True
    )
    entry = Entry(
        at_ns=NOW_NS,
        correlation_id="c",
        kind="ConnectionChanged",
        account_id=ACCOUNT_ID,
        text="bench",
        message=message,
    )
    batch = Batch(entries=(entry,), alive_ns=NOW_NS)
    runner.bench_func("store write", store.write, batch)
    store.close()


def main() -> None:
    """Run all of them."""
    runner = pyperf.Runner(program_args=("-m", "bench.micro_cases"))
    runner.bench_time_func("mailbox hop", mailbox_hop)
    runner.bench_time_func("hop within the crew", crew_hop)
    add_pnl(runner)
    add_locks(runner)
    wanted = runner.args.worker_task
    if wanted is not None and wanted < _FIRST_OF_FILES:
        return
    with tempfile.TemporaryDirectory(prefix="risk-bench-") as directory:
        add_files(runner, Path(directory))


if __name__ == "__main__":
    main()
