from risk_actors.messages import Tick
from risk_actors.runtime.awake import Awake, to_awake
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import DeadLetters

TICK = Tick(correlation_id="tick", at_ns=1)


def test_a_tick_goes_to_those_who_wait_for_time_and_to_nobody_else() -> None:
    awake, dead_letters = Awake(), DeadLetters()
    mailboxes = {account_id: Mailbox(f"position:{account_id}") for account_id in (1, 2, 3)}
    send = to_awake(awake, mailboxes, dead_letters, "timer")
    awake.wait(3, "third")
    awake.wait(1, "first")
    awake.rest(1, "first")
    send(TICK)

    assert {i: mailbox.depth for i, mailbox in mailboxes.items()} == {1: 0, 2: 0, 3: 1}
    mailboxes[3].close()
    send(TICK)
    assert dead_letters.by_receiver() == {"position:3 Tick": 1}


def test_one_that_was_abandoned_does_not_put_its_successor_to_rest() -> None:
    awake = Awake()
    awake.wait(1, "abandoned")
    awake.wait(1, "successor")
    assert awake.accounts() == [1]
    awake.rest(1, "abandoned")
    assert awake.accounts() == [1]
    awake.rest(1, "successor")
    assert awake.accounts() == []
