"""What Prometheus reads: valid, explained, bounded, and never going down."""

import http.client
import json
import re
from collections.abc import Iterator

import msgspec
import pytest

from risk_actors.actors.picture import PricesPicture
from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorStatus
from risk_actors.projectx.budget import BudgetState
from risk_actors.web.metrics import Rising
from tests.actors.facts import breach_found
from tests.web.metrics_full import full_scrape
from tests.web.metrics_rig import NOW_NS, PICTURE, MetricsRig, stats

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def rig() -> Iterator[MetricsRig]:
    rig = MetricsRig()
    yield rig
    rig.server.stop()


def test_every_metric_is_explained_and_named_by_the_conventions(rig: MetricsRig) -> None:
    scraped = full_scrape(rig)
    assert scraped.status == 200
    assert scraped.content_type.startswith("text/plain; version=0.0.4")
    for name, family in scraped.families.items():
        assert re.fullmatch(r"[a-z][a-z_]*", name)
        assert name.startswith(("risk_actors_", "process_"))
        assert len(family.documentation) > 10, name
        assert family.samples, name
        if family.type == "counter":
            assert {s.name for s in family.samples} == {f"{name}_total"}
        else:
            assert not name.endswith("_total")
        if family.type == "histogram":
            assert name.endswith("_seconds")
    help_lines = re.findall(r"^# HELP (\S+)", scraped.text, re.MULTILINE)
    assert len(help_lines) == len(set(help_lines))


def test_no_series_is_told_twice(rig: MetricsRig) -> None:
    lines = [line for line in full_scrape(rig).text.splitlines() if not line.startswith("#")]
    series = [line.rpartition(" ")[0] for line in lines]
    assert len(series) == len(set(series))


def test_histograms_are_cumulative_and_end_with_their_count(rig: MetricsRig) -> None:
    histograms = [f for f in full_scrape(rig).families.values() if f.type == "histogram"]
    assert histograms
    for family in histograms:
        by_labels: dict[tuple[tuple[str, str], ...], list[float]] = {}
        counts = {}
        for sample in family.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            if sample.name.endswith("_bucket"):
                by_labels.setdefault(labels, []).append(sample.value)
            elif sample.name.endswith("_count"):
                counts[labels] = sample.value
        assert by_labels.keys() == counts.keys()
        for labels, values in by_labels.items():
            assert values == sorted(values)
            assert values[-1] == counts[labels]


def test_labels_hold_no_order_no_contract_and_no_sentence(rig: MetricsRig) -> None:
    scraped = full_scrape(rig)
    allowed = {
        *("account", "actor", "command", "fate", "hub", "kind", "mode", "outcome", "part"),
        *("phase", "reason", "risk_actors_phase", "rule", "scope", "status", "verdict", "way"),
        *("python", "version"),
    }
    for labels in scraped.labels_of().values():
        assert labels <= allowed
    for family in scraped.families.values():
        for sample in family.samples:
            for name, value in sample.labels.items():
                assert len(value) <= 32, (sample.name, name, value)
                assert " " not in value, (sample.name, name, value)
    assert "CON.F.US" not in scraped.text
    assert "50K" not in scraped.text


def test_hundreds_of_accounts_are_one_actor(rig: MetricsRig) -> None:
    rig.mailboxes = [
        stats("position:7", depth=2, high_water=5, handled=10, status=ActorStatus.STUCK.value),
        stats("position:8", depth=1, high_water=9, handled=20, lag_s=3.0),
        stats("rule:daily-loss", restarts=2, conflated=4),
    ]
    scraped = rig.scrape()
    of = {"actor": "position"}
    assert scraped.value("risk_actors_mailbox_depth", **of) == 3
    assert scraped.value("risk_actors_mailbox_high_water", **of) == 9
    assert scraped.value("risk_actors_mailbox_lag_seconds", **of) == 3
    assert scraped.value("risk_actors_messages_handled_total", **of) == 30
    assert scraped.value("risk_actors_actors_in_trouble", **of, status="stuck") == 1
    assert scraped.value("risk_actors_actor_restarts_total", actor="rule:daily-loss") == 2
    assert scraped.value("risk_actors_quotes_conflated_total", actor="rule:daily-loss") == 4


def test_the_phase_is_a_set_of_states(rig: MetricsRig) -> None:
    rig.picture = msgspec.structs.replace(PICTURE, phase="degraded", armed=False)
    scraped = rig.scrape()
    phases = {
        sample.labels["risk_actors_phase"]: sample.value
        for sample in scraped.families["risk_actors_phase"].samples
    }
    assert phases == {"starting": 0, "armed": 0, "degraded": 1, "faulted": 0, "stopping": 0}
    assert scraped.value("risk_actors_armed") == 0


def test_locks_are_counted_by_account_and_scope(rig: MetricsRig) -> None:
    scraped = rig.scrape()
    told = {
        (account, scope): scraped.value("risk_actors_locks", account=account, scope=scope)
        for account in ("7", "8")
        for scope in ("account", "contract")
    }
    assert told == {
        ("7", "account"): 1,
        ("7", "contract"): 1,
        ("8", "account"): 0,
        ("8", "contract"): 0,
    }
    assert scraped.value("risk_actors_rule_accounts", rule="daily-loss", verdict="breach") == 1
    assert scraped.value("risk_actors_open_positions", account="7") == 1


