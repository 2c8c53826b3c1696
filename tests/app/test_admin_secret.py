"""The admin secret: its file, and how attempts are limited."""

import stat
import sys
from pathlib import Path

import pytest

from risk_actors.app.admin_secret import (
    MAX_WRONG,
    NOT_SET,
    SECRET_FILE,
    SEEN_FILE,
    SET_LATER,
    TOO_MANY,
    WITHIN_NS,
    WRONG,
    AdminSecret,
    SecretError,
    set_secret,
    unlock_advice,
)
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.core.unlock_requests import ADMIN_NEEDED
from risk_actors.runtime.clock import VirtualClock
from tests.conftest import NOON_NS, S

SECRET = "correct horse battery"
LOCKED_NS = NOON_NS + S


def check(data_dir: Path, secret: str | None, clock: VirtualClock) -> str:
    return AdminSecret(data_dir, clock).refusal(secret, LOCKED_NS)


def test_the_right_secret_authorises_and_a_wrong_one_does_not(
    tmp_path: Path, clock: VirtualClock
) -> None:
    set_secret(tmp_path, SECRET, None, NOON_NS)

    assert check(tmp_path, SECRET, clock) == ""
    assert check(tmp_path, "correct horse batter", clock) == WRONG
    assert check(tmp_path, "", clock) == ADMIN_NEEDED
    assert check(tmp_path, None, clock) == ADMIN_NEEDED


def test_only_the_hash_is_kept_and_only_for_the_owner_to_read(tmp_path: Path) -> None:
    set_secret(tmp_path / "new", SECRET, None, NOON_NS)

    file = tmp_path / "new" / SECRET_FILE
    assert SECRET not in file.read_text()
    assert "$argon2id$" in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == [SECRET_FILE]
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_was_set_after_the_lock_began_says_so(
    tmp_path: Path, clock: VirtualClock
) -> None:
    set_secret(tmp_path, SECRET, None, LOCKED_NS + 1)

    assert check(tmp_path, SECRET, clock) == SET_LATER


def test_the_old_secret_is_needed_to_replace_it(tmp_path: Path, clock: VirtualClock) -> None:
    set_secret(tmp_path, SECRET, None, NOON_NS)

    for old in (None, "", "wrong-wrong"):
        with pytest.raises(SecretError, match="the old secret is not right"):
            set_secret(tmp_path, "another secret", old, NOON_NS)
    set_secret(tmp_path, "another secret", SECRET, NOON_NS)

    assert check(tmp_path, "another secret", clock) == ""
    assert check(tmp_path, SECRET, clock) == WRONG


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="at least 8 characters"):
        set_secret(tmp_path, "1234567", None, NOON_NS)

    assert list(tmp_path.iterdir()) == []


def test_after_five_wrong_ones_none_is_taken_for_a_while(
    tmp_path: Path, clock: VirtualClock
) -> None:
    set_secret(tmp_path, SECRET, None, NOON_NS)
    secret = AdminSecret(tmp_path, clock)

    said = []
    for attempt in range(MAX_WRONG + 1):
        said.append(secret.refusal(f"guess {attempt}", LOCKED_NS))
        clock.advance(60 * S)
    with_the_right_one = secret.refusal(SECRET, LOCKED_NS)
    clock.step(7 * 24 * 3600 * S)
    clock_set_forward = secret.refusal(SECRET, LOCKED_NS)
    clock.advance(WITHIN_NS)

    assert said == [WRONG] * MAX_WRONG + [TOO_MANY]
    assert (with_the_right_one, clock_set_forward) == (TOO_MANY, TOO_MANY)
    assert secret.refusal(SECRET, LOCKED_NS) == ""


def test_without_a_secret_nobody_unlocks(tmp_path: Path, clock: VirtualClock) -> None:
    assert check(tmp_path, SECRET, clock) == NOT_SET


@pytest.mark.parametrize("text", ["", "{}", '{"hash": "x", "set_ns": 1}'])
def test_a_damaged_file_authorises_nobody(tmp_path: Path, clock: VirtualClock, text: str) -> None:
    (tmp_path / SECRET_FILE).write_text(text)

    assert check(tmp_path, SECRET, clock)


@pytest.mark.parametrize(
    ("policy", "is_set", "advises"),
    [
        (UnlockPolicy.ADMIN, False, True),
        (UnlockPolicy.ADMIN, True, False),
        (UnlockPolicy.NEVER, False, False),
        (UnlockPolicy.DELAYED, False, False),
    ],
)
def test_a_policy_that_nobody_can_use_is_told_of(
    tmp_path: Path, policy: UnlockPolicy, is_set: bool, advises: bool
) -> None:
    if is_set:
        set_secret(tmp_path, SECRET, None, NOON_NS)

    advice = unlock_advice(policy, tmp_path)

    assert (advice is not None) is advises
    if advice is not None:
        assert "nobody can unlock" in advice


def test_a_secret_set_under_a_lock_with_the_clock_set_back_does_not_end_it(
    tmp_path: Path, clock: VirtualClock
) -> None:
    set_secret(tmp_path, SECRET, None, NOON_NS)
    secret = AdminSecret(tmp_path, clock)
    clock.advance(2 * S)

    (tmp_path / SECRET_FILE).unlink()
    set_secret(tmp_path, "my own secret", None, NOON_NS - 24 * 3600 * S)

    assert secret.refusal("my own secret", LOCKED_NS) == SET_LATER
    assert check(tmp_path, "my own secret", clock) == SET_LATER
    (tmp_path / SEEN_FILE).write_text("{}")
    assert secret.refusal("my own secret", LOCKED_NS) == SET_LATER
    assert secret.refusal("my own secret", clock.now_ns()) == ""


def test_a_secret_that_was_seen_before_the_lock_ends_it_after_a_restart(
    tmp_path: Path, clock: VirtualClock
) -> None:
    secret = AdminSecret(tmp_path, clock)
    set_secret(tmp_path, SECRET, None, NOON_NS - S)
    secret.look()
    clock.advance(9 * S)

    assert secret.refusal(SECRET, LOCKED_NS) == ""
    assert check(tmp_path, SECRET, clock) == ""


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", '{"x": "y"}'])
def test_without_the_note_of_what_was_seen_a_secret_ends_no_lock_from_before(
    tmp_path: Path, clock: VirtualClock, text: str | None
) -> None:
    set_secret(tmp_path, SECRET, None, NOON_NS - S)
    AdminSecret(tmp_path, clock)
    clock.advance(9 * S)
    (tmp_path / SEEN_FILE).unlink()
    if text is not None:
        (tmp_path / SEEN_FILE).write_text(text)

    assert check(tmp_path, SECRET, clock) == SET_LATER
    assert AdminSecret(tmp_path, clock).refusal(SECRET, clock.now_ns()) == ""


def test_a_note_that_cannot_be_written_counts_while_the_daemon_runs(
    tmp_path: Path, clock: VirtualClock
) -> None:
    (tmp_path / SEEN_FILE).mkdir()
    set_secret(tmp_path, SECRET, None, NOON_NS - S)
    secret = AdminSecret(tmp_path, clock)
    clock.advance(9 * S)

    assert secret.refusal(SECRET, LOCKED_NS) == ""
