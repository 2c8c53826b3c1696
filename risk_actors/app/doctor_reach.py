"""The doctor's way to the broker: name, connection, answers, login, accounts and hubs.

The login is the SDK's, unmodified, as the daemon makes it. Nothing is ever ordered or cancelled.
"""

import asyncio
import ssl
import time
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from risk_actors.app.connect import Target
from risk_actors.app.doctor_broker import Answers, DateSample, HubLook, Login, Way
from risk_actors.app.doctor_words import Unseen
from risk_actors.core.broker import Account
from risk_actors.projectx import errors_text, translation
from risk_actors.projectx.account_list import ENDPOINT
from risk_actors.projectx.broker_time import instant_of
from risk_actors.projectx.errors import LoginFailed, PayloadError
from risk_actors.projectx.lean_negotiate import negotiate
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.projectx.wire_dial import dial, tls_context
from risk_actors.projectx.wire_request import Target as Host

REACH_WITHIN_S = 6.0
ANSWER_WITHIN_S = 5.0
LOGIN_WITHIN_S = 10.0
_HUB_WITHIN_S = 10.0
_ASKED = 3
"""At different fractions of a second, so that whole seconds narrow the clock's difference."""
_ASK_EVERY_S = 0.35
_ENDS = "\x1e"
_HANDSHAKE = '{"protocol":"json","version":1}' + _ENDS
_REFUSED = "The gateway refused the login"
_SECURE = ("https", "wss")
_NET = "see that this machine is on the net, and that PROJECTX_API_URL and the hubs' are right"
_CLOSED = "see that no firewall or proxy is in the way, and the broker's status page"
_TRUST = (
    "see the clock of this machine; a proxy or virus scanner that opens TLS needs its certificate"
    " known here (SSL_CERT_FILE)"
)


def reach(url: str) -> Way:
    """Look a host up, connect, and agree on TLS where the address asks for it."""
    address = urlsplit(url)
    is_secure = address.scheme in _SECURE
    port = address.port or (443 if is_secure else 80)
    host = address.hostname or ""
    shown = f"{host}:{port}" if address.port else host
    began_s = time.monotonic()
    try:
        target = Host(host=host, port=port, is_tls=is_secure, path=address.path)
        sock = dial(target, tls_context() if is_secure else None, REACH_WITHIN_S)
    except OSError as error:
        return Way(shown, fault=_reach_words(error), todo=_reach_todo(error))
    took_ms = (time.monotonic() - began_s) * 1e3
    with sock:
        version = sock.version() if isinstance(sock, ssl.SSLSocket) else None
        return Way(shown, str(sock.getpeername()[0]), version, took_ms)


def _reach_words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"no connection within {REACH_WITHIN_S:g} s"
    return errors_text.reason_of(error) or errors_text.words_of(error)


