from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from loguru import logger

from risk_actors import messages as m
from risk_actors.actors.backlog import KEEP_NOTES, KEEP_ROWS, ROWS_AT_ONCE
from risk_actors.actors.journal import (
    ALIVE_EVERY_NS,
    BATCH_AT_MOST,
    ENFORCEMENT,
    FIRST_EVALUATION,
    FIRST_EVENT,
    MANY_NOTES,
    TAPE_WITHIN_NS,
    TIDY_EVERY_NS,
    TRY_AGAIN_AFTER_NS,
    UNKNOWN_LASTS_NS,
    WRITTEN_WITHIN_NS,
    JournalActor,
)
from risk_actors.core.broker import Position
from risk_actors.core.commands import CloseContract
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.verdict import LockTerms, StopMove, Warned
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.tape import Tape
from tests.actors.facts import (
    CHICAGO,
    DAY_END_NS,
    DAY_START_NS,
    MNQ,
    FakeJournalStore,
    account_state,
    account_updated,
    breach_found,
    breached,
    context_of,
    evidence,
    fill,
    lock,
    ok,
    position,
    quote,
    say,
    snapshot,
    tick,
    unknown,
    verdict_changed,
)
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer


class Rig:
    """A journal, opened, that is called directly."""

    def __init__(self) -> None:
        self.store = FakeJournalStore()
        self.overseer = RecordingOverseer()
        self.log: list[tuple[str, str, dict[str, object]]] = []
        self.clock = VirtualClock(NOON_NS)
        context = context_of("journal", RecordingOutbox(JournalActor), self.clock, self.overseer)
        self.mailbox = context.mailbox
        self.tapes = {name: Tape(name) for name in ("enforcer", "pnl")}
        self.actor = JournalActor(
            context, zone=CHICAGO, open_store=lambda: self.store, tapes=self.tapes
        )
        self.actor.opened()

    def tell(self, *messages: m.Message) -> None:
        for message in messages:
            self.actor.handle(message)

    def hold_the_inbox(self) -> None:
        """Let another message wait, so that rows are kept back for one transaction."""
        self.mailbox.deliver(tick())

    def logged(self, words: str) -> list[tuple[str, str, dict[str, object]]]:
        return [line for line in self.log if words in line[1]]


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    handlers = logger.add(
        lambda line: rig.log.append(
            (line.record["level"].name, line.record["message"], dict(line.record["extra"]))
        ),
        level="DEBUG",
    )
    yield rig
    logger.remove(handlers)


def a_fill(correlation_id: str = "event-1") -> m.FillReported:
    return say(m.FillReported, correlation_id, fill=fill(1, 2))


def test_a_row_holds_the_message_and_the_id_that_leads_to_its_cause(rig: Rig) -> None:
    """I9: explained."""
    message = breach_found(correlation_id="event-42")

    rig.tell(message)

    row = rig.store.rows[-1]
    assert (row.kind, row.correlation_id, row.account_id) == ("BreachFound", "event-42", 1)
    assert (row.at_ns, row.message) == (NOON_NS, message)
    assert row.text == "daily-loss: the limit was reached"


