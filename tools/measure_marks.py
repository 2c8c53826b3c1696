"""Measure how often a bad price flattens, and how late a true one does, with and without filter.

    python tools/measure_marks.py [--seeds N] [--first-seed N] [--write]

Every run is an open position with a daily loss limit in a made-up market: true quotes and trades
from a seeded walk with a real fast move in it, and bad prices put in between. The same rows go
through three ways of marking, and the same rule judges each. docs/marks.md explains the method and
holds the tables (`--write` renews them).
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

from risk_actors.core.broker import Quote
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.instruments import Instrument, Listing, listing_for_symbol
from risk_actors.core.marks import SHIPPED_TERMS, Marks, MarkTerms
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_math import profit_usd
from risk_actors.core.price_bounds import BOUNDS, DEFAULT_BOUNDS, PriceBounds
from risk_actors.core.rules.daily_loss_limit import DailyLossLimit, DailyLossLimitSettings
from risk_actors.core.verdict import Breached

DOCS = Path(__file__).parents[1] / "docs" / "marks.md"
SEEDS = 8
FIRST_SEED = 4001
"""Seeds below this one were looked at while the filter was made; the tables use none of them."""

MS = NS_PER_S // 1000
NOON = 1_794_938_400 * NS_PER_S
"""A Tuesday noon in Chicago, in the middle of a session."""
TICK_NS = 100 * MS
MISSED_AFTER_NS = 1 * NS_PER_S
"""Beyond the limit for longer than this without a breach is a missed one."""
ROWS = 160
"""True rows in a run."""


class Market(NamedTuple):
    """What a made-up market is like: typical sizes, in ticks."""

    symbol: str
    price: str
    step: float
    """Spread of one row's move."""
    limit: tuple[int, int]
    """How far below the entry the loss limit lies."""


MARKETS = (
    Market("ES", "6800", 0.8, (20, 60)),
    Market("NQ", "25000", 2.5, (80, 240)),
    Market("CL", "60", 0.8, (20, 60)),
    Market("GC", "4100", 1.2, (30, 90)),
    Market("ZN", "113", 0.3, (6, 20)),
    Market("6E", "1.16", 0.5, (15, 50)),
)
PACES = {"busy": 60, "quiet": 1200}
"""Mean milliseconds between two rows."""


class Row(NamedTuple):
    """What the broker states at an instant, in ticks; a trade states no side."""

    at_ns: int
    bid: Decimal | None
    ask: Decimal | None
    trade: Decimal | None = None
    stated_ns: int | None = None
    """The quote's own time where that is not the time of receipt."""
    is_true: bool = True


class Run(NamedTuple):
    """One position in one market."""

    market: Market
    listing: Listing
    entry: int
    side: int
    limit_ticks: int
    rows: list[Row]


# --- the true market ------------------------------------------------------------------------


def steady(_rng: Random, _limit: int) -> list[int]:
    """Nothing but the walk."""
    return []


def news(rng: Random, limit: int) -> list[int]:
    """A jump in two to six rows, half of it taken back over the next ones."""
    size, rows = rng.uniform(0.6, 2.0) * limit, rng.randint(2, 6)
    moves = [-round(size / rows)] * rows
    return moves + [round(size / 2 / 12)] * 12


def slide(rng: Random, limit: int) -> list[int]:
    """A fall that goes on and stays, as toward a price limit."""
    size, rows = rng.uniform(0.8, 2.5) * limit, rng.randint(15, 50)
    return [-math.ceil(size / rows)] * rows


def spike(rng: Random, limit: int) -> list[int]:
    """A true price that is there for one to four rows and gone again."""
    size = round(rng.uniform(0.8, 1.6) * limit)
    return [-size, *[0] * rng.randint(0, 3), size]


def gap(rng: Random, limit: int) -> list[int]:
    """Another price after the market was closed for an hour (the pause is put in by `walk`)."""
    return [-round(rng.uniform(0.5, 2.0) * limit)]


