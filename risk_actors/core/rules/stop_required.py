"""Rule 016: a position must have working stops that cover its whole size."""

from decimal import Decimal
from typing import Annotated

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import PROTECTIVE_STOP_TYPES, OrderStatus, Side
from risk_actors.core.direction import LOWER
from risk_actors.core.evidence import NS_PER_S, Evidence, Figure
from risk_actors.core.rules.base import PositiveSeconds, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.open_times import opened_at_ns
from risk_actors.core.rules.seconds import shown_seconds, span_ns
from risk_actors.core.verdict import Breached, Flatten, Ok, Unknown, Verdict, Warned

COVERING_STATUSES = frozenset({OrderStatus.OPEN, OrderStatus.PENDING})
"""A suspended bracket child protects nothing before its parent fills."""


class StopRequiredSettings(RuleSettings, frozen=True, kw_only=True, tag="stop_required"):
    """Settings of rule 016."""

    grace_s: Annotated[PositiveSeconds, LOWER]
    """How many seconds a position may be without stops that cover it."""


class Uncovered(msgspec.Struct, frozen=True, kw_only=True):
    """A position that its stops do not cover."""

    contract_id: str
    side: Side
    """A buy is a long position; one that changed sides is another."""
    since_ns: int
    """Since when it has been seen so, by our clock."""
    opened_ns: int = 0
    """When it was opened, by the broker's clock; one opened at another time is another."""


class _Gap(msgspec.Struct, frozen=True):
    """An uncovered position as it is now."""

    uncovered: Uncovered
    symbol: str
    size: int
    covered: int

    @property
    def cause(self) -> str:
        return f"{self.uncovered.contract_id} uncovered {self.uncovered.since_ns}"


class StopRequired(Rule[StopRequiredSettings, tuple[Uncovered, ...]]):
    """Flatten the contract whose stops do not cover it when the grace is over, without a lock.

    Stops, stop-limits and trailing stops of the opposite side cover with what is open of them, all
    together. The grace begins when a position is first seen uncovered: when it opens, when a stop
    goes, or when it grows beyond its stops. Growing further gives no new grace; being covered does.
    """

    number = 16
    Settings = StopRequiredSettings
    State = tuple[Uncovered, ...]
    facts = frozenset({AccountState})
    reads = ("is_reconciled", "positions", "orders", "history")
    breaks_when = "a position has no working stop covering its whole size after the grace"
    response = "flatten that contract"
    measure = Measure(Unit.SECONDS, MovedBy.TIME)

    def __init__(self, settings: StopRequiredSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._grace_ns = span_ns(settings.grace_s)
        self._limit = shown_seconds(settings.grace_s)
        self._warn_ns = [
            (span_ns(settings.grace_s * fraction), fraction)
            for fraction in sorted(settings.warn_at)
        ]

    def initial_state(self) -> tuple[Uncovered, ...]:
        """Nothing was seen uncovered."""
        return ()

    def summary(self) -> str:
        """Return the rule in one sentence."""
        return (
            "Every position must be covered by working stops within"
            f" {self._limit} s; else flatten that contract."
        )

    def next_look_ns(
        self, state: tuple[Uncovered, ...], fact: AccountState, now_ns: int
    ) -> int | None:
        """Return when the next grace, or a fraction of it, is over."""
        if not fact.is_reconciled or not state:
            return None
        waits_ns = [self._grace_ns, *(wait_ns for wait_ns, _ in self._warn_ns)]
        looks = (uncovered.since_ns + wait_ns for uncovered in state for wait_ns in waits_ns)
        return min((look_ns for look_ns in looks if look_ns > now_ns), default=None)

    def evaluate(
        self, state: tuple[Uncovered, ...], fact: AccountState, now_ns: int
    ) -> tuple[tuple[Uncovered, ...], Verdict]:
        """Compare each position with its working stops."""
        if not fact.is_reconciled:
            return state, Unknown(
                evidence=Evidence(
                    template="Positions and orders have not been read from the broker yet"
                ),
                limit=self._limit,
            )
        if not fact.positions:
            return (), self._judge([], now_ns)
        before = {(each.contract_id, each.side): each for each in state}
        gaps = [
            gap
            for position in fact.positions
            if (gap := _gap(position, fact, before, now_ns)) is not None
        ]
        gaps.sort(key=lambda gap: (gap.uncovered.since_ns, gap.uncovered.contract_id))
        return tuple(gap.uncovered for gap in gaps), self._judge(gaps, now_ns)

    def _judge(self, gaps: list[_Gap], now_ns: int) -> Verdict:
        if not gaps:
            return Ok(value=Decimal(0), limit=self._limit)
        longest = gaps[0]
        waited_ns = now_ns - longest.uncovered.since_ns
        value = Decimal(waited_ns // NS_PER_S)
        over = [gap for gap in gaps if now_ns >= gap.uncovered.since_ns + self._grace_ns]
        if over:
            return Breached(
                value=value,
                limit=self._limit,
                evidence=Evidence(
                    template="Stops covered {covered} of {size} {symbol} {side} since"
                    " {since:time}; the grace of {limit} s was over at {due:time}",
                    figures=_figures(longest)
                    | {
                        "limit": self._limit,
                        "due": longest.uncovered.since_ns + self._grace_ns,
                    },
                ),
                cause="; ".join(gap.cause for gap in over),
                action=Flatten(contract_ids=tuple(gap.uncovered.contract_id for gap in over)),
                contract_id=longest.uncovered.contract_id,
            )
        contract_id = longest.uncovered.contract_id
        reached = [fraction for wait_ns, fraction in self._warn_ns if waited_ns >= wait_ns]
        if not reached:
            return Ok(value=value, limit=self._limit, contract_id=contract_id)
        return Warned(
            value=value,
            limit=self._limit,
            fraction=reached[-1],
            cause=longest.cause,
            contract_id=contract_id,
            evidence=Evidence(
                template="Stops cover {covered} of {size} {symbol} {side} since {since:time};"
                " the grace is {limit} s",
                figures=_figures(longest) | {"limit": self._limit},
            ),
        )


def _gap(
    position: OpenPosition,
    account: AccountState,
    before: dict[tuple[str, Side], Uncovered],
    now_ns: int,
) -> _Gap | None:
    """Return a position that is not covered with the instant since which it is so."""
    size = position.counted_size
    side = Side.BUY if size > 0 else Side.SELL
    covered = 0
    for order in account.orders:
        if (
            order.side is not side
            and order.type in PROTECTIVE_STOP_TYPES
            and order.status in COVERING_STATUSES
            and order.contract_id == position.contract_id
        ):
            covered += order.open_size
    if covered >= abs(size):
        return None
    opened_ns = opened_at_ns(position, account.history)
    known = before.get((position.contract_id, side))
    since_ns = now_ns if known is None else known.since_ns
    if known is not None and opened_ns != known.opened_ns:
        # What was seen before a restart may have been an earlier position.
        since_ns = max(since_ns, opened_ns)
    # Neither the broker's clock nor ours set back must make a grace longer than it is.
    uncovered = Uncovered(
        contract_id=position.contract_id,
        side=side,
        since_ns=min(since_ns, now_ns),
        opened_ns=opened_ns,
    )
    return _Gap(uncovered, position.symbol, size, covered)


def _figures(gap: _Gap) -> dict[str, Figure]:
    return {
        "covered": gap.covered,
        "size": abs(gap.size),
        "symbol": gap.symbol,
        "side": "long" if gap.size > 0 else "short",
        "since": gap.uncovered.since_ns,
    }