@pytest.mark.parametrize(
    "message",
    [
        a_fill(),
        say(m.PositionReported, position=position(1)),
        breach_found(),
        say(m.LocksChanged, account_id=1, locks=(lock(),), engaged=lock()),
        say(
            m.SendClose,
            command=CloseContract(id=1, account_id=1, contract_id=MNQ, correlation_id="c"),
        ),
        say(m.PayloadRejected, source="GatewayUserTrade", detail="no id", payload="{}"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_happened_is_kept_with_its_account(rig: Rig, message: m.Message) -> None:
    rig.tell(message)

    row = next(row for row in rig.store.rows if row.kind == type(message).__name__)
    expected = None if isinstance(message, m.PayloadRejected) else 1
    assert (row.message, row.account_id) == (message, expected)


def test_rows_wait_while_more_messages_do_and_are_written_in_one_transaction(rig: Rig) -> None:
    rig.hold_the_inbox()
    rig.tell(a_fill("event-1"), a_fill("event-2"))
    before = list(rig.store.batches)

    rig.mailbox.get_nowait()
    rig.tell(tick())

    assert before == []
    assert [[row.correlation_id for row in batch] for batch in rig.store.batches] == [
        ["event-1", "event-2"]
    ]


def test_a_long_queue_does_not_keep_rows_back_for_ever(rig: Rig) -> None:
    rig.hold_the_inbox()

    rig.tell(*[a_fill() for _ in range(BATCH_AT_MOST)])

    assert [len(batch) for batch in rig.store.batches] == [BATCH_AT_MOST]


def test_i5_a_row_waits_50_ms_at_most_while_more_messages_do(rig: Rig) -> None:
    rig.hold_the_inbox()
    rig.tell(a_fill("first"))
    rig.clock.advance(WRITTEN_WITHIN_NS - 1)
    rig.tell(a_fill("second"))
    early = list(rig.store.batches)
    rig.clock.advance(1)

    rig.tell(tick())

    assert early == []
    assert [[row.correlation_id for row in batch] for batch in rig.store.batches] == [
        ["first", "second"]
    ]


def test_i5_what_rules_remember_waits_50_ms_at_most_too(rig: Rig) -> None:
    """A peak that moves with every quote: the inbox is never empty, and no row waits."""
    rig.hold_the_inbox()
    for number in range(100):
        rig.tell(remembered(str(number)))
        rig.clock.advance(WRITTEN_WITHIN_NS // 10)

    assert [change.memory.state for change in rig.store.memories] == [
        str(number) for number in range(10, 100, 11)
    ]


def test_changed_memories_count_as_rows_do(rig: Rig) -> None:
    rig.hold_the_inbox()

    rig.tell(*[remembered(str(number)) for number in range(BATCH_AT_MOST)])

    assert [change.memory.state for change in rig.store.memories] == [str(BATCH_AT_MOST - 1)]


def test_a_store_that_fails_is_not_tried_with_every_message(rig: Rig) -> None:
    """Each try may last as long as the store waits for a lock on its file."""
    rig.hold_the_inbox()
    rig.store.fails = True
    rig.tell(*[a_fill() for _ in range(BATCH_AT_MOST)])
    rig.store.fails = False
    rig.tell(a_fill())
    at_once = list(rig.store.rows)
    rig.clock.advance(TRY_AGAIN_AFTER_NS)

    rig.tell(tick())

    assert at_once == []
    assert len(rig.store.rows) == BATCH_AT_MOST + 1


def test_the_event_of_a_breach_is_kept_when_its_kind_is_not_kept_by_itself(rig: Rig) -> None:
    """A quote may flatten an account; the record must show which one."""
    by_quote = say(
        m.BreachFound,
        rule_id="daily-loss",
        account_id=1,
        breach=breached(),
        event=quote(MNQ, "20010", "20011"),
        correlation_id="quote-1",
    )

    rig.tell(by_quote)
    rig.tell(breach_found())

    assert rig.store.kinds == ["QuoteReported", "BreachFound", "BreachFound"]
    assert rig.store.rows[0].message == by_quote.event
    assert rig.store.rows[0].correlation_id == by_quote.correlation_id
    assert "20010" in rig.store.rows[0].text


@pytest.mark.parametrize("kind", [m.StopMovesWanted, m.ShadowStopMoves])
def test_i9_the_quote_that_moved_a_stop_is_kept(
    rig: Rig, kind: type[m.StopMovesWanted | m.ShadowStopMoves]
) -> None:
    """Found by `risk-actors fuzz`: the command led back to nothing."""
    by_quote = say(
        kind,
        rule_id="breakeven",
        account_id=1,
        moves=(),
        event=quote(MNQ, "20010", "20011"),
        correlation_id="quote-1",
    )

    rig.tell(by_quote)

    assert rig.store.rows[0].message == by_quote.event
    assert rig.store.rows[0].correlation_id == "quote-1"


def test_a_tick_is_no_row(rig: Rig) -> None:
    rig.tell(tick(), tick())

    assert rig.store.rows == []


def test_a_verdict_is_kept_when_it_differs_in_kind_and_not_in_a_figure(rig: Rig) -> None:
    rig.tell(verdict_changed(ok(-10)), verdict_changed(ok(-20)), verdict_changed(breached()))

    assert [row.text for row in rig.store.rows] == [
        "daily-loss: ok",
        "daily-loss: the limit was reached",
    ]


def test_verdicts_of_two_accounts_are_kept_apart(rig: Rig) -> None:
    rig.tell(verdict_changed(ok()), verdict_changed(ok(), account_id=2), verdict_changed(ok()))

    assert [row.account_id for row in rig.store.rows] == [1, 2]


def test_an_unknown_that_passes_is_not_kept(rig: Rig) -> None:
    """P&L is unknown for some milliseconds around every fill."""
    rig.tell(verdict_changed(ok()), verdict_changed(unknown()))
    rig.tell(tick(NOON_NS + UNKNOWN_LASTS_NS - 1))

    rig.tell(verdict_changed(ok()), tick(NOON_NS + UNKNOWN_LASTS_NS))

    assert [row.text for row in rig.store.rows] == ["daily-loss: ok"]


def test_an_unknown_that_lasts_is_kept_once(rig: Rig) -> None:
    """I7: blind is not safe."""
    rig.tell(verdict_changed(unknown()))

    for later_ns in (UNKNOWN_LASTS_NS - 1, UNKNOWN_LASTS_NS, UNKNOWN_LASTS_NS + 1):
        rig.tell(tick(NOON_NS + later_ns))

    assert [row.text for row in rig.store.rows] == ["daily-loss: no price yet"]


def test_a_store_that_fails_keeps_the_rows_says_so_once_and_writes_them_later(rig: Rig) -> None:
    rig.store.fails = True
    rig.tell(a_fill("event-1"), a_fill("event-2"), tick())
    faults = list(rig.overseer.faults)

    rig.store.fails = False
    rig.clock.advance(TRY_AGAIN_AFTER_NS)
    rig.tell(tick())

    (fault,) = faults
    assert "could not write the record: the disk is full" in fault
    assert [row.correlation_id for row in rig.store.rows] == ["event-1", "event-2"]


def test_a_store_that_fails_again_says_so_again(rig: Rig) -> None:
    for fails in (True, False, True):
        rig.store.fails = fails
        rig.tell(a_fill())
        rig.clock.advance(TRY_AGAIN_AFTER_NS)

    assert len(rig.overseer.faults) == 2


def test_a_store_that_fails_for_long_costs_what_the_broker_can_say_again_first(rig: Rig) -> None:
    rig.store.fails = True
    rig.tell(breach_found(correlation_id="the oldest"))

    rig.tell(*[a_fill(str(number)) for number in range(KEEP_ROWS + 1_500)])
    rig.clock.advance(TRY_AGAIN_AFTER_NS)
    rig.tell(a_fill("newest"))

    waiting = [entry.correlation_id for entry in rig.actor._backlog.entries]
    assert len(waiting) <= KEEP_ROWS
    assert (waiting[0], waiting[-1]) == ("the oldest", "newest")


def test_what_was_lost_is_said_in_the_record_once_it_can_be_written(rig: Rig) -> None:
    """Never silently."""
    rig.store.fails = True
    rig.tell(*[a_fill(str(number)) for number in range(KEEP_ROWS + 1_500)])
    rig.clock.advance(TRY_AGAIN_AFTER_NS)
    rig.tell(tick())

    rig.store.fails = False
    rig.clock.advance(TRY_AGAIN_AFTER_NS)
    rig.tell(tick())
    rig.tell(a_fill("later"))

    said = [row for row in rig.store.rows if row.kind == "ActorChanged"]
    kept = [row for row in rig.store.rows if row.kind == "FillReported"]
    lost = KEEP_ROWS + 1_501 - len(kept)
    assert lost > 0
    assert rig.store.rows[0] == said[0]
    assert said[0].text == (
        f"journal: the store could not be written; {lost} rows of the last 1 s are not in the"
        " record"
    )
    assert len(said) == 1


def test_a_long_wait_is_written_in_several_transactions(rig: Rig) -> None:
    rig.store.fails = True
    rig.tell(*[a_fill() for _ in range(2 * ROWS_AT_ONCE + 1)])
    rig.store.fails = False
    rig.clock.advance(TRY_AGAIN_AFTER_NS)

    rig.tell(tick())

    assert [len(batch) for batch in rig.store.batches] == [ROWS_AT_ONCE, ROWS_AT_ONCE, 1]


def test_the_tape_goes_first_while_the_store_cannot_be_written(rig: Rig) -> None:
    rig.store.fails = True
    for _ in range(3):
        for _ in range(KEEP_NOTES // 2):
            rig.tapes["pnl"].note("timer", NOON_NS, tick())
        rig.tell(a_fill())
        rig.clock.advance(TRY_AGAIN_AFTER_NS)
    rig.store.fails = False

    rig.tell(tick())

    (batch,) = rig.store.written
    assert (batch.tape, batch.tape_lost) == ({}, 3 * KEEP_NOTES // 2)
    assert [entry.kind for entry in batch.entries] == ["ActorChanged", *["FillReported"] * 3]
    assert "75000 notes of the tape" in batch.entries[0].text


def test_what_a_tape_dropped_by_itself_is_said_too(rig: Rig) -> None:
    tape = Tape("pnl", keep_at_most=2)
    rig.tapes["pnl"] = tape
    rig.actor._backlog._tapes = rig.tapes
    for _ in range(5):
        tape.note("timer", NOON_NS, tick())

    rig.tell(a_fill(), a_fill())

    assert [batch.tape_lost for batch in rig.store.written] == [3, 0]
    assert "3 notes of the tape" in rig.store.rows[0].text


def test_tapes_are_drained_in_their_order_with_each_row(rig: Rig) -> None:
    for address in ("pnl", "enforcer"):
        rig.tapes[address].note("timer", NOON_NS, tick())

    rig.tell(a_fill())

    (batch,) = rig.store.written
    assert list(batch.tape) == ["enforcer", "pnl"]
    assert [len(notes) for notes in batch.tape.values()] == [1, 1]
    assert rig.tapes["pnl"].drain() == []


def test_tapes_are_drained_every_ten_seconds_without_a_row(rig: Rig) -> None:
    rig.tapes["pnl"].note("timer", NOON_NS, tick())
    rig.clock.advance(TAPE_WITHIN_NS - 1)
    rig.tell(tick())
    before = [batch.tape for batch in rig.store.written]
    rig.clock.advance(ALIVE_EVERY_NS)

    rig.tell(tick())

    assert before == [{}]
    assert list(rig.store.written[-1].tape) == ["pnl"]


def test_tapes_with_much_on_them_are_drained_every_second(rig: Rig) -> None:
    for _ in range(MANY_NOTES):
        rig.tapes["pnl"].note("timer", NOON_NS, tick())
    rig.clock.advance(ALIVE_EVERY_NS)

    rig.tell(tick())

    assert [list(batch.tape) for batch in rig.store.written] == [["pnl"]]


def test_a_memory_that_cannot_be_stored_is_said_once_and_not_kept(rig: Rig) -> None:
    def changed(reported: str) -> m.RuleStateChanged:
        return say(
            m.RuleStateChanged,
            rule_id="r",
            rule_type="t",
            account_id=1,
            memory=RuleMemory(reported=reported),
        )

    rig.tell(*[changed("half a pair: \ud83d")] * 3, changed("whole"))

    assert [change.memory.reported for change in rig.store.memories] == ["whole"]
    assert len(rig.overseer.faults) == 1


def test_the_store_is_told_once_a_second_that_the_process_lives(rig: Rig) -> None:
    for _ in range(30):
        rig.clock.advance(ALIVE_EVERY_NS // 10)
        rig.tell(tick())

    assert [batch.alive_ns for batch in rig.store.written] == [
        NOON_NS + number * ALIVE_EVERY_NS for number in (1, 2, 3)
    ]


def test_of_accounts_only_the_newest_state_is_written(rig: Rig) -> None:
    rig.hold_the_inbox()
    for balance in ("1", "2"):
        for account_id in (1, 2):
            moved = account_state(account_id=account_id, balance_usd=Decimal(balance))
            rig.tell(account_updated(moved))
    rig.mailbox.get_nowait()
    rig.tell(tick())

    shown = [(update.account_id, update.state.balance_usd) for update in rig.store.accounts]
    assert shown == [(1, Decimal(2)), (2, Decimal(2))]
    assert rig.store.rows == []


def test_a_snapshot_is_kept_when_it_says_something_else(rig: Rig) -> None:
    rig.tell(
        read("1"),
        read("2", asked_ns=NOON_NS + 1, reason="other words"),
        read("3", position(1)),
        read("4", position(1)),
        read("5", account_id=2),
        read("6"),
    )

    assert [row.correlation_id for row in rig.store.rows] == ["1", "3", "5", "6"]


def test_i9_a_snapshot_that_broke_a_rule_is_kept_though_it_says_nothing_new(rig: Rig) -> None:
    rig.tell(read("1"), read("2"))

    rig.tell(breach_found_in(read("2")))

    assert [(row.kind, row.correlation_id) for row in rig.store.rows] == [
        ("AccountSnapshot", "1"),
        ("AccountSnapshot", "2"),
        ("BreachFound", "2"),
    ]


def test_a_snapshot_that_comes_after_what_it_caused_is_kept_once(rig: Rig) -> None:
    told = read("1")

    rig.tell(breach_found_in(told), told)

    assert rig.store.kinds == ["AccountSnapshot", "BreachFound"]


def test_what_is_old_is_dropped_in_steps_while_nothing_else_waits(rig: Rig) -> None:
    rig.store.to_tidy = 3
    rig.hold_the_inbox()
    rig.tell(*[tick() for _ in range(5)])
    after_open = rig.store.to_tidy
    rig.tell(a_daily_reset())
    rig.store.to_tidy = 2
    rig.tell(*[tick() for _ in range(5)])
    after_reset = rig.store.to_tidy
    rig.clock.advance(TIDY_EVERY_NS)
    rig.tell(tick())
    rig.store.to_tidy = 2
    rig.tell(*[tick() for _ in range(5)])

    assert (after_open, after_reset, rig.store.to_tidy) == (0, 0, 0)


def test_what_cannot_be_dropped_is_said_once_and_stays_until_the_next_time(rig: Rig) -> None:
    rig.hold_the_inbox()
    rig.store.fails = True

    rig.tell(*[tick() for _ in range(5)])

    assert rig.overseer.faults == [
        "could not drop what is too old from the store: the disk is full"
    ]


def test_what_cannot_be_written_at_the_end_is_said(rig: Rig) -> None:
    rig.store.fails = True
    rig.tell(a_fill(), a_fill())

    rig.actor.closed()

    assert rig.logged("2 rows of the record are lost")
    assert rig.store.is_closed


def test_closing_writes_what_is_left_and_closes_the_store(rig: Rig) -> None:
    rig.hold_the_inbox()
    rig.tell(a_fill())

    rig.actor.closed()

    assert rig.store.kinds == ["FillReported"]
    assert rig.store.is_closed


def test_the_checkpoints_are_said_once_and_the_enforcement_each_time(rig: Rig) -> None:
    started = say(
        m.EnforcementChanged,
        account_id=1,
        phase=m.EnforcementPhase.STARTED,
        cause="daily-loss",
        detail="a rule is broken",
    )

    rig.tell(a_fill(), a_fill(), verdict_changed(ok()), verdict_changed(ok()), started, started)

    counts = [len(rig.logged(words)) for words in (FIRST_EVENT, FIRST_EVALUATION, ENFORCEMENT)]
    assert counts == [1, 1, 2]
    assert rig.logged(ENFORCEMENT)[0][0] == "WARNING"


def test_a_line_carries_account_actor_and_correlation_id(rig: Rig) -> None:
    rig.tell(breach_found(correlation_id="event-42"))

    level, text, extra = rig.logged("breach:")[0]
    assert (level, text) == ("WARNING", "breach: daily-loss: the limit was reached")
    assert extra == {"actor": "journal", "account": 1, "correlation_id": "event-42"}


def test_a_breach_in_shadow_mode_says_what_would_have_been_done(rig: Rig) -> None:
    found = breach_found(breached(LockTerms()))
    rig.tell(
        say(
            m.ShadowBreachFound,
            rule_id=found.rule_id,
            account_id=1,
            breach=found.breach,
            event=found.event,
        )
    )

    (line,) = rig.logged("breach: daily-loss: shadow, would have flattened")
    assert line[0] == "WARNING"
    assert "and locked the account until the daily reset: the limit was reached" in line[1]
    assert "ShadowBreachFound" in rig.store.kinds


def test_a_move_of_a_stop_in_shadow_is_logged_and_kept(rig: Rig) -> None:
    moves = (StopMove(order_id=7, contract_id=MNQ, stop_price=Decimal("21000.25")),)
    rig.tell(say(m.ShadowStopMoves, rule_id="trail", account_id=1, moves=moves, event=a_fill()))

    (line,) = rig.logged("command: trail: shadow, would have moved the stop of order 7 in MNQ")
    assert line[0] == "INFO"
    assert "ShadowStopMoves" in rig.store.kinds


def test_a_warning_is_logged_and_kept(rig: Rig) -> None:
    warned = Warned(value=None, limit=None, evidence=evidence("half of it is used"), fraction=0.5)
    rig.tell(
        say(m.WarningRaised, rule_id="daily-loss", account_id=1, warned=warned, event=a_fill())
    )

    assert [
        line[0] for line in rig.logged("warning: daily-loss: 50% used, half of it is used")
    ] == ["WARNING"]
    assert "WarningRaised" in rig.store.kinds


def test_what_rules_remember_is_written_with_the_rows_and_only_the_newest(rig: Rig) -> None:
    rig.hold_the_inbox()
    for state in ("first", "second"):
        rig.tell(remembered(state))
    rig.mailbox.get_nowait()
    rig.tell(remembered("third"))

    assert [change.memory.state for change in rig.store.memories] == ["third"]


def test_what_could_not_be_written_is_written_with_the_next(rig: Rig) -> None:
    rig.store.fails = True
    rig.tell(remembered("kept"))
    rig.store.fails = False
    rig.clock.advance(TRY_AGAIN_AFTER_NS)
    rig.tell(a_fill())

    assert [change.memory.state for change in rig.store.memories] == ["kept"]


def remembered(state: str) -> m.RuleStateChanged:
    return say(
        m.RuleStateChanged,
        rule_id="giveback",
        rule_type="profit_giveback",
        account_id=1,
        memory=RuleMemory(state=state),
    )


def a_daily_reset() -> m.DailyReset:
    return say(m.DailyReset, day_start_ns=DAY_START_NS, day_end_ns=DAY_END_NS)


def breach_found_in(event: m.Message) -> m.BreachFound:
    return msgspec.structs.replace(breach_found(correlation_id=event.correlation_id), event=event)


def read(correlation_id: str, *positions: Position, **content: Any) -> m.AccountSnapshot:
    return msgspec.structs.replace(snapshot(*positions, **content), correlation_id=correlation_id)