def test_a_second_line_that_is_not_to_be_is_absent_and_not_down(rig: MetricsRig) -> None:
    scraped = rig.scrape()
    assert scraped.value("risk_actors_connection_up", way="second_line") is None
    assert scraped.value("risk_actors_connection_up", way="market_hub") == 0


def test_a_rule_has_its_zero_before_it_first_breaks(rig: MetricsRig) -> None:
    """Else the first breach would be no increase."""
    of = {"rule": "daily-loss", "mode": "enforce"}
    assert rig.scrape().value("risk_actors_breaches_total", **of) == 0
    rig.tally.take(breach_found())
    assert rig.scrape().value("risk_actors_breaches_total", **of) == 1


def test_no_money_unless_asked_for(rig: MetricsRig) -> None:
    assert "dollars" not in rig.scrape().text
    open_rig = MetricsRig(with_pnl=True)
    try:
        scraped = open_rig.scrape()
    finally:
        open_rig.server.stop()
    assert scraped.value("risk_actors_balance_dollars", account="7") == 50_000
    pnl = "risk_actors_day_pnl_dollars"
    assert scraped.value(pnl, account="7", part="realized") == -500
    assert scraped.value(pnl, account="7", part="equity") is None, "unknown is not 0"
    assert scraped.value(pnl, account="8", part="realized") is None


def test_the_silence_of_each_hub_and_the_budget(rig: MetricsRig) -> None:
    assert rig.scrape().families["risk_actors_last_event_age_seconds"].samples == []
    rig.quotes = (12, NOW_NS - 3 * NS_PER_S)
    rig.tally.user_hub_ns = NOW_NS - 60 * NS_PER_S
    rig.budget = BudgetState(150, 200, 160, 0, NOW_NS, 2, NOW_NS)
    scraped = rig.scrape()
    age = "risk_actors_last_event_age_seconds"
    assert (scraped.value(age, hub="market"), scraped.value(age, hub="user")) == (3, 60)
    assert scraped.value("risk_actors_events_total", kind="quote") == 12
    assert scraped.value("risk_actors_request_budget_used") == 150
    assert scraped.value("risk_actors_request_budget_left") == 0
    assert scraped.value("risk_actors_reads_paused") == 1
    assert scraped.value("risk_actors_rate_limited_total") == 2


def test_dropped_quotes_go_on_where_a_new_counting_begins(rig: MetricsRig) -> None:
    def dropped() -> float | None:
        return rig.scrape().value("risk_actors_quotes_dropped_total", reason="crossed")

    assert dropped() == 3
    rig.picture = msgspec.structs.replace(PICTURE, prices=PricesPicture())
    assert dropped() == 3
    rig.picture = msgspec.structs.replace(PICTURE, prices=PricesPicture(dropped={"crossed": 2}))
    assert dropped() == 5


def test_a_count_never_falls() -> None:
    rising = Rising()
    assert [rising.risen("a", n) for n in (0, 4, 1, 6, 0, 0, 2)] == [0, 4, 5, 10, 10, 10, 12]


def test_open_metrics_is_spoken_to_who_asks_for_it(rig: MetricsRig) -> None:
    assert rig.scrape(OPEN_METRICS).content_type.startswith("application/openmetrics-text")


def test_a_failing_counter_is_an_error_and_no_half_answer(rig: MetricsRig) -> None:
    rig.mailboxes = [None]  # type: ignore[list-item]
    connection = http.client.HTTPConnection("127.0.0.1", rig.port, timeout=5)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 500
    connection.close()


def asked(port: int, path: str) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_process_that_does_not_protect_is_neither_alive_nor_ready(rig: MetricsRig) -> None:
    assert asked(rig.port, "/livez") == (200, {"alive": True})
    assert asked(rig.port, "/readyz")[0] == 200
    rig.wrong = ("the clock's pulse has ended",)
    assert asked(rig.port, "/livez") == (
        503,
        {"alive": False, "reason": "the clock's pulse has ended"},
    )
    status, answer = asked(rig.port, "/readyz")
    assert (status, answer["reason"]) == (503, "the clock's pulse has ended")
    assert rig.scrape().value("risk_actors_alive") == 0


def test_a_picture_that_nobody_paints_is_alive_but_not_ready(rig: MetricsRig) -> None:
    """I7: it would show `armed` for ever."""
    rig.stale = ("the view has not answered for 12 s, so what is shown is old",)
    assert asked(rig.port, "/livez")[0] == 200
    assert asked(rig.port, "/readyz")[0] == 503
    assert rig.scrape().value("risk_actors_picture_stale") == 1


def test_degraded_is_alive_and_not_ready(rig: MetricsRig) -> None:
    """A hub that is down is mended from inside: a watchdog must not end the process for it."""
    rig.picture = msgspec.structs.replace(PICTURE, phase="degraded", detail="the user hub is down")
    assert asked(rig.port, "/livez")[0] == 200
    assert asked(rig.port, "/readyz")[0] == 503
