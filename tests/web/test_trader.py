"""The trader's requests over real sockets: what is asked, answered and never let out."""

import http.client
import json
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from loguru import logger

from risk_actors import messages as m
from risk_actors.actors.picture import AccountPicture, LockPicture, Picture, UnlockPicture
from risk_actors.actors.trader_requests import TraderAnswer
from risk_actors.app.admin_secret import AdminSecret, set_secret
from risk_actors.app.trader_desk import TraderDesk
from risk_actors.core.evidence import iso_utc
from risk_actors.core.unlock_policy import UnlockPolicy, UnlockTerms
from risk_actors.runtime.clock import VirtualClock
from risk_actors.web.server import WebServer
from tests.actors.trader_rig import TraderRig
from tests.conftest import NOON_NS, S

SECRET = "correct horse battery"
JSON = {"Content-Type": "application/json"}
LOCK = LockPicture(
    id=3,
    rule="daily-loss",
    scope="account",
    since=iso_utc(NOON_NS),
    until=None,
    reason="the limit was reached",
)


class Daemon:
    """The HTTP side over a trader desk, with a lock in force and a real secret."""

    def __init__(self, directory: Path, policy: UnlockPolicy) -> None:
        self.picture = Picture(
            version="t",
            mode="paper",
            armed=True,
            phase="armed",
            accounts=(AccountPicture(id=7, name="50K", locks=(LOCK,)),),
        )
        if policy is UnlockPolicy.ADMIN:
            set_secret(directory, SECRET, None, NOON_NS - S)
        self.trader = TraderRig(
            lambda: self.picture,
            UnlockTerms(policy=policy),
            AdminSecret(directory, VirtualClock(NOON_NS)),
        )
        self.server = WebServer(
            picture=lambda: self.picture, topology=dict, requests=self.trader.desk, port=0
        )
        self.port = self.server.start()

    def show(self, *locks: LockPicture, armed: bool = True) -> None:
        (account,) = self.picture.accounts
        self.picture = msgspec.structs.replace(
            self.picture, accounts=(msgspec.structs.replace(account, locks=locks),), armed=armed
        )

    def post(self, path: str, said: object, headers: dict[str, str] = JSON) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def daemon(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Daemon]:
    made = Daemon(tmp_path, getattr(request, "param", UnlockPolicy.DELAYED))
    yield made
    made.server.stop()


def with_policy(policy: UnlockPolicy) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("daemon", [policy], indirect=True)


@with_policy(UnlockPolicy.DELAYED)
def test_a_delayed_unlock_is_accepted_with_its_time(daemon: Daemon) -> None:
    status, answer = daemon.post(
        "/api/unlock", {"lock": 3, "account": 7, "reason": "lunch", "secret": None}
    )

    assert status == 202
    assert answer == {
        "accepted": True,
        "sentence": "takes effect at Tue 19:00:00 UTC; it can be withdrawn until then",
    }
    assert daemon.trader.outbox.only(m.UnlockRequested).reason == "lunch"


@with_policy(UnlockPolicy.NEVER)
def test_what_the_policy_refuses_is_forbidden_with_its_sentence_and_recorded(
    daemon: Daemon,
) -> None:
    status, answer = daemon.post("/api/unlock", {"lock": 3, "reason": "lunch"})

    assert status == 403
    assert "ends by its own condition and by nothing else" in answer["error"]
    assert daemon.trader.outbox.only(m.UnlockRequested).lock_id == 3


def test_what_is_not_there_or_is_so_already_says_so(daemon: Daemon) -> None:
    assert daemon.post("/api/unlock", {"lock": 9, "reason": "lunch"})[0] == 404
    assert daemon.post("/api/unlock", {"lock": 3, "account": 8, "reason": "x"})[0] == 404
    assert daemon.post("/api/unlock/withdraw", {"lock": 9})[0] == 404
    assert daemon.post("/api/unlock/withdraw", {"lock": 3})[0] == 409
    assert daemon.post("/api/arm", {})[0] == 409
    waits = UnlockPicture(due=iso_utc(NOON_NS + S), reason="lunch")
    daemon.show(msgspec.structs.replace(LOCK, unlock=waits))
    assert daemon.post("/api/unlock", {"lock": 3, "reason": "lunch"})[0] == 409
    assert daemon.post("/api/unlock/withdraw", {"lock": 3})[0] == 202


def test_disarm_and_arm(daemon: Daemon) -> None:
    refused = daemon.post("/api/disarm", {"reason": "lunch"})
    daemon.show()
    accepted = daemon.post("/api/disarm", {"reason": "lunch"})
    daemon.show(armed=False)
    armed = daemon.post("/api/arm", {})

    assert [status for status, _ in (refused, accepted, armed)] == [403, 202, 202]
    assert daemon.trader.armings == [False, True]


