"""When it is said (again) that an enforcement makes no progress."""

from collections.abc import Iterable

from risk_actors.core.command_slot import CommandSlot, SlotState
from risk_actors.core.commands import Refusal
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.retry_pace import LASTING

STUCK_AFTER_NS = 3 * NS_PER_S
"""An enforcement that has not ended by then says so."""
SAY_STUCK_EVERY_NS = 10 * NS_PER_S


class StuckVoice:
    """Says it after a while and now and then; at once where a reason does not go away by itself."""

    def __init__(self) -> None:
        self._say_ns = 0
        self._unsaid: set[Refusal] = set()
        self._said_ns: dict[Refusal, int] = {}

    def begin(self, now_ns: int) -> None:
        """Take that an enforcement begins."""
        self._say_ns = now_ns + STUCK_AFTER_NS
        self._unsaid.clear()

    def note(self, slot: CommandSlot) -> None:
        """Take what an answer has made of a command."""
        if slot.state is SlotState.WAITING and slot.reason in LASTING:
            self._unsaid.add(slot.reason)

    def is_due(self, slots: Iterable[CommandSlot], now_ns: int) -> bool:
        """Tell whether it is to be said now; whoever asks says it then."""
        unsaid, self._unsaid = self._unsaid, set()
        is_news = any(
            reason not in self._said_ns
            or not 0 <= now_ns - self._said_ns[reason] < SAY_STUCK_EVERY_NS
            for reason in unsaid
        )
        if not is_news and now_ns < self._say_ns:
            return False
        self._say_ns = now_ns + SAY_STUCK_EVERY_NS
        for slot in slots:
            if slot.reason in LASTING:
                self._said_ns[slot.reason] = now_ns
        return True
