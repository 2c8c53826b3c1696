"""What the two rules on the day's P&L share: the basis, and that a broken day stays broken."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from risk_actors.core.evidence import Evidence, Figure
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules.limits import reaches_usd
from risk_actors.core.verdict import Breached, Flatten, LockTerms, Ok, Unknown, Verdict, Warned


class Basis(StrEnum):
    """Which P&L a limit is compared with."""

    REALIZED = "realized"
    """Closed trades only, net of fees and commissions."""
    EQUITY = "equity"
    """Realised plus unrealised."""


class BrokenDay(msgspec.Struct, frozen=True, kw_only=True):
    """The trading day on which the limit was reached; its verdict does not change again.

    Closing at the market may bring the day back inside the limit. The limit was reached all the
    same, as the firms count it, so the day stays broken until the next one begins.
    """

    day_start_ns: int
    verdict: Breached


def judge_day(
    state: BrokenDay | None,
    pnl: PnlState,
    *,
    amount_usd: Decimal | None,
    shown_usd: Decimal | None,
    limit_usd: Decimal,
    shown_limit_usd: Decimal,
    word: str,
    warn_at: tuple[float, ...],
    now_ns: int,
) -> tuple[BrokenDay | None, Verdict]:
    """Compare an amount with its limit for the day that the P&L belongs to.

    Args:
        state: the day already broken, if any.
        pnl: the fact being judged.
        amount_usd: what grows toward the limit (a loss as a positive number), None if unknown.
        shown_usd: the same as traders write it (a loss negative).
        limit_usd: the limit, positive.
        shown_limit_usd: the limit as traders write it.
        word: `limit` or `target`.
        warn_at: fractions of the limit at which to warn.
        now_ns: the instant of the decision.
    """
    if state is not None and state.day_start_ns == pnl.day_start_ns:
        # The figure goes on living; the sentence keeps the one that broke the day.
        value = state.verdict.value if shown_usd is None else shown_usd
        return state, msgspec.structs.replace(state.verdict, value=value)
    if amount_usd is None:
        return None, Unknown(
            evidence=Evidence(
                template="Day P&L is unknown: {why}",
                figures={"why": pnl.unknown_reason or "not read from the broker yet"},
            ),
            limit=shown_limit_usd,
        )
    figures: dict[str, Figure] = {
        "pnl": shown_usd,
        "limit": shown_limit_usd,
        "at": now_ns,
        "trades": pnl.trades,
        "fees": pnl.costs_usd,
    }
    if reaches_usd(amount_usd, limit_usd):
        verdict = Breached(
            value=shown_usd,
            limit=shown_limit_usd,
            evidence=Evidence(
                template=f"Day P&L {{pnl:usd}} reached the {word} of {{limit:usd}} at {{at:time}}:"
                " {trades} trades, fees {fees:usd}",
                figures=figures,
            ),
            cause=f"day {pnl.day_start_ns}",
            action=Flatten(),
            locks=(LockTerms(),),
        )
        return BrokenDay(day_start_ns=pnl.day_start_ns, verdict=verdict), verdict
    if any(reaches_usd(amount_usd, limit_usd * Decimal(str(f))) for f in warn_at):
        return None, Warned(
            value=shown_usd,
            limit=shown_limit_usd,
            evidence=Evidence(
                template=f"Day P&L {{pnl:usd}} is near the {word} of {{limit:usd}}",
                figures=figures,
            ),
        )
    return None, Ok(value=shown_usd, limit=shown_limit_usd)
