"""What is kept for one broker is put aside while another one is used."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from risk_actors.app import broker_identity
from risk_actors.app.admin_secret import SECRET_FILE, SEEN_FILE
from risk_actors.app.broker_identity import (
    PAPER,
    SWITCH_FILE,
    identity_of,
    kept_identity,
    use_files_of,
)
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_environment import Environment
from risk_actors.projectx.settings import Credentials, GatewayEndpoints
from risk_actors.store.lock_backup import BACKUP_FILE as LOCK_BACKUP_FILE
from risk_actors.store.recovery import open_or_recover
from risk_actors.store.runs import RunRecord, note_run
from risk_actors.store.schema import DATABASE_FILE, open_database
from risk_actors.store.settings_backup import BACKUP_FILE, KeptSettings, write_settings_backup
from tests.conftest import NOON_NS

LIVE, OTHER = "live-0123456789ab", "live-ba9876543210"
KEPT = KeptSettings(
    at_ns=5,
    day_start_ns=3,
    in_force="{}",
    armed_by_command=None,
    first_started_ns=1,
    was_locked=True,
)


def login(user: str = "trader", api_url: str | None = None) -> Environment:
    endpoints = None
    if api_url is not None:
        endpoints = GatewayEndpoints(api_url=api_url, user_hub_url="", market_hub_url="")
    return Environment(
        credentials=Credentials(username=user, api_key="key"),
        endpoints=endpoints,
    )


def live(user: str = "trader", api_url: str | None = None) -> str:
    return identity_of(TradingMode.LIVE, login(user, api_url))


def note(data_dir: Path, broker: str | None, run: int = 1) -> None:
    """Have a run in the store, as the journal does."""
    open_or_recover(data_dir, NOON_NS)
    with closing(open_database(data_dir)) as database, database.atomic():
        note_run(database, RunRecord(run, "1", "x", True, "{}", broker))


def begin(data_dir: Path, broker: str) -> None:
    """Keep what a run of a broker keeps."""
    note(data_dir, broker)
    write_settings_backup(data_dir, KEPT)
    for name in (LOCK_BACKUP_FILE, SEEN_FILE, f"{DATABASE_FILE}.damaged-1", "risk.db.suspect"):
        (data_dir / name).write_text(f"of {broker}")
    (data_dir / BACKUP_FILE).write_text(json.dumps({"of": broker}))
    (data_dir / SECRET_FILE).write_text("of the trader")


def content(data_dir: Path) -> dict[str, bytes]:
    """Return all files, besides what SQLite makes whenever it looks into a store."""
    return {
        path.name: path.read_bytes()
        for path in data_dir.iterdir()
        if not path.name.endswith(("-wal", "-shm"))
    }


def brokers(path: Path) -> list[str | None]:
    with closing(sqlite3.connect(path)) as store:
        return [broker for (broker,) in store.execute("select broker from runs")]


def test_an_identity_tells_no_name_and_is_that_of_the_broker_and_the_login() -> None:
    assert identity_of(TradingMode.PAPER, login()) == PAPER
    assert live("somebody").startswith("live-")
    assert len(live("somebody")) == len("live-") + 12
    assert live() == live(api_url=GatewayEndpoints().api_url)
    others = {live(), live("b"), live(api_url="http://h:1/api"), live(api_url="http://h:2/api")}
    assert len(others) == 4


@pytest.mark.parametrize(
    "address",
    [
        "https://api.topstepx.com/api/",
        "https://API.TopstepX.com./api",
        "https://api.topstepx.com:443//api?x=1",
        "https://somebody@api.topstepx.com/%61pi",
    ],
)
def test_another_spelling_of_the_same_address_is_no_other_broker(address: str) -> None:
    assert live(api_url=address) == live()
    assert live(" Trader ", address) == live()


def test_a_simulator_on_this_machine_is_one_broker_whatever_its_port() -> None:
    urls = ("http://127.0.0.1:4001/api", "http://localhost:4002/api", "http://[::1]:4003/api")

    assert len({live(api_url=url) for url in urls}) == 1
    assert live(api_url=urls[0]) not in (live(), PAPER)


def test_another_broker_finds_nothing_and_the_first_finds_all_of_it_again(tmp_path: Path) -> None:
    begin(tmp_path, LIVE)
    before = content(tmp_path)

    (said,) = use_files_of(tmp_path, PAPER)

    assert f"used with another broker ({LIVE}); its store is kept as risk.db.{LIVE}" in said
    aside = {name for name in before if name != SECRET_FILE}
    assert not aside & set(content(tmp_path))
    assert brokers(tmp_path / f"risk.db.{LIVE}") == [LIVE]
    begin(tmp_path, PAPER)
    of_paper = content(tmp_path)
    assert len(use_files_of(tmp_path, LIVE)) == 1
    assert {name: data for name, data in content(tmp_path).items() if name in before} == before
    assert len(use_files_of(tmp_path, PAPER)) == 1
    assert content(tmp_path) == of_paper
    assert use_files_of(tmp_path, PAPER) == ()


def test_the_store_of_a_new_broker_is_not_filled_from_a_damaged_one_of_another(
    tmp_path: Path,
) -> None:
    begin(tmp_path, LIVE)
    with closing(open_database(tmp_path)) as database:
        database.vacuum()
    store = (tmp_path / DATABASE_FILE).read_bytes()
    (tmp_path / f"{DATABASE_FILE}.damaged-1").write_bytes(store)

    use_files_of(tmp_path, PAPER)
    said = open_or_recover(tmp_path, NOON_NS).said

    assert said == ()
    assert brokers(tmp_path / DATABASE_FILE) == []


class _KilledError(Exception):
    pass


def test_a_switch_that_is_killed_anywhere_is_completed_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename
    stops = 0
    while True:
        data_dir = tmp_path / str(stops)
        data_dir.mkdir()
        begin(data_dir, LIVE)
        use_files_of(data_dir, PAPER)
        begin(data_dir, PAPER)
        whole = content(data_dir)
        left = stops

        def stopping(path: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise _KilledError
            left -= 1
            return rename(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", stopping)
            try:
                use_files_of(data_dir, LIVE)
                break
            except _KilledError:
                assert (data_dir / SWITCH_FILE).exists()
        _completed_by_either(data_dir, whole, to_and_fro=stops % 2 == 0)
        stops += 1
    assert stops >= 12


def _completed_by_either(data_dir: Path, whole: dict[str, bytes], *, to_and_fro: bool) -> None:
    if to_and_fro:
        assert len(use_files_of(data_dir, PAPER)) == 2
        assert content(data_dir) == whole
        return
    assert len(use_files_of(data_dir, LIVE)) == 1
    assert (data_dir / LOCK_BACKUP_FILE).read_text() == f"of {LIVE}"
    assert brokers(data_dir / DATABASE_FILE) == [LIVE]
    assert brokers(data_dir / "risk.db.paper") == [PAPER]
    assert sorted(content(data_dir).values()) == sorted(whole.values())


@pytest.mark.parametrize("kept", [b"", b"no JSON", b'{"moves": 1}'])
def test_a_note_of_a_switch_that_makes_no_sense_ends_the_start(tmp_path: Path, kept: bytes) -> None:
    begin(tmp_path, LIVE)
    (tmp_path / SWITCH_FILE).write_bytes(kept)

    with pytest.raises(OSError, match="makes no sense"):
        use_files_of(tmp_path, PAPER)


def gone(path: Path) -> None:
    path.unlink()


def damaged(path: Path) -> None:
    path.write_bytes(b"this is no database, and long enough to be one" * 99)


def says_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("update runs set broker = null")


def of_an_earlier_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("alter table runs drop column broker")


@pytest.mark.parametrize("harm", [gone, damaged, says_nothing, of_an_earlier_version])
def test_without_the_store_the_settings_beside_it_tell_whose_it_is(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    note(tmp_path, LIVE)
    harm(tmp_path / DATABASE_FILE)
    assert kept_identity(tmp_path) is None
    kept = KeptSettings(
        at_ns=5,
        day_start_ns=3,
        in_force="{}",
        armed_by_command=None,
        first_started_ns=1,
        was_locked=True,
        broker=LIVE,
    )
    write_settings_backup(tmp_path, kept)

    assert kept_identity(tmp_path) == LIVE
    assert len(use_files_of(tmp_path, PAPER)) == 1
    assert not (tmp_path / BACKUP_FILE).exists()


def test_what_is_nobodys_is_taken_by_the_first_that_comes(tmp_path: Path) -> None:
    note(tmp_path, None)

    assert use_files_of(tmp_path, LIVE) == ()
    assert (tmp_path / DATABASE_FILE).exists()
    note(tmp_path, LIVE, run=2)
    assert kept_identity(tmp_path) == LIVE


def test_a_new_store_that_says_nothing_does_not_keep_a_broker_from_its_own(tmp_path: Path) -> None:
    """As when the first start with another broker is killed before it noted a run."""
    begin(tmp_path, LIVE)
    use_files_of(tmp_path, PAPER)
    open_or_recover(tmp_path, NOON_NS)

    for _ in range(2):
        assert len(use_files_of(tmp_path, LIVE)) == 1
        assert brokers(tmp_path / DATABASE_FILE) == [LIVE]
        assert brokers(tmp_path / "risk.db.unknown") == []
        use_files_of(tmp_path, OTHER)
        open_or_recover(tmp_path, NOON_NS)
    assert brokers(tmp_path / "risk.db.unknown.older-1") == []


def test_looking_whose_a_store_is_leaves_its_log_as_it_is(tmp_path: Path) -> None:
    """Or the store's own look at a log that lacks its end would come too late."""
    note(tmp_path, LIVE)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as writer:
        writer.execute("update runs set alive_ns = 7")
        writer.commit()
        killed = tmp_path / "killed"
        killed.mkdir()
        for name in (DATABASE_FILE, f"{DATABASE_FILE}-wal"):
            (killed / name).write_bytes((tmp_path / name).read_bytes())
    log = (killed / f"{DATABASE_FILE}-wal").read_bytes()
    assert log

    assert broker_identity.kept_identity(killed) == LIVE

    assert (killed / f"{DATABASE_FILE}-wal").read_bytes() == log
