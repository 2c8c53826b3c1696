"""One working example of every rule, for `rules --explain` and for the tests of settings.

Each is what would stand in risk.toml, less the lines every rule has: `[[rules]]`, `id`, `type`.
"""

_EXAMPLES = {
    "max_contracts": """
        limit = 5
        micro_ratio = 10
        include_working = true
    """,
    "max_contracts_per_instrument": """
        limits = { ES = 5, NQ = 5, MES = 50, MNQ = 50 }
        default = 2
    """,
    "daily_loss_limit": """
        limit_usd = 500
        warn_at = [0.5, 0.8]
    """,
    "trailing_drawdown": """
        amount_usd = 2000
        trail = "end_of_day"
        start_balance_usd = 50000
        lock_at_usd = 50000
        keep_away_usd = 100
    """,
    "daily_profit_target": """
        target_usd = 1400
        warn_at = [0.9]
    """,
    "trading_hours": """
        windows = [{ days = ["Mon-Fri"], start = "08:30", end = "15:10" }]
        flatten_before_close_s = 60
    """,
    "max_trades": """
        per_day = 10
        per_hour = 4
    """,
    "trade_cooldown": """
        seconds = 300
        after = "loss"
    """,
    "position_hold_time": """
        max_s = 3600
        warn_s = 3000
    """,
    "rapid_fire": """
        max_entries = 3
        window_s = 60
        lock_s = 900
    """,
    "max_consecutive_losses": """
        limit = 3
        lock_s = 3600
    """,
    "revenge_trading": """
        loss_usd = 200
        window_s = 600
        size_factor = 1.0
        max_entries = 2
        lock_s = 1800
    """,
    "weekly_loss_limit": """
        limit_usd = 1000
        warn_at = [0.8]
    """,
    "max_unrealized_loss": """
        limit_usd = 250
    """,
    "max_unrealized_profit": """
        target_usd = 600
    """,
    "stop_required": """
        grace_s = 15
    """,
    "account_guard": """
        mode = "enforce"
    """,
    "symbol_block": """
        blocked = ["MBT", "MET"]
    """,
    "trade_management": """
        breakeven_after_ticks = 20
        offset_ticks = 2
        trail_after_ticks = 40
        trail_ticks = 20
    """,
    "profit_giveback": """
        arm_at_usd = 500
        giveback_pct = 40
    """,
    "news_blackout": """
        before_s = 120
        after_s = 300
    """,
    "scaling_plan": """
        steps = [{ max_contracts = 2 }, { above_usd = 1500, max_contracts = 3 }]
    """,
    "max_order_size": """
        limit = 5
    """,
}


def example_of(rule_type: str) -> str:
    """Return a table of risk.toml with this rule."""
    keys = [line.strip() for line in _EXAMPLES[rule_type].strip().splitlines()]
    name = rule_type.replace("_", "-")
    return "\n".join(["[[rules]]", f'id = "{name}"', f'type = "{rule_type}"', *keys, ""])
