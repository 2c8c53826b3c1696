"""Rule 020: once the day's profit has peaked high enough, only so much of it may be given back."""

from decimal import Decimal
from typing import Annotated

import msgspec

from risk_actors.core.direction import LOWER, Effect, as_one, lower
from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.money import ZERO, decimal_from, to_cents
from risk_actors.core.pnl_state import Gap, PnlState
from risk_actors.core.rules.base import PositiveUsd, Rule, RuleContext, RuleSettings
from risk_actors.core.rules.limits import UsdMarks, reached_usd_fraction, reaches_usd
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
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

Percent = Annotated[float, msgspec.Meta(gt=0, le=100)]


_GIVEBACK = as_one(
    arm_at_usd=LOWER,
    giveback_pct=lower(none=Effect.UNCLEAR),
    giveback_usd=lower(none=Effect.UNCLEAR),
)


class ProfitGivebackSettings(RuleSettings, frozen=True, kw_only=True, tag="profit_giveback"):
    """Settings of rule 020."""

    arm_at_usd: Annotated[PositiveUsd, _GIVEBACK]
    """The day's P&L, open positions included, from which on the rule watches over it."""
    giveback_pct: Annotated[Percent | None, _GIVEBACK] = None
    """The percentage of the day's highest P&L that may be given back; give this..."""
    giveback_usd: Annotated[PositiveUsd | None, _GIVEBACK] = None
    """...or the amount that may be given back."""

    def __post_init__(self) -> None:
        """Refuse a rule that says how much twice, or not at all."""
        if (self.giveback_pct is None) == (self.giveback_usd is None):
            raise ValueError("give either `giveback_pct` or `giveback_usd`")


class GivenBack(msgspec.Struct, frozen=True, kw_only=True):
    """The instant at which too much had been given back."""

    at_ns: int
    equity_usd: Decimal
    allowed_usd: Decimal


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """The highest P&L of a day that armed the rule; what was lower need not be remembered."""

    day_start_ns: int
    peak_usd: Decimal
    """0 for a day that has not armed the rule, kept for `unread_since_ns` alone."""
    at_ns: int
    broken: GivenBack | None = None
    unread_since_ns: int | None = None
    """Since when a peak is not known because nobody watched; a restart asks for the prices from
    then on."""


