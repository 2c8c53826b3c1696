"""Rule 018: no position and no order in a forbidden symbol."""

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import listing_for_symbol, listing_of, refuse_root, symbol_of
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
        for symbol in (*self.blocked, *self.allowed):
            refuse_root(symbol)


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

    def _is_unsure(self, contract_id: str) -> bool:
        """Tell whether the broker's name of a contract may change what is thought of it.

        The root of a product that the catalogue lacks may differ from its symbol, and it matters
        only where the settings name a symbol that the catalogue lacks too.
        """
        symbol = symbol_of(contract_id)
        named = self._blocked | self._allowed
        return (
            listing_of(contract_id) is None
            and symbol not in named
            and any(listing_for_symbol(each) is None for each in named)
        )

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        if not account.is_reconciled:
            return Unknown(
                evidence=Evidence(template="Positions have not been read from the broker yet")
            )
        contracts = {p.contract_id for p in account.positions}
        contracts |= {order.contract_id for order in account.orders}
        symbols = {c: account.named_symbols.get(c) or symbol_of(c) for c in sorted(contracts)}
        unsure = [c for c in symbols if c not in account.named_symbols and self._is_unsure(c)]
        forbidden = [
            c for c, symbol in symbols.items() if self._is_forbidden(symbol) and c not in unsure
        ]
        if not forbidden:
            return _unnamed(unsure) if unsure else Ok()
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


def _unnamed(contract_ids: list[str]) -> Unknown:
    return Unknown(
        evidence=Evidence(
            template="The symbol of {contracts} has not been read from the broker yet",
            figures={"contracts": ", ".join(contract_ids)},
        )
    )