MOVES: dict[str, Callable[[Random, int], list[int]]] = {
    "no move": steady,
    "news": news,
    "slide": slide,
    "spike": spike,
    "gap": gap,
}


def walk(rng: Random, run: Run, pace_ms: int, move: str) -> Iterator[Row]:
    """Yield the true rows: books, and trades between them."""
    level, at_ns = float(run.entry), NOON
    begins = rng.randint(ROWS // 3, ROWS // 2)
    moves = MOVES[move](rng, run.limit_ticks)
    # Against the position mostly, and now and then for it.
    sign = run.side * (1 if rng.random() < 0.85 else -1)  # noqa: PLR2004
    last = Decimal(run.entry)
    for number in range(ROWS):
        at_ns += round(rng.expovariate(1 / pace_ms) * MS) + MS
        if begins <= number < begins + len(moves):
            level += sign * moves[number - begins]
            at_ns += 3600 * NS_PER_S if move == "gap" else 0
        level += rng.gauss(0, run.market.step)
        bid = Decimal(round(level))
        ask = bid + (1 if rng.random() < 0.8 else 2)  # noqa: PLR2004
        yield Row(at_ns, bid, ask)
        if rng.random() < 0.5:  # noqa: PLR2004
            # Trades and quotes are streams of their own: some trades are told late.
            is_late = rng.random() < 0.15  # noqa: PLR2004
            yield Row(
                at_ns + MS // 2, None, None, trade=last if is_late else rng.choice((bid, ask))
            )
        last = bid


# --- bad prices -----------------------------------------------------------------------------


def zero_or_nan(rng: Random, _run: Run, true: Row) -> list[Row]:
    """No number, or zero."""
    flaw = Decimal(rng.choice(("NaN", "0")))
    return [true._replace(bid=flaw, ask=true.ask), true._replace(bid=true.bid, ask=flaw)]


def decimal_shift(rng: Random, _run: Run, true: Row) -> list[Row]:
    """A misplaced decimal point, in both sides or in one."""
    # Prices are in ticks here; ten times or a tenth of them, kept on the grid.
    up, bid, ask = rng.random() < 0.5, _side(true.bid), _side(true.ask)  # noqa: PLR2004
    shifted = (bid * 10, ask * 10) if up else (bid // 10, ask // 10)
    if rng.random() < 0.5:  # noqa: PLR2004
        return [true._replace(bid=shifted[0], ask=shifted[1])]
    one_side = (bid, shifted[1]) if up else (shifted[0], ask)
    return [true._replace(bid=one_side[0], ask=one_side[1])]


def outlier(rng: Random, run: Run, true: Row) -> list[Row]:
    """A price that could be, but is not: one to three times the limit away."""
    away = round(rng.uniform(1, 3) * run.limit_ticks) * -run.side
    return [true._replace(bid=_side(true.bid) + away, ask=_side(true.ask) + away)]


def crossed(rng: Random, run: Run, true: Row) -> list[Row]:
    """Bid above ask, one of them from elsewhere."""
    away = round(rng.uniform(1, 3) * run.limit_ticks)
    if run.side > 0:
        return [true._replace(ask=_side(true.bid) - away, bid=_side(true.bid) - away // 2)]
    return [true._replace(bid=_side(true.ask) + away, ask=_side(true.ask) + away // 2)]


def stale_burst(rng: Random, run: Run, true: Row) -> list[Row]:
    """Ten quotes of half a minute ago or more, from a price far away."""
    away = round(rng.uniform(1.2, 2) * run.limit_ticks) * -run.side
    age_ns = round(rng.uniform(30, 90) * NS_PER_S)
    return [
        true._replace(
            at_ns=true.at_ns + number * MS // 10,
            bid=_side(true.bid) + away + number % 2,
            ask=_side(true.ask) + away + number % 2,
            stated_ns=true.at_ns - age_ns,
        )
        for number in range(10)
    ]


def wide(rng: Random, run: Run, true: Row) -> list[Row]:
    """A book that opens up for one quote."""
    away = round(rng.uniform(1, 2.5) * run.limit_ticks)
    return [true._replace(bid=_side(true.bid) - away, ask=_side(true.ask) + away)]


def wide_twice(rng: Random, run: Run, true: Row) -> list[Row]:
    """The same for two quotes in a row: more than one bad number."""
    (first,) = wide(rng, run, true)
    return [first, first._replace(at_ns=first.at_ns + MS // 10, bid=_side(first.bid) - 1)]


BAD: dict[str, Callable[[Random, Run, Row], list[Row]]] = {
    "none": lambda _rng, _run, _true: [],
    "zero or no number": zero_or_nan,
    "decimal point shifted": decimal_shift,
    "outlier": outlier,
    "crossed book": crossed,
    "burst of old quotes": stale_burst,
    "wide spread, one quote": wide,
    "wide spread, two quotes": wide_twice,
}
WITHIN_PROMISE = [name for name in BAD if name not in {"none", "wide spread, two quotes"}]
"""Kinds that are one bad number each, or are told by their time: what I10 is about."""


def _side(price: Decimal | None) -> Decimal:
    if price is None:
        raise ValueError("a trade has no sides")
    return price


def with_bad(rng: Random, run: Run, true: list[Row], bad: str) -> list[Row]:
    """Return the rows with bad ones after three of the books."""
    books = [number for number, row in enumerate(true) if row.trade is None]
    chosen = {books[round(len(books) * rng.uniform(at, at + 0.2))] for at in (0.1, 0.4, 0.7)}
    rows: list[Row] = []
    for number, row in enumerate(true):
        rows.append(row)
        if number in chosen:
            at_ns = row.at_ns + MS // 4
            rows += [
                each._replace(is_true=False)
                for each in BAD[bad](rng, run, row._replace(at_ns=at_ns))
            ]
    # One clock hears all: what comes of a burst after the next true row is heard in between.
    return sorted(rows, key=lambda row: row.at_ns)


def make_run(market: Market, pace: str, move: str, bad: str, seed: int) -> Run:
    """Return a run; the same arguments give the same one."""
    rng = Random(f"{market.symbol} {pace} {move} {bad} {seed}")  # noqa: S311  # seeded on purpose
    listing = listing_for_symbol(market.symbol)
    if listing is None:
        raise ValueError(f"{market.symbol} is not in the catalogue")
    entry = int(Decimal(market.price) / listing.tick_size)
    run = Run(market, listing, entry, rng.choice((-1, 1)), rng.randint(*market.limit), [])
    true = list(walk(rng, run, PACES[pace], move))
    return run._replace(rows=with_bad(rng, run, true, bad))


# --- three ways of marking ------------------------------------------------------------------


class Marking(Protocol):
    """What a way of marking must do."""

    def on_quote(self, quote: Quote, now_ns: int) -> bool:
        """Take a quote; tell whether the mark may have changed."""

    def on_tick(self, now_ns: int) -> tuple[str, ...]:
        """Let time pass; return the contracts whose mark changed."""

    def exit_price(self, contract_id: str, size: int, now_ns: int) -> Decimal | str:
        """Return the price to exit at, or why there is none."""


class LatestQuote:
    """No filter at all: the latest quote is the mark."""

    def __init__(self) -> None:
        self._quote: Quote | None = None

    def on_quote(self, quote: Quote, now_ns: int) -> bool:
        """Take whatever comes."""
        del now_ns
        self._quote = quote
        return True

    def on_tick(self, now_ns: int) -> tuple[str, ...]:
        """Nothing waits."""
        del now_ns
        return ()

    def exit_price(self, contract_id: str, size: int, now_ns: int) -> Decimal | str:
        """Return the side to exit at, unless it is no number: that compares with nothing."""
        del contract_id, now_ns
        quote = self._quote
        price = None if quote is None else quote.bid if size > 0 else quote.ask
        return "no price" if price is None or price.is_nan() else price


STALE_AFTER_NS = 10 * NS_PER_S
WAYS: dict[str, Callable[[], Marking]] = {
    "no filter": LatestQuote,
    "impossible dropped": lambda: Marks(STALE_AFTER_NS),
    "ours": lambda: Marks(STALE_AFTER_NS, SHIPPED_TERMS),
}
OTHER_WAITS_MS = (250, 1000, 2000)
LONGEST_WAIT_NS = 2 * OTHER_WAITS_MS[-1] * MS
"""Other settings of `confirm_ms`, measured in the quiet market, where it matters."""


def waiting(confirm_ms: int) -> Marks:
    """Return our marks with another `confirm_ms`."""
    return Marks(STALE_AFTER_NS, MarkTerms(confirm_ns=confirm_ms * MS))


# --- one run --------------------------------------------------------------------------------


class Result(NamedTuple):
    """What became of one run."""

    is_false: bool = False
    """The limit broke although the true price had not reached it, or had left it a second ago."""
    is_true: bool = False
    """The true price was beyond the limit for longer than `MISSED_AFTER_NS`."""
    is_missed: bool = False
    """It was, and no breach came in that time."""
    is_brief: bool = False
    """The true price reached the limit, but never for that long."""
    is_brief_acted: bool = False
    """It did, and that broke the limit."""
    delay_ms: float | None = None
    """From the true price reaching the limit to the breach."""


def true_spells(run: Run) -> list[tuple[int, int]]:
    """Return from when to when the true price was at the limit or beyond."""
    spells: list[tuple[int, int]] = []
    since_ns: int | None = None
    true = [row for row in run.rows if row.is_true and row.trade is None]
    for row in true:
        exit_ticks = _side(row.bid) if run.side > 0 else _side(row.ask)
        is_beyond = (run.entry - exit_ticks) * run.side >= run.limit_ticks
        if is_beyond and since_ns is None:
            since_ns = row.at_ns
        if not is_beyond and since_ns is not None:
            spells.append((since_ns, row.at_ns))
            since_ns = None
    if since_ns is not None:
        spells.append((since_ns, true[-1].at_ns))
    return spells


def breach_ns(run: Run, marking: Marking) -> int | None:
    """Return when the rule saw the limit broken."""
    listing = run.listing
    contract = f"CON.F.US.{listing.root}.Z26"
    instrument = Instrument(
        contract_id=contract,
        symbol=listing.symbol,
        tick_size=listing.tick_size,
        tick_value_usd=listing.tick_value_usd,
    )
    rule = DailyLossLimit(
        DailyLossLimitSettings(id="loss", limit_usd=float(run.limit_ticks * listing.tick_value_usd))
    )
    entry_price = run.entry * listing.tick_size

    def is_broken(now_ns: int) -> bool:
        price = marking.exit_price(contract, run.side, now_ns)
        if isinstance(price, str):
            return False
        unrealized_usd = profit_usd(
            size=run.side, entry_price=entry_price, exit_price=price, instrument=instrument
        )
        _, verdict = rule.evaluate(rule.initial_state(), _pnl(unrealized_usd), now_ns)
        return isinstance(verdict, Breached)

    tick_ns = before_ns = NOON
    for quote, heard_ns in merged(run, contract):
        while tick_ns + TICK_NS <= heard_ns:
            tick_ns += TICK_NS
            if tick_ns - before_ns > LONGEST_WAIT_NS:
                # Nothing waits any more: the rest of a long pause is left out.
                tick_ns = heard_ns // TICK_NS * TICK_NS
            if marking.on_tick(tick_ns) and is_broken(tick_ns):
                return tick_ns
        if marking.on_quote(quote, heard_ns) and is_broken(heard_ns):
            return heard_ns
        before_ns = heard_ns
    return None


def merged(run: Run, contract: str) -> Iterator[tuple[Quote, int]]:
    """Yield full quotes, as the gateway makes them: what a row leaves out is repeated."""
    tick = run.listing.tick_size
    bid = ask = last = None
    for row in run.rows:
        if row.trade is None:
            bid = None if row.bid is None else row.bid * tick
            ask = None if row.ask is None else row.ask * tick
        else:
            last = row.trade * tick
        stated_ns = row.at_ns if row.stated_ns is None else row.stated_ns
        yield Quote(contract_id=contract, bid=bid, ask=ask, last=last, at_ns=stated_ns), row.at_ns


def _pnl(unrealized_usd: Decimal) -> PnlState:
    return PnlState(
        account_id=1,
        day_start_ns=1,
        week_start_ns=1,
        realized_usd=Decimal(0),
        costs_usd=Decimal(0),
        week_realized_usd=Decimal(0),
        unrealized_usd=unrealized_usd,
        trades=0,
        entries=0,
    )


def judge(run: Run, found_ns: int | None) -> Result:
    """Compare when the rule broke with when it should have."""
    spells = true_spells(run)
    if found_ns is not None and not any(
        since_ns <= found_ns <= until_ns + MISSED_AFTER_NS for since_ns, until_ns in spells
    ):
        return Result(is_false=True)
    lasting = [spell for spell in spells if spell[1] - spell[0] > MISSED_AFTER_NS]
    delay_ms = None
    if found_ns is not None:
        begun_ns = max(since_ns for since_ns, _ in spells if since_ns <= found_ns)
        delay_ms = (found_ns - begun_ns) / MS
    if not lasting:
        return Result(is_brief=bool(spells), is_brief_acted=found_ns is not None, delay_ms=delay_ms)
    due_ns = lasting[0][0] + MISSED_AFTER_NS
    return Result(is_true=True, is_missed=found_ns is None or found_ns > due_ns, delay_ms=delay_ms)


# --- the tables -----------------------------------------------------------------------------


class Measured(NamedTuple):
    """One run, one way of marking, one result."""

    pace: str
    move: str
    bad: str
    way: str
    result: Result


def measure(seeds: int, first_seed: int) -> list[Measured]:
    """Return the result of every run with every way of marking."""
    found = []
    for pace in PACES:
        for bad in BAD:
            for seed in range(first_seed, first_seed + seeds):
                for number, market in enumerate(MARKETS):
                    # Every move comes in every market; which seed has which is left to the seed.
                    move = list(MOVES)[(seed + number) % len(MOVES)]
                    run = make_run(market, pace, move, bad, seed)
                    for way, make in WAYS.items():
                        result = judge(run, breach_ns(run, make()))
                        found.append(Measured(pace, move, bad, way, result))
                    if pace == "quiet":
                        for confirm_ms in OTHER_WAITS_MS:
                            result = judge(run, breach_ns(run, waiting(confirm_ms)))
                            found.append(Measured(pace, move, bad, f"{confirm_ms}", result))
    return found


def tables(found: list[Measured]) -> str:
    """Return the tables as Markdown."""
    return f"{false_table(found)}\n\n{true_table(found)}\n\n{wait_table(found)}\n"


def false_table(found: list[Measured]) -> str:
    """Return the table of limits that broke without cause."""
    lines = [
        "| bad prices | market | runs | " + " | ".join(f"{way}: false" for way in WAYS) + " |",
        "|---|---|---:|" + "---:|" * len(WAYS),
    ]
    for bad in BAD:
        for pace in PACES:
            some = [each for each in found if each.bad == bad and each.pace == pace]
            lines.append(f"| {bad} | {pace} | {_runs(some)} | {_false(some)} |")
    for pace in PACES:
        some = [each for each in found if each.bad in WITHIN_PROMISE and each.pace == pace]
        runs = _runs(some)
        lines.append(f"| **all but the first and the last** | {pace} | {runs} | {_false(some)} |")
    return "\n".join(lines)


def _runs(some: list[Measured]) -> int:
    return sum(each.way == "ours" for each in some)


def _false(some: list[Measured]) -> str:
    cells = []
    for way in WAYS:
        results = [each.result for each in some if each.way == way]
        false = sum(result.is_false for result in results)
        cells.append(f"{false} ({100 * false / len(results):.1f} %)")
    return " | ".join(cells)


def true_table(found: list[Measured]) -> str:
    """Return the table of limits that were truly reached."""
    columns = ("true move", "market", "marks", "lasting", "missed", "brief", "acted on")
    lines = [
        f"| {' | '.join(columns)} | median | p99 | most |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    groups: defaultdict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for each in found:
        groups[each.move, each.pace, each.way].append(each.result)
        groups["**all**", each.pace, each.way].append(each.result)
    for move in (*list(MOVES)[1:], "**all**"):
        for pace in PACES:
            for way in ("no filter", "ours"):
                results = groups[move, pace, way]
                lasting = [result for result in results if result.is_true]
                brief = [result for result in results if result.is_brief]
                delays = sorted(r.delay_ms for r in results if r.delay_ms is not None)
                lines.append(
                    f"| {move} | {pace} | {way} | {len(lasting)} "
                    f"| {sum(result.is_missed for result in lasting)} | {len(brief)} "
                    f"| {sum(result.is_brief_acted for result in brief)} | {_spread(delays)} |"
                )
    return "\n".join(lines)


def wait_table(found: list[Measured]) -> str:
    """Return the table of what another `confirm_ms` would do in a quiet market."""
    lines = [
        "| confirm_ms, quiet market | false | missed | median | p99 | most |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    shipped_ms = SHIPPED_TERMS.confirm_ns // MS
    for confirm_ms in sorted((*OTHER_WAITS_MS, shipped_ms)):
        way = "ours" if confirm_ms == shipped_ms else f"{confirm_ms}"
        some = [each for each in found if each.way == way and each.pace == "quiet"]
        promised = [each.result for each in some if each.bad in WITHIN_PROMISE]
        false = sum(result.is_false for result in promised)
        delays = sorted(e.result.delay_ms for e in some if e.result.delay_ms is not None)
        lines.append(
            f"| {confirm_ms} | {false} ({100 * false / len(promised):.1f} %) "
            f"| {sum(each.result.is_missed for each in some)} | {_spread(delays)} |"
        )
    return "\n".join(lines)


def bounds_table() -> str:
    """Return the bounds that ship, as Markdown."""
    symbols: defaultdict[PriceBounds, list[str]] = defaultdict(list)
    for symbol, bounds in BOUNDS.items():
        symbols[bounds].append(symbol)
    symbols[DEFAULT_BOUNDS].append("any other")
    lines = ["| symbols | a jump is more than | wide is more than |", "|---|---|---|"]
    for bounds, names in symbols.items():
        jump = f"{(100 * bounds.jump_share).normalize():f} % or {bounds.jump_ticks} ticks"
        spread = f"{(100 * bounds.spread_share).normalize():f} % or {bounds.spread_ticks} ticks"
        lines.append(f"| {', '.join(names)} | {jump} | {spread} |")
    return "\n".join(lines) + "\n"


def put(page: str, name: str, text: str) -> str:
    """Return the page with a text between the markers of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}{end}{rest.split(end)[1]}"


def _spread(delays: list[float]) -> str:
    if not delays:
        return "- | - | -"
    shown = (delays[len(delays) // 2], delays[math.ceil(0.99 * len(delays)) - 1], delays[-1])
    return " | ".join(f"{delay:.0f}" for delay in shown)


def main() -> None:
    """Print the tables, or put them into the documentation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="runs per market and kind")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/marks.md")
    asked = parser.parse_args()
    text = tables(measure(asked.seeds, asked.first_seed))
    print(text)
    if asked.write:
        page = put(DOCS.read_text(encoding="utf-8"), "measured", text)
        DOCS.write_text(put(page, "bounds", bounds_table()), encoding="utf-8")
        print(f"wrote {DOCS}")


if __name__ == "__main__":
    main()
