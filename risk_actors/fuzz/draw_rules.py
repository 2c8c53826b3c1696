"""Random settings for every type of rule, within what a trader might write."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from risk_actors.core.rules import catalogue

type _Settings = dict[str, Any]

_LOCKS: tuple[_Settings, ...] = (
    {"until": "daily_reset"},
    {"for_s": 60},
    {"for_s": 900},
    {"for_s": 7200},
    {"existing": "keep"},
    {"until": "daily_reset", "existing": "keep"},
    {"until": "weekly_reset"},
    {"for_s": 300, "existing": "flatten"},
)
_NO_LOCK_OF_ITS_OWN = frozenset({"account_guard"})


def draw_rules(
    rng: Random, symbols: Sequence[str], names: Sequence[str], balance_usd: float
) -> tuple[_Settings, ...]:
    """Return the rules of a day: some of all types, each at most twice."""
    types = sorted(catalogue())
    chosen = rng.sample(types, rng.randint(1, 6))
    if rng.random() < 0.15:
        chosen.append(rng.choice(chosen))
    rules = []
    for number, type_ in enumerate(chosen):
        settings = _PARAMETERS[type_](rng, symbols, balance_usd)
        rules.append({"id": f"{type_}-{number}", "type": type_, **settings})
        rules[-1].update(_shared(rng, type_, names))
    return tuple(rules)


def _shared(rng: Random, type_: str, names: Sequence[str]) -> _Settings:
    shared: _Settings = {}
    if rng.random() < 0.12:
        shared["mode"] = "shadow"
    if len(names) > 1 and rng.random() < 0.2:
        shared["accounts"] = [rng.choice(names)]
    if rng.random() < 0.3:
        shared["warn_at"] = sorted(rng.sample([0.5, 0.7, 0.8, 0.9], rng.randint(1, 2)))
    if rng.random() < 0.12:
        shared["on_unknown"] = "lock"
    if rng.random() < 0.2 and type_ not in _NO_LOCK_OF_ITS_OWN:
        shared["lock"] = rng.choice(_LOCKS)
    return shared


def _max_contracts(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    settings: _Settings = {
        "limit": rng.randint(1, 6),
        "count": rng.choice(["net", "gross"]),
        "include_working": rng.random() < 0.3,
        "response": rng.choice(["reduce", "reduce", "flatten"]),
    }
    if rng.random() < 0.3:
        settings["micro_ratio"] = 10
    return settings


def _per_instrument(rng: Random, symbols: Sequence[str], _balance: float) -> _Settings:
    return {
        "limits": {rng.choice(symbols): rng.randint(0, 4)},
        "default": rng.choice([1, 2, 5]),
        "response": rng.choice(["reduce", "flatten"]),
    }


def _drawdown(rng: Random, _symbols: Sequence[str], balance: float) -> _Settings:
    return {
        "amount_usd": rng.choice([200, 500, 2000]),
        "trail": rng.choice(["static", "end_of_day", "closed_balance", "intraday"]),
        "start_balance_usd": balance,
        "keep_away_usd": rng.choice([0, 0, 50]),
    }


def _hours(rng: Random, symbols: Sequence[str], _balance: float) -> _Settings:
    start = rng.randint(0, 12)
    window: _Settings = {
        "days": ["Mon-Fri"],
        "start": f"{start:02}:{rng.choice([0, 30]):02}",
        "end": f"{start + rng.randint(1, 4):02}:10",
    }
    if rng.random() < 0.3:
        window["symbols"] = [rng.choice(symbols)]
    return {"windows": [window], "flatten_before_close_s": rng.choice([0, 60, 600])}


def _max_trades(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    settings: _Settings = {"count": rng.choice(["trades", "entries", "fills"])}
    for name, most in (("per_day", 8), ("per_hour", 4), ("per_minute", 3)):
        if rng.random() < 0.5:
            settings[name] = rng.randint(1, most)
    return settings if len(settings) > 1 else {**settings, "per_day": 3}


def _cooldown(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    if rng.random() < 0.25:
        return {
            "tiers": [{"loss_usd": 20, "seconds": 30}, {"loss_usd": 100, "seconds": 600}],
            "after": "loss",
        }
    return {"seconds": rng.choice([5, 60, 600]), "after": rng.choice(["any", "loss"])}


def _hold_time(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    most = rng.choice([10, 60, 900, 7200])
    return {"max_s": most, "warn_s": most // 2, "min_s": rng.choice([2, 5])}


def _revenge(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    return {
        "loss_usd": rng.choice([5, 50]),
        "window_s": rng.choice([60, 600]),
        "size_factor": rng.choice([1.0, 1.5]),
        "max_entries": rng.randint(1, 3),
        "lock_s": rng.choice([60, 1800]),
    }


def _management(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    settings: _Settings = {"breakeven_after_ticks": rng.randint(4, 20), "offset_ticks": 2}
    if rng.random() < 0.6:
        settings |= {"trail_after_ticks": rng.randint(6, 30), "trail_ticks": rng.randint(4, 20)}
    return settings


def _giveback(rng: Random, _symbols: Sequence[str], _balance: float) -> _Settings:
    settings: _Settings = {"arm_at_usd": rng.choice([20, 100])}
    if rng.random() < 0.5:
        return settings | {"giveback_pct": rng.choice([30, 60])}
    return settings | {"giveback_usd": rng.choice([15, 80])}


def _scaling(rng: Random, _symbols: Sequence[str], balance: float) -> _Settings:
    return {
        "steps": [
            {"max_contracts": rng.randint(1, 3)},
            {"above_usd": balance + 300, "max_contracts": 5},
        ],
        "micro_ratio": rng.choice([1, 10]),
        "count": rng.choice(["net", "gross"]),
        "response": rng.choice(["reduce", "flatten"]),
    }


def _order_size(rng: Random, symbols: Sequence[str], _balance: float) -> _Settings:
    return {"limit": rng.randint(1, 4), "limits": {rng.choice(symbols): rng.randint(1, 3)}}


def _symbol_block(rng: Random, symbols: Sequence[str], _balance: float) -> _Settings:
    key = "blocked" if rng.random() < 0.7 else "allowed"
    return {key: [rng.choice(symbols)]}


def _usd(key: str, *choices: float) -> Callable[[Random, Sequence[str], float], _Settings]:
    return lambda rng, _symbols, _balance: {key: rng.choice(choices)}


def _with_basis(key: str, *choices: float) -> Callable[[Random, Sequence[str], float], _Settings]:
    return lambda rng, _symbols, _balance: {
        key: rng.choice(choices),
        "basis": rng.choice(["realized", "equity"]),
    }


_PARAMETERS: Mapping[str, Callable[[Random, Sequence[str], float], _Settings]] = {
    "max_contracts": _max_contracts,
    "max_contracts_per_instrument": _per_instrument,
    "daily_loss_limit": _with_basis("limit_usd", 30, 100, 300, 1000),
    "trailing_drawdown": _drawdown,
    "daily_profit_target": _with_basis("target_usd", 40, 150, 600),
    "trading_hours": _hours,
    "max_trades": _max_trades,
    "trade_cooldown": _cooldown,
    "position_hold_time": _hold_time,
    "rapid_fire": lambda rng, _s, _b: {
        "max_entries": rng.randint(1, 4),
        "window_s": rng.choice([2, 30, 300]),
        "lock_s": rng.choice([30, 900]),
    },
    "max_consecutive_losses": lambda rng, _s, _b: {
        "limit": rng.randint(1, 3),
        "min_loss_usd": rng.choice([0, 10]),
        "lock_s": rng.choice([60, 3600]),
    },
    "revenge_trading": _revenge,
    "weekly_loss_limit": _with_basis("limit_usd", 60, 400),
    "max_unrealized_loss": _usd("limit_usd", 10, 40, 150),
    "max_unrealized_profit": _usd("target_usd", 15, 60, 200),
    "stop_required": _usd("grace_s", 1, 5, 30),
    "account_guard": lambda _rng, _s, _b: {},
    "symbol_block": _symbol_block,
    "trade_management": _management,
    "profit_giveback": _giveback,
    "news_blackout": lambda rng, _s, _b: {
        "before_s": rng.choice([0, 60, 300]),
        "after_s": rng.choice([60, 600]),
    },
    "scaling_plan": _scaling,
    "max_order_size": _order_size,
}
"""For each type what draws its parameters, given the day's symbols and the starting balance."""
