"""What rules that keep a high say while a peak is not known, because nobody watched then.

They go on acting on what was seen. A peak that can never be known is said not to be until the daily
reset; then they go on without it (`core.gap_watch`).
"""

from decimal import Decimal

from risk_actors.core.evidence import Evidence
from risk_actors.core.pnl_state import Gap
from risk_actors.core.verdict import Unknown


def unknown_peak(gap: Gap, limit_usd: Decimal | None, what_ends_it: str = "") -> Unknown:
    """Return the verdict while it may be that the limit is nearer than what was seen says.

    Args:
        gap: the time that nobody watched.
        limit_usd: the limit by what was seen, on which the rule goes on acting.
        what_ends_it: what the trader can do about it, as the end of a sentence.
    """
    between = (
        "since {since:time}" if gap.until_ns is None else "between {since:time} and {until:time}"
    )
    return Unknown(
        evidence=Evidence(
            template=f"The price peaks {between} are not known yet: {{why}}{what_ends_it}",
            figures={"since": gap.since_ns, "until": gap.until_ns, "why": gap.why},
        ),
        limit=limit_usd,
    )
