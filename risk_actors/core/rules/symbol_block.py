"""Rule 018: no position and no order in a forbidden symbol."""

from typing import Annotated, Any, NamedTuple

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import Effect, adding_tightens, together
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import refuse_root
from risk_actors.core.rules.base import Rule, RuleContext, RuleSettings
from risk_actors.core.rules.contract_symbols import is_unsure, open_symbols
from risk_actors.core.rules.measure import NO_MEASURE
from risk_actors.core.verdict import Breached, Flatten, LockTerms, Ok, Unknown, Verdict


def _lists_effect(old: Any, new: Any) -> Effect:
    """More forbidden symbols are tighter; a list of what is allowed forbids all the rest."""
    was, is_now = (_Lists.of(settings) for settings in (old, new))
    if was.allowed and is_now.allowed:
        return adding_tightens(is_now.allowed, was.allowed)
    if is_now.allowed:
        return Effect.LOOSENS if was.blocked & is_now.allowed else Effect.TIGHTENS
    return Effect.LOOSENS if was.allowed else adding_tightens(was.blocked, is_now.blocked)


class _Lists(NamedTuple):
    """The two lists, in capitals."""

    blocked: frozenset[str]
    allowed: frozenset[str]

    @classmethod
    def of(cls, settings: Any) -> "_Lists":
        return cls(
            *(
                frozenset(symbol.upper() for symbol in symbols)
                for symbols in (settings.blocked, settings.allowed)
            )
        )


class SymbolBlockSettings(RuleSettings, frozen=True, kw_only=True, tag="symbol_block"):
    """Settings of rule 018; symbols are the exchange's (ES, not EP)."""

    blocked: Annotated[tuple[str, ...], together(_lists_effect)] = ()
    """These may not be traded."""
    allowed: Annotated[tuple[str, ...], together(_lists_effect)] = ()
    """Only these may be traded. Give one of the two lists."""

    def __post_init__(self) -> None:
        """Refuse a rule that says nothing or says it twice."""
        if bool(self.blocked) == bool(self.allowed):
            raise ValueError("give either `blocked` or `allowed` symbols")
        for symbol in (*self.blocked, *self.allowed):
            refuse_root(symbol)


class SymbolBlock(Rule[SymbolBlockSettings, None]):
    """Flatten and lock the contract; the rest of the account goes on trading."""

    number = 18
    Settings = SymbolBlockSettings
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "day_start_ns", "positions", "orders", "named_symbols")
    breaks_when = "a position or order in a forbidden symbol"
    response = "lock that contract"
    measure = NO_MEASURE

    def __init__(self, settings: SymbolBlockSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._blocked = frozenset(symbol.upper() for symbol in settings.blocked)
        self._allowed = frozenset(symbol.upper() for symbol in settings.allowed)
        self._named = self._blocked | self._allowed

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        then = "else flatten and lock the contract until the daily reset."
        if self._allowed:
            return f"Only {', '.join(sorted(self._allowed))} may be traded; {then}"
        return f"{', '.join(sorted(self._blocked))} may not be traded; {then}"

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
        symbols = open_symbols(account)
        unsure = [c for c in symbols if is_unsure(c, account, self._named)]
        forbidden = [
            contract_id
            for contract_id, symbol in symbols.items()
            if self._is_forbidden(symbol) and contract_id not in unsure
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
            # The lock ends with the day; what is still there then is broken anew.
            cause=f"day {account.day_start_ns}: {' '.join(forbidden)}",
            action=Flatten(contract_ids=tuple(forbidden)),
            locks=tuple(LockTerms(contract_id=contract_id) for contract_id in forbidden),
            contract_id=forbidden[0] if len(forbidden) == 1 else None,
        )


def _unnamed(contract_ids: list[str]) -> Unknown:
    return Unknown(
        evidence=Evidence(
            template="The symbol of {contracts} has not been read from the broker yet",
            figures={"contracts": ", ".join(contract_ids)},
        )
    )