def _reach_todo(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return _TRUST
    return _CLOSED if isinstance(error, TimeoutError | ConnectionError) else _NET


class Asked(NamedTuple):
    """What a few plain questions to the API gave."""

    answers: Answers | Unseen
    dates: tuple[DateSample, ...]


async def ask_api(api_url: str) -> Asked:
    """Ask a few times whether the API is there; its `Date` tells its time."""
    took_ms: list[float] = []
    dates: list[DateSample] = []
    status = 0
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http:
            # The first opens the connection, which is not what an answer takes.
            for number in range(_ASKED + 1):
                sent_ns, began_s = time.time_ns(), time.monotonic()
                async with http.get(f"{api_url}/Status/ping") as response:
                    status = response.status
                    await response.read()
                took_s = time.monotonic() - began_s
                said_ns = instant_of(response.headers.get("Date"))
                if said_ns is not None:
                    dates.append(DateSample(sent_ns, said_ns, time.time_ns()))
                if number:
                    took_ms.append(took_s * 1e3)
                    await asyncio.sleep(_ASK_EVERY_S)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        said = Unseen(errors_text.words_of(error), "see the lines on reachability")
        return Asked(said, tuple(dates))
    return Asked(Answers(tuple(took_ms), status), tuple(dates))


class LoggedIn(NamedTuple):
    """What the login gave, and what it led to."""

    login: Login | Unseen
    token_left_s: float | Unseen
    accounts: tuple[Account, ...] | Unseen
    user_hub: HubLook | Unseen
    market_hub: HubLook | Unseen


async def log_in(target: Target, gateway: GatewaySettings) -> LoggedIn:
    """Log in through the SDK, list the accounts, and shake hands with both hubs."""
    asked = msgspec.structs.replace(
        gateway, login_timeout_s=min(gateway.login_timeout_s, LOGIN_WITHIN_S)
    )
    session = Session(asked, target.credentials, target.endpoints, _Clock())
    began_s = time.monotonic()
    try:
        await session.login()
    except LoginFailed as error:
        words = str(error).rstrip(".")
        is_refused = words.startswith(_REFUSED)
        login = Login(_ms_since(began_s), words[:1].lower() + words[1:], is_refused)
        unseen = Unseen("needs a login", "see the line on the login")
        return LoggedIn(login, unseen, unseen, unseen, unseen)
    else:
        login = Login(_ms_since(began_s))
        ends = session.client.token_expiry
        left_s = (
            Unseen("the token does not say when it ends", "nothing; the daemon renews it anyway")
            if ends is None
            else float(ends.timestamp() - time.time())
        )
        token, endpoints = session.token, target.endpoints
        accounts, user, market = await asyncio.gather(
            list_accounts(endpoints.api_url, token),
            shake_hands(endpoints.user_hub_url, token),
            shake_hands(endpoints.market_hub_url, token),
        )
        return LoggedIn(login, left_s, accounts, user, market)
    finally:
        with suppress(Exception):  # it is being thrown away
            await asyncio.wait_for(session.close(), ANSWER_WITHIN_S)


async def list_accounts(api_url: str, token: str) -> tuple[Account, ...] | Unseen:
    """Read all accounts of a login, inactive ones too (the SDK lists active ones only)."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(
                f"{api_url}{ENDPOINT}",
                json={"onlyActiveAccounts": False},
                headers={"Authorization": f"Bearer {token}"},
            ) as response,
        ):
            status, body = response.status, await response.read()
        if status != HTTPStatus.OK:
            return _unlisted(errors_text.words_of_status(status))
        answer = msgspec.json.decode(body)
        return translation.rows_from(answer, "accounts", translation.account_from, ENDPOINT)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return _unlisted(errors_text.words_of(error))
    except (msgspec.MsgspecError, PayloadError):
        return _unlisted("the broker's answer makes no sense")


def _unlisted(why: str) -> Unseen:
    return Unseen(f"the accounts cannot be read: {why}", "try again in a minute")


async def shake_hands(url: str, token: str) -> HubLook:
    """Negotiate with a hub as the SDK does, open its WebSocket, and exchange SignalR's greeting."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(_HUB_WITHIN_S):
            found = await negotiate(_plain(url), token)
            async with aiohttp.ClientSession() as http:
                query = {"access_token": found.token}
                if found.connection_id is not None:
                    query["id"] = found.connection_id
                async with http.ws_connect(found.url, params=query) as hub:
                    await hub.send_str(_HANDSHAKE)
                    fault = _greeting_fault(await hub.receive())
    except TimeoutError:
        return HubLook(_ms_since(began_s), f"no answer within {_HUB_WITHIN_S:g} s")
    except aiohttp.ClientResponseError as error:
        is_upgrade = isinstance(error, aiohttp.WSServerHandshakeError)
        what = "WebSocket upgrade" if is_upgrade else "negotiation"
        said = f"it answers HTTP {error.status} to the {what}"
        return HubLook(_ms_since(began_s), said, error.status == HTTPStatus.UNAUTHORIZED)
    except (aiohttp.ClientError, OSError, ValueError, msgspec.MsgspecError) as error:
        return HubLook(_ms_since(began_s), errors_text.words_of(error))
    return HubLook(_ms_since(began_s), fault)


def _plain(url: str) -> str:
    """Return a hub's address as it is negotiated with: over HTTP."""
    for socket_scheme, scheme in (("wss://", "https://"), ("ws://", "http://")):
        if url.startswith(socket_scheme):
            return scheme + url.removeprefix(socket_scheme)
    return url


def _greeting_fault(message: aiohttp.WSMessage) -> str | None:
    """Return what is wrong with a hub's answer to the greeting."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return "it closed the connection instead of answering the handshake"
    greeting = str(message.data).split(_ENDS, 1)[0]
    try:
        answer = msgspec.json.decode(greeting, type=dict[str, object])
    except msgspec.MsgspecError:
        return "its answer to the handshake makes no sense"
    return "it refuses the handshake" if answer.get("error") else None


def _ms_since(began_s: float) -> float:
    return (time.monotonic() - began_s) * 1e3


class _Clock:
    def now_ns(self) -> int:
        return time.time_ns()
