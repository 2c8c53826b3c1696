"""Session tokens shaped like the Gateway's: a JWT whose payload carries `exp`.

Logging in again leaves older tokens valid, and one token serves REST and any number of hubs, as
documented for the Gateway.
"""

import base64
import hashlib
import hmac
import math
from typing import Any

import msgspec

_NS_PER_S = 1_000_000_000


class Session(msgspec.Struct, frozen=True):
    """Who a valid token belongs to."""

    token_id: str
    username: str


class TokenMint:
    """Issues and checks tokens signed with this server's own key."""

    def __init__(self, *, secret: bytes, lifetime_s: float) -> None:
        self._secret = secret
        self.lifetime_s = lifetime_s
        """How long tokens live that are issued from now on; it may be set while running."""
        self._issued = 0
        self._expired_up_to = 0
        self._revoked: set[str] = set()

    def issue(self, username: str, now_ns: int) -> str:
        """Return a new token for a user."""
        self._issued += 1
        claims = {
            "sub": username,
            "jti": f"{now_ns:x}-{self._issued}",
            "iat": now_ns // _NS_PER_S,
            "exp": math.ceil(now_ns / _NS_PER_S + self.lifetime_s),
        }
        head = _pack({"alg": "HS256", "typ": "JWT"})
        unsigned = f"{head}.{_pack(claims)}"
        return f"{unsigned}.{self._sign(unsigned)}"

    def session(self, token: str | None, now_ns: int) -> Session | None:
        """Return the session of a token, or None when it is forged, revoked or expired."""
        if not token:
            return None
        unsigned, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(unsigned).encode()):
            return None
        claims = _unpack(unsigned.partition(".")[2])
        if claims["exp"] * _NS_PER_S <= now_ns or claims["jti"] in self._revoked:
            return None
        if int(claims["jti"].rpartition("-")[2]) <= self._expired_up_to:
            return None
        return Session(claims["jti"], claims["sub"])

    def revoke(self, token_id: str) -> None:
        """End one session."""
        self._revoked.add(token_id)

    def expire_all(self) -> None:
        """End every session there is; tokens issued later are good."""
        self._expired_up_to = self._issued

    def _sign(self, unsigned: str) -> str:
        return _b64(hmac.digest(self._secret, unsigned.encode(), hashlib.sha256))


def _pack(claims: dict[str, Any]) -> str:
    return _b64(msgspec.json.encode(claims))


def _unpack(part: str) -> dict[str, Any]:
    padded = part + "=" * (-len(part) % 4)
    claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(padded))
    return claims


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
