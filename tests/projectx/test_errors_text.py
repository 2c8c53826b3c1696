"""What stands between us and the broker, in plain words."""

import asyncio
from typing import Any

import aiohttp
import httpx
import pytest
from pysignalr import exceptions as signalr
from rest_rig import closed_port
from websockets.exceptions import ConnectionClosedError

from risk_actors.projectx.errors_text import is_unsent, reason_of, words_of

NO_NAME = "http://no.such.host.invalid/x"


async def failure(url: str, *, is_aiohttp: bool) -> Exception:
    try:
        if is_aiohttp:
            async with aiohttp.ClientSession() as http, http.post(url):
                pass
        else:
            async with httpx.AsyncClient() as client:
                await client.post(url)
    except Exception as error:  # noqa: BLE001 -- what it is, is what is asked
        return error
    raise AssertionError("somebody answers there")


@pytest.mark.parametrize("is_aiohttp", [True, False])
@pytest.mark.parametrize("is_named", [True, False])
def test_what_could_not_connect_was_not_sent(*, is_aiohttp: bool, is_named: bool) -> None:
    url = NO_NAME if is_named else f"http://127.0.0.1:{closed_port()}/x"
    error = asyncio.run(failure(url, is_aiohttp=is_aiohttp))
    assert is_unsent(error)
    assert words_of(error) == "cannot connect to the broker"
    if is_named:
        assert reason_of(error) == "no such name is known"
    elif is_aiohttp:
        assert reason_of(error) == "the connection is refused"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (signalr.ConnectionError(503), "the broker answers 503"),
        (signalr.AuthorizationError(), "the broker does not accept the session (HTTP 401)"),
        (signalr.ServerError("too many clients"), "the broker says: too many clients"),
        (signalr.ServerError(None), "the broker ended the connection"),
        (
            caused(ValueError("x"), aiohttp.ServerDisconnectedError()),
            "the connection broke",
        ),
        (ConnectionClosedError(None, None), "the connection broke"),
        (ConnectionResetError(104, "reset"), "the connection broke"),
        (httpx.ReadError("x"), "the connection broke"),
        (TimeoutError(), "the broker does not answer in time"),
        (httpx.ReadTimeout("x"), "the broker does not answer in time"),
        (OSError(113, "No route to host"), "cannot connect to the broker"),
        (KeyError("negotiateVersion"), "an unexpected fault (KeyError)"),
    ],
)
def test_no_librarys_own_text_is_shown(error: Any, words: str) -> None:
    assert words_of(error) == words
    assert not is_unsent(error)
