"""A lock in force on an account or on one contract of it."""

import msgspec

from risk_actors.core.evidence import Evidence
from risk_actors.core.verdict import Existing


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """While it is in force, whatever appears in its scope is cancelled and flattened (I4)."""

    id: int
    account_id: int
    contract_id: str | None
    """None locks the whole account."""
    rule_id: str
    since_ns: int
    until_ns: int | None
    """None ends on a condition, not at an instant."""
    evidence: Evidence
    correlation_id: str
    existing: Existing = Existing.FLATTEN

    def covers(self, contract_id: str) -> bool:
        """Tell whether a contract lies in the lock's scope."""
        return self.contract_id is None or self.contract_id == contract_id
