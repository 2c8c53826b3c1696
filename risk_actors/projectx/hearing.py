"""Notices that the user hub is connected and deaf, and has it connected anew."""

import asyncio
from collections.abc import Callable

from risk_actors.messages import AccountSnapshot, Message
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.deaf import UserEar
from risk_actors.projectx.ports import Clock

_LOOK_EVERY_S = 0.5


class Hearing:
    """Compares the stream with what was read. Use it on its event loop only."""

    def __init__(
        self, board: ConnectionBoard, clock: Clock, on_deaf: Callable[[str], None]
    ) -> None:
        """Take where the doubt is shown, and who hears (in words) that the hub is deaf."""
        self._board = board
        self._clock = clock
        self._on_deaf = on_deaf
        self._ear = UserEar()

    def set_hub(self, *, up: bool) -> None:
        """Take whether the user hub is up."""
        if up:
            self._ear.opened(self._clock.now_ns())
        else:
            self._ear.closed()

    def heard(self, message: Message) -> None:
        """Take what the user hub told."""
        self._ear.heard(message, self._clock.now_ns())
        self._end_doubt("heard again")

    def take(self, message: Message) -> None:
        """Take what was read."""
        if isinstance(message, AccountSnapshot):
            self._ear.read(message, self._clock.now_ns())

    def agreed(self, account_id: int) -> None:
        """Take that an account was found, after a gap, as it was known before."""
        self._ear.agreed(account_id)

    @property
    def _are_reads_complete(self) -> bool:
        """Whether reads would show what the hub did not tell."""
        board = self._board
        return board.rest and not board.is_paused and not board.user_behind

    def _end_doubt(self, why: str) -> None:
        if not self._ear.doubted:
            self._board.set_user_doubt(None, why)

    async def serve(self) -> None:
        """Look for what the hub should have told; runs until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now_ns = self._clock.now_ns()
            missed = self._ear.missed(now_ns)
            if missed is None:
                if self._are_reads_complete:
                    self._ear.regain_trust(now_ns)
                    self._end_doubt("nothing more missed; trusted again")
                continue
            detail = f"connected, but did not tell of {missed.words}"
            self._board.set_user_doubt(detail)
            if self._ear.may_kick(missed, now_ns):
                self._on_deaf(detail)
