"""`watch`: the terminal view of a guard that runs as another process, live."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import CommandError, data_option

if TYPE_CHECKING:
    from risk_actors.actors.picture import Picture
    from risk_actors.watch.api import Address

_DEFAULT_PORT = 8787
_LOOPBACK = "127.0.0.1"
_PAGE_WIDTH = 120
"""Of a printed page: wider lines are hard to read."""


@click.command()
@data_option
@click.option("--url", help="Address of the guard instead, such as http://192.168.1.5:8787.")
@click.option(
    "--port", type=click.IntRange(1, 65_535), help="Port of a guard on this machine instead."
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the token, where the guard wants one; RISK_ACTORS_WEB_TOKEN goes before it.",
)
@click.option("--once", is_flag=True, help="Print one plain page and end.")
def watch(
    data_dir: Path, url: str | None, port: int | None, token_file: Path | None, once: bool
) -> None:
    """Watch accounts, rules and locks live in the terminal.

    Shows the essentials of the dashboard on any terminal from 40x12 on. `?` lists the keys; `p` is
    panic. When the guard ends it says so, and returns by itself when the guard does.
    """
    if url is not None and port is not None:
        raise click.UsageError("--url and --port exclude each other; give one of them")
    find = _finder(data_dir, url, port, token_file)
    if not once and not _is_terminal():
        click.echo("There is no terminal to watch on: here is one page, as with --once.", err=True)
        once = True
    # Asked before anything is drawn, so that nobody waits before an empty screen.
    picture = find().picture()
    if once:
        _print(picture)
        return
    from risk_actors.cli.watch_page import draw  # noqa: PLC0415  # brings rich
    from risk_actors.watch.app import WatchApp  # noqa: PLC0415  # brings Textual
    from risk_actors.watch.link import Link  # noqa: PLC0415

    app = WatchApp(Link(lambda: _address(find)), draw)
    app.run(mouse=False)
    sys.exit(app.return_code or 0)


class _Client(DaemonClient):
    """A client that also says where it asks."""

    def address(self) -> "Address":
        from risk_actors.watch.api import Address  # noqa: PLC0415  # brings aiohttp

        return Address(self._host, self._port, self._token, self._run)

    def with_token(self, token: str | None) -> Self:
        """Return the same with another token."""
        return type(self)(self._host, self._port, token, self._run)


type _Find = Callable[[], _Client]


def _finder(data_dir: Path, url: str | None, port: int | None, token_file: Path | None) -> _Find:
    """Return what finds the guard anew: the next one may have another port."""
    if url is None and port is None:
        return lambda: _found(data_dir, token_file)
    where = (_LOOPBACK, port) if port is not None else _parts(url or "")
    client = _Client(*where, _token(token_file))
    return lambda: client


def _found(data_dir: Path, token_file: Path | None) -> _Client:
    found = _Client.find(data_dir)
    if not isinstance(found, _Client):  # `find` makes what it is called on
        raise CommandError(f"no daemon was found by {data_dir}")
    if token_file is None:
        return found
    return found.with_token(_token(token_file))


def _parts(url: str) -> tuple[str, int]:
    """Return host and port of an address as a person types it."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise click.UsageError(f"--url {url}: {error}") from error
    if not host or parts.scheme != "http":
        raise click.UsageError(f"--url {url}: write it as http://HOST:{_DEFAULT_PORT}")
    return host, port or _DEFAULT_PORT


def _token(token_file: Path | None) -> str | None:
    from risk_actors.web.token_file import (  # noqa: PLC0415  # kept out of `--help`
        TokenError,
        read_token,
    )

    try:
        return read_token(token_file)
    except TokenError as error:
        raise CommandError(str(error)) from error


def _address(find: _Find) -> "Address":
    from risk_actors.watch.api import NotFoundError  # noqa: PLC0415

    try:
        return find().address()
    except CommandError as error:
        raise NotFoundError(error.message) from error


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _print(picture: "Picture") -> None:
    from risk_actors.cli.tables import make_console  # noqa: PLC0415  # brings rich
    from risk_actors.cli.watch_page import plain_page  # noqa: PLC0415
    from risk_actors.watch.sight import Moment  # noqa: PLC0415

    console = make_console()
    for line in plain_page(picture, Moment.now(), min(console.width, _PAGE_WIDTH)):
        line.rstrip()
        console.print(line, soft_wrap=True)
