"""For every setting of every rule a looser and a tighter value, written down by hand.

They are what the directions declared beside the settings are compared with, and what the rules
themselves are run with: a direction that is declared the wrong way round contradicts both.
"""

from typing import Any, NamedTuple

import msgspec

from risk_actors.core.rules import RuleSettings, catalogue


class Pair(NamedTuple):
    """Two values of one setting."""

    kind: str
    key: str
    loose: Any
    tight: Any
    base: dict[str, Any] = {}  # noqa: RUF012 - nobody writes to it
    """What else the rule says, the same for both."""
    shows: bool = True
    """Whether the difference shows in what the rule says of the recorded days."""

    def settings(self, value: Any) -> RuleSettings:
        """Return the rule's settings with one of the values; None leaves it out."""
        keys = {**self.base, self.key: value}
        table = {"id": "watched", **{key: each for key, each in keys.items() if each is not None}}
        return msgspec.convert(table, catalogue()[self.kind].Settings)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.key}-{self.loose}-{self.tight}"


def _windows(*spans: tuple[str, str, str], **more: Any) -> list[dict[str, Any]]:
    return [{"days": [days], "start": start, "end": end, **more} for days, start, end in spans]


_DAY = _windows(("Mon-Fri", "08:30", "15:10"))
_STATIC = {"trail": "static", "start_balance_usd": 50000, "amount_usd": 700}
_REVENGE = {"loss_usd": 30, "window_s": 900, "max_entries": 1, "lock_s": 300}
_PROFIT_PLAN = {
    "basis": "profit",
    "start_balance_usd": 50000,
    "steps": [{"max_contracts": 1}, {"above_usd": 0, "max_contracts": 9}],
}
_MOVES = {
    "breakeven_after_ticks": 12,
    "offset_ticks": 2,
    "trail_after_ticks": 24,
    "trail_ticks": 16,
}

