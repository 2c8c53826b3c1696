"""Metrics of what happened: events, decisions, commands, and how long they took."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from risk_actors.actors.buckets import Buckets
from risk_actors.actors.picture import Picture
from risk_actors.actors.tally import Tally
from risk_actors.web.metrics_source import NAMESPACE

VERDICTS = ("ok", "warning", "breach", "unknown")


def happened(tally: Tally, picture: Picture, quotes: int) -> Iterator[Metric]:
    """Yield counters and histograms; a rule that is in force has its zeros from the start."""
    yield by(
        "events",
        "What the broker told, by kind: quotes by the market hub, account, position, order and "
        "fill rows by the user hub (each once, whichever line was first), what was read over REST,"
        " and what could not be read or understood.",
        ("kind",),
        {("quote",): quotes} | {(kind,): count for kind, count in dict(tally.events).items()},
    )
    yield from _decisions(tally, picture)
    yield from _commands(tally)
    yield from _enforcement(tally, picture)
    yield from _connection(tally)
    yield from _times(tally)


def by[Labels: tuple[str, ...]](
    name: str, about: str, labels: tuple[str, ...], counts: Mapping[Labels, float]
) -> CounterMetricFamily:
    """Return a counter with one sample for each combination of labels."""
    family = CounterMetricFamily(NAMESPACE + name, about, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _decisions(tally: Tally, picture: Picture) -> Iterator[Metric]:
    rules = {rule.id: rule.mode for rule in picture.rules}
    yield by(
        "verdict_changes",
        "How often a rule's verdict on an account became another one.",
        ("rule", "verdict"),
        {(rule, verdict): 0 for rule in rules for verdict in VERDICTS} | dict(tally.verdicts),
    )
    yield by(
        "breaches",
        "Rules found broken, once per cause; with mode=shadow nothing was sent for it.",
        ("rule", "mode"),
        dict.fromkeys(rules.items(), 0) | dict(tally.breaches),
    )
    yield by(
        "warnings",
        "Warnings of a rule, once a day for each fraction of its limit.",
        ("rule",),
        _of_rules(rules, tally.warnings),
    )
    yield by("panics", "Panics asked for, one per account.", (), {(): tally.panics})


def _of_rules(rules: Mapping[str, str], counts: Mapping[str, int]) -> dict[tuple[str], int]:
    return {(rule,): 0 for rule in rules} | {(rule,): n for rule, n in dict(counts).items()}


def _commands(tally: Tally) -> Iterator[Metric]:
    yield by(
        "commands",
        "Commands that were decided on: closes, cancels, and moves of stops.",
        ("command",),
        {(name,): count for name, count in dict(tally.commands).items()},
    )
    yield by(
        "command_outcomes",
        "Commands by what came back: accepted, gone (nothing was left to do), refused, or "
        "uncertain (no answer, or none that says whether it happened).",
        ("command", "outcome"),
        dict(tally.outcomes),
    )
    yield by(
        "command_refusals",
        "Commands that were refused, or stayed uncertain, for a known reason.",
        ("command", "reason"),
        dict(tally.refusals),
    )


def _enforcement(tally: Tally, picture: Picture) -> Iterator[Metric]:
    rules = {rule.id: rule.mode for rule in picture.rules}
    yield by(
        "locks_engaged",
        "Locks engaged, by the rule they came from.",
        ("rule",),
        _of_rules(rules, tally.locks_engaged),
    )
    yield by(
        "locks_ended",
        "Locks ended, by the rule they came from.",
        ("rule",),
        _of_rules(rules, tally.locks_ended),
    )
    yield by(
        "enforcement_changes",
        "Enforcements by what became of them: started, stuck, braked, resumed, and flat_observed "
        "(the broker showed what was wanted).",
        ("phase",),
        {(phase,): count for phase, count in dict(tally.enforcements).items()},
    )
    yield by(
        "reconciliation_differences",
        "Corrections of what was believed by what the broker says of an account.",
        (),
        {(): tally.differences},
    )


def _connection(tally: Tally) -> Iterator[Metric]:
    yield by(
        "connection_losses",
        "How often a way to the broker went down: user_hub, market_hub or rest.",
        ("way",),
        {(way,): count for way, count in dict(tally.losses).items()},
    )
    yield by(
        "reconnects",
        "How often a way to the broker came back after it had gone down.",
        ("way",),
        {(way,): count for way, count in dict(tally.reconnects).items()},
    )
    yield by(
        "store_write_failures",
        "Transactions of the record that failed.",
        (),
        {(): tally.write_failures},
    )


def _times(tally: Tally) -> Iterator[Metric]:
    yield _histogram(
        "event_to_breach_seconds",
        "From taking in the event to the rule that finds itself broken by it.",
        (),
        {(): tally.event_to_breach},
    )
    yield _histogram(
        "event_to_command_seconds",
        "From taking in the event to handing over its first close, cancel or move of a stop to "
        "the connection; what is sent again is not counted.",
        ("command",),
        {(name,): buckets for name, buckets in tally.event_to_command.items()},
    )
    yield _histogram(
        "command_answer_seconds",
        "From handing over a command to the broker's answer, or to giving it up.",
        ("command",),
        {(name,): buckets for name, buckets in tally.command_to_answer.items()},
    )
    yield _histogram(
        "enforcement_seconds",
        "From the start of an enforcement until the broker showed what was wanted.",
        (),
        {(): tally.to_flat},
    )
    yield _histogram(
        "store_write_seconds",
        "What one transaction of the record took.",
        (),
        {(): tally.writes},
    )


def _histogram(
    name: str, about: str, labels: tuple[str, ...], times: Mapping[tuple[str, ...], Buckets]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(NAMESPACE + name, about, labels=labels)
    for values, buckets in times.items():
        counted = buckets.counted()
        family.add_metric(
            values,
            [("+Inf" if s == float("inf") else str(s), n) for s, n in counted.up_to],
            counted.sum_s,
        )
    return family
