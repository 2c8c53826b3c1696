import pytest

from risk_actors.messages import DailyReset, SnapshotFailed, Tick
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import (
    DeadLetters,
    RoutedOutbox,
    UndeclaredSendError,
    to_account,
    to_mailbox,
)


def snapshot_failed(account_id: int) -> SnapshotFailed:
    return SnapshotFailed(correlation_id="c", at_ns=1, account_id=account_id, detail="no answer")


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
