"""Rule 004: balance plus open P&L must stay above a floor that rises with the account."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from risk_actors.core.direction import HIGHER, Effect, joined, together
from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.money import CENT, ZERO, decimal_from, to_cents
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.limits import AnyUsd, UsdMarks
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.rules.trailing_high import High, Trail
from risk_actors.core.rules.unwatched import unknown_peak
from risk_actors.core.verdict import (
    Breached,
    Flatten,
    LockEnd,
    LockTerms,
    Ok,
    Unknown,
    Verdict,
    Warned,
)

NonNegativeUsd = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_FAR_USD = 10**10
"""Beyond any balance, for what floors do in the end."""
_LEAST_USD = 0.01

_HIGH_WORDS: dict[Trail, str] = {
    Trail.STATIC: "the start balance",
    Trail.END_OF_DAY: "the highest end-of-day balance",
    Trail.CLOSED_BALANCE: "the highest balance",
    Trail.INTRADAY: "the highest equity",
}


def _level_effect(old: Any, new: Any) -> Effect:
    """Compare the equity at which two tables act, whatever the high is; higher is tighter.

    What raises the floor, what it is reckoned from and whether it is set by hand are no matter of
    more or less.
    """
    if (
        old.trail is not new.trail
        or (old.floor_usd is None) != (new.floor_usd is None)
        or (old.start_balance_usd is None) != (new.start_balance_usd is None)
    ):
        return Effect.UNCLEAR
    bends = {ZERO}
    for settings in (old, new):
        start_usd, stop_usd = settings.start_balance_usd or 0, settings.lock_at_usd
        bends.add(decimal_from(start_usd))
        bends.add(decimal_from(settings.amount_usd) + decimal_from(stop_usd or 0))
    highs = [min(bends) - _FAR_USD, *bends, max(bends) + _FAR_USD]
    return joined(HIGHER.judge(_level_usd(old, high), _level_usd(new, high)) for high in highs)


def _level_usd(settings: Any, high_usd: Decimal) -> Decimal:
    """Return the equity at which it is acted when the high is this much."""
    keep_away_usd = decimal_from(settings.keep_away_usd)
    if settings.floor_usd is not None:
        return decimal_from(settings.floor_usd) + keep_away_usd
    start_usd = settings.start_balance_usd
    top_usd = high_usd if start_usd is None else max(high_usd, decimal_from(start_usd))
    if settings.trail is Trail.STATIC:
        top_usd = decimal_from(start_usd)
    floor_usd = top_usd - decimal_from(settings.amount_usd)
    if settings.lock_at_usd is not None:
        floor_usd = min(floor_usd, decimal_from(settings.lock_at_usd))
    return floor_usd + keep_away_usd


class TrailingDrawdownSettings(RuleSettings, frozen=True, kw_only=True, tag="trailing_drawdown"):
    """Settings of rule 004; take the figures from the firm's own page.

    `warn_at` are fractions of what may be lost before we act, `amount_usd` less `keep_away_usd`:
    with 2000 and 100, 0.5 warns when 950 or less are left until then, 1050 above the floor.
    """

    amount_usd: Annotated[PositiveUsd, together(_level_effect)]
    """How far the floor lies below the start balance or the high: the maximum loss."""
    trail: Annotated[Trail, together(_level_effect)] = Trail.END_OF_DAY
    """What raises the floor: `static` nothing, `end_of_day` the balance at the end of a trading
    day, `closed_balance` the balance after any fill, `intraday` balance plus open P&L. The breach
    is checked at any moment on balance plus open P&L, whatever raises the floor."""
    start_balance_usd: Annotated[AnyUsd | None, together(_level_effect)] = None
    """The balance that the account was opened with (0 where the firm counts from zero). Left out,
    the trail begins at the balance with which the first day began that can be reckoned back from
    the week's fills; `static` needs it."""
    lock_at_usd: Annotated[AnyUsd | None, together(_level_effect)] = None
    """Where the floor stops rising for good, often the start balance; left out, it never stops."""
    floor_usd: Annotated[AnyUsd | None, together(_level_effect)] = None
    """The floor set by hand, for instance after a payout: it replaces the one that is reckoned,
    and nothing moves it any more. Money paid in or out is not known to the rule otherwise. Once
    the firm has reset the account to its start, give the rule a new `id`: it begins anew."""
    keep_away_usd: Annotated[NonNegativeUsd, together(_level_effect)] = 0
    """Act when this much is left above the floor, so that the firm need not."""

    def __post_init__(self) -> None:
        """Refuse a floor that nothing defines, or that its own figures contradict."""
        if 0 < self.keep_away_usd < _LEAST_USD:
            raise ValueError("`keep_away_usd` must be 0, or a cent (0.01) at least")
        if self.keep_away_usd >= self.amount_usd:
            raise ValueError("`keep_away_usd` must be less than `amount_usd`, or nothing is left")
        is_static = self.trail is Trail.STATIC
        if is_static and self.start_balance_usd is None and self.floor_usd is None:
            raise ValueError("give `start_balance_usd`, a static floor is reckoned from it")
        if is_static and self.lock_at_usd is not None:
            raise ValueError("leave `lock_at_usd` out, a static floor never rises")
        if self.lock_at_usd is not None and self.start_balance_usd is not None:
            first_usd = self.start_balance_usd - self.amount_usd
            if self.lock_at_usd < first_usd:
                raise ValueError(
                    f"`lock_at_usd` must not be less than {first_usd:.2f}, where the floor begins"
                    " (`start_balance_usd` less `amount_usd`)"
                )


