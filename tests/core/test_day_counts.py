"""What was counted once is not counted again, and the figures are those of counting anew."""

from random import Random

import pytest
from core.builders import MNQ, NOON, NQ, S, fill

from risk_actors.core.day_counts import DayCounts
from risk_actors.core.lock import LockSpan
from risk_actors.core.trade_ledger import SeenFill, TradeLedger
from risk_actors.core.trading_calendar import Window

DAY = Window(NOON + 20 * S, NOON + 90 * S)


def drawn_fills(rng: Random) -> list[SeenFill]:
    """Return fills in the order of their time; several may be of one order, orders interleave."""
    fills = []
    for number in range(1, 100):
        contract_id = rng.choice((MNQ, NQ))
        told = fill(
            number,
            rng.choice((-3, -2, -1, 1, 2, 3)),
            100,
            order_id=rng.randrange(max(number - 4, 1), number + 1),
            contract=contract_id,
        )
        fills.append(SeenFill(told, told.at_ns, contract_id))
    return fills


@pytest.mark.parametrize("seed", range(20))
def test_counting_on_gives_what_counting_anew_gives(seed: int) -> None:
    rng = Random(seed)
    fills = drawn_fills(rng)
    ledger = TradeLedger()
    counts = DayCounts.of(ledger.history(), DAY)
    for number, seen in enumerate(fills, 1):
        if rng.random() < 0.05:
            # Locks became known, or a fill was voided: all is counted anew.
            since_ns = NOON + rng.randrange(100) * S
            span = LockSpan(contract_id=None, since_ns=since_ns, until_ns=since_ns + 10 * S)
            ledger = TradeLedger.counted(fills[: number - 1], locks=(span,))
        ledger.add(seen)
        history = ledger.history()

        counts = counts.after(history)

        assert counts.history is history
        assert counts.trades == history.trades_begun_in(DAY)
        assert counts.entries == history.entries_in(DAY)
