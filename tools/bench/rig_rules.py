"""All rules of the catalogue, set so that a benchmark breaks exactly one of them, at will.

Three contracts of MNQ are one too many: the position is flattened and nothing is locked, so that it
can be done again. The limits of all other rules lie where no benchmark comes.
"""

BREAKING_SIZE = 3
"""So many contracts of MNQ break a rule."""

RULES = """
[session]
timezone = "America/Chicago"

[[rules]]
id = "per-instrument"
type = "max_contracts_per_instrument"
default = 2
response = "flatten"

[[rules]]
id = "guard"
type = "account_guard"

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 1000000
basis = "equity"
warn_at = [0.5, 0.8]

[[rules]]
id = "target"
type = "daily_profit_target"
target_usd = 1000000
basis = "equity"
warn_at = [0.9]

[[rules]]
id = "losing"
type = "max_consecutive_losses"
limit = 1000
lock_s = 3600

[[rules]]
id = "contracts"
type = "max_contracts"
limit = 100
micro_ratio = 10
include_working = true

[[rules]]
id = "order-size"
type = "max_order_size"
limit = 100

[[rules]]
id = "trades"
type = "max_trades"
per_day = 1000000
per_hour = 1000000

[[rules]]
id = "open-loss"
type = "max_unrealized_loss"
limit_usd = 1000000

[[rules]]
id = "open-profit"
type = "max_unrealized_profit"
target_usd = 1000000

[[rules]]
id = "news"
type = "news_blackout"
before_s = 120
after_s = 300

[[rules]]
id = "held"
type = "position_hold_time"
max_s = 36000

[[rules]]
id = "giveback"
type = "profit_giveback"
arm_at_usd = 1000000
giveback_pct = 40

[[rules]]
id = "pace"
type = "rapid_fire"
max_entries = 100000
window_s = 10
lock_s = 900

[[rules]]
id = "revenge"
type = "revenge_trading"
loss_usd = 1000000
window_s = 600
size_factor = 1.0
lock_s = 1800

[[rules]]
id = "scaling"
type = "scaling_plan"
steps = [{ max_contracts = 100 }]

[[rules]]
id = "stop"
type = "stop_required"
grace_s = 36000

[[rules]]
id = "symbols"
type = "symbol_block"
blocked = ["MBT", "MET"]

[[rules]]
id = "cooldown"
type = "trade_cooldown"
seconds = 300
after = "loss"

[[rules]]
id = "management"
type = "trade_management"
breakeven_after_ticks = 100000

[[rules]]
id = "hours"
type = "trading_hours"
windows = [{ days = ["Mon-Fri"], start = "08:30", end = "15:10" }]
flatten_before_close_s = 60

[[rules]]
id = "drawdown"
type = "trailing_drawdown"
amount_usd = 1000000
trail = "intraday"
start_balance_usd = 50000

[[rules]]
id = "weekly-loss"
type = "weekly_loss_limit"
limit_usd = 1000000
warn_at = [0.8]
"""
"""As `risk.toml` would have them; a test of the bench sees that none is missing."""
