"""The daemon as a service, with a secret at every place where one may enter: it guards, alerts go
out by HTTP and by mail, its log tells each chain, and no secret is anywhere.

One daemon for all tests here, in the order in which they stand.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from daemon_process import RULES, eventually
from installed import InstalledDaemon

from risk_actors.simulator import (
    Side,
    SimulatorSettings,
    SimulatorThread,
    Ticket,
    paper_accounts,
)
from risk_actors.simulator.faults import RefuseConnections
from tests.alerts.mail_sink import MailSink
from tests.alerts.sink import HttpSink

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a unit is for systemd"),
    pytest.mark.system,
    pytest.mark.real_time,
    pytest.mark.xdist_group("service_daemon"),
]

FIRST, SECOND = 101, 102
FLAT_WITHIN_S = 5.0
END_WITHIN_S = 12.0
"""Last messages are waited for 5 s in all, however many services hang."""
SECRETS = {
    "api key": "k3y-of-the-broker-0815",
    "web token": "t0ken-of-the-web-page-0815",
    "phone": "t0ken-of-the-phone-0815",
    "mail": "passw0rd-of-the-mail",
    "beat": "k3y-of-the-heartbeat",
    "admin": "s3cret-of-the-admin",
    "wrong admin": "wr0ng-secret-of-somebody",
}
RULES_WITH_ADMIN = f'[session]\nunlock = "admin"\n{RULES}'
APP = """
armed = true

[log]
file_level = "DEBUG"

[web]
port = 0
token_file = "web.token"

[alerts]
no_data_after_s = 1.0
group_s = 0.5
heartbeat_url = "env:BEAT_URL"
heartbeat_every_s = 1.0

[[alerts.channels]]
name = "phone"
url = "env:PHONE_URL"
min_severity = "info"

[[alerts.channels]]
name = "mail"
url = "env:MAIL_URL"

[[alerts.channels]]
name = "hangs"
url = "env:HANGING_URL"

