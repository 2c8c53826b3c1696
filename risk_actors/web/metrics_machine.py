"""Metrics of the machinery: mailboxes, the request budget, the hubs' silence, prices, the store."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from risk_actors.actors.position import PositionActor
from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorStatus
from risk_actors.projectx.budget import BudgetState
from risk_actors.runtime.topology import MailboxStats
from risk_actors.web.metrics_happened import by
from risk_actors.web.metrics_now import gauge
from risk_actors.web.metrics_source import MetricsSource

TROUBLES = (ActorStatus.FAILED, ActorStatus.STUCK, ActorStatus.GIVEN_UP)


def machine(source: MetricsSource) -> Iterator[Metric]:
    """Yield the figures of what does the work."""
    yield from _actors(source)
    budget = source.budget()
    if budget is not None:
        yield from _budget(budget)
    yield _silence(source)
    yield from _store(source)


def actor_label(address: str) -> str:
    """Return what an actor is counted as: there may be hundreds of one per account."""
    kind = address.partition(":")[0]
    return kind if kind == PositionActor.kind else address


def _grouped(mailboxes: Sequence[MailboxStats]) -> dict[tuple[str, ...], list[MailboxStats]]:
    grouped: defaultdict[tuple[str, ...], list[MailboxStats]] = defaultdict(list)
    for stats in mailboxes:
        grouped[(actor_label(stats.address),)].append(stats)
    return grouped


def _actors(source: MetricsSource) -> Iterator[Metric]:
    grouped = _grouped(source.counted.mailboxes())
    label = ("actor",)
    yield gauge(
        "mailbox_depth",
        "Messages that wait; of the actors that are one per account, all together.",
        label,
        [(of, sum(each.depth for each in stats)) for of, stats in grouped.items()],
    )
    yield gauge(
        "mailbox_high_water",
        "Most messages that ever waited in one mailbox.",
        label,
        [(of, max(each.high_water for each in stats)) for of, stats in grouped.items()],
    )
    yield gauge(
        "mailbox_lag_seconds",
        "For how long the oldest message has waited, to the second.",
        label,
        [(of, max(each.lag_s for each in stats)) for of, stats in grouped.items()],
    )
    yield gauge(
        "actors_in_trouble",
        "Actors that failed and are not back yet, do not answer, or were given up.",
        ("actor", "status"),
        [
            ((*of, status.value), sum(each.status == status for each in stats))
            for of, stats in grouped.items()
            for status in TROUBLES
        ],
    )
    yield by(
        "messages_handled",
        "Messages handled.",
        label,
        {of: sum(each.handled for each in stats) for of, stats in grouped.items()},
    )
    yield by(
        "quotes_conflated",
        "Quotes, and other messages of which only the newest counts, that a newer one replaced "
        "while they waited.",
        label,
        {of: sum(each.conflated for each in stats) for of, stats in grouped.items()},
    )
    yield by(
        "actor_restarts",
        "Restarts of an actor that failed or did not answer.",
        label,
        {of: sum(each.restarts for each in stats) for of, stats in grouped.items()},
    )
    letters: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for address, count in source.counted.dead_letters().items():
        letters[(actor_label(address),)] += count
    yield by("dead_letters", "Messages that reached nobody, by whom they were for.", label, letters)
    yield by(
        "rebuilds",
        "How often all actors were made anew: with changed settings, a new trading day, or because"
        " one had failed for good.",
        (),
        {(): max(source.counted.times_made() - 1, 0)},
    )


def _budget(budget: BudgetState) -> Iterator[Metric]:
    yield gauge(
        "request_budget_used", "Requests of the last 60 s, of all kinds.", (), [((), budget.used)]
    )
    yield gauge(
        "request_budget_limit",
        "Requests in 60 s that the settings say the broker allows.",
        (),
        [((), budget.allowed)],
    )
    yield gauge(
        "request_budget_left",
        "Ordinary reads that may be sent at once now; 0 during a pause.",
        (),
        [((), budget.room)],
    )
    yield gauge(
        "reads_paused",
        "Whether ordinary reads pause because the broker answered 429.",
        (),
        [((), budget.paused_until_ns is not None)],
    )
    yield by(
        "rate_limited",
        "How often the broker answered that there were too many requests (429).",
        (),
        {(): budget.refused},
    )


def _silence(source: MetricsSource) -> Metric:
    now_ns = source.now_ns()
    heard = {
        "user": source.counted.tally.user_hub_ns,
        "market": source.quotes_told()[1],
    }
    return gauge(
        "last_event_age_seconds",
        "Since a hub last told anything: the user hub of an account, the market hub of a price. "
        "Silence is no fault while nothing is traded; absent before the first.",
        ("hub",),
        [
            ((hub,), None if at_ns is None else max(now_ns - at_ns, 0) / NS_PER_S)
            for hub, at_ns in heard.items()
        ],
    )


def _store(source: MetricsSource) -> Iterator[Metric]:
    tally = source.counted.tally
    yield gauge(
        "store_backlog_rows",
        "Rows of the record that waited after the last attempt to write.",
        (),
        [((), tally.unwritten_rows)],
    )
    yield gauge(
        "unsaved_locks",
        "Changes of locks that could not be written to the store yet.",
        (),
        [((), tally.unsaved_locks)],
    )
