"""The admin secret: kept as an argon2id hash in the data directory, checked in constant words.

It keeps the trader from unlocking in the heat, while somebody trusted knows the secret. Whoever
owns the files can still take the program apart; so a secret that was set after a lock began does
not end that lock. When it was set is told by the PC's clock, which anybody can set: so it also
counts when the daemon first saw the hash, by its own clock.
"""

import hashlib
import os
import threading
from collections import deque
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from loguru import logger

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.core.unlock_requests import ADMIN_NEEDED
from risk_actors.runtime.clock import Clock

SECRET_FILE = "admin_secret.json"  # noqa: S105 - the name of a file
SEEN_FILE = "admin_secret.seen.json"
"""When a running daemon first saw which hash; without it, each counts as seen now."""
MIN_LENGTH = 8
MAX_WRONG = 5
WITHIN_NS = 15 * 60 * NS_PER_S

NOT_SET = "no admin secret is set, so nobody can unlock; see `risk-actors admin set-secret`"
WRONG = "the admin secret is not right"
TOO_MANY = "too many wrong secrets were given; none is taken for a while"
SET_LATER = "the admin secret was set after the lock began, so it does not end that lock"


class SecretError(Exception):
    """The secret cannot be set or read; the text says why and never has the secret."""


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    hash: str
    set_ns: int


def has_secret(data_dir: Path) -> bool:
    """Tell whether a secret is set."""
    return (data_dir / SECRET_FILE).exists()


def unlock_advice(policy: UnlockPolicy, data_dir: Path) -> str | None:
    """Return what a trader should know of the policy before it matters, or None."""
    if policy is UnlockPolicy.ADMIN and not has_secret(data_dir):
        return f'`unlock = "admin"`, but {NOT_SET}'
    return None


def set_secret(data_dir: Path, secret: str, old: str | None, now_ns: int) -> None:
    """Set the secret, in place of the old one, which has to be given.

    Raises:
        SecretError: it is too short, the old one is not right, or the file cannot be written.
    """
    stored = _read(data_dir)
    if stored is not None and not _is_right(stored, old or ""):
        raise SecretError("the old secret is not right; nothing was changed")
    if len(secret) < MIN_LENGTH:
        raise SecretError(f"the secret has to have at least {MIN_LENGTH} characters")
    _write(data_dir, _Stored(hash=PasswordHasher().hash(_bytes(secret)), set_ns=now_ns))


class AdminSecret:
    """Checks secrets against the file, which is read each time; wrong ones are limited."""

    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._data_dir = data_dir
        self._clock = clock
        self._turn = threading.Lock()
        self._wrong_ns: deque[int] = deque(maxlen=MAX_WRONG)
        # Read once: what is written into the file while this runs is not believed.
        self._seen_ns = _read_seen(data_dir)
        self.look()

    def look(self) -> None:
        """Note which secret is set; called often, so that one set before a lock counts as that."""
        with self._turn:
            try:
                stored = _read(self._data_dir)
            except SecretError:
                return
            if stored is not None:
                self._first_seen_ns(stored)

    def refusal(self, secret: str | None, since_ns: int) -> str:
        """Return why a secret does not authorise for a lock since an instant; empty if it does.

        It takes about a tenth of a second. One is checked at a time, so that nobody gets more
        attempts by sending them at once.
        """
        with self._turn:
            try:
                stored = _read(self._data_dir)
            except SecretError as error:
                return str(error)
            if stored is None:
                return NOT_SET
            known_ns = max(stored.set_ns, self._first_seen_ns(stored))
            if not secret:
                return ADMIN_NEEDED
            now_ns = self._clock.monotonic_ns()
            if len(self._wrong_ns) == MAX_WRONG and now_ns - self._wrong_ns[0] < WITHIN_NS:
                return TOO_MANY
            if not _is_right(stored, secret):
                self._wrong_ns.append(now_ns)
                return WRONG
            return SET_LATER if known_ns > since_ns else ""

    def _first_seen_ns(self, stored: _Stored) -> int:
        digest = hashlib.sha256(stored.hash.encode()).hexdigest()
        if digest not in self._seen_ns:
            self._seen_ns[digest] = self._clock.now_ns()
            try:
                _put(self._data_dir / SEEN_FILE, msgspec.json.encode(self._seen_ns))
            except OSError as error:
                logger.warning("{} cannot be written: {}", SEEN_FILE, error)
        return self._seen_ns[digest]


def _is_right(stored: _Stored, secret: str) -> bool:
    try:
        return PasswordHasher().verify(stored.hash, _bytes(secret))
    except (VerificationError, InvalidHashError):
        return False


def _bytes(secret: str) -> bytes:
    # Strange characters must not end in an error text that quotes them.
    return secret.encode("utf-8", "surrogatepass")


def _read(data_dir: Path) -> _Stored | None:
    path = data_dir / SECRET_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Stored)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise SecretError(f"{path} is damaged, so no secret can be checked") from error


def _read_seen(data_dir: Path) -> dict[str, int]:
    """Return when which hash was first seen; nothing, where the file is gone or damaged."""
    try:
        return msgspec.json.decode((data_dir / SEEN_FILE).read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def _write(data_dir: Path, stored: _Stored) -> None:
    path = data_dir / SECRET_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _put(path, msgspec.json.encode(stored))
    except OSError as error:
        raise SecretError(f"{path} cannot be written: {error.strerror or error}") from error


def _put(path: Path, data: bytes) -> None:
    """Put a file in place as a whole; it is never readable for others, not for a moment."""
    written = path.with_suffix(".new")
    written.unlink(missing_ok=True)
    handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
