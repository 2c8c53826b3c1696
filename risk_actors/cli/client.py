"""Talks to the daemon that runs on a data directory, over its HTTP side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_actors.cli.options import CommandError

if TYPE_CHECKING:
    from http.client import HTTPConnection

    from risk_actors.actors.picture import Picture

PORT_FILE = "daemon.json"
"""Left in the data directory by the daemon: `{"host": ..., "port": ..., "pid": ..., "run": ...}`,
and the files in which it found its token."""

_TIMEOUT_S = 5.0
_ACTING_TIMEOUT_S = 30.0
"""To arm and disarm, the actors are made anew."""
_OK = range(200, 300)
"""Of nothing else it can be said that it was done: a portal on the way answers, too."""
_ERROR_STATUS = 400
_NONE_RUNS = "start it with `risk-actors run`; locks hold on, see `risk-actors locks --stored`"
_BY_HAND = "look at your broker's platform, and cancel and close there if need be"


class DaemonClient:
    """Requests to one daemon; every failure is a `CommandError` that says what to do.

    Whoever has the port says first which run it is, on the connection on which it is then asked:
    after a sudden end another guard may have the port, and neither the token nor a deed is for it.
    """

    def __init__(
        self, host: str, port: int, token: str | None = None, run: str | None = None
    ) -> None:
        """Prepare; without `run` anybody who answers is taken for the daemon."""
        self._host = host
        self._port = port
        self._token = token
        self._run = run

    @classmethod
    def find(cls, data_dir: Path) -> "DaemonClient":
        """Return a client of the daemon that runs on a data directory.

        Raises:
            CommandError: no daemon has left its port there.
        """
        try:
            left = json.loads((data_dir / PORT_FILE).read_text(encoding="utf-8"))
            address = str(left.get("host", "127.0.0.1")), int(left["port"])
            # A daemon of an older version has left no run.
            run = left.get("run")
            files = [None if left.get(name) is None else Path(left[name]) for name in _TOKEN_FILES]
        except FileNotFoundError:
            message = f"no daemon runs on {data_dir}; {_NONE_RUNS}"
            raise CommandError(message) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CommandError(f"{data_dir / PORT_FILE} cannot be read: {error}") from error
        return cls(*address, _token(*files), None if run is None else str(run))

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

    def panic(self, account_id: int | None) -> str:
        """Ask for one account, or all, to be flattened and locked; return what is said to it."""
        return self._ask("PANIC", "/api/panic", {"account": account_id}, _TIMEOUT_S)

    def unlock(self, lock_id: int, account_id: int | None, reason: str, secret: str | None) -> str:
        """Ask for a lock to be ended; return what is said to it."""
        asked = {"lock": lock_id, "account": account_id, "reason": reason, "secret": secret}
        return self._ask("the request to unlock", "/api/unlock", asked)

    def withdraw(self, lock_id: int) -> str:
        """Take back a request to end a lock; return what is said to it."""
        return self._ask("the withdrawal", "/api/unlock/withdraw", {"lock": lock_id})

    def disarm(self, reason: str, secret: str | None) -> str:
        """Ask for nothing to be sent to the broker any more; return what is said to it."""
        asked = {"reason": reason, "secret": secret}
        return self._ask("the request to disarm", "/api/disarm", asked)

    def arm(self) -> str:
        """Ask for breaches to be enforced; return what is said to it."""
        return self._ask("the request to arm", "/api/arm", {})

    def _ask(
        self, deed: str, path: str, asked: dict[str, Any], timeout_s: float = _ACTING_TIMEOUT_S
    ) -> str:
        answer = self._request("POST", path, json.dumps(asked).encode(), timeout_s, deed)
        try:
            return str(json.loads(answer)["sentence"])
        except (ValueError, KeyError, TypeError):
            raise CommandError(_unsure(deed, "what came back is not the guard's answer")) from None

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        timeout_s: float = _TIMEOUT_S,
        deed: str = "",
    ) -> bytes:
        """Ask; `deed` names what is done by it, nothing where it is only read."""
        import http.client  # noqa: PLC0415  # kept out of `--help`

        # Not through a proxy from the environment: the daemon is on this machine.
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            self._meet(connection, deed)
            connection.sock.settimeout(timeout_s)
            try:
                connection.request(method, path, body, self._headers(body))
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as error:
                if deed:
                    raise CommandError(_unsure(deed, str(error) or "it hung up")) from error
                raise CommandError(self._hangs(str(error) or "it hung up")) from error
        finally:
            connection.close()
        if response.status >= _ERROR_STATUS:
            raise CommandError(f"the daemon refused: {_error_text(answer)}")
        if response.status not in _OK:
            fault = f"status {response.status} is not the guard's answer"
            raise CommandError(_unsure(deed, fault) if deed else self._hangs(fault))
        return answer

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _meet(self, connection: "HTTPConnection", deed: str) -> None:
        """Connect, and see that it is the guard that was looked for; no token is sent for that.

        Raises:
            CommandError: nobody is there, or somebody else; nothing was done.
        """
        not_sent = f". {deed[:1].upper()}{deed[1:]} was NOT sent: {_BY_HAND}" if deed else ""
        try:
            connection.connect()
        except OSError as error:
            raise CommandError(
                f"no daemon answers on port {self._port} ({error}); it has ended or hangs, see its"
                f" log in the data directory; {_NONE_RUNS}{not_sent}"
            ) from error
        # Whoever is met here is the one who is asked: a new connection could be to another.
        connection.auto_open = 0
        if self._run is None:
            return
        fault = self._stranger(connection)
        if fault:
            raise CommandError(f"{fault}{not_sent}")

    def _stranger(self, connection: "HTTPConnection") -> str:
        """Return why it is not the guard that was looked for, nothing where it is."""
        import http.client  # noqa: PLC0415

        try:
            connection.request("GET", "/api/run")
            answer = connection.getresponse().read()
        except TimeoutError:
            return self._hangs(f"it says nothing within {_TIMEOUT_S:.0f} s")
        except (OSError, http.client.HTTPException) as error:
            return self._hangs(str(error) or "it hung up")
        try:
            told = json.loads(answer)
            run, pid = str(told["run"]), int(told["pid"])
        except (ValueError, KeyError, TypeError):
            return (
                f"another program answers on port {self._port}, no guard; the one of this data"
                f" directory has ended: {_NONE_RUNS}"
            )
        if run == self._run:
            return ""
        return (
            f"another guard answers on port {self._port} (process {pid}); the one of this data"
            f" directory has ended or was started anew. If this comes again, {_NONE_RUNS}"
        )

    def _hangs(self, how: str) -> str:
        return (
            f"the guard on port {self._port} does not answer ({how}): it hangs, or is ending; see"
            " its log in the data directory"
        )


_TOKEN_FILES = ("token_file", "env_file")


def _unsure(deed: str, how: str) -> str:
    return (
        f"{deed} was sent, and no answer came ({how}): it MAY OR MAY NOT have been taken, or may be"
        f" taken later; {_BY_HAND}, and see `risk-actors status`"
    )


def _token(token_file: Path | None, env_file: Path | None = None) -> str | None:
    """Return the token that the daemon wants, None where it wants none."""
    from risk_actors.web.token_file import (  # noqa: PLC0415  # kept out of `--help`
        TokenError,
        read_token,
    )

    try:
        return read_token(token_file, env_file=env_file)
    except TokenError as error:
        raise CommandError(str(error)) from error


def _error_text(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, KeyError, TypeError):
        return answer.decode("utf-8", "replace")
