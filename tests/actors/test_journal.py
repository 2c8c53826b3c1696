from collections.abc import Iterator
from decimal import Decimal

import pytest
from loguru import logger

from risk_actors import messages as m
from risk_actors.actors.journal import (
    BATCH_AT_MOST,
    ENFORCEMENT,
    FIRST_EVALUATION,
    FIRST_EVENT,
    KEEP_WHEN_FAILING,
    UNKNOWN_LASTS_NS,
    WRITTEN_WITHIN_NS,
    JournalActor,
)
from risk_actors.core.commands import CloseContract
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.verdict import LockTerms, StopMove, Warned
from risk_actors.runtime.clock import VirtualClock
from tests.actors.facts import (
    CHICAGO,
    MNQ,
    FakeJournalStore,
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
        self.actor = JournalActor(context, zone=CHICAGO, open_store=lambda: self.store)
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
    rig.clock.advance(WRITTEN_WITHIN_NS)

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
    rig.tell(tick())

    (fault,) = faults
    assert "could not write the record: the disk is full" in fault
    assert [row.correlation_id for row in rig.store.rows] == ["event-1", "event-2"]


def test_a_store_that_fails_again_says_so_again(rig: Rig) -> None:
    for fails in (True, False, True):
        rig.store.fails = fails
        rig.tell(a_fill())

    assert len(rig.overseer.faults) == 2


def test_a_store_that_fails_for_long_costs_the_oldest_rows_and_not_the_memory(rig: Rig) -> None:
    rig.hold_the_inbox()
    rig.tell(*[a_fill(str(number)) for number in range(BATCH_AT_MOST - 1)])
    rig.actor._waiting *= KEEP_WHEN_FAILING // BATCH_AT_MOST + 2
    rig.store.fails = True

    rig.tell(a_fill("newest"))

    assert len(rig.actor._waiting) == KEEP_WHEN_FAILING
    assert rig.actor._waiting[-1].correlation_id == "newest"


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
