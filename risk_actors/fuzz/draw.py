"""Draws a day from a seed: accounts, rules, what the trader does, what the market does, faults.

A day is a handful of episodes with quiet between them, for that is how trading goes, and because
it is around deeds and edges that guards break. Some episodes lie on edges: the market's close, the
daily reset, a release.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from risk_actors.core.commands import Refusal
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.fuzz import day as d
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.draw_rules import draw_rules

_CHICAGO = ZoneInfo("America/Chicago")
_DATES = (
    # Ordinary days, the weekly reset on a Sunday, and Sundays on which clocks were changed.
    (2026, 11, 16),
    (2026, 11, 17),
    (2026, 11, 18),
    (2026, 11, 15),
    (2026, 11, 1),
    (2027, 3, 14),
)
_SYMBOLS = ("MNQ", "ES", "MES", "MCL", "ZN", "6E")
BEFORE_OPEN_S = 120.0
"""The day begins so long before the market opens, at 17:00 in Chicago."""
_CLOSE_S = BEFORE_OPEN_S + 23 * 3600.0
_RESET_S = BEFORE_OPEN_S + 24 * 3600.0
LENGTHS_S = (_RESET_S + 300.0, _CLOSE_S - 1_500.0)
"""It ends a little after the next reset, or while the market is open and the day's sums stand."""
_QUIET_AT_THE_END_S = 120.0


class _Cast(NamedTuple):
    rng: Random
    length_s: float
    accounts: tuple[d.AccountPlan, ...]
    symbols: tuple[str, ...]

    def account(self) -> int:
        return self.rng.choice(self.accounts).id

    def symbol(self) -> str:
        return self.rng.choice(self.symbols)


def draw_day(seed: int) -> d.Day:
    """Return the day of a seed."""
    rng = Random(f"day {seed}")
    accounts = tuple(
        d.AccountPlan(id=101 + i, name=f"PA-{101 + i}", balance_usd=50_000.0)
        for i in range(rng.choice((1, 1, 2, 3)))
    )
    symbols = tuple(rng.sample(_SYMBOLS, rng.choice((1, 2, 2, 3))))
    cast = _Cast(rng, rng.choice(LENGTHS_S), accounts, symbols)
    episodes = _episodes(rng, cast.length_s)
    deeds = sorted(_deeds(cast, episodes), key=lambda deed: deed.at_s)
    return d.Day(
        seed=seed,
        start_ns=_start_ns(rng),
        length_s=cast.length_s,
        symbols=symbols,
        accounts=accounts,
        rules=draw_rules(rng, symbols, [account.name for account in accounts], 50_000.0),
        unlock=rng.choice((UnlockPolicy.NEVER, UnlockPolicy.DELAYED)),
        unlock_delay_s=rng.choice((5, 600)),
        news=tuple(d.News(at_s=at_s + 20.0) for at_s in episodes if rng.random() < 0.15),
        pc_ahead_s=rng.choice((None, None, None, -40.0, 3.0, 300.0)),
        partial_fills=rng.random() < 0.7,
        deeds=tuple(deeds),
        faults=tuple(sorted(_faults(cast, episodes), key=lambda fault: fault.begin_s)),
    )


def _start_ns(rng: Random) -> int:
    opens = datetime(*rng.choice(_DATES), 17, tzinfo=_CHICAGO)
    return int((opens.timestamp() - BEFORE_OPEN_S) * NS_PER_S)


def _episodes(rng: Random, length_s: float) -> list[float]:
    """Return when something begins to happen."""
    last_s = length_s - 2 * _QUIET_AT_THE_END_S
    found = [rng.uniform(130.0, min(last_s, _CLOSE_S - 300.0)) for _ in range(rng.randint(2, 5))]
    if rng.random() < 0.25:
        found.append(_CLOSE_S - rng.uniform(5.0, 60.0))
    if rng.random() < 0.25:
        found.append(_RESET_S + rng.uniform(-30.0, 20.0))
    if rng.random() < 0.15:
        found.append(BEFORE_OPEN_S - rng.uniform(0.0, 20.0))
    return sorted(round(at_s, 1) for at_s in found if at_s < last_s)


# --- deeds ----------------------------------------------------------------------------------


def _deeds(cast: _Cast, episodes: list[float]) -> Iterator[d.Deed]:
    rng = cast.rng
    for begin_s in episodes:
        at_s, count = begin_s, rng.randint(2, 9)
        # Traders stay with an account and a contract for a while.
        account, symbol = cast.account(), cast.symbol()
        for _ in range(count):
            if rng.random() < 0.25:
                account, symbol = cast.account(), cast.symbol()
            yield rng.choices(_MAKERS, _WEIGHTS)[0](rng, round(at_s, 3), account, symbol)
            pause_s = rng.choice((0.0, 0.05, 0.3, 1.0, 3.0, 8.0))
            at_s = min(at_s + pause_s, cast.length_s - _QUIET_AT_THE_END_S)
    if rng.random() < 0.12:
        yield d.ClockSet(at_s=rng.choice(episodes) + 2.0, by_s=rng.choice((-7200, -90, 60, 86400)))


