"""Why a login failed: asked of the broker directly, because the SDK does not say.

After a refused login the SDK goes on without a token and ends in a bare "Authentication failed";
the broker's own answer to the same request has the reason.
"""

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from risk_actors.projectx import errors_text
from risk_actors.projectx.codes import LOGIN_REFUSALS
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.settings import Credentials, GatewayEndpoints

_OK = 200
_TOO_MANY_REQUESTS = 429


class LoginProblem(StrEnum):
    """What stands in the way of a login."""

    REFUSED = "refused"
    """The broker will not let us in; trying again changes nothing."""
    UNREACHABLE = "unreachable"
    """No answer."""
    SERVER_FAULT = "server_fault"
    """An answer that is none, such as HTTP 503; it may pass."""
    BUSY = "busy"
    """Too many requests (HTTP 429); it will pass."""
    NONE = "none"
    """The broker lets us in; something else failed."""


class Diagnosis(NamedTuple):
    """The problem and the words to show for it."""

    problem: LoginProblem
    words: str
    is_unsent: bool = False
    """Whether nothing was sent at all: there was no connection."""


async def diagnose_login(
    endpoints: GatewayEndpoints, credentials: Credentials, timeout_s: float
) -> Diagnosis:
    """Log in once over a connection of our own and say what came of it. Never raises."""
    where = urlsplit(endpoints.api_url).netloc or endpoints.api_url
    body = {"userName": credentials.username, "apiKey": credentials.api_key}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as http,
            http.post(f"{endpoints.api_url}/Auth/loginKey", json=body) as response,
        ):
            status, content = response.status, await response.read()
    except TimeoutError:
        return Diagnosis(LoginProblem.UNREACHABLE, f"no answer from {where}")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        why = errors_text.words_of(error)
        words = f"cannot reach {where}: {errors_text.reason_of(error) or why}"
        return Diagnosis(LoginProblem.UNREACHABLE, words, errors_text.is_unsent(error))
    return _read_answer(where, status, content)


def _read_answer(where: str, status: int, content: bytes) -> Diagnosis:
    if status == _TOO_MANY_REQUESTS:
        return Diagnosis(LoginProblem.BUSY, f"{where} says there were too many requests")
    if status != _OK:
        return Diagnosis(LoginProblem.SERVER_FAULT, f"{where} answered HTTP {status}")
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return Diagnosis(LoginProblem.SERVER_FAULT, f"{where} did not answer like a gateway")
    if not isinstance(answer, dict):
        return Diagnosis(LoginProblem.SERVER_FAULT, f"{where} did not answer like a gateway")
    if answer.get("success") is True and answer.get("token"):
        return Diagnosis(LoginProblem.NONE, "the login itself works")
    code = answer.get("errorCode")
    known = LOGIN_REFUSALS.get(code) if isinstance(code, int) else None
    said = answer.get("errorMessage")
    words = known or "the broker gave no known reason"
    if isinstance(said, str) and said:
        words = f"{words} ({scrub(said)})"
    problem = LoginProblem.REFUSED if known else LoginProblem.SERVER_FAULT
    return Diagnosis(problem, f"{words} [code {code}]")
