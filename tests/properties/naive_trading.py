"""A trader whose account is counted in whole cents, and whose broker shows its rows to a rule.

What happened is kept as a list of plain facts (`Moment`), from which a naive model reckons anew
each time; the rule sees only what the books make of the broker's rows. Now and then the rule's
memory goes through the store, or it is down while the account goes on.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from core.builders import MNQ, NOON, account_row, fill, position, quote, restored, snapshot
from core.builders import S as SECOND
from core.desk import RuleDesk
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

TICK = Decimal("0.25")
CENTS_A_TICK = 50
COSTS_CENTS = 37
FIRST_TICKS = 80_000


class Moment(NamedTuple):
    """The account at one instant, in cents."""

    day_start_ns: int
    balance: int
    realized: int
    """The day's closed P&L less costs."""
    unrealized: int
    is_seen: bool
    """Whether the rule was shown it."""

    @property
    def equity(self) -> int:
        return self.balance + self.unrealized

    @property
    def day_equity(self) -> int:
        return self.realized + self.unrealized


def usd(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def cents(amount_usd: Decimal) -> int:
    scaled = amount_usd.scaleb(2)
    assert scaled == int(scaled)
    return int(scaled)


class NaiveTrading(RuleBasedStateMachine):
    """Trades one contract at a moving price, is paid out, and sleeps through days and weeks."""

    def begin(self, judging: Any, balance: int) -> None:
        self.desk = RuleDesk(judging, balance=float(usd(balance)))
        self.day_ns = self.desk.calendar.day(NOON).start_ns
        self.balance, self.realized = balance, 0
        self.size, self.entry_ticks, self.ticks = 0, 0, FIRST_TICKS
        self.last_id = 0
        self.moments: list[Moment] = [self.moment()]
        self.quote(FIRST_TICKS)

    # --- the account ------------------------------------------------------------------------

    def moment(self) -> Moment:
        return Moment(
            self.day_ns,
            self.balance,
            self.realized,
            (self.ticks - self.entry_ticks) * self.size * CENTS_A_TICK,
            is_seen=not self.desk.is_down,
        )

    def note(self) -> None:
        self.moments.append(self.moment())

    def pass_time(self) -> None:
        self.desk.now_ns += 2 * SECOND

    def quote(self, ticks: int) -> None:
        """Bid and ask are the same, so that the mark does not depend on the side."""
        self.ticks = ticks
        price = ticks * TICK
        self.desk.see(quote(MNQ, bid=price, ask=price))
        self.note()

    def fill(self, signed_size: int, *, position_first: bool) -> None:
        """Trade at the present price; it opens or adds, or closes everything."""
        self.last_id += 1
        closes = self.size != 0 and self.size * signed_size < 0
        profit = (self.ticks - self.entry_ticks) * self.size * CENTS_A_TICK if closes else None
        signed_size = -self.size if closes else signed_size
        net = (profit or 0) - COSTS_CENTS
        self.balance += net
        self.realized += net
        self.size += signed_size
        if not closes:
            self.entry_ticks = self.ticks
        price = self.ticks * TICK
        rows = [
            fill(
                self.last_id,
                signed_size,
                price,
                profit=None if profit is None else usd(profit),
                costs=usd(COSTS_CENTS),
                at_ns=self.desk.now_ns,
            ),
            position(self.size, price),
        ]
        self.desk.see(*(reversed(rows) if position_first else rows))
        self.note()

    # --- what happens -----------------------------------------------------------------------

    @rule(ticks=st.integers(-900, 900))
    def the_price_moves(self, ticks: int) -> None:
        self.pass_time()
        self.quote(self.ticks + ticks)

    @rule(size=st.sampled_from([-2, -1, 1, 2]), position_first=st.booleans())
    def enter_or_exit(self, size: int, *, position_first: bool) -> None:
        """Enter when flat, else close everything (adding would average the entry)."""
        self.pass_time()
        if self.size * size > 0:
            size = -size
        self.fill(size, position_first=position_first)

    @rule(
        ticks=st.lists(st.integers(-500, 500), min_size=1, max_size=3),
        size=st.sampled_from([-2, -1, 1, 2]),
    )
    def trade_while_the_rule_is_down(self, ticks: list[int], size: int) -> None:
        self.desk.is_down = True
        for step in ticks:
            self.the_price_moves(step)
            self.enter_or_exit(size, position_first=False)
        self.up_again()

    def up_again(self) -> None:
        self.desk.is_down = False
        self.pass_time()
        self.remember()
        self.desk.judge()
        self.note()

    @precondition(lambda self: self.balance > self.moments[0].balance)
    @rule(pct=st.integers(1, 100))
    def a_payout_of_profit(self, pct: int) -> None:
        self.pay_out(max((self.balance - self.moments[0].balance) * pct // 100, 1))

    def pay_out(self, amount: int) -> None:
        """Money leaves the account; only a snapshot tells."""
        self.pass_time()
        self.balance -= amount
        price = self.entry_ticks * TICK
        held = (position(self.size, price),) if self.size else ()
        asked_ns = self.desk.now_ns
        self.desk.see(
            snapshot(
                asked_ns,
                positions=held,
                fills=self.desk.positions.fills,
                account=account_row(float(usd(self.balance))),
            )
        )
        self.note()

    @rule(ticks=st.lists(st.integers(-900, 900), max_size=3))
    def sleep_past_resets(self, ticks: list[int]) -> None:
        """Begin another trading day; or days, in each of which a trade is made unseen.

        A rule that is down misses no weekly reset here: what an earlier week's days ended with is
        more than the broker's fills tell.
        """
        for step in ticks:
            week = self.desk.calendar.week(self.desk.now_ns)
            if not week.contains(self.desk.calendar.day(self.desk.now_ns).end_ns):
                break
            self.desk.is_down = True
            self.next_day()
            self.enter_or_exit(1, position_first=True)
            self.the_price_moves(step)
            self.enter_or_exit(1, position_first=False)
        if self.desk.is_down:
            self.up_again()
        else:
            self.next_day()

    def next_day(self) -> None:
        self.day_ns = self.desk.calendar.day(self.desk.now_ns).end_ns
        self.realized = 0
        self.desk.at(self.day_ns + SECOND)
        self.note()

    @rule()
    def remember(self) -> None:
        """Store what the rule remembers, and read it again."""
        self.desk.state = restored(self.desk.rule, self.desk.state)

    @rule()
    def the_same_again(self) -> None:
        """Show the rule the same fact once more, some time later."""
        self.pass_time()
        self.desk.judge()

    # --- comparison -------------------------------------------------------------------------

    def compare(self) -> None:
        """Compare what the rule says with what the model reckons from all moments."""
        raise NotImplementedError

    @invariant()
    def rule_and_model_agree(self) -> None:
        if hasattr(self, "desk"):
            self.compare()

    @property
    def today(self) -> list[Moment]:
        return [moment for moment in self.moments if moment.day_start_ns == self.day_ns]
