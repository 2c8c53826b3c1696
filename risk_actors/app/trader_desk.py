"""The trader's requests, handed to whichever actors guard at the time."""

from collections.abc import Callable
from typing import Protocol

from risk_actors.actors.operator import OperatorInlet
from risk_actors.actors.trader_requests import TraderAnswer


class Arming(Protocol):
    """What replaces the actors by such as enforce, or do not."""

    def arm(self, *, armed: bool) -> bool:
        """Arm or disarm; tell whether that is a change."""


type Ask = Callable[[Callable[[OperatorInlet], TraderAnswer]], TraderAnswer]
"""Hands a request to the inlet of the present actors and returns its answer."""


class TraderDesk:
    """Implements `TraderRequests`; may be called by any thread."""

    def __init__(self, ask: Ask, arming: Arming) -> None:
        """Take how a request reaches the present actors, and who makes them anew."""
        self._ask = ask
        self._arming = arming

    def panic(self, account_id: int | None) -> TraderAnswer:
        """Flatten and lock one account, or all, until the daily reset."""
        return self._ask(lambda inlet: inlet.panic(account_id))

    def unlock(
        self, lock_id: int, account_id: int | None, reason: str, secret: str | None
    ) -> TraderAnswer:
        """End a lock before its time, if the unlock policy lets it."""
        return self._ask(lambda inlet: inlet.unlock(lock_id, account_id, reason, secret))

    def withdraw(self, lock_id: int) -> TraderAnswer:
        """Take back a request to end a lock."""
        return self._ask(lambda inlet: inlet.withdraw(lock_id))

    def disarm(self, reason: str, secret: str | None) -> TraderAnswer:
        """Send nothing to the broker from now on; with a lock in force the policy decides."""
        answer = self._ask(lambda inlet: inlet.permit_disarm(reason, secret))
        if answer.accepted:
            self._arming.arm(armed=False)
        return answer

    def arm(self) -> TraderAnswer:
        """Enforce breaches from now on."""
        answer = self._ask(lambda inlet: inlet.permit_arm())
        if answer.accepted:
            self._arming.arm(armed=True)
        return answer
