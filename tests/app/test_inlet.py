"""What the broker says while the actors are replaced is held, and handed on in order."""

import threading

from risk_actors import messages as m
from risk_actors.app.inlet import Inlet


def tick(number: int) -> m.Tick:
    return m.Tick(correlation_id=f"tick-{number}", at_ns=number)


def test_before_there_is_a_listener_messages_are_held() -> None:
    inlet, heard = Inlet(), list[m.Message]()

    inlet.send(tick(1))
    inlet.send(tick(2))
    inlet.open(heard.append)
    inlet.send(tick(3))

    assert heard == [tick(1), tick(2), tick(3)]


def test_the_old_listener_hears_nothing_of_what_is_held_and_the_new_one_all_of_it() -> None:
    inlet, old, new = Inlet(), list[m.Message](), list[m.Message]()
    inlet.open(old.append)
    inlet.send(tick(1))

    inlet.hold()
    inlet.send(tick(2))
    inlet.open(new.append)
    inlet.send(tick(3))

    assert old == [tick(1)]
    assert new == [tick(2), tick(3)]


def test_nothing_is_lost_or_turned_round_while_listeners_change_under_a_stream() -> None:
    inlet, heard = Inlet(), list[m.Message]()
    sent = [tick(number) for number in range(20_000)]

    def stream() -> None:
        for message in sent:
            inlet.send(message)

    thread = threading.Thread(target=stream)
    thread.start()
    while thread.is_alive():
        inlet.open(heard.append)
        inlet.hold()
    thread.join()
    inlet.open(heard.append)

    assert heard == sent
