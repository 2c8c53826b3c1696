"""Positions that their fills have closed while the row that says so is still on the way."""

from risk_actors.core.account_state import AccountState


class FlatByFills:
    """Since when the fills of each contract say flat of what they said was open.

    A close would find nothing there, or what the trader opens in that moment. Should the row not
    come, the report is believed after all. A row that came before the first fill is another
    thing: that position is being opened.
    """

    def __init__(self, patience_ns: int) -> None:
        """Take how long a row may be on the way."""
        self._patience_ns = patience_ns
        self._since_ns: dict[str, int] = {}

    def observe(self, before: AccountState | None, state: AccountState, now_ns: int) -> None:
        """Take what the account shows now, and what it showed before."""
        if not self._since_ns and all(position.fills_size for position in state.positions):
            return
        was_open = {p.contract_id for p in (before.positions if before else ()) if p.fills_size}
        self._since_ns = {
            position.contract_id: self._since_ns.get(position.contract_id, now_ns)
            for position in state.positions
            if not position.fills_size
            and (position.contract_id in was_open or position.contract_id in self._since_ns)
        }

    def awaits_report(self, contract_id: str, now_ns: int) -> bool:
        """Tell whether a close is better held back for now."""
        since_ns = self._since_ns.get(contract_id)
        return since_ns is not None and now_ns - since_ns < self._patience_ns
