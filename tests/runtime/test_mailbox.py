import threading
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from pykka._envelope import Envelope

from risk_actors.core.broker import Fill, Quote, Side
from risk_actors.messages import FillReported, Message, QuoteReported, Tick
from risk_actors.runtime.control import Leave, Pulse, Resync
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import DeadLetters, to_mailbox


def tick(number: int) -> Tick:
    return Tick(correlation_id=f"tick-{number}", at_ns=number)


def quote(contract_id: str, number: int) -> QuoteReported:
    return QuoteReported(
        correlation_id=f"quote-{number}",
        at_ns=number,
        quote=Quote(contract_id=contract_id, bid=Decimal(number), at_ns=number),
    )


def fill(number: int) -> FillReported:
    return FillReported(
        correlation_id=f"fill-{number}",
        at_ns=number,
        fill=Fill(
            id=number,
            account_id=1,
            contract_id="A",
            order_id=number,
            side=Side.BUY,
            size=1,
            price=Decimal(100),
            at_ns=number,
        ),
    )


def drained(mailbox: Mailbox) -> list[object]:
    taken = []
    while (envelope := mailbox.get_nowait()) is not None:
        taken.append(envelope.message)
    return taken


def test_messages_are_taken_in_the_order_they_came() -> None:
    mailbox = Mailbox("a")
    sent = [tick(1), fill(2), tick(3), fill(4)]

    for message in sent:
        assert mailbox.deliver(message)

    assert drained(mailbox) == sent
    assert mailbox.empty()


def test_control_overtakes_everything_and_keeps_its_own_order() -> None:
    mailbox = Mailbox("a")
    resync = Resync(address="b", reason="b was restarted")

    for message in (tick(1), quote("A", 2), Pulse(), fill(3), resync):
        mailbox.deliver(message)

    assert drained(mailbox) == [Pulse(), resync, tick(1), quote("A", 2), fill(3)]


def test_a_quote_takes_the_place_of_the_one_that_waits_and_not_the_end_of_the_queue() -> None:
    mailbox = Mailbox("a")

    for message in (fill(1), quote("A", 2), quote("B", 3), fill(4), quote("A", 5), quote("A", 6)):
        mailbox.deliver(message)

    assert drained(mailbox) == [fill(1), quote("A", 6), quote("B", 3), fill(4)]
    assert mailbox.conflated == 2


def test_a_quote_that_was_taken_is_not_replaced_any_more() -> None:
    mailbox = Mailbox("a")
    mailbox.deliver(quote("A", 1))
    first = drained(mailbox)

    mailbox.deliver(quote("A", 2))

    assert first == [quote("A", 1)]
    assert drained(mailbox) == [quote("A", 2)]
    assert mailbox.conflated == 0


def test_a_fill_reported_twice_waits_twice() -> None:
    mailbox = Mailbox("a")

    mailbox.deliver(fill(1))
    mailbox.deliver(fill(1))

    assert drained(mailbox) == [fill(1), fill(1)]
    assert mailbox.conflated == 0


def test_high_water_is_the_most_that_ever_waited_and_conflated_quotes_do_not_raise_it() -> None:
    mailbox = Mailbox("a")
    for number in range(5):
        mailbox.deliver(tick(number))
    mailbox.deliver(Pulse())
    drained(mailbox)

    for number in range(50):
        mailbox.deliver(quote("A", number))

    assert mailbox.high_water == 6
    assert mailbox.depth == 1
    assert mailbox.conflated == 49


def test_a_closed_mailbox_takes_nothing_and_what_was_sent_is_a_dead_letter() -> None:
    mailbox = Mailbox("a")
    letters = DeadLetters()
    send = to_mailbox(mailbox, letters)
    send(tick(1))

    mailbox.close()
    send(tick(2))
    send(fill(3))

    assert mailbox.is_closed
    assert drained(mailbox) == [tick(1)]
    assert letters.total == 2
    assert letters.by_receiver() == {"a Tick": 1, "a FillReported": 1}


