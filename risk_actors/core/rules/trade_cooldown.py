"""Rule 008: after a trade the account is locked for a while."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile
from typing import Annotated, Any, NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.direction import HIGHER, PART, Effect, joined, together
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.money import CENT, ZERO, decimal_from, to_cents
from risk_actors.core.rules.base import (
    PositiveSeconds,
    PositiveUsd,
    Rule,
    RuleContext,
    RuleSettings,
)
from risk_actors.core.rules.habits import HABITS_READ, unknown_habits, unknown_net
from risk_actors.core.rules.limits import ANY_USD, UsdMarks
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.seconds import shown_seconds, span_ns
from risk_actors.core.trade_history import Entry, Trade, TradeHistory
from risk_actors.core.verdict import (
    Breached,
    Existing,
    LockEnd,
    LockTerms,
    Ok,
    Reduce,
    Verdict,
)


class After(StrEnum):
    """Which trades begin a cooldown."""

    ANY = "any"
    """Every trade."""
    LOSS = "loss"
    """Those that lost money net of fees and commissions."""


class CooldownTier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{ loss_usd = 300, seconds = 1800 }`: half an hour after a loss of 300.00 or more."""

    loss_usd: Annotated[PositiveUsd, PART]
    """The loss of one trade, net of fees and commissions, from which on the tier holds."""
    seconds: Annotated[PositiveSeconds, PART]
    """How long the cooldown after it lasts."""


def _lengths_effect(old: Any, new: Any) -> Effect:
    """Compare how long the cooldown is after a trade, whatever the trade made.

    A cooldown that depends on what a trade made waits until the broker has told, others do not.
    """
    was, is_now = (_Lengths.of(settings) for settings in (old, new))
    losses = [loss_usd for lengths in (was, is_now) for loss_usd, _ in lengths.tiers]
    nets = [CENT, ZERO, -CENT, *(-max(to_cents(loss_usd), 1) * CENT for loss_usd in losses)]
    effect = joined(HIGHER.judge(was.after_ns(net), is_now.after_ns(net)) for net in nets)
    waits_longer = is_now.needs_net and not was.needs_net
    return joined((effect, Effect.UNCLEAR)) if waits_longer else effect


class _Lengths(NamedTuple):
    """How long cooldowns are."""

    default_ns: int
    tiers: tuple[tuple[Decimal, int], ...]
    """The loss and the length, the biggest loss first."""
    marks: tuple[tuple[UsdMarks, int], ...]
    """The same, as what is compared with."""
    after_losses_only: bool
    longest_ns: int
    """The longest that any cooldown may be."""

    @classmethod
    def of(cls, settings: Any) -> "_Lengths":
        unordered = (
            (decimal_from(tier.loss_usd), span_ns(tier.seconds)) for tier in settings.tiers
        )
        tiers = tuple(sorted(unordered, reverse=True))
        default_ns = 0 if settings.seconds is None else span_ns(settings.seconds)
        return cls(
            default_ns=default_ns,
            tiers=tiers,
            marks=tuple((UsdMarks(loss_usd), length_ns) for loss_usd, length_ns in tiers),
            after_losses_only=settings.after is After.LOSS,
            longest_ns=max([default_ns, *(length_ns for _, length_ns in tiers)]),
        )

    @property
    def needs_net(self) -> bool:
        """Whether they depend on what a trade made."""
        return bool(self.tiers) or self.after_losses_only

    def after_ns(self, net_usd: Decimal) -> int:
        """Return the length after a trade that made this."""
        lost_usd = -net_usd
        for loss, length_ns in self.marks:
            if loss.is_reached(lost_usd):
                return length_ns
        if not self.default_ns or not self.after_losses_only:
            return self.default_ns
        return self.default_ns if ANY_USD.is_reached(lost_usd) else 0


