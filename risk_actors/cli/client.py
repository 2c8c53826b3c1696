"""Talks to the daemon that runs on a data directory, over its HTTP side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_actors.cli.options import CommandError

if TYPE_CHECKING:
    from risk_actors.actors.picture import Picture

PORT_FILE = "daemon.json"
"""Left in the data directory by the daemon: `{"port": ..., "pid": ...}`."""

_TIMEOUT_S = 5.0
_ACTING_TIMEOUT_S = 30.0
"""To arm and disarm, the actors are made anew."""
_ERROR_STATUS = 400
_NONE_RUNS = "start it with `risk-actors run`; locks hold on, see `risk-actors locks --stored`"


class DaemonClient:
    """Requests to one daemon; every failure is a `CommandError` that says what to do."""

    def __init__(self, host: str, port: int, token: str | None = None) -> None:
        self._host = host
        self._port = port
        self._token = token

    @classmethod
    def find(cls, data_dir: Path) -> "DaemonClient":
        """Return a client of the daemon that runs on a data directory.

        Raises:
            CommandError: no daemon has left its port there.
        """
        try:
            left = json.loads((data_dir / PORT_FILE).read_text(encoding="utf-8"))
            address = str(left.get("host", "127.0.0.1")), int(left["port"])
            token_file = left.get("token_file")
            return cls(*address, _token(None if token_file is None else Path(token_file)))
        except FileNotFoundError:
            message = f"no daemon runs on {data_dir}; {_NONE_RUNS}"
            raise CommandError(message) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandError(f"{data_dir / PORT_FILE} cannot be read: {error}") from error

    def state(self) -> bytes:
        """Return the body of `GET /api/state`."""
        return self._request("GET", "/api/state")

    def picture(self) -> "Picture":
        """Return the daemon's present picture."""
        import msgspec  # noqa: PLC0415  # kept out of `--help`

        from risk_actors.actors.picture import Picture  # noqa: PLC0415

        try:
            return msgspec.json.decode(self.state(), type=Picture)
        except msgspec.MsgspecError as error:
            raise CommandError(f"the daemon's answer is not understood: {error}") from error

    def topology(self) -> dict[str, Any]:
        """Return `GET /api/topology`."""
        topology: dict[str, Any] = json.loads(self._request("GET", "/api/topology"))
        return topology

    def panic(self, account_id: int | None) -> None:
        """Ask for one account, or all of them, to be flattened and locked."""
        self._request("POST", "/api/panic", json.dumps({"account": account_id}).encode())

    def unlock(self, lock_id: int, account_id: int | None, reason: str, secret: str | None) -> str:
        """Ask for a lock to be ended; return what is said to it."""
        asked = {"lock": lock_id, "account": account_id, "reason": reason, "secret": secret}
        return self._ask("/api/unlock", asked)

    def withdraw(self, lock_id: int) -> str:
        """Take back a request to end a lock; return what is said to it."""
        return self._ask("/api/unlock/withdraw", {"lock": lock_id})

    def disarm(self, reason: str, secret: str | None) -> str:
        """Ask for nothing to be sent to the broker any more; return what is said to it."""
        return self._ask("/api/disarm", {"reason": reason, "secret": secret})

    def arm(self) -> str:
        """Ask for breaches to be enforced; return what is said to it."""
        return self._ask("/api/arm", {})

    def _ask(self, path: str, asked: dict[str, Any]) -> str:
        body = json.dumps(asked).encode()
        return str(json.loads(self._request("POST", path, body, _ACTING_TIMEOUT_S))["sentence"])

    def _request(
        self, method: str, path: str, body: bytes | None = None, timeout_s: float = _TIMEOUT_S
    ) -> bytes:
        import http.client  # noqa: PLC0415  # kept out of `--help`

        # Not through a proxy from the environment: the daemon is on this machine.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(
                f"no daemon answers on port {self._port} ({error}); it has ended or hangs, see its"
                f" log in the data directory; {_NONE_RUNS}"
            ) from error
        finally:
            connection.close()
        if response.status >= _ERROR_STATUS:
            raise CommandError(f"the daemon refused: {_error_text(answer)}")
        return answer


def _token(token_file: Path | None) -> str | None:
    """Return the token that the daemon wants, None where it wants none."""
    from risk_actors.web.token_file import (  # noqa: PLC0415  # kept out of `--help`
        TokenError,
        read_token,
    )

    try:
        return read_token(token_file)
    except TokenError as error:
        raise CommandError(str(error)) from error


def _error_text(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return answer.decode("utf-8", "replace")