def _enter(rng: Random, at_s: float, account: int, symbol: str) -> d.Deed:
    kind = rng.choice(("market", "market", "market", "limit", "stop"))
    has_exits = rng.random() < 0.4
    return d.Enter(
        at_s=at_s,
        account=account,
        symbol=symbol,
        size=rng.choice((1, 1, 2, 3, 5, 8)) * rng.choice((1, -1)),
        kind=kind,
        away_ticks=0 if kind == "market" else rng.choice((1, 3, 8, 40)),
        stop_ticks=rng.randint(4, 30) if has_exits else None,
        target_ticks=rng.randint(4, 40) if has_exits else None,
    )


def _exit(rng: Random, at_s: float, account: int, symbol: str) -> d.Deed:
    size = rng.choice((None, None, 1))
    return d.Exit(at_s=at_s, account=account, symbol=symbol, size=size)


def _reverse(_rng: Random, at_s: float, account: int, symbol: str) -> d.Deed:
    return d.Reverse(at_s=at_s, account=account, symbol=symbol)


def _protect(rng: Random, at_s: float, account: int, symbol: str) -> d.Deed:
    return d.Protect(at_s=at_s, account=account, symbol=symbol, ticks=rng.randint(2, 30))


def _shift(rng: Random, at_s: float, account: int, _symbol: str) -> d.Deed:
    return d.Shift(at_s=at_s, account=account, ticks=rng.choice((-6, -2, 2, 6)))


def _cancel_all(_rng: Random, at_s: float, account: int, _symbol: str) -> d.Deed:
    return d.CancelAll(at_s=at_s, account=account)


def _panic(_rng: Random, at_s: float, account: int, _symbol: str) -> d.Deed:
    return d.Panic(at_s=at_s, account=account)


def _unlock(_rng: Random, at_s: float, account: int, _symbol: str) -> d.Deed:
    return d.Unlock(at_s=at_s, account=account)


def _withdraw(_rng: Random, at_s: float, account: int, _symbol: str) -> d.Deed:
    return d.Withdraw(at_s=at_s, account=account)


def _move(rng: Random, at_s: float, _account: int, symbol: str) -> d.Deed:
    ticks = rng.choice((3, 8, 20, 60, 150)) * rng.choice((1, -1))
    return d.Move(at_s=at_s, symbol=symbol, ticks=ticks, over_s=rng.choice((0.0, 1.0, 4.0)))


def _bad_tick(rng: Random, at_s: float, _account: int, symbol: str) -> d.Deed:
    kind = rng.choice(("zero", "off_grid", "crossed", "spike", "spike"))
    return d.BadTick(
        at_s=at_s, symbol=symbol, kind=kind, ticks=rng.choice((-1, 1)) * rng.randint(200, 4000)
    )


def _kill(rng: Random, at_s: float, _account: int, _symbol: str) -> d.Deed:
    return d.Kill(
        at_s=at_s, after_messages=rng.randint(0, 60), down_s=rng.choice((0.5, 4.0, 60.0, 600.0))
    )


def _fail(rng: Random, at_s: float, _account: int, _symbol: str) -> d.Deed:
    return d.Fail(at_s=at_s, which=round(rng.random(), 3))


_CHANCES: tuple[tuple[Callable[[Random, float, int, str], d.Deed], float], ...] = (
    (_enter, 10.0),
    (_exit, 3.0),
    (_reverse, 0.8),
    (_protect, 1.5),
    (_shift, 0.8),
    (_cancel_all, 0.4),
    (_panic, 0.25),
    (_unlock, 0.5),
    (_withdraw, 0.15),
    (_move, 6.0),
    (_bad_tick, 1.0),
    (_kill, 0.45),
    (_fail, 0.4),
)
_MAKERS = tuple(make for make, _ in _CHANCES)
_WEIGHTS = tuple(weight for _, weight in _CHANCES)


# --- faults ---------------------------------------------------------------------------------

_OURS = (Refusal.DISARMED, Refusal.UNREACHABLE)
"""Reasons that no broker gives."""


def _whose(cast: _Cast, kind: str) -> int | None:
    if kind in k.OF_ALL:
        return None
    return cast.account() if kind in k.OF_ACCOUNTS or cast.rng.random() < 0.2 else None


_REASONS = tuple(r.value for r in Refusal if r not in _OURS)


def _faults(cast: _Cast, episodes: list[float]) -> Iterator[d.Fault]:
    rng = cast.rng
    if rng.random() < 0.2:
        return
    for episode_s in episodes:
        for _ in range(rng.choice((0, 1, 1, 2))):
            begin_s = round(max(episode_s + rng.uniform(-5.0, 6.0), 0.0), 3)
            lasts_s = rng.choice((0.5, 2.0, 6.0, 20.0, 90.0))
            kind = rng.choice(k.KINDS)
            yield d.Fault(
                kind=kind,
                begin_s=begin_s,
                end_s=round(min(begin_s + lasts_s, cast.length_s - _QUIET_AT_THE_END_S), 3),
                chance=rng.choice((0.2, 0.5, 1.0)),
                account=_whose(cast, kind),
                symbol=cast.symbol() if kind in k.OF_CONTRACTS else None,
                reason=rng.choice(_REASONS) if kind == k.REFUSED else None,
            )