class ProfitGiveback(Rule[ProfitGivebackSettings, Peak | None]):
    """The peak is the highest equity P&L that was seen; a broken day stays broken."""

    number = 20
    Settings = ProfitGivebackSettings
    State = Peak | None
    facts = frozenset({PnlState})
    breaks_when = "the day's equity P&L peaked at `arm_at_usd` or more and has given back that much"
    response = "lock account until daily reset"
    measure = Measure(Unit.USD, MovedBy.EQUITY_LOSS)

    def __init__(
        self, settings: ProfitGivebackSettings, context: RuleContext | None = None
    ) -> None:
        super().__init__(settings, context)
        self._arm_at_usd = decimal_from(settings.arm_at_usd)
        self._arms = UsdMarks(self._arm_at_usd)
        self._fraction = decimal_from(settings.giveback_pct or 0) / 100
        self._giveback_usd = decimal_from(settings.giveback_usd or 0)

    def initial_state(self) -> Peak | None:
        """The rule is not armed."""
        return None

    def summary(self) -> str:
        """Return the rule in one sentence."""
        if self.settings.giveback_usd is not None:
            allowed = f"${self._giveback_usd:,.2f}"
        else:
            allowed = f"{self.settings.giveback_pct:g}% of its peak"
        return (
            f"Once the day's equity P&L has reached ${self._arm_at_usd:,.2f}, giving back {allowed}"
            " flattens and locks the account until the daily reset."
        )

    def evaluate(
        self, state: Peak | None, fact: PnlState, now_ns: int
    ) -> tuple[Peak | None, Verdict]:
        """Follow the day's peak, and compare what has been given back of it."""
        equity_usd = fact.equity_usd
        peak = state if state is not None and state.day_start_ns == fact.day_start_ns else None
        if peak is not None and peak.broken is not None:
            return peak, self._breach(peak, peak.broken, equity_usd)
        gap = _gap_of_day(fact)
        peak = self._risen(peak, fact, equity_usd, now_ns)
        if peak is not None or gap is not None:
            peak = _noted(peak, fact, gap, now_ns)
        if equity_usd is None:
            return peak, Unknown(
                evidence=Evidence(
                    template="Day P&L is unknown: {why}",
                    figures={"why": fact.unknown_reason or "not read from the broker yet"},
                ),
                limit=self._limit_usd(peak),
            )
        if peak is None or not self._is_armed(peak):
            verdict: Verdict = Ok(value=equity_usd)
        else:
            peak, verdict = self._judge(peak, equity_usd, now_ns)
        if gap is not None and not isinstance(verdict, Breached):
            return peak, unknown_peak(gap, self._limit_usd(peak))
        return peak, verdict

    def _risen(
        self, peak: Peak | None, fact: PnlState, equity_usd: Decimal | None, now_ns: int
    ) -> Peak | None:
        """Return the peak after what was seen now, and what bars prove of times nobody watched."""
        highest_usd, of_gap_usd = equity_usd, fact.gap_day_high_usd
        if highest_usd is None or (of_gap_usd is not None and of_gap_usd > highest_usd):
            highest_usd = of_gap_usd
        if highest_usd is None or not self._arms.is_reached(highest_usd):
            return peak
        if peak is not None and highest_usd <= peak.peak_usd:
            return peak
        return Peak(day_start_ns=fact.day_start_ns, peak_usd=highest_usd, at_ns=now_ns)

    def _is_armed(self, peak: Peak) -> bool:
        return self._arms.is_reached(peak.peak_usd)

    def _limit_usd(self, peak: Peak | None) -> Decimal | None:
        if peak is None or not self._is_armed(peak):
            return None
        return peak.peak_usd - self._allowed_usd(peak)

    def _allowed_usd(self, peak: Peak) -> Decimal:
        if self.settings.giveback_usd is not None:
            return self._giveback_usd
        return peak.peak_usd * self._fraction

    def _judge(self, peak: Peak, equity_usd: Decimal, now_ns: int) -> tuple[Peak, Verdict]:
        allowed_usd = self._allowed_usd(peak)
        given_usd = peak.peak_usd - equity_usd
        if reaches_usd(given_usd, allowed_usd):
            broken = GivenBack(at_ns=now_ns, equity_usd=equity_usd, allowed_usd=allowed_usd)
            peak = msgspec.structs.replace(peak, broken=broken)
            return peak, self._breach(peak, broken, equity_usd)
        limit_usd = peak.peak_usd - allowed_usd
        fraction = reached_usd_fraction(given_usd, allowed_usd, self.settings.warn_at)
        if fraction is None:
            return peak, Ok(value=equity_usd, limit=limit_usd, allowance=allowed_usd)
        return peak, Warned(
            value=equity_usd,
            limit=limit_usd,
            allowance=allowed_usd,
            fraction=fraction,
            evidence=Evidence(
                template="Day P&L {pnl:usd} has given back {given:usd} of its peak of {peak:usd},"
                " {allowed:usd} are allowed",
                figures=_figures(peak, equity_usd, allowed_usd, now_ns),
            ),
        )

    def _breach(self, peak: Peak, broken: GivenBack, equity_usd: Decimal | None) -> Breached:
        """Return the breach; value and limit go on living, the sentence is of the first time."""
        limit_usd = self._limit_usd(peak)
        if limit_usd is None:
            limit_usd = peak.peak_usd - broken.allowed_usd
        is_back = equity_usd is not None and to_cents(equity_usd) > to_cents(limit_usd)
        return Breached(
            value=broken.equity_usd if equity_usd is None else equity_usd,
            limit=limit_usd,
            evidence=Evidence(
                template="Day P&L {pnl:usd} gave back {given:usd} of its peak of {peak:usd}"
                " (at {peak_at:time}) at {at:time}, {allowed:usd} are allowed",
                figures=_figures(peak, broken.equity_usd, broken.allowed_usd, broken.at_ns),
            ),
            cause=f"day {peak.day_start_ns}",
            action=Flatten(),
            locks=(LockTerms(),),
            stands_until=LockEnd.DAILY_RESET,
            broken_ns=broken.at_ns if is_back else None,
            broken_value=broken.equity_usd if is_back else None,
        )


def _gap_of_day(fact: PnlState) -> Gap | None:
    """Return the time that nobody watched, where it reaches into the day of a fact."""
    gap = fact.gap
    if gap is None or (gap.until_ns is not None and gap.until_ns <= fact.day_start_ns):
        return None
    return gap


def _noted(peak: Peak | None, fact: PnlState, gap: Gap | None, now_ns: int) -> Peak | None:
    """Return the peak with since when it may not be all; a day without either is None."""
    since_ns = None if gap is None else gap.since_ns
    if peak is None:
        if since_ns is None:
            return None
        peak = Peak(day_start_ns=fact.day_start_ns, peak_usd=ZERO, at_ns=now_ns)
    elif peak.unread_since_ns == since_ns:
        return peak
    if since_ns is None and not peak.peak_usd:
        return None
    return msgspec.structs.replace(peak, unread_since_ns=since_ns)


def _figures(
    peak: Peak, equity_usd: Decimal, allowed_usd: Decimal, at_ns: int
) -> dict[str, Figure]:
    return {
        "pnl": equity_usd,
        "given": peak.peak_usd - equity_usd,
        "allowed": allowed_usd,
        "peak": peak.peak_usd,
        "peak_at": peak.at_ns,
        "at": at_ns,
    }