def test_a_waiting_reader_gets_what_arrives() -> None:
    mailbox = Mailbox("a")
    taken: list[object] = []
    reader = threading.Thread(target=lambda: taken.append(mailbox.get().message))
    reader.start()

    mailbox.put(Envelope(tick(1)))

    reader.join(5)
    assert taken == [tick(1)]


def test_whoever_left_its_seat_takes_nothing_and_answers_for_nobody() -> None:
    """The next message, and the next sign of life, are the successor's."""
    mailbox = Mailbox("a")
    left, successor = mailbox.seat(), mailbox.seat()
    mailbox.deliver(tick(1))

    assert mailbox.vacate(left)
    mailbox.beat()

    assert isinstance(left.get().message, Leave)
    assert mailbox.beat_waits
    assert successor.get().message == tick(1)
    assert mailbox.beats_answered == 1


def test_whoever_waits_in_a_seat_it_must_leave_is_woken() -> None:
    mailbox = Mailbox("a")
    seat = mailbox.seat()
    taken: list[object] = []
    reader = threading.Thread(target=lambda: taken.append(seat.get().message))
    reader.start()

    mailbox.vacate(seat)

    reader.join(5)
    assert taken == [Leave()]


def test_whoever_answered_meanwhile_keeps_its_seat() -> None:
    mailbox = Mailbox("a")
    seat = mailbox.seat()
    mailbox.beat()
    found = mailbox.beats_answered
    mailbox.deliver(tick(1))
    seat.get()
    mailbox.deliver(tick(2))

    assert not mailbox.vacate(seat, found)
    assert seat.get().message == tick(2)
    assert mailbox.vacate(seat, mailbox.beats_answered)


def test_concurrent_senders_lose_nothing_and_each_keeps_its_order() -> None:
    mailbox = Mailbox("a")
    senders, each = 8, 500
    start = threading.Barrier(senders + 1)
    taken: list[FillReported] = []

    def send(sender: int) -> None:
        start.wait(5)
        for number in range(each):
            mailbox.deliver(fill(sender * each + number))
            mailbox.deliver(quote("A", number))

    def take() -> None:
        start.wait(5)
        while len(taken) < senders * each:
            message = mailbox.get().message
            if isinstance(message, FillReported):
                taken.append(message)

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(senders)]
    threads.append(threading.Thread(target=take))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    ids = [message.fill.id for message in taken]
    assert sorted(ids) == list(range(senders * each))
    for sender in range(senders):
        own = [i for i in ids if i // each == sender]
        assert own == sorted(own)


@given(
    st.lists(
        st.one_of(
            st.integers(0, 99).map(tick),
            st.integers(0, 99).map(fill),
            st.builds(quote, st.sampled_from("AB"), st.integers(1, 99)),
            st.just(Pulse()),
            st.none(),
        )
    )
)
def test_whatever_comes_only_quotes_that_a_newer_one_replaced_are_missing(
    steps: list[Message | Pulse | None],
) -> None:
    """A naive model: a list that is searched and edited. `None` takes one message."""
    mailbox = Mailbox("a")
    control: list[object] = []
    queue: list[object] = []
    for step in steps:
        if step is None:
            envelope = mailbox.get_nowait()
            expected = control.pop(0) if control else queue.pop(0) if queue else None
            assert (envelope.message if envelope else None) == expected
            continue
        mailbox.deliver(step)
        if isinstance(step, Pulse):
            control.append(step)
            continue
        waiting = [
            index
            for index, other in enumerate(queue)
            if isinstance(step, QuoteReported)
            and isinstance(other, QuoteReported)
            and other.quote.contract_id == step.quote.contract_id
        ]
        if waiting:
            queue[waiting[0]] = step
        else:
            queue.append(step)

    assert mailbox.depth == len(control) + len(queue)
    assert drained(mailbox) == control + queue