class TradeCooldownSettings(RuleSettings, frozen=True, kw_only=True, tag="trade_cooldown"):
    """Settings of rule 008."""

    seconds: Annotated[PositiveSeconds | None, together(_lengths_effect)] = None
    """How long the cooldown lasts, from the close of the trade; without it only the losses that
    reach a tier begin one."""
    after: Annotated[After, together(_lengths_effect)] = After.ANY
    """Whether `any` trade begins a cooldown, or only a `loss`."""
    tiers: Annotated[tuple[CooldownTier, ...], together(_lengths_effect)] = ()
    """Other lengths for bigger losses; of those that a loss reaches, the one with the largest
    `loss_usd` holds."""

    def __post_init__(self) -> None:
        """Refuse a rule without a cooldown, and tiers that contradict each other."""
        if self.seconds is None and not self.tiers:
            raise ValueError("give `seconds`, `tiers` or both")
        losses = [to_cents(decimal_from(tier.loss_usd)) for tier in self.tiers]
        if len(set(losses)) < len(losses):
            raise ValueError("give each of `tiers` another `loss_usd`")


class _Cooldown(NamedTuple):
    trade: Trade
    until_ns: int


class TradeCooldown(Rule[TradeCooldownSettings, None]):
    """Of several cooldowns the last to end counts. What is open in other contracts stays.

    An entry made before the lock was in force, such as the second half of a reversal, is closed
    again.
    """

    number = 8
    Settings = TradeCooldownSettings
    facts = frozenset({AccountState})
    reads = HABITS_READ
    breaks_when = "a trade closes (cooldown begins); an entry during it is flattened"
    response = "lock account for the cooldown, what is open stays"
    measure = Measure(Unit.SECONDS, MovedBy.TIME)

    def __init__(self, settings: TradeCooldownSettings, context: RuleContext | None = None) -> None:
        super().__init__(settings, context)
        self._lengths = _Lengths.of(settings)
        self._known: tuple[TradeHistory, int, list[_Cooldown]] | None = None

    def initial_state(self) -> None:
        """The rule looks at the closed trades alone."""

    def summary(self) -> str:
        """Return the rule in one sentence."""
        lengths = [
            f"{shown_seconds(tier.seconds)} s after a loss of"
            f" ${decimal_from(tier.loss_usd):,.2f} or more"
            for tier in sorted(self.settings.tiers, key=lambda tier: -tier.loss_usd)
        ]
        if self.settings.seconds is not None:
            which = "trade" if self.settings.after is After.ANY else "losing trade"
            other = "other " if lengths else ""
            lengths.append(f"{shown_seconds(self.settings.seconds)} s after any {other}{which}")
        return (
            f"No entries for {', '.join(lengths)}: the account is locked, and what is open stays."
        )

    def next_look_ns(self, state: None, fact: AccountState, now_ns: int) -> int | None:  # noqa: ARG002
        """Return when a cooldown ends, or may end."""
        cooldowns = self._under_way(fact.history, now_ns)
        return min((cooldown.until_ns for cooldown in cooldowns), default=None)

    def evaluate(self, state: None, fact: AccountState, now_ns: int) -> tuple[None, Verdict]:
        """Look for the cooldown that ends last."""
        return state, self._judge(fact, now_ns)

    def _judge(self, account: AccountState, now_ns: int) -> Verdict:
        unknown = unknown_habits(account)
        if unknown is not None:
            return unknown
        known: list[_Cooldown] = []
        unsure: list[_Cooldown] = []
        for cooldown in self._under_way(account.history, now_ns):
            (unsure if self._is_unsure(cooldown.trade) else known).append(cooldown)
        if known:
            return self._breach(account.history, known)
        if unsure:
            return unknown_net(unsure[0].trade)
        return Ok()

    def _under_way(self, history: TradeHistory, now_ns: int) -> list[_Cooldown]:
        """Return the cooldowns of an instant, looked for once: two questions ask for each."""
        known = self._known
        if known is None or known[0] is not history or known[1] != now_ns:
            # Replaced as a whole: more than one thread may ask.
            known = self._known = (history, now_ns, [*self._cooldowns(history, now_ns)])
        return known[2]

    def _cooldowns(self, history: TradeHistory, now_ns: int) -> Iterator[_Cooldown]:
        """Yield the cooldowns under way, the last begun first, and those that may be."""
        since_ns = now_ns - self._lengths.longest_ns
        for trade in reversed(history.closed):
            if trade.under_lock:
                continue
            closed_ns = trade.closed_ns or 0
            if closed_ns <= since_ns:
                break
            length_ns = self._length_ns(trade.net_usd)
            until_ns = closed_ns + length_ns
            # A clock that is behind the broker's may show a trade before it closed.
            if length_ns and now_ns < until_ns:
                yield _Cooldown(trade, until_ns)

    def _is_unsure(self, trade: Trade) -> bool:
        return self._lengths.needs_net and trade.net_usd is None

    def _length_ns(self, net_usd: Decimal | None) -> int:
        """Return how long a trade that made this is followed by a cooldown, or at most may be."""
        if net_usd is None:
            return self._lengths.longest_ns
        return self._lengths.after_ns(net_usd)

    def _breach(self, history: TradeHistory, cooldowns: list[_Cooldown]) -> Breached:
        trade, until_ns = max(
            cooldowns, key=lambda c: (c.until_ns, c.trade.closed_ns, c.trade.last_fill_id)
        )
        since_ns = self._begun_ns(history, trade)
        entered = _newest_entered(history, since_ns)
        return Breached(
            value=None,
            limit=Decimal(until_ns - (trade.closed_ns or 0)) / NS_PER_S,
            evidence=Evidence(
                template="The {symbol} trade closed at {at:time} with {net:usd}: no entries until"
                " {until:time}",
                figures={
                    "symbol": trade.symbol,
                    "at": trade.closed_ns,
                    "net": trade.net_usd,
                    "until": until_ns,
                },
            ),
            cause=f"{trade.contract_id} closed by fill {trade.last_fill_id} until {until_ns}"
            + (f", entered by fill {entered}" if entered else ""),
            action=Reduce(targets=tuple(_may_stay(history, since_ns))),
            locks=(LockTerms(end=LockEnd.INSTANT, until_ns=until_ns, existing=Existing.KEEP),),
        )

    def _begun_ns(self, history: TradeHistory, trade: Trade) -> int:
        """Return since when there was a cooldown without a gap, as it stood when a trade closed.

        What was entered then may have overtaken the lock.
        """
        closed_ns = trade.closed_ns or 0
        return min(
            cooldown.trade.closed_ns or 0
            for cooldown in self._cooldowns(history, closed_ns)
            if not self._is_unsure(cooldown.trade)
        )


