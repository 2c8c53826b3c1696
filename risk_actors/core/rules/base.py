"""What a rule is: settings, a state per account, and a function from fact to verdict."""

from abc import ABC, abstractmethod
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.verdict import Verdict

type Fact = AccountState | PnlState
"""What a rule may be shown. Each fact is whole, so a rule never joins two streams."""

PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
PositiveUsd = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
Fraction = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Mode(StrEnum):
    """Whether a rule's breach is enforced."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    """Decided and recorded; nothing is sent."""
    OFF = "off"


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys that every `[[rules]]` table may have; `type` is the subclass's tag."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    mode: Mode = Mode.ENFORCE
    accounts: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)
    """Account names or `*` patterns."""
    warn_at: tuple[Fraction, ...] = ()
    """Fractions of the limit at which to warn."""

    @property
    def type(self) -> str:
        """The rule's type as settings name it."""
        return str(self.__struct_config__.tag)

    def selects(self, account_name: str) -> bool:
        """Tell whether the rule guards the account of this name."""
        return any(fnmatchcase(account_name.upper(), pattern.upper()) for pattern in self.accounts)


class Rule[SettingsT: RuleSettings, StateT](ABC):
    """A rule: pure, and safe to show the same fact twice.

    A subclass names its `Settings` struct (whose tag is the type in settings) and the facts it
    wants; adding one is adding one file to this package.
    """

    Settings: ClassVar[type[RuleSettings]]
    facts: ClassVar[frozenset[type]]

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @abstractmethod
    def initial_state(self) -> StateT:
        """Return the state before anything was seen of an account."""

    @abstractmethod
    def evaluate(self, state: StateT, fact: Any, now_ns: int) -> tuple[StateT, Verdict]:
        """Return the next state and what the rule says of this fact."""

    @abstractmethod
    def summary(self) -> str:
        """Return the rule with its effective figures in one sentence."""
