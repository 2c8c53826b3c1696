"""What can go wrong at the broker, by name."""

USER_HUB_DOWN = "user_hub_down"
MARKET_HUB_DOWN = "market_hub_down"
REST_DOWN = "rest_down"
TOO_MANY_REQUESTS = "too_many_requests"
"""HTTP 429: turned away before it was looked at."""
ANSWERS_LOST = "answers_lost"
"""Commands are carried out, and no answer comes."""
NOT_DONE = "not_done"
"""Commands are not carried out, and no answer comes."""
EXECUTED_LATE = "executed_late"
"""Commands are carried out seconds later."""
REFUSED = "refused"
"""Commands are refused, for a reason."""
NO_EFFECT = "no_effect"
"""Commands are accepted, and nothing happens."""
FILLS_IN_PARTS = "fills_in_parts"
"""Closes fill in parts, with time between them."""
EVENTS_LOST = "events_lost"
EVENTS_LATE = "events_late"
EVENTS_REPEATED = "events_repeated"
EVENTS_REJECTED = "events_rejected"
"""Events come in a form that cannot be understood."""
SNAPSHOTS_FAIL = "snapshots_fail"
SNAPSHOTS_STALE = "snapshots_stale"
"""REST tells what was true a second ago."""
SNAPSHOTS_WITHOUT_FILLS = "snapshots_without_fills"
SUSPENDED_HIDDEN = "suspended_hidden"
"""Suspended brackets are missing from open orders."""
CANCELS_REFUSED = "cancels_refused"
"""Orders of an account cannot be cancelled."""
CANNOT_TRADE = "cannot_trade"
"""The broker takes an account's permission to open."""
BLOCKED = "blocked"
"""The platform refuses everything for an account, closes and cancels included."""
HALTED = "halted"
"""A contract is halted: nothing trades in it."""
SILENT = "silent"
"""A contract's quotes stop, with the hub up."""

KINDS = (
    USER_HUB_DOWN,
    MARKET_HUB_DOWN,
    REST_DOWN,
    TOO_MANY_REQUESTS,
    ANSWERS_LOST,
    NOT_DONE,
    EXECUTED_LATE,
    REFUSED,
    NO_EFFECT,
    FILLS_IN_PARTS,
    EVENTS_LOST,
    EVENTS_LATE,
    EVENTS_REPEATED,
    EVENTS_REJECTED,
    SNAPSHOTS_FAIL,
    SNAPSHOTS_STALE,
    SNAPSHOTS_WITHOUT_FILLS,
    SUSPENDED_HIDDEN,
    CANCELS_REFUSED,
    CANNOT_TRADE,
    BLOCKED,
    HALTED,
    SILENT,
)
OF_ALL = frozenset({USER_HUB_DOWN, MARKET_HUB_DOWN, REST_DOWN, SNAPSHOTS_STALE, HALTED, SILENT})
"""These cannot be wrong with one account alone."""
OF_ACCOUNTS = frozenset({CANCELS_REFUSED, CANNOT_TRADE, BLOCKED})
OF_CONTRACTS = frozenset({HALTED, SILENT})