[[alerts.channels]]
name = "dead"
url = "file:dead.url"
"""
PAGES = (
    *("/", "/api/state", "/api/topology", "/api/history", "/api/audit", "/api/curve"),
    *("/metrics", "/livez", "/readyz", "/openapi.json", "/api/schema/messages"),
)


class Scene:
    """Everything that takes part."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        settings = SimulatorSettings(
            api_key=SECRETS["api key"],
            auto_prices=False,
            contract_date=date(2026, 11, 21),
            accounts=paper_accounts(2),
        )
        self.sim = stack.enter_context(SimulatorThread(settings))
        self.phone = stack.enter_context(HttpSink())
        self.hanging = stack.enter_context(HttpSink())
        self.hanging.hangs.set()
        self.mail = stack.enter_context(MailSink("guard", SECRETS["mail"]))
        self.daemon = InstalledDaemon(
            place, rules=RULES_WITH_ADMIN, app=APP, dotenv=self.sim.environment | self.urls()
        )
        for name, text in (
            ("web.token", SECRETS["web token"]),
            ("dead.url", f"json://127.0.0.1:9/{SECRETS['phone']}"),
        ):
            (self.daemon.settings_dir / name).write_text(text)
            (self.daemon.settings_dir / name).chmod(0o600)
        set_secret = self.daemon.client("admin", "set-secret", typed=f"{SECRETS['admin']}\n")
        assert set_secret.returncode == 0, set_secret.stderr
        self.daemon.token = SECRETS["web token"]
        stack.enter_context(self.daemon)
        eventually(self.daemon.is_ready, what="READY=1")
        eventually(lambda: self.daemon.state()["phase"] == "armed", what="armed")
        self.took_s = self._lose_600()

    def urls(self) -> dict[str, str]:
        sender = "from=guard@example.com&to=me@example.com"
        return {
            "PHONE_URL": self.phone.url(SECRETS["phone"]),
            "HANGING_URL": self.hanging.url(SECRETS["phone"]),
            "MAIL_URL": f"mailto://guard:{SECRETS['mail']}@127.0.0.1:{self.mail.port}/?{sender}",
            "BEAT_URL": f"http://127.0.0.1:{self.phone.port}/ping?key={SECRETS['beat']}",
        }

    def buy(self, account: int, size: int) -> None:
        contract = self.sim.contract_id("MNQ")
        self.sim.place(Ticket(account_id=account, contract_id=contract, side=Side.BUY, size=size))

    def _lose_600(self) -> float:
        """Break the daily loss limit; return how long it took until the account was flat."""
        contract = self.sim.contract_id("MNQ")
        self.sim.set_price(contract, 25_000, 25_000.25, 25_000)
        self.buy(FIRST, 5)
        eventually(lambda: self.sim.size(FIRST, contract) == 5)
        began_s = time.monotonic()
        self.sim.set_price(contract, 24_940.25, 24_940.5, 24_940.25)
        eventually(lambda: self.sim.size(FIRST, contract) == 0, what="flat")
        return time.monotonic() - began_s

    def channel(self, name: str) -> dict[str, Any]:
        return next(each for each in self.daemon.state()["alerts"] if each["name"] == name)

    def log(self) -> list[dict[str, Any]]:
        text = (self.daemon.data_dir / "risk_actors.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(tmp_path_factory.mktemp("service"), stack)


def test_what_the_unit_starts_guards_with_nothing_of_this_shell(scene: Scene) -> None:
    state = scene.daemon.state()
    assert (state["mode"], state["armed"]) == ("live", True)
    assert [each["name"] for each in state["accounts"]] == ["50KTC-SIM-101", "50KTC-SIM-102"]
    directories = {str(scene.daemon.settings_dir), str(scene.daemon.data_dir)}
    assert directories <= set(scene.daemon.words)
    assert scene.daemon.is_ready()
    eventually(lambda: scene.daemon.is_ready() and "WATCHDOG=1" in scene.daemon.notified)


def test_a_service_that_hangs_does_not_hold_up_enforcement(scene: Scene) -> None:
    assert scene.took_s < FLAT_WITHIN_S
    eventually(lambda: scene.hanging.taken, what="somebody hangs")
    account = eventually(lambda: [a for a in scene.daemon.state()["accounts"] if a["locks"]])
    assert account[0]["id"] == FIRST


@pytest.mark.parametrize("where", ["phone", "mail"])
def test_a_breach_arrives_in_one_message_with_what_came_of_it(scene: Scene, where: str) -> None:
    sink: HttpSink | MailSink = getattr(scene, where)
    eventually(lambda: "observed flat for daily-loss" in sink.text(), what="flat")
    told = sink.text()
    assert "[live] LOCKED: 50KTC-SIM-101" in told
    assert "rule daily-loss broken: Day P&L" in told
    assert "account LOCKED by daily-loss until" in told
    assert told.count("[live] ") <= 3  # four alerts, and that it started


def test_a_dead_service_is_shown_wherever_one_looks(scene: Scene) -> None:
    eventually(lambda: scene.channel("dead")["is_failing"], what="it was tried four times")
    notice = "Alerts: the last message on dead was not delivered: "
    # What the screens show is painted a moment after it happened.
    eventually(lambda: any(each.startswith(notice) for each in scene.daemon.state()["notices"]))
    says = "channel dead does not deliver"
    eventually(lambda: any(says in each["text"] for each in scene.daemon.state()["events"]))
    listed = scene.daemon.client("alerts", "list").stdout
    assert "dead (file:dead.url, warning and above): 0 sent" in listed
    assert "FAILING" in listed
    assert notice in scene.daemon.client("status").stdout


def test_a_burst_of_lesser_alerts_comes_in_few_messages(scene: Scene) -> None:
    before, letters = scene.channel("phone")["sent"], len(scene.phone.letters)
    for _ in range(12):
        scene.buy(FIRST, 1)  # it is locked: each is closed
    contract = scene.sim.contract_id("MNQ")
    eventually(lambda: sum(each.size for each in scene.sim.trades(FIRST)) >= 30, what="bought")
    eventually(lambda: scene.sim.size(FIRST, contract) == 0, what="flat again")
    eventually(lambda: scene.channel("phone")["sent"] >= before + 2, what="they were told")
    eventually(lambda: scene.channel("phone")["waiting"] == 0, what="nothing waits")
    sent = scene.channel("phone")["sent"] - before
    assert len(scene.phone.letters) - letters < max(sent, 7)


def test_a_position_that_nobody_can_see_is_told_while_the_broker_is_gone(scene: Scene) -> None:
    scene.buy(SECOND, 1)
    contract = scene.sim.contract_id("MNQ")
    eventually(lambda: scene.daemon.account(1)["positions"], what="the position is known")
    fault = scene.sim.inject(RefuseConnections(for_s=600.0))
    assert fault
    try:
        said = "50KTC-SIM-102: POSITION OPEN AND NO DATA: +1 MNQ"
        eventually(lambda: said in scene.phone.text(), what="told by HTTP")
        eventually(lambda: said in scene.mail.text(), what="told by mail")
        assert scene.sim.size(SECOND, contract) == 1
    finally:
        scene.sim.clear_faults()
    eventually(lambda: "position open and no data: that is over" in scene.phone.text(), what="over")


def test_every_line_of_the_log_is_json_and_one_chain_has_one_correlation_id(scene: Scene) -> None:
    lines = scene.log()
    named = {"at", "level", "message", "account", "actor", "correlation_id", "source", "thread"}
    assert all(named <= line.keys() for line in lines)
    breach = next(each for each in lines if each["message"].startswith("breach: daily-loss"))
    chain = [each for each in lines if each["correlation_id"] == breach["correlation_id"]]
    said = [each["message"] for each in chain]
    for words in (
        *("event: quote MNQ", "breach: daily-loss", "⚠️ Enforcement Triggered: daily-loss"),
        *("command: close MNQ", "outcome: #", "enforcement: observed flat", "lock: account locked"),
    ):
        assert any(each.startswith(words) for each in said), (words, said)
    assert {each["account"] for each in chain if each["actor"] != "rule:daily-loss"} == {FIRST}
    commands = [each for each in lines if each["message"].startswith(("command: ", "outcome: "))]
    assert commands
    assert all(each["correlation_id"] and each["actor"] for each in commands)
    # Whatever the log names can be looked up.
    stored = scene.daemon.rows("select distinct correlation_id from decisions")
    assert (breach["correlation_id"],) in stored


def test_no_secret_is_anywhere_once_it_has_ended(scene: Scene) -> None:
    daemon = scene.daemon
    lock = daemon.account()["locks"][0]["id"]
    reason = ("--reason", "to see what is kept", "--secret-stdin")
    refused = daemon.client("unlock", str(lock), *reason, typed=f"{SECRETS['wrong admin']}\n")
    unlocked = daemon.client("unlock", str(lock), *reason, typed=f"{SECRETS['admin']}\n")
    eventually(lambda: f"key={SECRETS['beat']}" in "".join(scene.phone.paths), what="heartbeat")
    settings = ("--settings", str(daemon.settings_dir))
    doctor = daemon.client("doctor", "--live", *settings)
    assert "alerts" in doctor.stdout
    shown = {page: daemon.get_text(page) for page in PAGES}
    for command in (("status",), ("alerts", "list"), ("audit",), ("status", "--json")):
        done = daemon.client(*command)
        shown[" ".join(command)] = done.stdout + done.stderr
    shown |= {each.args[3]: each.stdout + each.stderr for each in (refused, unlocked, doctor)}
    assert "not right" in refused.stdout + refused.stderr

    began_s = time.monotonic()
    assert daemon.terminate(within_s=30.0) == 0
    assert time.monotonic() - began_s < END_WITHIN_S
    assert "STOPPED with positions open that nobody guards" in scene.phone.text()
    shown["console"] = daemon.output
    for path in daemon.data_dir.rglob("*"):
        if path.is_file():
            shown[path.name] = path.read_bytes().decode("utf-8", "replace")
    assert "risk.db" in shown
    found = {
        (name, place)
        for place, text in shown.items()
        for name, secret in (SECRETS | {"session": "eyJ"}).items()
        if secret in text
    }
    assert found == set()
