"""The token that everybody must have where more than this machine is served.

Programs send it with each request; browsers are given a cookie for it, once, at `/login`. The
cookie is no token: it is made up anew for each login and means nothing to the next process.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence

import msgspec
from aiohttp import web

from risk_actors.web.guard import Handler, error_response
from risk_actors.web.routes import BODY_TIMEOUT_S, EMPTY, RUN_PATH, Route

COOKIE = "risk_actors_session"
SESSION_S = 12 * 3600.0
_MOST_SESSIONS = 64
_WRONG_TAKES_S = 0.5
_MOST_WRONG_AT_ONCE = 8
"""So many wrong tokens are answered at once: about sixteen guesses a second, from anywhere."""
_FORM = "application/x-www-form-urlencoded"
_OPEN = ("/login", RUN_PATH)

_LOGIN_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in - risk-actors</title>
<h1>risk-actors</h1>
{said}<form method="post" action="/login">
<p><label>Token <input type="password" name="token" autocomplete="current-password" required
autofocus></label>
<p><button>Log in</button>
</form>
<p>The token is in the file that <code>token_file</code> of <code>[web]</code> in app.toml names,
or in the environment variable RISK_ACTORS_WEB_TOKEN of the daemon.</p>
</html>
"""


class LoginForm(msgspec.Struct, frozen=True):
    """What the form of the page at /login sends."""

    token: str


class TokenGate:
    """Lets in who has the token, or logged in with it."""

    def __init__(self, token: str, now_s: Callable[[], float] = time.monotonic) -> None:
        self._token = _digest(token)
        self._now_s = now_s
        self._sessions: dict[bytes, float] = {}
        """By digest, when each ends."""
        self._wrong_now = 0

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        html = "text/html"
        return (
            Route(
                "GET", "/login", self._page, "The page to log in", {200: html}, needs_token=False
            ),
            Route(
                "POST",
                "/login",
                self._login,
                "Take a token from the form, and give a cookie",
                {303: EMPTY, 401: html},
                body=LoginForm,
                body_kind=_FORM,
                needs_token=False,
            ),
            Route("POST", "/logout", self._logout, "Forget the cookie", {303: EMPTY}),
        )

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on if who sent it may ask."""
        if request.path in _OPEN or self._may_ask(request):
            return await handler(request)
        if "Authorization" in request.headers:
            return await self._wrong()
        if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=303, headers={"Location": "/login"})
        return _unauthorised(
            "a token is needed: send it in the header `Authorization`, after the word `Bearer`, or"
            " log in at /login"
        )

    def _may_ask(self, request: web.Request) -> bool:
        given = request.headers.getall("Authorization", [])
        if given:
            scheme, _, text = given[0].partition(" ")
            return len(given) == 1 and scheme.lower() == "bearer" and self._is_token(text.strip())
        session = request.cookies.get(COOKIE)
        if not session:
            return False
        ends_s = self._sessions.get(_digest(session))
        return ends_s is not None and self._now_s() < ends_s

    def _is_token(self, text: str) -> bool:
        # Of equal length, whatever was sent: nothing tells how much of it was right.
        return hmac.compare_digest(_digest(text), self._token)

    async def _wrong(self) -> web.Response:
        """Answer a wrong token, late, and only so many at a time."""
        if self._wrong_now >= _MOST_WRONG_AT_ONCE:
            response = error_response(429, "too many wrong tokens; wait a second and try again")
            response.headers["Retry-After"] = "1"
            return response
        self._wrong_now += 1
        try:
            await asyncio.sleep(_WRONG_TAKES_S)
        finally:
            self._wrong_now -= 1
        return _unauthorised("the token is not right; see `token_file` in [web] of app.toml")

    async def _page(self, _: web.Request) -> web.Response:
        return _page("")

    async def _login(self, request: web.Request) -> web.Response:
        if request.content_type != _FORM:
            raise web.HTTPUnsupportedMediaType(text=f"send {_FORM}")
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                form = await request.post()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text="the form did not come in time") from None
        token = form.get("token")
        if not isinstance(token, str) or not self._is_token(token.strip()):
            refused = await self._wrong()
            if refused.status != web.HTTPUnauthorized.status_code:
                return refused
            return _page("<p><strong>The token is not right.</strong></p>\n", 401)
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            COOKIE, self._begin_session(), max_age=int(SESSION_S), httponly=True, samesite="Strict"
        )
        return response

    def _begin_session(self) -> str:
        now_s = self._now_s()
        self._sessions = {each: ends for each, ends in self._sessions.items() if now_s < ends}
        if len(self._sessions) >= _MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=self._sessions.__getitem__)]
        session = secrets.token_urlsafe(32)
        self._sessions[_digest(session)] = now_s + SESSION_S
        return session

    async def _logout(self, request: web.Request) -> web.Response:
        self._sessions.pop(_digest(request.cookies.get(COOKIE, "")), None)
        response = web.Response(status=303, headers={"Location": "/login"})
        response.del_cookie(COOKIE)
        return response


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _page(said: str, status: int = 200) -> web.Response:
    return web.Response(text=_LOGIN_PAGE.format(said=said), status=status, content_type="text/html")


def _unauthorised(text: str) -> web.Response:
    response = error_response(401, text)
    response.headers["WWW-Authenticate"] = 'Bearer realm="risk-actors"'
    return response
