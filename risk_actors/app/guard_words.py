"""What the guard says: of actors that failed, and of the settings in force."""

from loguru import logger

from risk_actors.actors.operator import OperatorInlet
from risk_actors.app.settings_keeper import InForce
from risk_actors.app.supervision import POLICIES
from risk_actors.runtime.restarts import WhenGivenUp

NOBODY_GUARDS = (
    "nothing is guarded at the moment, and nothing is sent: the actors could not be started and are"
    " tried again. Flatten in your platform."
)

_GIVEN_UP = {
    WhenGivenUp.REMAKE: "what it did is NOT DONE until all actors are made anew",
    WhenGivenUp.FAIL_CLOSED: "what it guarded is treated as `on_rule_failure` says",
    WhenGivenUp.DO_WITHOUT: "protection goes on without it",
}


def say_given_up(address: str) -> None:
    """Log that an actor was given up, and what that means."""
    how = POLICIES[address.partition(":")[0]].given_up
    log = logger.bind(actor=address)
    log.critical("{} failed too often and was given up: {}", address, _GIVEN_UP[how])


def say_stuck(address: str, dump: str) -> None:
    """Log that an actor is stuck, and what every thread was doing."""
    log = logger.bind(actor=address)
    log.critical("{} is stuck; what every thread was doing:\n{}", address, dump)


def tell_settings(inlet: OperatorInlet, in_force: InForce) -> None:
    """Have it recorded and shown which settings are in force."""
    inlet.tell_settings(
        day_start_ns=in_force.day_start_ns,
        in_force=in_force.text,
        applied=in_force.applied,
        pending=in_force.pending,
        fault=in_force.fault,
        armed_by_command=in_force.armed_by_command,
    )
