"""Rule 017: when the broker says that the account may not trade, lock it until it may."""

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import Evidence
from risk_actors.core.rules.base import Rule, RuleSettings
from risk_actors.core.verdict import Breached, Flatten, LockEnd, LockTerms, Ok, Unknown, Verdict


class AccountGuardSettings(RuleSettings, frozen=True, kw_only=True, tag="account_guard"):
    """Settings of rule 017, which has none of its own."""


class AccountGuard(Rule[AccountGuardSettings, None]):
    """Flatten and lock while the broker reports `canTrade: false`.

    The broker may refuse closes and cancels of such an account; what is refused is tried again ever
    more slowly, and said loudly, until flat is seen.
    """

    number = 17
    Settings = AccountGuardSettings
    facts = frozenset({AccountState})
    reads = ("can_trade", "name")
    breaks_when = "the broker says `canTrade: false`"
    response = "lock account until `canTrade: true`"
    ends_on_condition = True

    def initial_state(self) -> None:
        """The rule looks at the present alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return (
            "When the broker says that the account may not trade, flatten and lock it until it may."
        )

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look at what the broker last said of the account."""
        if fact.can_trade is None:
            return state, Unknown(
                evidence=Evidence(
                    template="Whether the account may trade has not been read from the broker yet"
                )
            )
        if fact.can_trade:
            return state, Ok()
        return state, Breached(
            value=None,
            limit=None,
            evidence=Evidence(
                template="The broker says at {at:time} that account {name} may not trade",
                figures={"at": now_ns, "name": fact.name},
            ),
            cause="may not trade",
            action=Flatten(),
            locks=(LockTerms(end=LockEnd.CONDITION),),
        )
