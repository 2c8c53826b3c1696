"""The settings that `risk-actors init` writes, from a few answers: pure."""

import json
import textwrap
from decimal import Decimal
from typing import NamedTuple

_WIDTH = 79
"""Of the comments: they are shown on a terminal before they are written."""
ALERT_FILE = "alert.url"
"""Has the address of the alerts' channel, which is a credential, beside the settings."""


class Answers(NamedTuple):
    """What the trader wants; None is "no such rule"."""

    preset: str | None = None
    preset_title: str = ""
    accounts: tuple[str, ...] = ()
    """Names, patterns or ids; empty is every account."""
    daily_loss_usd: Decimal | None = None
    weekly_loss_usd: Decimal | None = None
    daily_target_usd: Decimal | None = None
    max_contracts: int | None = None
    alert_url: str | None = None

    @property
    def has_rule(self) -> bool:
        """Whether anything at all would be guarded."""
        wanted = (
            self.preset,
            self.daily_loss_usd,
            self.weekly_loss_usd,
            self.daily_target_usd,
            self.max_contracts,
        )
        return any(each is not None for each in wanted)


_RISK_HEAD = """\
# The rules that guard your accounts. After a change run
#     risk-actors check
# which says each rule in one sentence, or lists everything that is wrong, with
# its line. More on any rule, with every key it has:
#     risk-actors rules --explain TYPE
"""

_SESSION = """

[session]
# {zone_note}
timezone = "America/Chicago"
# When a trading day ends and the next begins, as a cron expression (minute
# hour day month weekday): 17:00 in Chicago is when CME futures change their
# trading day; daylight saving is followed.
daily_reset = "0 17 * * *"
weekly_reset = "0 17 * * SUN"
# Whether a lock may be ended before its time: "never", "delayed" or "admin".
#unlock = "never"
"""

_RULES_HEAD = """

# One [[rules]] table for each rule of your own. `mode = "shadow"` in one of
# them decides and records, and sends nothing: a way to watch a rule for a day
# before you trust it.
"""

_DAILY_LOSS = """

# When the day's P&L reaches minus the limit: cancel, flatten, and lock until
# the daily reset.
[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
# Dollars of loss, as a positive number. Reaching it exactly counts.
limit_usd = {amount}
# "equity" counts open positions at what closing them now would give;
# "realized" closed trades only.
basis = "equity"
warn_at = [0.5, 0.8]
"""

_WEEKLY_LOSS = """

# The same for the week: locks until the weekly reset.
[[rules]]
id = "weekly-loss"
type = "weekly_loss_limit"
limit_usd = {amount}
basis = "equity"
warn_at = [0.8]
"""

_DAILY_TARGET = """

# When the day's P&L reaches the target: flatten, and lock until the daily
# reset, so that a good day stays one.
[[rules]]
id = "daily-target"
type = "daily_profit_target"
target_usd = {amount}
basis = "equity"
"""

_MAX_CONTRACTS = """

# No more contracts than this at once, over all instruments; ten micros count
# as one. Beside a rule of the preset's, the tighter one counts.
[[rules]]
id = "own-max-contracts"
type = "max_contracts"
limit = {amount}
micro_ratio = 10
"""

_APP_HEAD = """\
# How the program runs; what is not here has its default. Credentials do not
# belong here but in a file `.env` in the directory that holds this one:
#     PROJECT_X_USERNAME=...
#     PROJECT_X_API_KEY=...

# Whether closes and cancels are sent. Without this line paper trading is armed
# and live trading is not: rules then decide and record, so that you can watch
# for a day before you trust them.
#armed = true


[gateway]
# Which accounts to guard: names, patterns with * and ?, or ids. Empty means
# all you can see.
"""

_ALERTS = """

# Alerts: more channels, and what else can be set, are in docs/alerts.md.
[[alerts.channels]]
name = "first"
# The address is a credential, so it does not stand here: "file:PATH" is a file
# beside this one that only you can read, "env:NAME" a variable of the
# environment or of `.env`.
url = {source}
# "info", "warning" or "critical".
min_severity = "warning"
"""


def risk_toml(answers: Answers) -> str:
    """Return risk.toml."""
    parts = [_RISK_HEAD]
    if answers.preset is not None:
        parts.append(
            "\n"
            + _comment(
                f"{answers.preset_title}: its rules apply under those of this file; a rule here"
                " with the same id takes the place of the preset's."
            )
            + f"preset = {_text(answers.preset)}\n"
        )
    else:
        parts.append(_SESSION.format(zone_note="The zone of the resets, and of all times shown."))
    rules = (
        (_DAILY_LOSS, answers.daily_loss_usd),
        (_WEEKLY_LOSS, answers.weekly_loss_usd),
        (_DAILY_TARGET, answers.daily_target_usd),
        (_MAX_CONTRACTS, answers.max_contracts),
    )
    if any(amount is not None for _, amount in rules):
        parts.append(_RULES_HEAD)
    parts += [text.format(amount=_number(each)) for text, each in rules if each is not None]
    return "".join(parts)


def app_toml(answers: Answers) -> str:
    """Return app.toml."""
    accounts = ", ".join(map(_text, answers.accounts))
    line = f"accounts = [{accounts}]\n" if accounts else "#accounts = []\n"
    alerts = ""
    if answers.alert_url is not None:
        url = answers.alert_url if names_source(answers.alert_url) else f"file:{ALERT_FILE}"
        alerts = _ALERTS.format(source=_text(url))
    return f"{_APP_HEAD}{line}{alerts}"


def names_source(url: str) -> bool:
    """Tell whether a text only says where the address of a channel is to be found."""
    return url.startswith(("env:", "file:"))


def _comment(text: str) -> str:
    """Return a comment that is as wide as the others of these files."""
    lines = textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Return a basic string of TOML, which is one of JSON without its escapes for surrogates."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _number(amount: Decimal | int) -> str:
    return f"{amount:f}" if isinstance(amount, Decimal) else str(amount)
