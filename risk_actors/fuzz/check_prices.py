"""I7 and I10 of prices: no price is no number, and one bad quote is no reason."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from risk_actors import messages as m
from risk_actors.actors.record import Entry
from risk_actors.core.broker import Quote
from risk_actors.core.mark_filter import CONFIRM_NS
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.sight import Told, Truth
from risk_actors.fuzz.stage import MARKET, Stage

STALE_AFTER_NS = 10 * S + S
"""A price older than this is none any more: what the settings say, and as long as the guard takes
to look for it again."""
PRICES_KEPT_NS = 15 * S
"""A breach may go by a price so old: the age at which it is stale, and what confirming takes."""
CENT = Decimal("0.01")


class PriceCheck:
    """Compares what is shown and found with the exchange's own prices."""

    def __init__(self, truth: Truth, told: Told, stage: Stage) -> None:
        self._truth, self._told, self._stage = truth, told, stage
        self._true: dict[str, deque[tuple[int, Decimal, Decimal]]] = {}
        self._doubted: dict[str, tuple[int, Quote]] = {}
        self._looked_ns = self._looked_before_ns = 0

    def told(self, message: m.Message) -> None:
        """Take note of a price that is true."""
        if not isinstance(message, m.QuoteReported):
            return
        quote, now_ns = message.quote, self._stage.clock.now_ns()
        self._settle_doubt(quote.contract_id, now_ns)
        self._doubted.pop(quote.contract_id, None)
        true = self._stage.broker.exchange.quotes[quote.contract_id]
        if (quote.bid, quote.ask) != (true.bid, true.ask):
            self._doubt(quote, now_ns)
            return
        self._told.quoted_ns[quote.contract_id] = now_ns
        self._keep(quote, now_ns)

    def _doubt(self, quote: Quote, now_ns: int) -> None:
        """Take note of a price that is wrong, but not impossible."""
        tick = self._stage.broker.exchange.contracts[quote.contract_id].tick_size
        if quote.bid is None or quote.ask is None:
            return
        if 0 < quote.bid <= quote.ask and not quote.bid % tick:
            self._doubted[quote.contract_id] = (now_ns, quote)

    def _settle_doubt(self, contract_id: str, now_ns: int) -> None:
        """What nobody contradicted in time counts (I10), be it as wrong as it may."""
        since_ns, quote = self._doubted.get(contract_id, (now_ns, None))
        if quote is not None and now_ns - since_ns >= CONFIRM_NS:
            self._told.quoted_ns[contract_id] = since_ns
            self._keep(quote, now_ns)

    def _keep(self, quote: Quote, now_ns: int) -> None:
        kept = self._true.setdefault(quote.contract_id, deque())
        if quote.bid is not None and quote.ask is not None:
            kept.append((now_ns, quote.bid, quote.ask))
        while len(kept) > 1 and kept[1][0] < now_ns - PRICES_KEPT_NS:
            kept.popleft()

    def look(self, now_ns: int) -> list[tuple[str, str]]:
        """Return what is shown as known and cannot be."""
        picture, stage = self._stage.frame.picture, self._stage
        if now_ns != self._looked_ns:
            self._looked_before_ns, self._looked_ns = self._looked_ns, now_ns
        # Prices are painted with the tick, which may come before they are judged with it.
        shown_ns = stage.pulsed_before_ns
        for contract_id in self._stage.contract_ids.values():
            self._settle_doubt(contract_id, now_ns)
        found = []
        for account in picture.accounts:
            for position in account.positions:
                age_ns = shown_ns - self._told.quoted_ns.get(position.contract, shown_ns)
                if (
                    position.unrealized is not None
                    and age_ns > STALE_AFTER_NS
                    and self._was_open(position.symbol, shown_ns)
                    and self._was_open(position.symbol, now_ns)
                ):
                    found.append(("I7", f"{position} is priced by a quote {age_ns / S:.0f} s old"))
        shown = picture.connection
        is_new = self._looked_before_ns <= stage.broker.heard_since_ns
        is_told = (shown.user_hub, shown.market_hub, shown.rest) == tuple(stage.told.values())
        if not (is_new or is_told):
            found.append(("I7", f"told {stage.told}, shown {shown}"))
        return found

    @staticmethod
    def _was_open(symbol: str, now_ns: int) -> bool:
        return all(MARKET.is_open(symbol, now_ns - ago) for ago in (0, STALE_AFTER_NS))

    def take(self, entry: Entry) -> list[tuple[str, str]]:
        """Look at what broke: were there prices at which it was broken?"""
        message = entry.message
        if not isinstance(message, m.BreachFound | m.ShadowBreachFound):
            return []
        rule = next(r for r in self._stage.rules if r.settings.id == message.rule_id)
        if rule.settings.type not in ("max_unrealized_loss", "max_unrealized_profit"):
            return []
        if not isinstance(message.event, m.PnlUpdated | m.QuoteReported | m.Tick):
            return []
        value, contract_id = message.breach.value, message.breach.contract_id
        if value is None or contract_id is None:
            return []
        self._settle_doubt(contract_id, self._stage.clock.now_ns())
        return list(self._unfounded(message.account_id, contract_id, value))

    def _unfounded(
        self, account_id: int, contract_id: str, value: Decimal
    ) -> Iterable[tuple[str, str]]:
        kept = self._true.get(contract_id)
        held = self._truth.held_since(
            (account_id, contract_id), self._stage.clock.now_ns() - PRICES_KEPT_NS
        )
        if not kept or not held:
            return
        contract = self._stage.broker.exchange.contracts[contract_id]
        values = [
            ((bid if size > 0 else ask) - average)
            * size
            * contract.tick_value_usd
            / contract.tick_size
            for size, average in held
            for _, bid, ask in kept
        ]
        slack = contract.tick_value_usd * max(abs(size) for size, _ in held) + CENT
        if not min(values) - slack <= value <= max(values) + slack:
            what = (
                f"account {account_id} found {value} in {contract_id}; at the true prices it was "
                f"{min(values)} to {max(values)}"
            )
            yield "I10", what