@with_policy(UnlockPolicy.ADMIN)
def test_the_admin_secret_unlocks_and_is_let_out_nowhere(daemon: Daemon) -> None:
    said: list[str] = []
    sink = logger.add(said.append, level="TRACE")
    asked = {"lock": 3, "reason": "lunch"}
    answers = [
        daemon.post("/api/unlock", asked),
        daemon.post("/api/unlock", {**asked, "secret": "a-wrong-guess"}),
        daemon.post("/api/unlock", {**asked, "secret": SECRET}),
        daemon.post("/api/unlock", {**asked, "secret": SECRET, "secrets": 1}),
        daemon.post("/api/unlock", {**asked, "secret": [SECRET]}),
    ]
    logger.remove(sink)

    assert [status for status, _ in answers] == [403, 403, 202, 400, 400]
    assert answers[1][1] == {"error": "the admin secret is not right"}
    requests = daemon.trader.outbox.of(m.UnlockRequested)
    assert [request.is_authorised for request in requests] == [False, False, True]
    out = "".join([*said, *map(repr, answers), *map(repr, daemon.trader.outbox.sent)])
    assert SECRET not in out
    assert "a-wrong-guess" not in out


@with_policy(UnlockPolicy.ADMIN)
def test_attempts_are_limited_in_constant_words(daemon: Daemon) -> None:
    wrong = [
        daemon.post("/api/unlock", {"lock": 3, "reason": "x", "secret": f"guess-{n}"})
        for n in range(6)
    ]
    status, answer = daemon.post("/api/unlock", {"lock": 3, "reason": "x", "secret": SECRET})

    assert len({answer["error"] for _, answer in wrong[:5]}) == 1
    assert wrong[5] == (status, answer)
    assert status == 403
    assert len(daemon.trader.outbox.of(m.UnlockRequested)) == 7


PATHS = ("/api/unlock", "/api/unlock/withdraw", "/api/disarm", "/api/arm")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("said", "headers", "status"),
    [
        (b"", JSON, 400),
        (b'{"strange": 1}', JSON, 400),
        (b"[]", JSON, 400),
        (b"{}", FORM, 415),
        (b"{}" + b" " * 9000, JSON, 413),
        (b"{}", {**JSON, "Origin": "https://evil.example"}, 403),
        (b"{}", {**JSON, "Host": "evil.example"}, 403),
    ],
)
def test_what_is_not_understood_or_comes_from_elsewhere_does_nothing(
    daemon: Daemon, path: str, said: bytes, headers: dict[str, str], status: int
) -> None:
    answered, answer = daemon.post(path, said, headers)

    assert answered == status
    assert answer["error"]
    assert daemon.trader.outbox.sent == []
    assert daemon.trader.armings == []


def test_a_reason_has_its_limits(daemon: Daemon) -> None:
    assert daemon.post("/api/unlock", {"lock": 3, "reason": "x" * 501})[0] == 400


def test_a_panic_says_first_that_nothing_can_be_closed_while_the_broker_is_out_of_reach(
    daemon: Daemon,
) -> None:
    seen = daemon.post("/api/panic", {"account": 7})
    blind = msgspec.structs.replace(daemon.picture.connection, is_blind=True)
    daemon.picture = msgspec.structs.replace(daemon.picture, connection=blind)
    unseen = daemon.post("/api/panic", {"account": 7})

    assert (seen[0], unseen[0]) == (202, 202)
    assert "NOTHING can be closed" not in seen[1]["sentence"]
    assert "NOTHING can be closed" in unseen[1]["sentence"]
    assert len(daemon.trader.outbox.sent) == 2


def test_a_panic_is_taken_and_the_worse_is_said_where_the_picture_fails(daemon: Daemon) -> None:
    """Whether anything can be closed is not known then."""

    def fail() -> Picture:
        raise RuntimeError("the view is being made anew")

    said: list[str] = []
    sink = logger.add(said.append, level="ERROR")
    server = WebServer(picture=fail, topology=dict, requests=daemon.trader.desk, port=0, shown=fail)
    daemon.port = server.start()
    try:
        status, answer = daemon.post("/api/panic", {"account": None})
    finally:
        server.stop()
        logger.remove(sink)

    assert status == 202
    assert "NOTHING can be closed" in answer["sentence"]
    assert any("is not known" in line for line in said)


def test_a_request_that_hangs_keeps_no_other_waiting(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the end of the process: its threads are not waited for."""
    may_go_on, asked = threading.Event(), threading.Semaphore(0)
    arm = TraderDesk.arm

    def hang(desk: TraderDesk) -> TraderAnswer:
        asked.release()
        may_go_on.wait(20)
        return arm(desk)

    monkeypatch.setattr(TraderDesk, "arm", hang)
    waiting = [
        threading.Thread(target=daemon.post, args=("/api/arm", {}), daemon=True) for _ in range(40)
    ]
    for thread in waiting:
        thread.start()
    assert all(asked.acquire(timeout=5) for _ in waiting)

    status, _ = daemon.post("/api/panic", {"account": None})

    assert status == 202
    assert all(t.daemon for t in threading.enumerate() if t.name == "request")
    may_go_on.set()
    for thread in waiting:
        thread.join(5)