PAIRS = (
    Pair("max_contracts", "limit", 4, 2),
    Pair("max_contracts", "count", "net", "gross", {"limit": 3}),
    Pair("max_contracts", "micro_ratio", 10, 4, {"limit": 1}),
    Pair("max_contracts", "micro_ratio", 4, None, {"limit": 1}),
    Pair("max_contracts", "include_working", False, True, {"limit": 4}),
    Pair("max_contracts", "response", "reduce", "flatten", {"limit": 3}),
    Pair("max_contracts_per_instrument", "limits", {"MNQ": 4}, {"MNQ": 2}),
    Pair("max_contracts_per_instrument", "limits", {"MNQ": 4}, {"mnq": 4, "ES": 1}),
    Pair("max_contracts_per_instrument", "limits", {"MNQ": 4}, {}, {"default": 2}),
    Pair("max_contracts_per_instrument", "default", None, 2, {"limits": {"MNQ": 4}}),
    Pair("max_contracts_per_instrument", "default", 3, 2, {"limits": {"MNQ": 4}}),
    Pair("max_contracts_per_instrument", "response", "reduce", "flatten", {"default": 2}),
    Pair("daily_loss_limit", "limit_usd", 300, 100),
    Pair("weekly_loss_limit", "limit_usd", 300, 100),
    Pair("daily_profit_target", "target_usd", 300, 100),
    Pair("trailing_drawdown", "amount_usd", 700, 300, {**_STATIC, "trail": "closed_balance"}),
    Pair("trailing_drawdown", "amount_usd", 700, 300, _STATIC),
    Pair("trailing_drawdown", "keep_away_usd", 0, 400, _STATIC),
    Pair("trailing_drawdown", "start_balance_usd", 50000, 50400, _STATIC),
    Pair(
        "trailing_drawdown",
        "lock_at_usd",
        49500,
        49900,
        {"trail": "intraday", "start_balance_usd": 50000, "amount_usd": 500},
    ),
    Pair(
        "trailing_drawdown",
        "lock_at_usd",
        49500,
        None,
        {"trail": "closed_balance", "start_balance_usd": 50000, "amount_usd": 500},
    ),
    Pair("trailing_drawdown", "floor_usd", 49300, 49800, {"amount_usd": 700}),
    Pair("trading_hours", "windows", _DAY, _windows(("Mon-Thu", "08:30", "15:10"))),
    Pair("trading_hours", "windows", _DAY, _windows(("Mon-Fri", "09:30", "12:00"))),
    Pair(
        "trading_hours",
        "windows",
        _windows(("Sun-Thu", "17:00", "15:10")),
        _windows(("Mon-Thu", "18:00", "09:00"), ("Tue-Fri", "09:00", "10:00")),
    ),
    Pair("trading_hours", "windows", [*_DAY, *_windows(("Wed", "15:00", "16:00"))], _DAY),
    Pair("trading_hours", "holidays", False, True, {"windows": _DAY}),
    Pair("trading_hours", "flatten_before_close_s", 0, 3600, {"windows": _DAY}),
    Pair("max_trades", "per_day", 6, 3),
    Pair("max_trades", "per_day", None, 3, {"per_hour": 3}),
    Pair("max_trades", "per_hour", 4, 2, {"count": "entries"}),
    Pair("max_trades", "per_hour", None, 2, {"per_day": 9}),
    Pair("max_trades", "per_minute", 2, 1, {"count": "fills"}),
    Pair("trade_cooldown", "seconds", 60, 900),
    Pair("trade_cooldown", "seconds", None, 300, {"tiers": [{"loss_usd": 50, "seconds": 600}]}),
    Pair("trade_cooldown", "after", "loss", "any", {"seconds": 600}),
    Pair(
        "trade_cooldown",
        "tiers",
        [],
        [{"loss_usd": 20, "seconds": 1800}],
        {"seconds": 60, "after": "loss"},
    ),
    Pair(
        "trade_cooldown",
        "tiers",
        [{"loss_usd": 50, "seconds": 600}],
        [{"loss_usd": 20, "seconds": 600}],
    ),
    Pair(
        "trade_cooldown",
        "tiers",
        [{"loss_usd": 20, "seconds": 600}],
        [{"loss_usd": 20, "seconds": 1800}],
    ),
    Pair("position_hold_time", "max_s", 1200, 300),
    Pair("position_hold_time", "max_s", None, 300, {"warn_s": 120}),
    Pair("position_hold_time", "warn_s", 900, 120, {"max_s": 3600}),
    Pair("position_hold_time", "warn_s", None, 120, {"max_s": 3600}),
    Pair("rapid_fire", "max_entries", 3, 1, {"window_s": 300}),
    Pair("rapid_fire", "window_s", 30, 600, {"max_entries": 1}),
    Pair("rapid_fire", "lock_s", 60, 1800, {"max_entries": 1, "window_s": 300}),
    Pair("max_consecutive_losses", "limit", 3, 1),
    Pair("max_consecutive_losses", "min_loss_usd", 80, 0, {"limit": 1}),
    Pair("max_consecutive_losses", "lock_s", 60, 1800, {"limit": 1}),
    Pair("revenge_trading", "loss_usd", 100, 5, _REVENGE),
    Pair("revenge_trading", "window_s", 60, 1800, _REVENGE),
    Pair("revenge_trading", "size_factor", 2.0, 0.4, {**_REVENGE, "max_entries": 9}),
    Pair("revenge_trading", "size_factor", None, 0.4, {**_REVENGE, "max_entries": 9}),
    Pair("revenge_trading", "max_entries", 3, 1, _REVENGE),
    Pair("revenge_trading", "max_entries", None, 1, {**_REVENGE, "size_factor": 2.0}),
    Pair("revenge_trading", "lock_s", 60, 1800, _REVENGE),
    Pair("max_unrealized_loss", "limit_usd", 200, 50),
    Pair("max_unrealized_profit", "target_usd", 200, 50),
    Pair("stop_required", "grace_s", 300, 15),
    Pair("symbol_block", "blocked", ["ES"], ["es", "MES"]),
    Pair("symbol_block", "allowed", ["MNQ", "ES"], ["mnq"]),
    Pair("trade_management", "breakeven_after_ticks", 30, 6, {"offset_ticks": 1}),
    Pair("trade_management", "breakeven_after_ticks", None, 6, {**_MOVES, "offset_ticks": 0}),
    Pair("trade_management", "offset_ticks", 0, 4, {"breakeven_after_ticks": 6}),
    Pair("trade_management", "trail_after_ticks", 40, 8, {"trail_ticks": 6}),
    Pair("trade_management", "trail_ticks", 20, 4, {"trail_after_ticks": 8}),
    Pair("profit_giveback", "arm_at_usd", 300, 50, {"giveback_pct": 40}),
    Pair("profit_giveback", "giveback_pct", 90, 10, {"arm_at_usd": 80}),
    Pair("profit_giveback", "giveback_usd", 200, 20, {"arm_at_usd": 80}),
    Pair("news_blackout", "before_s", 60, 1800, {"after_s": 60}),
    Pair("news_blackout", "after_s", 60, 1800, {"before_s": 60}),
    Pair("news_blackout", "symbols", ["MNQ"], ["ES", "mnq"], {"before_s": 900, "after_s": 900}),
    Pair("news_blackout", "symbols", ["MNQ"], [], {"before_s": 900, "after_s": 900}),
    Pair("scaling_plan", "steps", [{"max_contracts": 5}], [{"max_contracts": 2}]),
    Pair(
        "scaling_plan",
        "steps",
        [{"max_contracts": 1}, {"above_usd": 49900, "max_contracts": 5}],
        [{"max_contracts": 1}, {"above_usd": 49900, "max_contracts": 3}],
    ),
    Pair(
        "scaling_plan",
        "steps",
        [{"max_contracts": 1}, {"above_usd": 49999.99, "max_contracts": 5}],
        [{"max_contracts": 1}, {"above_usd": 50000, "max_contracts": 5}],
    ),
    Pair("scaling_plan", "start_balance_usd", 49999, 50001, _PROFIT_PLAN),
    Pair("scaling_plan", "count", "net", "gross", {"steps": [{"max_contracts": 2}]}),
    Pair("scaling_plan", "micro_ratio", 10, 2, {"steps": [{"max_contracts": 1}]}),
    Pair("scaling_plan", "response", "reduce", "flatten", {"steps": [{"max_contracts": 2}]}),
    Pair("max_order_size", "limit", 3, 1),
    Pair("max_order_size", "limit", None, 1, {"limits": {"MNQ": 3}}),
    Pair("max_order_size", "limits", {"MNQ": 3}, {"mnq": 1}, {"limit": 4}),
    Pair("daily_loss_limit", "warn_at", [0.9], [0.9, 0.2], {"limit_usd": 300}),
    Pair("daily_loss_limit", "on_unknown", "alert", "lock", {"limit_usd": 300}, shows=False),
    Pair("daily_loss_limit", "lock", {"for_s": 60}, {"for_s": 90}, {"limit_usd": 300}, shows=False),
    Pair(
        "daily_loss_limit",
        "lock",
        {"for_s": 60, "existing": "keep"},
        {"for_s": 60},
        {"limit_usd": 300},
        shows=False,
    ),
    Pair(
        "daily_loss_limit",
        "lock",
        {"for_s": 60},
        {"for_s": 60, "existing": "flatten"},
        {"limit_usd": 300},
        shows=False,
    ),
    Pair(
        "daily_loss_limit",
        "lock",
        None,
        {"existing": "flatten"},
        {"limit_usd": 300},
        shows=False,
    ),
)

