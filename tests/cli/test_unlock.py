"""`locks`, `unlock`, `admin`, `arm` and `disarm` against a daemon's HTTP side."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner, Result

from risk_actors import messages as m
from risk_actors.actors.picture import Picture, UnlockPicture
from risk_actors.app.admin_secret import SECRET_FILE, AdminSecret, set_secret
from risk_actors.app.settings import SessionSettings
from risk_actors.cli.main import main
from risk_actors.core.unlock_policy import UnlockPolicy, UnlockTerms
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.runtime.clock import VirtualClock
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.schema import DATABASE_FILE, migrate
from tests.actors.facts import MNQ, lock
from tests.conftest import NOON_NS, S

SECRET = "correct horse battery"
type RunDaemon = Callable[[Picture], Any]


def call(*arguments: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), input=typed)


def shown(picture: Picture, **terms: Any) -> Picture:
    """Return a picture in which an unlock of its first lock waits, or other things hold."""
    account, *others = picture.accounts
    first, *rest = account.locks
    first = msgspec.structs.replace(first, **terms)
    accounts = (msgspec.structs.replace(account, locks=(first, *rest)), *others)
    return msgspec.structs.replace(picture, accounts=accounts)


# --- locks ----------------------------------------------------------------------------------------


def test_locks_shows_number_account_scope_rule_since_until_and_reason_of_each(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    picture = pictures["locked"]
    (account,) = picture.accounts
    (first,) = account.locks
    second = msgspec.structs.replace(first, id=12, rule="no-gold", scope="CON.F.US.MGC.Z26")
    run_daemon(
        msgspec.structs.replace(
            picture, accounts=(msgspec.structs.replace(account, locks=(first, second)),)
        )
    )

    lines = call("locks", "--data", tmp_path).stdout.splitlines()

    assert " ".join(lines[0].split()) == "lock account locked by rule ends"
    pattern = r"{} +50KTC-SIM-101 +{} +{} +until .*17:00:00 CST, "
    reason = rf" {{6}}since .* CST: {re.escape(first.reason)}"
    assert re.search(pattern.format(first.id, "account", "daily-loss"), lines[1])
    assert re.fullmatch(reason, lines[2])
    assert re.search(pattern.format(12, "MGC", "no-gold"), lines[3])
    assert re.fullmatch(reason, lines[4])


def test_a_request_that_waits_is_shown_with_its_countdown(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    due = (datetime.now(UTC) + timedelta(minutes=30, seconds=9)).isoformat()
    run_daemon(shown(pictures["locked"], id=5, unlock=UnlockPicture(due=due, reason="lunch")))

    for command in ("locks", "status"):
        text = call(command, "--data", tmp_path).stdout
        assert re.search(r"Lock 5: unlock takes effect at .*, in 0:30:0\d \(lunch\)", text)
    (told,) = json.loads(call("locks", "--json", "--data", tmp_path).stdout)
    assert (told["id"], told["account"], told["unlock"]["reason"]) == (5, 101, "lunch")


def test_running_times_of_rules_are_listed_below(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    rule = msgspec.structs.replace(
        pictures["open"].rules[0], id="pause", unit="seconds", distance=125.0, used=0.5
    )
    idle = msgspec.structs.replace(rule, id="idle", used=0.0)
    run_daemon(msgspec.structs.replace(pictures["open"], rules=(rule, idle)))

    text = call("locks", "--data", tmp_path).stdout

    assert "50KTC-SIM-101: pause: 0:02:05 left" in text
    assert "idle" not in text


def test_without_a_daemon_locks_can_be_read_from_the_store(tmp_path: Path) -> None:
    migrate(tmp_path)
    store = SqliteLockStore(tmp_path, ZoneInfo("America/Chicago"))
    store.save(lock(3, contract_id=MNQ, until_ns=None))
    store.save_request(
        UnlockRequest(
            lock_id=3,
            account_id=1,
            rule_id="daily-loss",
            asked_ns=NOON_NS,
            due_ns=NOON_NS + 1,
            reason="lunch",
            correlation_id="op-1",
        )
    )
    store.close()

    asked = call("locks", "--data", tmp_path)
    told = call("locks", "--stored", "--data", tmp_path)
    (as_json,) = json.loads(call("locks", "--stored", "--json", "--data", tmp_path).stdout)

    assert asked.exit_code == 1
    assert "no daemon runs on" in asked.stderr
    assert "start it with `risk-actors run`" in asked.stderr
    assert "`risk-actors locks --stored`" in asked.stderr
    assert told.exit_code == 0
    assert re.search(r"3 +1 +MNQ +daily-loss +until its condition ends", told.stdout)
    assert "(lunch)" in told.stdout
    assert (as_json["id"], as_json["scope"], as_json["until"]) == (3, MNQ, None)
    assert as_json["correlation_id"] == "event-1"


def test_stored_locks_bear_the_names_the_zone_and_the_policy_that_were_in_force(
    tmp_path: Path,
) -> None:
    migrate(tmp_path)
    store = SqliteLockStore(tmp_path, ZoneInfo("America/Chicago"))
    far_ns = 4_102_444_800 * S
    store.save(lock(3, until_ns=far_ns))
    store.close()
    session = SessionSettings(timezone="Asia/Tokyo", unlock=UnlockPolicy.ADMIN)
    in_force = json.dumps({"session": msgspec.to_builtins(session)})
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as database, database:
        database.execute("insert into accounts (id, name) values (1, '50KTC-SIM-101')")
        database.execute(
            "insert into settings (id, at_ns, day_start_ns, in_force, pending)"
            " values (1, 0, 0, ?, '[]')",
            [in_force],
        )

    text = call("locks", "--stored", "--data", tmp_path).stdout

    assert re.search(r"3 +50KTC-SIM-101 +account +daily-loss", text)
    assert "JST" in text
    assert "Unlock: admin; on request" in text
    assert "risk-actors audit --correlation event-1" in text


@pytest.mark.parametrize(
    ("directory", "says"), [("", "there is no store in"), ("gone", "there is no data directory")]
)
def test_a_store_that_is_not_there_is_a_fault(tmp_path: Path, directory: str, says: str) -> None:
    result = call("locks", "--stored", "--data", tmp_path / directory)

    assert result.exit_code == 1
    assert says in result.stderr


def test_a_store_that_is_damaged_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"this is no database, and long enough" * 99)

    result = call("locks", "--stored", "--data", tmp_path)

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("never", "Unlock: never; a lock ends by its own condition"),
        ("delayed", "Unlock: delayed; on request (`risk-actors unlock`), after a cooling-off time"),
        ("admin", "Unlock: admin; on request (`risk-actors unlock`), with the admin secret"),
    ],
)
def test_locks_and_status_show_the_unlock_policy(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path, policy: str, says: str
) -> None:
    run_daemon(msgspec.structs.replace(pictures["locked"], unlock=policy))

    for command in ("locks", "status"):
        assert says in call(command, "--data", tmp_path).stdout.splitlines()


def test_locks_says_how_to_see_what_each_came_from(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(shown(pictures["locked"], id=5, correlation_id="mh3k2x9f-1"))

    text = call("locks", "--data", tmp_path).stdout
    (told,) = json.loads(call("locks", "--json", "--data", tmp_path).stdout)

    assert "Lock 5: how it came about: risk-actors audit --correlation mh3k2x9f-1" in text
    assert told["correlation_id"] == "mh3k2x9f-1"


SPENT = "daily-loss does not act again before {}: until then nothing of it protects this account"
WAIVED = "daily-loss: what it had found is waived, what it finds from now on is enforced"


@pytest.mark.parametrize("is_spent", [True, False])
def test_what_an_unlock_waived_is_shown_as_long_as_it_holds(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path, is_spent: bool
) -> None:
    first, *others = pictures["open"].rules
    next_cause = "2026-11-20T23:00:00.000+00:00" if is_spent else None
    first = msgspec.structs.replace(first, verdict="breach", is_waived=True, next_cause=next_cause)
    run_daemon(msgspec.structs.replace(pictures["open"], rules=(first, *others)))

    for command in ("locks", "status", "rules"):
        text = " ".join(call(command, "--data", tmp_path).stdout.split())
        pattern = re.escape(SPENT).replace(r"\{\}", r"\S* ?17:00:00 CST") if is_spent else WAIVED
        assert re.search(pattern, text), command


# --- unlock ---------------------------------------------------------------------------------------


def test_unlock_says_when_it_takes_effect(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    daemon = run_daemon(pictures["locked"])
    daemon.trader.unlock = UnlockTerms(policy=UnlockPolicy.DELAYED)
    number = pictures["locked"].accounts[0].locks[0].id

    result = call(
        "unlock", number, "--reason", "lunch", "--account", "50ktc-sim-101", "--data", tmp_path
    )

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"Lock {number}: takes effect at Tue 19:00:00 UTC")
    assert daemon.trader.outbox.only(m.UnlockRequested).reason == "lunch"


def test_unlock_that_is_refused_ends_with_code_1_and_the_sentence(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["locked"])
    number = pictures["locked"].accounts[0].locks[0].id

    refused = call("unlock", number, "--reason", "lunch", "--data", tmp_path)
    unknown = call("unlock", 999, "--reason", "lunch", "--data", tmp_path)
    nobody = call("unlock", 1, "--reason", "x", "--account", "other", "--data", tmp_path)
    assert [each.exit_code for each in (refused, unknown, nobody)] == [1, 1, 1]
    assert "ends by its own condition and by nothing else" in refused.stderr
    assert f"no lock 999 is in force; in force: {number} (daily-loss)" in unknown.stderr


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", "  ")])
def test_a_reason_is_needed(tmp_path: Path, reason: tuple[str, ...]) -> None:
    result = call("unlock", 1, *reason, "--data", tmp_path)

    assert result.exit_code == 2
    assert "say why with --reason" in result.stderr


def test_a_request_is_withdrawn(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    due = datetime.now(UTC).isoformat()
    run_daemon(shown(pictures["locked"], id=5, unlock=UnlockPicture(due=due, reason="lunch")))

    result = call("unlock", 5, "--withdraw", "--data", tmp_path)

    assert (result.exit_code, result.stdout[:18]) == (0, "Lock 5: withdrawn:")


def test_the_admin_secret_comes_by_standard_input_and_is_not_echoed(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    set_secret(tmp_path, SECRET, None, 0)
    daemon = run_daemon(msgspec.structs.replace(pictures["locked"], unlock="admin"))
    daemon.trader.unlock = UnlockTerms(policy=UnlockPolicy.ADMIN)
    daemon.trader.secret = AdminSecret(tmp_path, VirtualClock(NOON_NS))
    number = pictures["locked"].accounts[0].locks[0].id
    asked = ("unlock", number, "--reason", "lunch", "--data", tmp_path)

    without = call(*asked)
    wrong = call(*asked, "--secret-stdin", typed="a-wrong-guess\n")
    empty = call(*asked, "--secret-stdin")
    right = call(*asked, "--secret-stdin", typed=f"{SECRET}\n")

    assert [each.exit_code for each in (without, wrong, empty, right)] == [1, 1, 1, 0]
    assert "the admin secret is needed" in without.stderr
    assert "the admin secret is not right" in wrong.stderr
    assert "no line with a secret" in empty.stderr
    said = "".join(each.output for each in (without, wrong, empty, right))
    assert SECRET not in said
    assert "a-wrong-guess" not in said


# --- arm and disarm -------------------------------------------------------------------------------


def test_disarm_and_arm_say_what_came_of_it(
    run_daemon: RunDaemon, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    daemon = run_daemon(pictures["open"])

    disarmed = call("disarm", "--reason", "lunch", "--data", tmp_path)
    armed_already = call("arm", "--data", tmp_path)
    daemon.picture = pictures["locked"]
    refused = call("disarm", "--reason", "lunch", "--data", tmp_path)
    daemon.picture = pictures["not armed"]
    armed = call("arm", "--data", tmp_path)

    assert disarmed.stdout.startswith("disarmed: nothing is sent")
    assert armed.stdout.startswith("armed: breaches are enforced")
    assert (armed_already.exit_code, refused.exit_code) == (1, 1)
    assert "a lock is in force" in refused.stderr
    assert daemon.trader.armings == [False, True]


@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_disarm_wants_a_reason(tmp_path: Path, reason: tuple[str, ...]) -> None:
    assert call("disarm", *reason, "--data", tmp_path).exit_code == 2


@pytest.mark.parametrize(
    "words", [("unlock", "1", "--reason", "x"), ("disarm", "--reason", "x"), ("arm",)]
)
def test_without_a_daemon_they_end_with_code_1(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = call(*words, "--data", tmp_path)

    assert result.exit_code == 1
    assert "no daemon runs on" in result.stderr


# --- admin ----------------------------------------------------------------------------------------


def test_the_admin_secret_is_set_and_replaced_by_lines_of_standard_input(tmp_path: Path) -> None:
    command = ("admin", "set-secret", "--data", tmp_path / "new")

    first = call(*command, typed=f"{SECRET}\n")
    wrong = call(*command, typed="not-the-old-one\nanother secret\n")
    second = call(*command, typed=f"{SECRET}\nanother secret\n")
    short = call(*command, typed="another secret\nshort\n")

    assert [each.exit_code for each in (first, wrong, second, short)] == [0, 1, 0, 1]
    assert "the old secret is not right" in wrong.stderr
    assert "at least 8 characters" in short.stderr
    assert SECRET not in "".join(each.output for each in (first, wrong, second, short))
    assert (tmp_path / "new" / SECRET_FILE).exists()
    check = AdminSecret(tmp_path / "new", VirtualClock(NOON_NS))
    assert check.refusal("another secret", 2**62) == ""
