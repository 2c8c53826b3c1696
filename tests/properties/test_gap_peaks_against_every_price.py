"""The peak that bars prove is never higher than the one that was (I10).

Prices move four times a second, the account trades at them, and equity is reckoned at every price.
From bars of a second and the fills alone no more may be concluded; with one contract held
throughout, no less either.
"""

from decimal import Decimal

from core.builders import ES, MNQ, NOON, S, fill
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.broker import Bar, Fill
from risk_actors.core.gap_peaks import peak_usd, stretches
from risk_actors.core.instruments import catalogued_instrument
from risk_actors.core.money import to_cents
from risk_actors.core.position_math import FLAT, Holding, after_fill, profit_usd
from risk_actors.core.trading_calendar import Window

CONTRACTS = (MNQ, ES)
INSTRUMENTS = {
    contract_id: instrument
    for contract_id in CONTRACTS
    if (instrument := catalogued_instrument(contract_id)) is not None
}
STEPS_PER_S = 4
SECONDS = 8
STEPS = SECONDS * STEPS_PER_S
GAP = Window(NOON, NOON + SECONDS * S)

PRICES = st.lists(st.integers(390, 410), min_size=STEPS, max_size=STEPS)
DEALS = st.lists(
    st.tuples(
        st.integers(0, STEPS - 1), st.sampled_from(CONTRACTS), st.sampled_from([-2, -1, 1, 2])
    ),
    max_size=6,
)


def instant(step: int) -> int:
    return NOON + step * S // STEPS_PER_S


class Past:
    """What happened: every price, every fill, and the equity at each of them."""

    def __init__(
        self, prices: dict[str, list[int]], deals: list[tuple[int, str, int]], opened: int
    ) -> None:
        self.prices = {c: [Decimal(p) / 4 for p in steps] for c, steps in prices.items()}
        self.held: dict[str, Holding] = {}
        self.fills: list[Fill] = []
        self.balance = Decimal(50_000)
        self.peak: Decimal | None = None
        if opened:
            self._trade(MNQ, opened, self.prices[MNQ][0], NOON - S)
        for step in range(STEPS):
            self._look(step)
            for at_step, contract_id, size in sorted(deals):
                if at_step == step:
                    price = self.prices[contract_id][step]
                    self._trade(contract_id, size, price, instant(step))
                    self._look(step)

    def _trade(self, contract_id: str, size: int, price: Decimal, at_ns: int) -> None:
        before = self.held.get(contract_id, FLAT)
        closed = min(abs(size), abs(before.size)) if size * before.size < 0 else 0
        profit = None
        if closed:
            profit = profit_usd(
                size=closed if before.size > 0 else -closed,
                entry_price=before.average_price,
                exit_price=price,
                instrument=INSTRUMENTS[contract_id],
            )
        made = fill(
            len(self.fills) + 1,
            size,
            price,
            contract=contract_id,
            at_ns=at_ns,
            profit=profit,
            costs="0.37",
        )
        self.fills.append(made)
        self.held[contract_id] = after_fill(before, made)
        self.balance += made.net_usd

    def _look(self, step: int) -> None:
        equity = self.balance + sum(
            profit_usd(
                size=held.size,
                entry_price=held.average_price,
                exit_price=self.prices[contract_id][step],
                instrument=INSTRUMENTS[contract_id],
            )
            for contract_id, held in self.held.items()
            if held.size
        )
        self.peak = equity if self.peak is None else max(self.peak, equity)

    def bars(self) -> dict[str, list[Bar]]:
        return {
            contract_id: [
                Bar(
                    start_ns=NOON + second * S,
                    end_ns=NOON + (second + 1) * S,
                    high=max(steps[second * STEPS_PER_S : (second + 1) * STEPS_PER_S]),
                    low=min(steps[second * STEPS_PER_S : (second + 1) * STEPS_PER_S]),
                )
                for second in range(SECONDS)
            ]
            for contract_id, steps in self.prices.items()
        }

    def proven(self) -> Decimal | None:
        held = {c: h for c, h in self.held.items() if h.size}
        course = stretches(self.fills, held, self.balance)
        return peak_usd(course, GAP, self.bars(), INSTRUMENTS)


@given(mnq=PRICES, es=PRICES, deals=DEALS, opened=st.sampled_from([0, -2, 1, 3]))
def test_i10_no_more_is_proven_than_was(
    mnq: list[int], es: list[int], deals: list[tuple[int, str, int]], opened: int
) -> None:
    past = Past({MNQ: mnq, ES: es}, deals, opened)

    proven = past.proven()

    assert past.peak is not None
    assert proven is None or to_cents(proven) <= to_cents(past.peak)


@given(mnq=PRICES, opened=st.sampled_from([-2, 1, 3]))
def test_of_one_position_held_throughout_all_is_proven(mnq: list[int], opened: int) -> None:
    past = Past({MNQ: mnq}, [], opened)

    assert past.proven() == past.peak
