"""One daemon per data directory, and where its clients find it."""

import json
import os
import secrets
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_FILE = "daemon.lock"
ADDRESS_FILE = "daemon.json"


class AlreadyRunningError(Exception):
    """Another daemon holds the data directory."""


class DataDirectoryError(Exception):
    """The data directory, or what is kept in it, cannot be used; the text says why."""


class Instance:
    """Holds a data directory for as long as this process lives; the system frees it at any end."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = FileLock(data_dir / LOCK_FILE)
        self.run = secrets.token_hex(16)
        """The id of this run: whoever answers with another one is another guard."""

    def hold(self) -> None:
        """Take the data directory.

        Raises:
            AlreadyRunningError: another daemon has it.
            DataDirectoryError: the directory cannot be made or written.
        """
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self._data_dir, "made", error) from error
        try:
            self._lock.acquire(timeout=0)
            self._address.unlink(missing_ok=True)
        except Timeout:
            raise AlreadyRunningError(
                f"another risk-actors runs on {self._data_dir}; stop it first, "
                "or choose another directory with --data"
            ) from None
        except OSError as error:
            self._lock.release()
            raise _unusable(self._data_dir, "written", error) from error

    def publish(
        self, host: str, port: int, token_file: Path | None = None, env_file: Path | None = None
    ) -> None:
        """Leave the address of the HTTP side for clients, who it is, and where its token is read.

        Args:
            host: where this machine reaches it.
            port: the same.
            token_file: the file that `token_file` of `[web]` names.
            env_file: the `.env` that the token was read from, which beats the other.
        """
        told: dict[str, str | int] = {"host": host, "port": port, "pid": os.getpid()}
        told["run"] = self.run
        for name, file in (("token_file", token_file), ("env_file", env_file)):
            if file is not None:
                told[name] = str(file.resolve())
        # Put in place as a whole, so that no client reads half of it.
        written = self._address.with_suffix(".new")
        written.write_text(json.dumps(told), encoding="utf-8")
        written.replace(self._address)

    def release(self) -> None:
        """Give the data directory back."""
        self._address.unlink(missing_ok=True)
        self._lock.release()

    @property
    def _address(self) -> Path:
        return self._data_dir / ADDRESS_FILE


def reachable_host(host: str) -> str:
    """Return the address at which this machine reaches what is served on a host."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not served here


def _unusable(data_dir: Path, how: str, error: OSError) -> DataDirectoryError:
    return DataDirectoryError(
        f"the data directory {data_dir} cannot be {how}: {error.strerror or error}"
    )