UNCLEAR = (
    Pair("daily_loss_limit", "accounts", ["50K*"], ["*"], {"limit_usd": 300}),
    Pair("daily_loss_limit", "mode", "shadow", "enforce", {"limit_usd": 300}),
    Pair("daily_loss_limit", "mode", "off", "enforce", {"limit_usd": 300}),
    Pair("daily_loss_limit", "basis", "realized", "equity", {"limit_usd": 300}),
    Pair("weekly_loss_limit", "basis", "realized", "equity", {"limit_usd": 300}),
    Pair("daily_profit_target", "basis", "realized", "equity", {"target_usd": 300}),
    Pair("daily_loss_limit", "lock", None, {"until": "weekly_reset"}, {"limit_usd": 300}),
    Pair("daily_loss_limit", "lock", {"for_s": 9}, {"until": "daily_reset"}, {"limit_usd": 300}),
    Pair("daily_loss_limit", "lock", None, {"existing": "keep"}, {"limit_usd": 300}),
    Pair("max_contracts", "micro_ratio", 10, 5, {"limit": 1, "count": "net"}),
    Pair("trailing_drawdown", "trail", "static", "intraday", _STATIC),
    Pair("trailing_drawdown", "floor_usd", None, 49000, _STATIC),
    Pair("trailing_drawdown", "start_balance_usd", None, 50000, {"amount_usd": 700}),
    Pair(
        "trading_hours",
        "windows",
        _DAY,
        [*_DAY, *_windows(("Mon", "09:00", "10:00"), symbols=["ES"])],
    ),
    Pair(
        "trading_hours",
        "windows",
        _DAY,
        _windows(("Mon-Fri", "08:30", "15:10"), zone="America/New_York"),
    ),
    Pair("max_trades", "count", "trades", "entries", {"per_day": 3}),
    Pair("rapid_fire", "lock_s", 60, None, {"max_entries": 1, "window_s": 300}),
    Pair("max_consecutive_losses", "lock_s", 60, None, {"limit": 1}),
    Pair("revenge_trading", "lock_s", 60, None, {**_REVENGE}),
    Pair("trade_cooldown", "tiers", [], [{"loss_usd": 9, "seconds": 900}], {"seconds": 60}),
)
"""Changes of which neither way is tighter in all that may come."""

MIXED = (
    Pair("max_contracts_per_instrument", "limits", {"ES": 2, "NQ": 2}, {"ES": 1, "NQ": 3}),
    Pair("max_order_size", "limits", {"ES": 2, "NQ": 2}, {"ES": 1, "NQ": 3}),
    Pair("symbol_block", "blocked", ["ES"], ["NQ", "CL"]),
    Pair("symbol_block", "allowed", ["ES"], ["NQ"]),
    Pair("news_blackout", "symbols", ["ES"], ["NQ", "CL"], {"before_s": 9, "after_s": 9}),
    Pair("daily_loss_limit", "warn_at", [0.5], [0.4, 0.9], {"limit_usd": 300}),
    Pair("trading_hours", "windows", _DAY, _windows(("Mon-Fri", "09:30", "16:00"))),
    Pair(
        "trade_cooldown",
        "tiers",
        [{"loss_usd": 50, "seconds": 600}],
        [{"loss_usd": 20, "seconds": 300}],
    ),
    Pair(
        "scaling_plan",
        "steps",
        [{"max_contracts": 2}, {"above_usd": 1500, "max_contracts": 3}],
        [{"max_contracts": 1}, {"above_usd": 1500, "max_contracts": 4}],
    ),
)
"""Changes that are partly looser, which is looser, in both ways."""