class FloorOrigin(StrEnum):
    """How a floor was reckoned."""

    BY_HAND = "by_hand"
    START = "start"
    HIGH = "high"
    STOPPED = "stopped"


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """Where the account would be lost, and how that was reckoned."""

    floor_usd: Decimal
    origin: FloorOrigin
    high_usd: Decimal | None = None
    """What it hangs from: the start balance or the high."""


class BrokenFloor(msgspec.Struct, frozen=True, kw_only=True):
    """The trading day on which the floor was reached, with the figures of that instant.

    A day stays broken whatever follows; the next one is judged anew.
    """

    day_start_ns: int
    at_ns: int
    equity_usd: Decimal
    limit_usd: Decimal
    floor: Floor


class DrawdownState(msgspec.Struct, frozen=True, kw_only=True):
    """The high, which the broker's facts alone would forget, and the day that was broken."""

    high: High
    broken: BrokenFloor | None = None


class TrailingDrawdown(Rule[TrailingDrawdownSettings, DrawdownState]):
    """With start S, amount D, stop C and high H the floor is min(C, max(S, H) - D).

    The firm's maximum loss limit as most of them mean it: the floor moves by one thing (`trail`),
    the breach is checked by another, balance plus unrealised P&L at any moment.
    """

    number = 4
    Settings = TrailingDrawdownSettings
    State = DrawdownState
    facts = frozenset({PnlState})
    breaks_when = (
        "balance + unrealised ≤ floor (+ `keep_away_usd`); the floor is the start balance or the"
        " high, whichever is more, less `amount_usd`, and stops at `lock_at_usd`"
    )
    response = "lock account until daily reset"
    measure = Measure(Unit.USD, MovedBy.EQUITY_LOSS)

    def __init__(
        self, settings: TrailingDrawdownSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._amount_usd = decimal_from(settings.amount_usd)
        self._keep_away_usd = decimal_from(settings.keep_away_usd)
        self._start_usd = _decimal_or_none(settings.start_balance_usd)
        self._stop_usd = _decimal_or_none(settings.lock_at_usd)
        self._by_hand_usd = _decimal_or_none(settings.floor_usd)
        self._allowance_usd = self._amount_usd - self._keep_away_usd
        self._marks = UsdMarks(self._allowance_usd, settings.warn_at)
        self._known: dict[int, tuple[High, Floor | None]] = {}
        """By account, the high it had last and the floor under that."""

    def initial_state(self) -> DrawdownState:
        """No balance was seen."""
        return DrawdownState(high=High(trail=self.settings.trail))

    def summary(self) -> str:
        """Return the rule in one sentence."""
        near = f"comes within ${self._keep_away_usd:,.2f} of" if self._keep_away_usd else "falls to"
        return (
            f"When balance plus open P&L {near} {self._floor_words()},"
            " flatten and lock the account until the daily reset."
        )

    def _floor_words(self) -> str:
        if self._by_hand_usd is not None:
            return f"the floor of ${self._by_hand_usd:,.2f} set by hand"
        words = _HIGH_WORDS[self.settings.trail]
        stop = ""
        if self.settings.trail is Trail.STATIC and self._start_usd is not None:
            words += f" of ${self._start_usd:,.2f}"
        elif self._start_usd is not None:
            words += f" (at least ${self._start_usd:,.2f})"
        if self._stop_usd is not None:
            stop = f", at most ${self._stop_usd:,.2f}"
        return f"the floor, {words} less ${self._amount_usd:,.2f}{stop}"

    def evaluate(
        self, state: DrawdownState, fact: PnlState, now_ns: int
    ) -> tuple[DrawdownState, Verdict]:
        """Move the floor by the fact, and compare balance plus open P&L with it."""
        if state.high.trail is not self.settings.trail:
            # The settings changed: another trail's high says nothing about this one.
            state = msgspec.structs.replace(state, high=High(trail=self.settings.trail))
        high = state.high.after(fact, now_ns, begins_with_day=self._start_usd is None)
        if high is not state.high:
            state = msgspec.structs.replace(state, high=high)
        equity_usd = fact.account_equity_usd
        if state.broken is not None and state.broken.day_start_ns == fact.day_start_ns:
            floor = self._floor(high, fact.account_id)
            return state, self._breach(state.broken, equity_usd, floor)
        if state.broken is not None:
            state = msgspec.structs.replace(state, broken=None)
        floor = self._floor(high, fact.account_id)
        if equity_usd is None or floor is None:
            return state, self._unknown(fact, floor)
        limit_usd = floor.floor_usd + self._keep_away_usd
        # More than a cent apart no rounding makes them equal.
        if equity_usd - limit_usd <= CENT and to_cents(equity_usd) <= to_cents(limit_usd):
            broken = BrokenFloor(
                day_start_ns=fact.day_start_ns,
                at_ns=now_ns,
                equity_usd=equity_usd,
                limit_usd=limit_usd,
                floor=floor,
            )
            state = msgspec.structs.replace(state, broken=broken)
            return state, self._breach(broken, equity_usd, floor)
        if fact.gap is not None and self._may_have_risen(floor):
            ends = "; set `floor_usd` if they cannot be read"
            return state, unknown_peak(fact.gap, limit_usd, ends)
        return state, self._unbroken(floor, equity_usd, limit_usd, now_ns)

    def _may_have_risen(self, floor: Floor) -> bool:
        """Tell whether prices that nobody watched could have moved the floor."""
        is_fixed = floor.origin in (FloorOrigin.BY_HAND, FloorOrigin.STOPPED)
        return self.settings.trail is Trail.INTRADAY and not is_fixed

    def _floor(self, high: High, account_id: int) -> Floor | None:
        """Return the floor under a high, reckoned once for each."""
        known = self._known.get(account_id)
        if known is None or known[0] is not high:
            # Replaced as a whole: more than one thread may ask.
            known = self._known[account_id] = (high, self._reckoned(high))
        return known[1]

    def _reckoned(self, high: High) -> Floor | None:
        if self._by_hand_usd is not None:
            return Floor(floor_usd=self._by_hand_usd, origin=FloorOrigin.BY_HAND)
        start_usd, high_usd = self._start_usd, high.usd
        if start_usd is not None and (high_usd is None or high_usd <= start_usd):
            top_usd, origin = start_usd, FloorOrigin.START
        elif high_usd is not None:
            top_usd, origin = high_usd, FloorOrigin.HIGH
        else:
            return None
        floor_usd = top_usd - self._amount_usd
        if self._stop_usd is not None and floor_usd >= self._stop_usd:
            floor_usd, origin = self._stop_usd, FloorOrigin.STOPPED
        return Floor(floor_usd=floor_usd, origin=origin, high_usd=top_usd)

    def _unknown(self, pnl: PnlState, floor: Floor | None) -> Unknown:
        return Unknown(
            evidence=Evidence(
                template="Balance plus open P&L is unknown: {why}",
                figures={"why": pnl.unknown_reason or "not read from the broker yet"},
            ),
            limit=None if floor is None else floor.floor_usd + self._keep_away_usd,
        )

    def _unbroken(
        self, floor: Floor, equity_usd: Decimal, limit_usd: Decimal, now_ns: int
    ) -> Verdict:
        room_usd, allowance_usd = equity_usd - limit_usd, self._allowance_usd
        fraction = self._marks.fraction(allowance_usd - room_usd)
        if fraction is None:
            return Ok(value=equity_usd, limit=limit_usd, room=room_usd, allowance=allowance_usd)
        left: dict[str, Figure] = {"left": equity_usd - floor.floor_usd}
        return Warned(
            value=equity_usd,
            limit=limit_usd,
            room=room_usd,
            allowance=allowance_usd,
            fraction=fraction,
            evidence=Evidence(
                template="Balance plus open P&L {equity:usd} is {left:usd} above the floor of"
                f" {{floor:usd}}: {self._origin_words(floor)}",
                figures=left | self._figures(floor, equity_usd, limit_usd, now_ns),
            ),
        )

    def _breach(
        self, broken: BrokenFloor, equity_usd: Decimal | None, present: Floor | None
    ) -> Breached:
        """Return the breach; value and limit go on living, the sentence is of the first time."""
        limit_usd = broken.limit_usd
        if present is not None:
            limit_usd = present.floor_usd + self._keep_away_usd
        is_back = equity_usd is not None and to_cents(equity_usd) > to_cents(limit_usd)
        floor = broken.floor
        near = "came within {kept:usd} of" if broken.limit_usd > floor.floor_usd else "reached"
        kept: dict[str, Figure] = {"kept": broken.limit_usd - floor.floor_usd}
        return Breached(
            value=broken.equity_usd if equity_usd is None else equity_usd,
            limit=limit_usd,
            evidence=Evidence(
                template=f"Balance plus open P&L {{equity:usd}} {near} the floor of {{floor:usd}}"
                f" at {{at:time}}: {self._origin_words(floor)}",
                figures=kept
                | self._figures(floor, broken.equity_usd, broken.limit_usd, broken.at_ns),
            ),
            cause=f"day {broken.day_start_ns}",
            action=Flatten(),
            locks=(LockTerms(),),
            stands_until=LockEnd.DAILY_RESET,
            broken_ns=broken.at_ns if is_back else None,
            broken_value=broken.equity_usd if is_back else None,
        )

    def _origin_words(self, floor: Floor) -> str:
        high = _HIGH_WORDS[self.settings.trail]
        match floor.origin:
            case FloorOrigin.BY_HAND:
                return "it was set by hand"
            case FloorOrigin.START:
                return "the start balance of {high:usd} less {amount:usd}"
            case FloorOrigin.HIGH:
                return f"{high} of {{high:usd}} less {{amount:usd}}"
            case FloorOrigin.STOPPED:
                return f"it stopped rising there, {high} is {{high:usd}}"

    def _figures(
        self, floor: Floor, equity_usd: Decimal, limit_usd: Decimal, at_ns: int
    ) -> dict[str, Figure]:
        return {
            "equity": equity_usd,
            "limit": limit_usd,
            "floor": floor.floor_usd,
            "high": floor.high_usd,
            "amount": self._amount_usd,
            "origin": floor.origin.value,
            "trail": self.settings.trail.value,
            "at": at_ns,
        }


def _decimal_or_none(amount_usd: float | None) -> Decimal | None:
    return None if amount_usd is None else decimal_from(amount_usd)
