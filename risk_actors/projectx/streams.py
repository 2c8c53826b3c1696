"""What exists once the accounts are known: the hubs, and all that reads and watches beside them."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from risk_actors.messages import Message, QuoteReported
from risk_actors.projectx.bar_prices import BarPrices
from risk_actors.projectx.hearing import Hearing
from risk_actors.projectx.hubs import Hubs
from risk_actors.projectx.inbound import Inbound
from risk_actors.projectx.instruments import InstrumentDesk
from risk_actors.projectx.polling import Poller
from risk_actors.projectx.price_lines import PriceLines
from risk_actors.projectx.snapshot_desk import SnapshotDesk

type Body = Callable[[], Awaitable[None]]


class Streams:
    """The parts of a running gateway. Use them on their event loop only."""

    def __init__(
        self,
        hubs: Hubs,
        inbound: Inbound,
        desk: SnapshotDesk,
        instruments: InstrumentDesk,
        poller: Poller,
        hearing: Hearing,
        bar_prices: BarPrices,
        prices: PriceLines,
    ) -> None:
        self.hubs = hubs
        self.inbound = inbound
        self.desk = desk
        self.instruments = instruments
        self.poller = poller
        self.hearing = hearing
        self.bar_prices = bar_prices
        self.prices = prices

    def bodies(self) -> Iterator[tuple[str, Body]]:
        """Yield what has to run all the time, each with a name."""
        yield "user hub", self.hubs.user.tend
        yield "market hub", self.hubs.market.tend
        yield "instruments", self.instruments.serve
        yield "polling", self.poller.serve
        yield "hearing", self.hearing.serve
        yield "prices from bars", self.bar_prices.serve
        for account_id in self.desk.account_ids:
            yield f"snapshots of account {account_id}", partial(self.desk.serve, account_id)

    def nudge(self) -> None:
        """Try again now whatever is down: the broker has shown a sign of life."""
        self.hubs.nudge()
        self.prices.nudge()

    def take(self, message: Message) -> None:
        """Take what is told to the actors, whoever told it."""
        if isinstance(message, QuoteReported):
            return  # by far the most, and for none of these
        self.poller.take(message)
        self.hearing.take(message)
        self.bar_prices.take(message)

    def heard(self, message: Message) -> None:
        """Take what a hub has told."""
        if isinstance(message, QuoteReported):
            self.bar_prices.heard(message.quote)
        else:
            self.hearing.heard(message)
