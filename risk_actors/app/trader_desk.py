"""The trader's requests, handed to whichever actors guard at the time."""

from collections.abc import Callable
from typing import Protocol

from risk_actors.actors.operator import OperatorInlet
from risk_actors.actors.trader_requests import AnswerKind, TraderAnswer

_OVERTAKEN = TraderAnswer(AnswerKind.CONFLICT, "not done: something else was asked for since")


class Arming(Protocol):
    """What replaces the actors by such as enforce, or do not; the latest wish holds."""

    def wish(self, *, armed: bool) -> int:
        """Take a wish, at once and whoever has the turn; to disarm, nothing is sent any more."""

    def waits(self, *, armed: bool) -> bool:
        """Tell whether the latest wish is this one, and not carried out yet."""

    def drop(self, number: int) -> None:
        """Take a wish back that was not granted."""

    def carry_out(self, number: int) -> bool:
        """Arm or disarm; false when a later wish has overtaken this one."""


type Ask = Callable[[Callable[[OperatorInlet], TraderAnswer]], TraderAnswer]
"""Hands a request to the inlet of the present actors and returns its answer."""


class TraderDesk:
    """Implements `TraderRequests`; may be called by any thread."""

    def __init__(self, ask: Ask, judge: Ask, arming: Arming) -> None:
        """Take how a request reaches the present actors, and who makes them anew.

        `ask` waits for actors that are being made anew; `judge` waits for nobody, and what is sent
        by what it is given may be lost.
        """
        self._ask = ask
        self._judge = judge
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
        """Send nothing to the broker from now on; with a lock in force the policy decides.

        At once, for it is the emergency stop: actors that are being made anew are not waited for
        before nothing is sent any more.
        """
        is_arming = self._arming.waits(armed=True)
        answer = self._judge(lambda inlet: inlet.judge_disarm(reason, secret, is_arming=is_arming))
        if not answer.accepted:
            return self._ask(lambda inlet: inlet.note_disarm(reason, answer))
        wish = self._arming.wish(armed=False)
        noted = self._ask(lambda inlet: inlet.note_disarm(reason, answer))
        if not noted.accepted:
            return noted
        return answer if self._arming.carry_out(wish) else _OVERTAKEN

    def arm(self) -> TraderAnswer:
        """Enforce breaches from now on."""
        is_disarming = self._arming.waits(armed=False)
        wish = self._arming.wish(armed=True)
        answer = self._ask(lambda inlet: inlet.permit_arm(is_disarming=is_disarming))
        if not answer.accepted:
            self._arming.drop(wish)
            return answer
        return answer if self._arming.carry_out(wish) else _OVERTAKEN
