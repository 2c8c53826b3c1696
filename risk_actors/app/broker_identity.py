"""Whose the kept files are: what was kept for one broker holds for that broker alone.

Another broker has another clock and other accounts. On its word no lock may end, no request to
unlock fall due and no setting loosen; so its files are put aside while another one is used. It is
all done before the store is opened, and nothing is deleted or merged.
"""

import hashlib
import ipaddress
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from risk_actors.app.admin_secret import SEEN_FILE
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_environment import Environment
from risk_actors.projectx.settings import GatewayEndpoints
from risk_actors.store.lock_backup import BACKUP_FILE as LOCK_BACKUP_FILE
from risk_actors.store.runs import read_broker
from risk_actors.store.schema import DATABASE_FILE
from risk_actors.store.settings_backup import (
    BACKUP_FILE,
    SettingsBackupError,
    read_settings_backup,
)
from risk_actors.store.suspect import SUSPECT_FILE

PAPER = "paper"
UNKNOWN = "unknown"
"""In the names of files put aside whose broker nothing tells."""
SWITCH_FILE = "broker.switch.json"
"""There while files are renamed."""

_DIGITS = 12
THIS_MACHINE = "this machine"
_DEFAULT_PORTS = (None, 80, 443)
_BESIDE = (LOCK_BACKUP_FILE, BACKUP_FILE, SEEN_FILE)
_PARTS = ("", "-wal", "-shm", SUSPECT_FILE.removeprefix(DATABASE_FILE))
_DAMAGED = ".damaged-"


class _Switch(msgspec.Struct, frozen=True, kw_only=True):
    """The renames from one broker to another, in their order; a killed start leaves it behind."""

    moves: tuple[tuple[str, str], ...]
    said: str


def identity_of(mode: TradingMode, environment: Environment) -> str:
    """Return whom the files of a start belong to; of a login only a digest is told."""
    if mode is TradingMode.PAPER or environment.credentials is None:
        return PAPER
    api = urlsplit((environment.endpoints or GatewayEndpoints()).api_url)
    # Only what makes it another broker counts: other spellings of one address must not.
    host = (api.hostname or "").rstrip(".")
    port = "" if api.port in _DEFAULT_PORTS else f":{api.port}"
    address = THIS_MACHINE if _is_loopback(host) else f"{host}{port}"
    user = environment.credentials.username.strip().casefold()
    digest = hashlib.sha256(f"{address}\n{user}".encode()).hexdigest()
    return f"live-{digest[:_DIGITS]}"


def _is_loopback(host: str) -> bool:
    """Tell whether a simulator answers there: its port is another one at each start."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def kept_identity(data_dir: Path) -> str | None:
    """Return whose the files in use are; None where nothing tells."""
    return _in_store(data_dir) or _in_backup(data_dir)


def use_files_of(data_dir: Path, identity: str) -> tuple[str, ...]:
    """Put the files of another broker aside and those of this one in place; say what was done.

    Files of nobody known are taken for this broker's, unless its own lie aside. The store must not
    be open. A switch that was cut short is completed first.

    Raises:
        OSError: a file cannot be renamed; the next start goes on from there.
    """
    said = _complete(data_dir)
    before = kept_identity(data_dir)
    own = _aside(data_dir, identity)
    if before == identity or (before is None and not own):
        return said
    switch = _planned(data_dir, before or UNKNOWN, own)
    path = data_dir / SWITCH_FILE
    written = path.with_suffix(".new")
    with written.open("wb") as file:
        file.write(msgspec.json.encode(switch))
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    return (*said, *_complete(data_dir))


def _in_store(data_dir: Path) -> str | None:
    path = data_dir / DATABASE_FILE
    if not path.is_file():
        return None
    try:
        # To read only: closing it otherwise would hide that its newest commits are damaged.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as store:
            return read_broker(store)
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _in_backup(data_dir: Path) -> str | None:
    try:
        kept = read_settings_backup(data_dir)
    except SettingsBackupError:
        return None
    return None if kept is None else kept.broker


def _planned(data_dir: Path, before: str, own: dict[str, str]) -> _Switch:
    """Return the renames: first all of the other broker's away, then all of this one's back."""
    moves: list[tuple[str, str]] = []
    for name in _names(data_dir):
        if not _is_kept(name):
            continue
        target = _aside_name(name, before)
        if (data_dir / target).exists():
            moves.append((target, _free_name(data_dir, f"{target}.older")))
        moves.append((name, target))
    store = _aside_name(DATABASE_FILE, before)
    said = (
        f"This data directory was used with another broker ({before}); its store is kept as {store}"
        " and what belongs to this one is used"
    )
    return _Switch(moves=(*moves, *own.items()), said=said)


def _complete(data_dir: Path) -> tuple[str, ...]:
    """Do what is left of the renames; each of them can be told from what files there are."""
    path = data_dir / SWITCH_FILE
    try:
        switch = msgspec.json.decode(path.read_bytes(), type=_Switch)
    except FileNotFoundError:
        return ()
    except msgspec.MsgspecError as error:
        raise OSError(f"{path} makes no sense, so whose files are in use is not known") from error
    for name, target in switch.moves:
        source = data_dir / name
        # Both were free to be taken when planned; a target that is there was put there before.
        if source.exists() and not (data_dir / target).exists():
            source.rename(data_dir / target)
    path.unlink()
    return (switch.said,)


def _aside(data_dir: Path, identity: str) -> dict[str, str]:
    """Return the files of a broker that lie aside, by what they are called in use."""
    prefix = _aside_name(DATABASE_FILE, identity)
    found = {
        name: DATABASE_FILE + name.removeprefix(prefix)
        for name in _names(data_dir)
        if name.startswith(prefix) and _is_part(name.removeprefix(prefix))
    }
    for name in _BESIDE:
        aside = _aside_name(name, identity)
        if (data_dir / aside).exists():
            found[aside] = name
    return found


def _names(data_dir: Path) -> list[str]:
    return sorted(path.name for path in data_dir.iterdir())


def _is_kept(name: str) -> bool:
    """Tell whether a file in use belongs to one broker."""
    is_of_store = name.startswith(DATABASE_FILE) and _is_part(name.removeprefix(DATABASE_FILE))
    return is_of_store or name in _BESIDE


def _is_part(rest: str) -> bool:
    # A damaged store that was set aside is what an unfinished rescue still reads from.
    return rest in _PARTS or rest.startswith(_DAMAGED)


def _aside_name(name: str, identity: str) -> str:
    """Return `risk.db.paper` and `risk.db.paper-wal`, so that SQLite still finds both."""
    if name.startswith(DATABASE_FILE):
        return f"{DATABASE_FILE}.{identity}{name.removeprefix(DATABASE_FILE)}"
    return f"{name}.{identity}"


def _free_name(data_dir: Path, stem: str) -> str:
    number = 1
    while (data_dir / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"
