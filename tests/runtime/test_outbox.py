from decimal import Decimal

import pytest

from risk_actors.core.broker import Quote
from risk_actors.messages import DailyReset, QuoteReported, SnapshotFailed, Tick
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import (
    DeadLetters,
    Gate,
    RoutedOutbox,
    UndeclaredSendError,
    to_account,
    to_mailbox,
)


def snapshot_failed(account_id: int) -> SnapshotFailed:
    return SnapshotFailed(correlation_id="c", at_ns=1, account_id=account_id, detail="no answer")


def quote(number: int) -> QuoteReported:
    return QuoteReported(
        correlation_id=f"quote-{number}",
        at_ns=number,
        quote=Quote(contract_id="MNQ", bid=Decimal(number), at_ns=number),
    )


def test_a_message_goes_to_everybody_its_type_is_wired_to_and_to_nobody_else() -> None:
    letters = DeadLetters()
    mailboxes = {name: Mailbox(name) for name in "abc"}
    outbox = RoutedOutbox(
        "timer",
        {
            Tick: (to_mailbox(mailboxes["a"], letters), to_mailbox(mailboxes["b"], letters)),
            DailyReset: (to_mailbox(mailboxes["c"], letters),),
        },
    )

    outbox.send(Tick(correlation_id="c", at_ns=1))

    assert [mailboxes[name].depth for name in "abc"] == [1, 1, 0]


def test_an_undeclared_send_is_an_error_that_names_sender_and_message() -> None:
    outbox = RoutedOutbox("rule:daily-loss", {})

    with pytest.raises(UndeclaredSendError, match=r"rule:daily-loss sent Tick"):
        outbox.send(Tick(correlation_id="c", at_ns=1))


def test_a_message_about_an_account_goes_to_that_account_alone() -> None:
    letters = DeadLetters()
    mailboxes = {1: Mailbox("position:1"), 2: Mailbox("position:2")}
    deliver = to_account(mailboxes, "position", letters)

    deliver(snapshot_failed(2))

    assert (mailboxes[1].depth, mailboxes[2].depth) == (0, 1)
    assert letters.total == 0


def test_a_message_about_an_account_nobody_guards_is_a_dead_letter() -> None:
    letters = DeadLetters()
    deliver = to_account({1: Mailbox("position:1")}, "position", letters)

    deliver(snapshot_failed(9))
    deliver(snapshot_failed(9))

    assert letters.by_receiver() == {"position:9 SnapshotFailed": 2}


def test_one_closed_mailbox_does_not_keep_the_message_from_the_others() -> None:
    letters = DeadLetters()
    closed, open_ = Mailbox("closed"), Mailbox("open")
    closed.close()
    outbox = RoutedOutbox(
        "timer", {Tick: (to_mailbox(closed, letters), to_mailbox(open_, letters))}
    )

    outbox.send(Tick(correlation_id="c", at_ns=1))

    assert open_.depth == 1
    assert letters.by_receiver() == {"closed Tick": 1}


def test_a_newer_price_takes_the_place_of_the_older_one_in_each_mailbox_by_itself() -> None:
    letters = DeadLetters()
    slow, quick = Mailbox("slow"), Mailbox("quick")
    ways = (to_mailbox(slow, letters, "in"), to_mailbox(quick, letters, "in"))
    outbox = RoutedOutbox("in", {QuoteReported: ways})

    outbox.send(quote(1))
    taken = quick.get_nowait()
    outbox.send(quote(2))

    assert taken is not None
    assert taken.message == quote(1)
    assert (quick.depth, slow.depth) == (1, 1)
    for mailbox in (quick, slow):
        waiting = mailbox.get_nowait()
        assert waiting is not None
        assert waiting.message == quote(2)
        assert mailbox.taken_from == "in"


def test_a_price_for_one_mailbox_alone_takes_the_place_of_the_older_one() -> None:
    letters = DeadLetters()
    mailbox = Mailbox("pnl")
    outbox = RoutedOutbox("in", {QuoteReported: (to_mailbox(mailbox, letters, "in"),)})

    outbox.send(quote(1))
    outbox.send(quote(2))

    taken = mailbox.get_nowait()
    assert taken is not None
    assert taken.message == quote(2)
    assert (mailbox.conflated, mailbox.depth, mailbox.taken_from) == (1, 0, "in")

    mailbox.close()
    outbox.send(quote(3))
    assert letters.by_receiver() == {"pnl QuoteReported": 1}


def test_a_gate_that_is_shut_swallows_and_counts() -> None:
    mailbox = Mailbox("a")
    gate = Gate(RoutedOutbox("timer", {Tick: (to_mailbox(mailbox, DeadLetters()),)}))

    gate.send(Tick(correlation_id="c", at_ns=1))
    gate.shut()
    gate.send(Tick(correlation_id="c", at_ns=2))

    assert (mailbox.depth, gate.swallowed) == (1, 1)
