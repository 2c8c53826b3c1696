"""The daemon as a process, scraped over HTTP as Prometheus does it, before and after a breach."""

import json
from pathlib import Path

import pytest
from daemon_process import RULES, Daemon, StartDaemon, eventually

from risk_actors.simulator import Side, SimulatorThread, Ticket
from tests.web.metrics_rig import Scraped, scrape

pytestmark = pytest.mark.system

RULE = {"rule": "max-contracts", "mode": "enforce"}


def scraped(daemon: Daemon) -> Scraped:
    address = json.loads((daemon.data_dir / "daemon.json").read_text(encoding="utf-8"))
    return scrape(address["port"])


def buy(sim: SimulatorThread, size: int) -> None:
    contract_id = sim.contract_id("MNQ")
    sim.set_price(contract_id, 25_000, 25_000.25, 25_000)
    sim.place(Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=size))


def test_a_breach_its_command_the_outcome_and_the_time_it_took_are_scraped(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    before = scraped(daemon)
    closed = {"command": "close"}
    assert before.value("risk_actors_phase", risk_actors_phase="armed") == 1
    assert before.value("risk_actors_breaches_total", **RULE) == 0
    assert before.value("risk_actors_commands_total", **closed) == 0
    assert before.value("risk_actors_event_to_command_seconds_count", **closed) == 0

    buy(sim, 7)

    accepted = {**closed, "outcome": "accepted"}
    eventually(
        lambda: scraped(daemon).value("risk_actors_command_outcomes_total", **accepted) == 1,
        what="the outcome",
    )
    eventually(lambda: sim.size(101, sim.contract_id("MNQ")) == 5)
    after = scraped(daemon)
    assert after.value("risk_actors_breaches_total", **RULE) == 1
    assert after.value("risk_actors_commands_total", **closed) == 1
    assert after.value("risk_actors_event_to_command_seconds_count", **closed) == 1
    took_s = after.value("risk_actors_event_to_command_seconds_sum", **closed)
    answered_s = after.value("risk_actors_command_answer_seconds_sum", **closed)
    assert took_s is not None
    assert answered_s is not None
    assert 0 < took_s < 5
    assert 0 < answered_s < 5
    assert (after.value("risk_actors_events_total", kind="fill") or 0) >= 1
    assert after.value("risk_actors_last_event_age_seconds", hub="user") is not None

    sim.set_price(sim.contract_id("MNQ"), 25_000.25, 25_000.5, 25_000.25)

    eventually(
        lambda: (scraped(daemon).value("risk_actors_events_total", kind="quote") or 0) >= 1,
        what="a quote",
    )
    assert scraped(daemon).value("risk_actors_last_event_age_seconds", hub="market") is not None


def test_counters_go_on_when_changed_settings_make_the_actors_anew(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    buy(sim, 7)
    eventually(lambda: scraped(daemon).value("risk_actors_breaches_total", **RULE) == 1)
    before = scraped(daemon)

    tighter = RULES.replace("limit = 5", "limit = 4")
    (daemon.settings_dir / "risk.toml").write_text(tighter, encoding="utf-8")

    eventually(lambda: scraped(daemon).value("risk_actors_rebuilds_total") == 1, what="made anew")
    eventually(lambda: scraped(daemon).value("risk_actors_breaches_total", **RULE) == 2)
    after = scraped(daemon)
    for family in before.families.values():
        for sample in family.samples:
            if family.type in ("counter", "histogram"):
                now = after.value(sample.name, **sample.labels)
                assert now is not None, (sample.name, sample.labels)
                assert now >= sample.value, (sample.name, sample.labels)


def test_the_log_names_account_actor_and_correlation_id_of_what_was_done(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    buy(sim, 7)
    eventually(lambda: scraped(daemon).value("risk_actors_breaches_total", **RULE) == 1)
    eventually(lambda: sim.size(101, sim.contract_id("MNQ")) == 5)
    assert daemon.terminate() == 0
    text = (daemon.data_dir / "risk_actors.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines()]

    def one(words: str) -> dict[str, object]:
        return next(line for line in lines if str(line["message"]).startswith(words))

    breach, command, outcome = one("breach:"), one("command:"), one("outcome:")
    assert [line["actor"] for line in (breach, command, outcome)] == [
        "rule:max-contracts",
        "enforcer",
        "gateway.in",
    ]
    assert {line["account"] for line in (breach, command, outcome)} == {101}
    assert len({line["correlation_id"] for line in (breach, command, outcome)}) == 1
    assert breach["correlation_id"]


NO_BITCOIN = '[[rules]]\nid = "no-crypto"\ntype = "symbol_block"\nblocked = ["MBT"]\n'
ROUND_THE_CLOCK = '[simulator]\ntrader = "overtrading"\nsymbol = "MBT"\n[web]\nmetrics_pnl = true\n'


def test_in_paper_mode_the_first_trade_in_a_forbidden_symbol_shows(tmp_path: Path) -> None:
    """The trader trades by itself, at any hour of the week; so the scrapes follow it."""
    with Daemon(
        tmp_path, {}, rules=NO_BITCOIN, app=ROUND_THE_CLOCK, arguments=("--paper",)
    ) as daemon:

        def total(name: str, **labels: str) -> float:
            return scraped(daemon).value(f"risk_actors_{name}", **labels) or 0

        assert total("balance_dollars", account="101") > 0
        eventually(lambda: total("breaches_total", rule="no-crypto", mode="enforce") >= 1)
        eventually(lambda: total("locks", account="101", scope="contract") == 1)
        eventually(
            lambda: sum(
                total("command_outcomes_total", command=command, outcome="accepted")
                for command in ("close", "cancel")
            )
        )
        assert any(
            total("event_to_command_seconds_count", command=command)
            for command in ("close", "cancel")
        )
        assert total("locks_engaged_total", rule="no-crypto") >= 1
        assert scraped(daemon).labels_of()["risk_actors_build_info"] >= {"mode"}
        assert daemon.terminate() == 0
