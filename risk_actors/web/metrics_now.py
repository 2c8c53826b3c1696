"""Metrics of how it stands now: what the picture shows, as figures. What is unknown is absent."""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.web.metrics_happened import VERDICTS
from risk_actors.web.metrics_source import NAMESPACE

PHASES = ("starting", "armed", "degraded", "faulted", "stopping")
SCOPES = ("account", "contract")
STUCK_PHASES = ("started", "stuck", "braked", "resumed")


def now(picture: Picture, *, is_alive: bool, with_pnl: bool) -> Iterator[Metric]:
    """Yield what holds at this moment."""
    yield InfoMetricFamily(
        NAMESPACE + "build",
        "What runs; the value is always 1.",
        value={
            "version": picture.version,
            "mode": picture.mode,
            "python": platform.python_version(),
        },
    )
    yield StateSetMetricFamily(
        NAMESPACE + "phase",
        "1 for the phase it is in: armed is connected, reconciled and nothing failed.",
        value={phase: picture.phase == phase for phase in PHASES},
    )
    yield gauge(
        "armed", "Whether commands are sent: 1, or 0 while disarmed.", (), [((), picture.armed)]
    )
    yield gauge(
        "alive",
        "Whether everything that protection needs is at work in the process, as /livez says it.",
        (),
        [((), is_alive)],
    )
    yield from _connection(picture)
    yield from _accounts(picture)
    if with_pnl:
        yield from _pnl(picture.accounts)


def gauge(
    name: str,
    about: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], float | None]],
) -> GaugeMetricFamily:
    """Return a gauge with one sample for each combination of labels; None has no sample."""
    family = GaugeMetricFamily(NAMESPACE + name, about, labels=labels)
    for of, value in values:
        if value is not None:
            family.add_metric(of, value)
    return family


def _connection(picture: Picture) -> Iterator[Metric]:
    ways = picture.connection
    yield gauge(
        "connection_up",
        "Whether a way to the broker is up; second_line stands for both lines of the user hub, and"
        " is absent where there is to be one only.",
        ("way",),
        [
            (("user_hub",), ways.user_hub),
            (("market_hub",), ways.market_hub),
            (("rest",), ways.rest),
            (("second_line",), ways.second_line),
        ],
    )
    yield gauge(
        "blind",
        "Whether user hub and REST are both down: nothing can be seen, and nothing closed.",
        (),
        [((), ways.is_blind)],
    )
    yield gauge(
        "fallback",
        "Whether polling or bars stand in for a hub.",
        (),
        [((), ways.fallback is not None)],
    )


def _accounts(picture: Picture) -> Iterator[Metric]:
    verdicts = Counter((rule.id, rule.verdict) for rule in picture.rules)
    rules = dict.fromkeys(rule.id for rule in picture.rules)
    yield gauge(
        "rule_accounts",
        "On how many accounts a rule's verdict is this one now.",
        ("rule", "verdict"),
        [((rule, verdict), verdicts[rule, verdict]) for rule in rules for verdict in VERDICTS],
    )
    yield gauge(
        "locks",
        "Locks in force on an account, of the account as a whole or of single contracts.",
        ("account", "scope"),
        [
            ((str(account.id), scope), count)
            for account in picture.accounts
            for scope, count in zip(SCOPES, _locks(account), strict=True)
        ],
    )
    yield gauge(
        "open_positions",
        "Positions that are open on an account.",
        ("account",),
        [((str(account.id),), len(account.positions)) for account in picture.accounts],
    )
    phases = Counter(a.enforcement.phase for a in picture.accounts if a.enforcement is not None)
    yield gauge(
        "enforcements",
        "Accounts with an enforcement under way, by where it stands.",
        ("phase",),
        [((phase,), phases[phase]) for phase in STUCK_PHASES],
    )
    yield gauge(
        "accounts_unseen",
        "Accounts of which what is shown is of earlier, for the broker does not tell.",
        (),
        [((), sum(account.seen_at is not None for account in picture.accounts))],
    )


def _locks(account: AccountPicture) -> tuple[int, int]:
    whole = sum(lock.scope == "account" for lock in account.locks)
    return whole, len(account.locks) - whole


def _pnl(accounts: Iterable[AccountPicture]) -> Iterator[Metric]:
    ids = {(str(account.id),): account for account in accounts}
    yield gauge(
        "balance_dollars",
        "Balance of an account; absent while unknown.",
        ("account",),
        [(of, account.balance) for of, account in ids.items()],
    )
    yield gauge(
        "day_pnl_dollars",
        "P&L of an account's trading day: realized, unrealized, and equity as both together; "
        "absent while unknown.",
        ("account", "part"),
        [
            ((*of, part), getattr(account.day, part))
            for of, account in ids.items()
            for part in ("realized", "unrealized", "equity")
        ],
    )
    yield gauge(
        "week_realized_dollars",
        "Realised P&L of an account's trading week; absent while unknown.",
        ("account",),
        [(of, account.week.realized) for of, account in ids.items()],
    )
