"""The settings of program (c), ours: all 23 rules are enforced, and only one can be broken."""

from pathlib import Path

from risk_actors.core.rules import catalogue

_RULES = """
[session]
timezone = "America/Chicago"

[[rules]]
id = "max-contracts"
type = "max_contracts"
limit = 1000

[[rules]]
id = "size"
type = "max_contracts_per_instrument"
default = {limit}
response = "flatten"

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 5000000

[[rules]]
id = "drawdown"
type = "trailing_drawdown"
trail = "intraday"
amount_usd = 5000000

[[rules]]
id = "target"
type = "daily_profit_target"
target_usd = 5000000

[[rules]]
id = "hours"
type = "trading_hours"
holidays = false
windows = [{{ days = ["Mon-Sun"], start = "00:00", end = "00:00" }}]

[[rules]]
id = "trades"
type = "max_trades"
per_day = 1000000
per_hour = 1000000
per_minute = 1000000

[[rules]]
id = "cooldown"
type = "trade_cooldown"
after = "loss"
tiers = [{{ loss_usd = 1000000, seconds = 60 }}]

[[rules]]
id = "held"
type = "position_hold_time"
max_s = 80000

[[rules]]
id = "pace"
type = "rapid_fire"
max_entries = 1000000
window_s = 60
lock_s = 60

[[rules]]
id = "losing-streak"
type = "max_consecutive_losses"
limit = 1000000
lock_s = 60

[[rules]]
id = "revenge"
type = "revenge_trading"
loss_usd = 1000000
window_s = 600
max_entries = 1000000
lock_s = 60

[[rules]]
id = "weekly-loss"
type = "weekly_loss_limit"
limit_usd = 5000000

[[rules]]
id = "one-loss"
type = "max_unrealized_loss"
limit_usd = 1000000

[[rules]]
id = "one-profit"
type = "max_unrealized_profit"
target_usd = 1000000

[[rules]]
id = "stop"
type = "stop_required"
grace_s = 80000

[[rules]]
id = "guard"
type = "account_guard"

[[rules]]
id = "blocked"
type = "symbol_block"
blocked = ["MBT", "MET"]

[[rules]]
id = "trailing-stops"
type = "trade_management"
breakeven_after_ticks = 100000

[[rules]]
id = "giveback"
type = "profit_giveback"
arm_at_usd = 1000000
giveback_pct = 40

[[rules]]
id = "news"
type = "news_blackout"
before_s = 120
after_s = 300

[[rules]]
id = "scaling"
type = "scaling_plan"
steps = [{{ max_contracts = 1000 }}]

[[rules]]
id = "order-size"
type = "max_order_size"
limit = 1000
"""

_APP = """
armed = true

[gateway]
requests_per_minute = 10000
"""

_NEWS = """
[[news]]
at = 2020-01-02T13:00:00Z
name = "long over"
"""


def write_settings(directory: Path, limit: int) -> None:
    """Write a settings directory in which one instrument's size alone breaks a rule.

    Raises:
        AssertionError: a rule is missing here.
    """
    missing = [name for name in catalogue() if f'type = "{name}"' not in _RULES]
    if missing:
        raise AssertionError(f"not every rule is on: {', '.join(missing)}")
    directory.mkdir(parents=True)
    (directory / "risk.toml").write_text(_RULES.format(limit=limit), encoding="utf-8")
    (directory / "app.toml").write_text(_APP, encoding="utf-8")
    (directory / "news.toml").write_text(_NEWS, encoding="utf-8")
