from risk_actors.app.pulse import PulseThread
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.mailbox import Mailbox
from tests.conftest import eventually


def test_a_pulse_comes_again_and_again_once_the_last_one_was_taken() -> None:
    mailbox = Mailbox("timer")
    pulse = PulseThread(mailbox, every_s=0.001)
    pulse.start()

    for _ in range(3):
        eventually(lambda: mailbox.depth)
        taken = mailbox.get_nowait()
        assert taken is not None
        assert taken.message == Pulse()

    pulse.stop()


def test_pulses_do_not_pile_up_before_a_timer_that_is_slow() -> None:
    delivered: list[object] = []

    class CountingMailbox(Mailbox):
        def deliver(self, message: object) -> bool:
            delivered.append(message)
            return super().deliver(message)

        @property
        def depth(self) -> int:
            looks.append(1)
            return super().depth

    looks: list[int] = []
    mailbox = CountingMailbox("timer")
    pulse = PulseThread(mailbox, every_s=0.001)
    pulse.start()

    eventually(lambda: len(looks) >= 5)
    pulse.stop()

    assert len(delivered) == 1


def test_a_pulse_that_was_stopped_comes_no_more() -> None:
    mailbox = Mailbox("timer")
    pulse = PulseThread(mailbox, every_s=60.0)
    pulse.start()

    pulse.stop()

    assert mailbox.empty()


def test_a_pulse_that_never_started_can_be_stopped() -> None:
    PulseThread(Mailbox("timer"), every_s=1.0).stop()
