"""Keeping credentials out of everything that is written down.

The Gateway wants the session's token in the hub's URL, and libraries log URLs: the SignalR client
at INFO, the WebSocket library and the HTTP/2 header codec at DEBUG. So text is scrubbed by what a
secret looks like, and by the API key itself once it is known.
"""

import logging
import re
import threading
import traceback

HIDDEN = "[hidden]"

MIN_SECRET_LENGTH = 6
"""A shorter one would blot out ordinary words; so whoever takes a secret refuses a shorter one."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
    (re.compile(r"(?i)(access_token(?:=|%3D))[^&\s\"'<>`)]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer)(\s+|%20)[^\s\"',;)\]}]+"), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            r"""(?i)(["']?(?:api_?key|password|newToken|token)["']?\s*[:=]\s*)(["'])[^"']*\2"""
        ),
        rf"\1\2{HIDDEN}\2",
    ),
)

_known: set[str] = set()
_known_lock = threading.Lock()


def remember_secret(secret: str) -> None:
    """Have this very text hidden wherever it turns up from now on; a shorter one is not."""
    if len(secret) >= MIN_SECRET_LENGTH:
        with _known_lock:
            _known.add(secret)


def scrub(text: str) -> str:
    """Return the text with API keys, tokens and authorisation headers hidden."""
    with _known_lock:
        known = tuple(_known)
    for secret in known:
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class SecretFilter(logging.Filter):
    """Hides credentials in log records; belongs on a handler, which sees every logger's records.

    It never drops a record. The exception is put into (scrubbed) words here, and the raw one
    removed from the record, because its message may hold a URL with the token.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub the record in place; always true."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        record.msg = scrub(text)
        record.args = None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = scrub("".join(traceback.format_exception(*record.exc_info)))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = scrub(record.exc_text)
        return True
