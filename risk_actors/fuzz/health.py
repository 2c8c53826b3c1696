"""Since when the broker has been well for an account, so that the guard may be held to the clock.

While something is wrong the guard can only try; once it is over, what waits for its turn has it
within the longest pause before a retry.
"""

from collections.abc import Iterable

from risk_actors.core.commands import Refusal
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.day import Fault

PATIENCE_NS = 40 * S
"""The longest ordinary pause is 30 s, and an account is read every 30 s."""
LONG_PATIENCE_NS = 310 * S
"""Where the broker refuses an account or a contract as a whole, the pauses grow to 300 s."""
_LASTING = frozenset({Refusal.ACCOUNT.value, Refusal.CONTRACT.value})
_OF_PRICES = frozenset({k.MARKET_HUB_DOWN, k.SILENT})
"""These keep no command from its effect and no event from being told."""


class Health:
    """When the guard may next be held to the clock, by account."""

    def __init__(self, account_ids: Iterable[int], now_ns: int) -> None:
        self._strict_ns = dict.fromkeys(account_ids, now_ns)

    def is_well(self, account_id: int, now_ns: int) -> bool:
        """Tell whether nothing has been wrong with an account for long enough."""
        return now_ns >= self._strict_ns[account_id]

    def harmed(self, now_ns: int, patience_ns: int = PATIENCE_NS) -> None:
        """Note that something is wrong with all accounts: the guard failed, the market is shut."""
        for account_id in self._strict_ns:
            self._put_off(account_id, now_ns + patience_ns)

    def braked(self, account_id: int, now_ns: int) -> None:
        """Note that the guard stopped itself: it resumes with gaps that grow to 300 s."""
        self._put_off(account_id, now_ns + LONG_PATIENCE_NS)

    def suffer(self, faults: Iterable[Fault], now_ns: int) -> None:
        """Note what is wrong with the broker."""
        for fault in faults:
            if fault.kind in _OF_PRICES:
                continue
            is_long = fault.kind == k.BLOCKED or fault.reason in _LASTING
            until_ns = now_ns + (LONG_PATIENCE_NS if is_long else PATIENCE_NS)
            for account_id in self._strict_ns:
                if fault.kind in k.OF_ALL or fault.account in (None, account_id):
                    self._put_off(account_id, until_ns)

    def _put_off(self, account_id: int, until_ns: int) -> None:
        self._strict_ns[account_id] = max(self._strict_ns[account_id], until_ns)
