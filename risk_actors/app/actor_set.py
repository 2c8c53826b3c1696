"""One set of actors, from their start to their end."""

from loguru import logger

from risk_actors.actors.lockout import LockoutActor
from risk_actors.app.assembly import Assembly
from risk_actors.app.pulse import PulseThread
from risk_actors.messages import ActorStatus
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.restarts import WhenGivenUp
from risk_actors.runtime.supervisor import Supervisor


class ActorSet:
    """The actors, who looks after them, and what makes time pass for them."""

    def __init__(self, assembly: Assembly, supervisor: Supervisor, pulse: PulseThread) -> None:
        self.assembly = assembly
        self.supervisor = supervisor
        self.pulse = pulse
        self.is_ended = False

    def stop(self) -> None:
        """End the actors, the last started first; what waits in mailboxes is handled first."""
        self.is_ended = True
        self.pulse.stop()
        self.assembly.desk.stop()
        left = self.supervisor.stop()
        if left:
            logger.error("Actors that did not end in time: {}", ", ".join(left))

    @property
    def lockout_mailbox(self) -> Mailbox:
        """Where what is to be locked goes."""
        specs = self.assembly.system.specs
        return next(spec.mailbox for spec in specs if spec.kind == LockoutActor.kind)

    @property
    def has_pulse(self) -> bool:
        """Whether time passes for them, or need not any more."""
        return self.is_ended or self.pulse.lives

    def given_up(self) -> tuple[str, ...]:
        """Return the addresses of those that failed too often."""
        return tuple(
            stats.address
            for stats in self.supervisor.stats()
            if stats.status == ActorStatus.GIVEN_UP
        )

    def lacking(self) -> dict[str, WhenGivenUp]:
        """Return for whom of those nobody stands in."""
        asked = {address: self.supervisor.when_given_up(address) for address in self.given_up()}
        return {a: how for a, how in asked.items() if how is not WhenGivenUp.FAIL_CLOSED}