def _newest_entered(history: TradeHistory, since_ns: int) -> int:
    """Return the fill that began the newest entry or trade since an instant, 0 for none."""
    entries = [(entry.at_ns, entry.first_fill_id) for entry in _entries_since(history, since_ns)]
    trades = [(trade.opened_ns, trade.first_fill_id) for trade in _begun(history, since_ns)]
    return max([*entries[:1], *trades], default=(0, 0))[1]


def _may_stay(history: TradeHistory, since_ns: int) -> Iterator[tuple[str, int]]:
    """Yield what may stay of the open trades that were begun or added to since an instant."""
    begun = {trade.contract_id for trade in _begun(history, since_ns)}
    order_ids = frozenset(entry.order_id for entry in _entries_since(history, since_ns))
    for trade in history.open:
        if trade.contract_id in begun:
            yield trade.contract_id, 0
        elif not trade.under_lock and any(order_id in order_ids for order_id, _ in trade.changes):
            yield trade.contract_id, trade.remaining(order_ids)


def _entries_since(history: TradeHistory, since_ns: int) -> list[Entry]:
    entries = history.entries_newest_first()
    return [*takewhile(lambda entry: entry.at_ns >= since_ns, entries)]


def _begun(history: TradeHistory, since_ns: int) -> list[Trade]:
    """Return the open trades that count and began since an instant."""
    return [
        trade
        for trade in history.open
        if trade.opening_known and not trade.under_lock and trade.opened_ns >= since_ns
    ]
