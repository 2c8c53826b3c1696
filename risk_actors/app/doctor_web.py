"""The doctor's look at `[web]` of app.toml: who can reach the state and the panic button."""

import errno
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from risk_actors.app.doctor_words import Finding, failed, fine, warning
from risk_actors.app.settings import WebSettings
from risk_actors.app.settings_environment import dotenv_places
from risk_actors.web.guard import is_loopback
from risk_actors.web.token_file import TokenError, env_file_of, read_token, token_path

_FOREIGN = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What binding to an address says that is no address of this machine."""


class WebLook(NamedTuple):
    """Where the daemon would serve, and who is let in; the token itself is not here."""

    host: str
    has_token: bool
    token_fault: str | None = None
    """Why the token cannot be used."""
    host_fault: str | None = None
    """Why nothing can be served on the host at all, on no port."""


def look_at_web(
    web: WebSettings, settings_dir: Path, variables: Mapping[str, str] | None
) -> WebLook:
    """Read the token as the daemon does, and see whether the host is this machine."""
    host_fault = _host_fault(web.host)
    try:
        env_file = env_file_of(dotenv_places(settings_dir))
        token_file = token_path(web.token_file, settings_dir)
        token = read_token(token_file, variables, env_file=env_file)
    except TokenError as error:
        return WebLook(web.host, has_token=False, token_fault=str(error), host_fault=host_fault)
    return WebLook(web.host, has_token=token is not None, host_fault=host_fault)


def judge_web(look: WebLook) -> Finding:
    """Judge whether only those are let in who should be."""
    if look.host_fault is not None:
        return failed(
            f"nothing can be served on {look.host}: {look.host_fault}",
            "write an address of this machine as `[web] host` in app.toml, such as 127.0.0.1",
        )
    if look.token_fault is not None:
        return failed(look.token_fault, "the daemon does not start before the token can be used")
    if is_loopback(look.host):
        who = "whoever has the token" if look.has_token else "everybody on this machine, no token"
        return fine(f"{look.host}: this machine only, for {who}")
    if not look.has_token:
        return failed(
            f"{look.host} is reached from other machines, and there is no token to keep others out",
            'write `host = "127.0.0.1"` into [web] of app.toml, or a `token_file`',
        )
    return warning(
        f"{look.host} is reached from other machines, by whoever has the token; nothing is"
        " encrypted on the way, so whoever listens there has it too",
        "keep to your own net or a VPN, or serve on 127.0.0.1 and forward the port by ssh",
    )


def _host_fault(host: str) -> str | None:
    """Return why a host is not one to serve on; a port that is taken is another matter."""
    try:
        kind, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind) as probe:
            probe.bind(address)
    except socket.gaierror:
        return "no such name or address is known"
    except OSError as error:
        if error.errno in _FOREIGN:
            return "that is no address of this machine"
        return error.strerror or str(error)
    return None
