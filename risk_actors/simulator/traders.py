"""Simulated traders: what a calm, an overtrading or a tilted trader does next.

`decide` is a pure function of the trader's state, what the trader sees, the time and one
generator. The tilted trader chases every move, trades bigger after every loss, adds to losers,
reaches for the full-size contract to win it back, and comes straight back when flattened; only
after a few of those do the hands slow down.
"""

from random import Random

import msgspec

from risk_actors.simulator.records import Bracket, OrderType, Side, Ticket
from risk_actors.simulator.settings import Character

_NS_PER_S = 1_000_000_000
_BEATEN_AFTER_KILLS = 3
"""From then on the trader tries with one contract of the base symbol."""
_MOST_DOUBLINGS = 7
"""A pause of half a second grows to about a minute and no further."""


class Temper(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a character."""

    rest_s: tuple[float, float]
    """Pause between a close and the next entry."""
    hold_s: tuple[float, float]
    """How long a position is held before the trader closes it by hand."""
    first_size: int
    max_size: int
    growth_after_loss: float
    brackets: bool
    adds_to_losers: bool
    chases: bool
    """Buys what just rose and sells what just fell."""
    escalates_after_losses: int | None
    """Losses in a row after which the full-size contract is traded."""


TEMPERS: dict[Character, Temper] = {
    "calm": Temper(
        rest_s=(20.0, 60.0),
        hold_s=(60.0, 180.0),
        first_size=1,
        max_size=1,
        growth_after_loss=1.0,
        brackets=True,
        adds_to_losers=False,
        chases=False,
        escalates_after_losses=None,
    ),
    "overtrading": Temper(
        rest_s=(0.5, 2.0),
        hold_s=(1.0, 5.0),
        first_size=1,
        max_size=3,
        growth_after_loss=1.0,
        brackets=True,
        adds_to_losers=False,
        chases=False,
        escalates_after_losses=None,
    ),
    "tilted": Temper(
        rest_s=(0.2, 0.8),
        hold_s=(1.0, 2.2),
        first_size=3,
        max_size=12,
        growth_after_loss=2.0,
        brackets=False,
        adds_to_losers=True,
        chases=True,
        escalates_after_losses=1,
    ),
}

_FULL_SIZE = {"MNQ": "NQ", "MES": "ES", "MYM": "YM", "M2K": "RTY", "MGC": "GC", "MCL": "CL"}


class Mood(msgspec.Struct, frozen=True, kw_only=True):
    """What a trader remembers between decisions."""

    next_ns: int
    """When the trader acts next."""
    losses: int = 0
    """Losing trades in a row."""
    last_balance_usd: float | None = None
    in_trade: bool = False
    """Whether the trader entered and has not closed yet."""
    kills: int = 0
    """Trades in a row that somebody else closed."""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An open position as the trader sees it."""

    contract_id: str
    signed_size: int
    open_pnl_usd: float


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What the trader sees on the screen."""

    balance_usd: float
    can_trade: bool
    holdings: tuple[Holding, ...]
    moves: dict[str, float]
    """For contracts at an extreme of the last moments: how far they moved from the average."""


class CloseOut(msgspec.Struct, frozen=True):
    """The trader closes a contract by hand and pulls the working orders."""

    contract_id: str


type Act = Ticket | CloseOut


def symbols_of(symbol: str) -> tuple[str, ...]:
    """Return the symbols a trader of this one may trade: it and its full-size contract."""
    return tuple(dict.fromkeys((symbol, _FULL_SIZE.get(symbol, symbol))))


def start(now_ns: int, start_after_s: float) -> Mood:
    """Return the mood of a trader who sits down now."""
    return Mood(next_ns=now_ns + int(start_after_s * _NS_PER_S))


def decide(
    character: Character,
    mood: Mood,
    sight: Sight,
    now_ns: int,
    rng: Random,
    *,
    account_id: int,
    contract_ids: dict[str, str],
    symbol: str,
    pace: float = 1.0,
) -> tuple[Mood, list[Act]]:
    """Return the trader's new mood and what the trader does at this moment, often nothing.

    `contract_ids` maps exchange symbols to contract ids.
    """
    if now_ns < mood.next_ns or not sight.can_trade:
        return mood, []
    temper = TEMPERS[character]
    if sight.holdings:
        return _manage(temper, mood, sight, now_ns, rng, account_id=account_id, pace=pace)
    if mood.in_trade and not temper.brackets:
        return _killed(temper, mood, now_ns, rng, pace), []
    losses = mood.losses
    if mood.last_balance_usd is not None and sight.balance_usd < mood.last_balance_usd:
        losses += 1
    elif mood.last_balance_usd is not None and sight.balance_usd > mood.last_balance_usd:
        # Winning back a little does not calm a tilted trader.
        losses = losses if temper.growth_after_loss > 1 else 0
    escalated = temper.escalates_after_losses is not None and losses >= (
        temper.escalates_after_losses
    )
    beaten = mood.kills >= _BEATEN_AFTER_KILLS
    traded = _FULL_SIZE.get(symbol, symbol) if escalated and not beaten else symbol
    contract_id = contract_ids[traded]
    move = sight.moves.get(contract_id, 0.0)
    if temper.chases and not move:
        return mood, []
    entry = _entry(temper, losses, account_id, contract_id, move, rng)
    if beaten:
        entry = msgspec.structs.replace(entry, size=1)
    hold_ns = _draw_ns(temper.hold_s, pace, rng)
    calmer = Mood(
        next_ns=now_ns + hold_ns,
        losses=losses,
        last_balance_usd=sight.balance_usd,
        in_trade=True,
        kills=mood.kills,
    )
    return calmer, [entry]


def _killed(temper: Temper, mood: Mood, now_ns: int, rng: Random, pace: float) -> Mood:
    """Return the mood after somebody else closed the trade: each time the pause doubles."""
    kills = mood.kills + 1
    pause_ns = _draw_ns(temper.rest_s, pace, rng) * 2 ** min(kills, _MOST_DOUBLINGS)
    return msgspec.structs.replace(mood, next_ns=now_ns + pause_ns, in_trade=False, kills=kills)


def _manage(
    temper: Temper,
    mood: Mood,
    sight: Sight,
    now_ns: int,
    rng: Random,
    *,
    account_id: int,
    pace: float,
) -> tuple[Mood, list[Act]]:
    """Close what is open, or add to it when that is the trader's vice."""
    holding = sight.holdings[0]
    size = abs(holding.signed_size)
    if temper.adds_to_losers and holding.open_pnl_usd < 0 and size < temper.max_size:
        later = msgspec.structs.replace(mood, next_ns=now_ns + _draw_ns(temper.hold_s, pace, rng))
        more = Ticket(
            account_id=account_id,
            contract_id=holding.contract_id,
            side=Side.BUY if holding.signed_size > 0 else Side.SELL,
            size=min(size, temper.max_size - size),
        )
        return later, [more]
    later = msgspec.structs.replace(
        mood, next_ns=now_ns + _draw_ns(temper.rest_s, pace, rng), in_trade=False, kills=0
    )
    return later, [CloseOut(h.contract_id) for h in sight.holdings]


def _entry(
    temper: Temper, losses: int, account_id: int, contract_id: str, move: float, rng: Random
) -> Ticket:
    grown = temper.first_size * temper.growth_after_loss**losses
    side = rng.choice((Side.BUY, Side.SELL))
    if temper.chases and move:
        side = Side.BUY if move > 0 else Side.SELL
    stop_ticks, target_ticks = rng.randint(30, 60), rng.randint(40, 90)
    return Ticket(
        account_id=account_id,
        contract_id=contract_id,
        side=side,
        size=min(int(grown), temper.max_size),
        stop_loss=Bracket(ticks=-side.sign * stop_ticks, type=OrderType.STOP)
        if temper.brackets
        else None,
        take_profit=Bracket(ticks=side.sign * target_ticks, type=OrderType.LIMIT)
        if temper.brackets
        else None,
    )


def _draw_ns(bounds_s: tuple[float, float], pace: float, rng: Random) -> int:
    return int(rng.uniform(*bounds_s) / pace * _NS_PER_S)
