"""Rule 018: no position and no order in a forbidden symbol."""

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import symbol_of
from risk_actors.core.rules.base import Rule, RuleSettings
from risk_actors.core.verdict import Breached, Flatten, LockTerms, Ok, Unknown, Verdict


class SymbolBlockSettings(RuleSettings, frozen=True, kw_only=True, tag="symbol_block"):
    """Settings of rule 018; symbols are the exchange's (ES, not EP)."""

    blocked: tuple[str, ...] = ()
    """These may not be traded."""
    allowed: tuple[str, ...] = ()
    """Only these may be traded."""

    def __post_init__(self) -> None:
        """Refuse a rule that says nothing or says it twice."""
        if bool(self.blocked) == bool(self.allowed):
            raise ValueError("give either `blocked` or `allowed` symbols")


class SymbolBlock(Rule[SymbolBlockSettings, None]):
    """Flatten and lock the contract; the rest of the account goes on trading."""

    Settings = SymbolBlockSettings
    facts = frozenset({AccountState})

    def __init__(self, settings: SymbolBlockSettings) -> None:
        super().__init__(settings)
        self._blocked = frozenset(symbol.upper() for symbol in settings.blocked)
        self._allowed = frozenset(symbol.upper() for symbol in settings.allowed)

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        if self._allowed:
            return f"Only {', '.join(sorted(self._allowed))} may be traded; else lock the contract."
        return f"{', '.join(sorted(self._blocked))} may not be traded; else lock the contract."

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look for positions and working orders in forbidden symbols."""
        return state, self._judge(fact, now_ns)

    def _is_forbidden(self, symbol: str) -> bool:
        return symbol not in self._allowed if self._allowed else symbol in self._blocked

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet")
            )
        symbols = {p.contract_id: p.symbol for p in account.positions}
        for order in account.orders:
            symbols.setdefault(order.contract_id, symbol_of(order.contract_id))
        forbidden = sorted(c for c, symbol in symbols.items() if self._is_forbidden(symbol))
        if not forbidden:
            return Ok()
        names = ", ".join(sorted({symbols[contract_id] for contract_id in forbidden}))
        return Breached(
            value=None,
            limit=None,
            evidence=Evidence(
                template="{symbols} was traded at {at:time}, which is not allowed",
                figures={"symbols": names, "at": now_ns},
            ),
            cause=" ".join(forbidden),
            action=Flatten(contract_ids=tuple(forbidden)),
            locks=tuple(LockTerms(contract_id=contract_id) for contract_id in forbidden),
        )
