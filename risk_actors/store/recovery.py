"""Opening the store at a start, whatever became of the file.

A damaged file is set aside, never written to again, and a new one begun with what can be read of
it. Locks are kept a second time beside the store, and what the store lacks of them is put back.
"""

import sqlite3
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from risk_actors.core.evidence import NS_PER_S
from risk_actors.store.audit import Record
from risk_actors.store.audit_locks import ended_by_hand
from risk_actors.store.health import look_at_store
from risk_actors.store.lock_backup import BACKUP_FILE, BackupError, read_backup
from risk_actors.store.lock_rows import row_of
from risk_actors.store.record_chain import GENESIS
from risk_actors.store.salvage import Salvaged, salvage
from risk_actors.store.schema import DATABASE_FILE, migrate, open_database
from risk_actors.store.suspect import SUSPECT_FILE, is_damage

_PARTS = ("", "-wal", "-shm")
_ENDED = "select id from locks where ended_ns is not null"
_WORDS = {
    "locks": "locks",
    "rule_states": "memories of rules",
    "settings": "changes of settings",
    "unlock_requests": "requests to unlock",
    "timers": "resets told",
    "runs": "runs",
    "pnl_days": "days",
    "fills": "fills",
}


class Recovered(NamedTuple):
    """What had to be done; nothing, of a sound file."""

    said: tuple[str, ...] = ()
    """What was saved and what was lost, in plain words."""
    set_aside: Path | None = None
    """Where the damaged file is now."""


def open_or_recover(data_dir: Path, now_ns: int, zone: tzinfo = UTC) -> Recovered:
    """Bring the store to this version, or begin a new one with what is left of it.

    `now_ns` names the file that is set aside; what is said of restored locks is said in the zone.

    Raises:
        NewerStoreError: the file is of a later version; it was not touched.
        sqlite3.Error: it cannot be used for another reason than damage (locked, no permission).
        OSError: a damaged file cannot be set aside.
    """
    health = look_at_store(data_dir)
    damage = health.damage
    said: list[str] = []
    aside: Path | None = None
    if damage is None:
        if health.lost_commits:
            said.append(
                f"The end of what was written last to {DATABASE_FILE} is damaged and lost; the "
                "broker tells positions and fills again"
            )
        try:
            migrate(data_dir)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            damage = str(error)
    if damage is not None:
        aside = _set_aside(data_dir, now_ns)
        said.append(f"{DATABASE_FILE} is damaged ({damage}) and was set aside as {aside.name}")
        migrate(data_dir)
    else:
        aside = _unfinished(data_dir)
    if aside is not None:
        said += _save(data_dir, aside, now_ns)
    (data_dir / SUSPECT_FILE).unlink(missing_ok=True)
    return Recovered((*said, *_restore_locks(data_dir, zone)), aside)


def _set_aside(data_dir: Path, now_ns: int) -> Path:
    """Rename the file and what belongs to it; nothing set aside before is overwritten."""
    at = datetime.fromtimestamp(now_ns // NS_PER_S, UTC)
    name = stem = f"{DATABASE_FILE}.damaged-{at:%Y%m%d-%H%M%S}"
    number = 1
    while (data_dir / name).exists():
        number += 1
        name = f"{stem}-{number}"
    for part in _PARTS:
        source = data_dir / f"{DATABASE_FILE}{part}"
        if source.exists():
            source.rename(data_dir / f"{name}{part}")
    return data_dir / name


def _unfinished(data_dir: Path) -> Path | None:
    """Return the file that a start set aside and then, being killed, saved nothing from."""
    asides = [
        path
        for path in data_dir.glob(f"{DATABASE_FILE}.damaged-*")
        if not path.name.endswith(("-wal", "-shm"))
    ]
    if not asides:
        return None
    database = open_database(data_dir)
    try:
        is_done = database.execute("select 1 from runs limit 1").fetchone() is not None
    finally:
        database.close()
    return None if is_done else max(asides)


def _save(data_dir: Path, aside: Path, now_ns: int) -> list[str]:
    """Copy what can be read; say what was saved and what was not."""
    database = open_database(data_dir)
    try:
        with database.atomic():
            salvaged = salvage(aside, database)
            database.execute(
                "insert or replace into record_anchors (seq, hash, at_ns, why) values (0, ?, ?, ?)",
                [GENESIS, now_ns, f"the record before is in {aside.name}"],
            )
            # The first minutes of a new data directory are free; of this one they are long over.
            database.execute(
                "insert into runs (started_ns, version, mode, setup)"
                " select 0, '', '', '' where not exists (select 1 from runs)"
            )
    finally:
        database.close()
    return _say(salvaged, aside)


def _say(salvaged: list[Salvaged], aside: Path) -> list[str]:
    saved = [f"{one.rows} {_WORDS[one.table]}" for one in salvaged if one.rows]
    broken = [_WORDS[one.table] for one in salvaged if not one.is_whole]
    said = [f"Saved from it: {', '.join(saved)}" if saved else "Nothing could be saved from it"]
    if broken:
        said.append(f"Not all of these could be read, some may be lost: {', '.join(broken)}")
    said.append(
        f"The record of what happened before stays in {aside.name}; positions and fills are read "
        "from the broker"
    )
    return said


def _restore_locks(data_dir: Path, zone: tzinfo) -> list[str]:
    """Put locks back that the backup has and the store lacks, or has with an earlier end."""
    try:
        kept = read_backup(data_dir / BACKUP_FILE)
    except BackupError as error:
        return [f"The backup of the locks is of no use: {error}"]
    if not kept:
        return []
    database = open_database(data_dir)
    try:
        ended = {row_id for (row_id,) in database.execute(_ENDED).fetchall()}
        # The whole record has to be read for that, which a start has no time for otherwise.
        is_asked = any(lock.id in ended for lock in kept)
        forged = _ended_by_hand(data_dir) if is_asked else frozenset()
        with database.atomic():
            restored = [lock for lock in kept if _put_back(database, row_of(lock, zone), forged)]
    finally:
        database.close()
    if not restored:
        return []
    names = ", ".join(f"{lock.rule_id} on account {lock.account_id}" for lock in restored)
    return [f"Locks that the store lacked were put back from their backup: {names}"]


def _ended_by_hand(data_dir: Path) -> frozenset[int]:
    """Return the locks that were ended in the store, and by no run of this program."""
    try:
        with Record(data_dir) as record:
            return ended_by_hand(record)
    except sqlite3.Error:
        # What the record tells cannot be read; then the store's word on an end stands.
        return frozenset()


def _put_back(database: Database, row: dict[str, object], forged: frozenset[int]) -> bool:
    """Store a lock of the backup; tell whether that changed anything."""
    known = database.execute(
        "select until_ns, ended_ns from locks where id = ?", [row["id"]]
    ).fetchone()
    if known is None:
        names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        database.execute(
            f"insert into locks ({names}) values ({values})",  # noqa: S608 - names, not data
            row,
        )
        return True
    until_ns, ended_ns = known
    is_forged = ended_ns is not None and row["id"] in forged
    if is_forged:
        database.execute(
            "update locks set ended_ns = null, ended_by = null where id = ?", [row["id"]]
        )
    elif ended_ns is not None:
        return False
    wanted_ns = row["until_ns"]
    if until_ns is None or not isinstance(wanted_ns, int) or wanted_ns <= until_ns:
        return is_forged
    database.execute("update locks set until_ns = ? where id = ?", [wanted_ns, row["id"]])
    return True
