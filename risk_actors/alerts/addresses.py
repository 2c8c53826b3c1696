"""Where a URL comes from, and what in it is a secret."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from risk_actors.alerts.settings import variable_of
from risk_actors.projectx.secrets import HIDDEN, MIN_SECRET_LENGTH, remember_secret, scrub

_SECRET_CHARS = 4
"""A shorter part of a URL is no credential."""
_TELLING_CHARS = 8
_LONG_CHARS = 16
"""Parts of a URL that are shorter may be ordinary words, unless there is a digit in them."""
_MOST_SHOWN = 200
_NAMES_A_SECRET = re.compile(r"(?i)pass|pwd|token|secret|key|auth|sid")
_OF_TOKENS = frozenset({"discord", "ntfy", "ntfys", "slack", "tgram"})
"""Schemes whose address is made of tokens, unless it begins with a machine's name."""


class AddressError(Exception):
    """There is no usable address; the text says why and holds nothing of it."""


def resolve(url: str, directory: Path, variables: Mapping[str, str]) -> str:
    """Return the address itself, and have it hidden wherever it may turn up.

    Args:
        url: as the settings have it: an address, `env:NAME` or `file:PATH`.
        directory: that of the settings; a path that is not absolute begins there.
        variables: the environment.

    Raises:
        AddressError: there is none, or its password is too short to be hidden.
    """
    address = _resolved(url, directory, variables).strip()
    if not address:
        raise AddressError(f"{url} is empty" if url.startswith(("env:", "file:")) else "no address")
    if _has_short_secret(address):
        raise AddressError(
            f"its password or token has fewer than {MIN_SECRET_LENGTH} characters, which could not"
            " be kept out of logs: it would look like an ordinary word; choose a longer one"
        )
    for part in secret_parts(address):
        is_telling = any(c.isdigit() for c in part) and len(part) >= _TELLING_CHARS
        if part == address or is_telling or len(part) >= _LONG_CHARS:
            remember_secret(part)
    for part in passwords(address):
        remember_secret(part)
    return address


def _resolved(url: str, directory: Path, variables: Mapping[str, str]) -> str:
    if url.startswith("env:"):
        name = variable_of(url)
        if name is None:
            raise AddressError("`env:` names no variable")
        if name not in variables:
            raise AddressError(f"the environment variable {name} is not set")
        return variables[name]
    if url.startswith("file:"):
        if "://" in url:
            raise AddressError("`file:` names no file")
        path = directory / Path(url.removeprefix("file:").strip()).expanduser()
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "not UTF-8 text"
            raise AddressError(f"the file {path} cannot be read: {why}") from None
        return next((line.strip() for line in lines if line.strip()), "")
    return url


def secret_parts(address: str) -> set[str]:
    """Return the address and what in it may be a credential, longest first wherever it is used."""
    parts = {address, address.partition("://")[2]}
    try:
        split = urlsplit(address)
        host = split.hostname or ""
        parts |= {split.username or "", split.password or "", *split.path.split("/")}
        parts |= {value for _, value in parse_qsl(split.query)}
        parts |= {split.path.strip("/"), split.query}
        if "." not in host and host != "localhost":
            # Not a machine's name but a topic, a token or an id: ntfy://topic, tgram://token.
            parts |= {split.netloc, host}
    except ValueError:
        pass  # what cannot be taken apart is hidden as a whole
    parts |= {unquote(part) for part in parts}
    return {part for part in parts if len(part) >= _SECRET_CHARS}


def passwords(address: str) -> set[str]:
    """Return what by its place is a password or a token, however ordinary a word it is."""
    try:
        split = urlsplit(address)
        found = {v for k, v in parse_qsl(split.query) if _NAMES_A_SECRET.search(k)}
        found.add(split.password or "")
    except ValueError:
        return set()
    if split.scheme in _OF_TOKENS and _begins_with_token(split.netloc):
        found |= {*split.netloc.replace("@", ":").split(":"), *split.path.split("/")}
    found |= {unquote(part) for part in found}
    return {part for part in found if len(part) >= _SECRET_CHARS}


def _has_short_secret(address: str) -> bool:
    """Tell whether what is a credential by its place is too short to be hidden everywhere."""
    try:
        split = urlsplit(address)
        password = unquote(split.password or "")
        found = {v for k, v in parse_qsl(split.query) if _NAMES_A_SECRET.search(k)}
    except ValueError:
        return False  # apprise will not know it either
    if split.scheme in _OF_TOKENS and _begins_with_token(split.netloc):
        # The longest: ids stand beside the token and may be short.
        parts = re.split(r"[/:@]", unquote(split.netloc + split.path))
        found.add(max(parts, key=len))
    return any(0 < len(each) < MIN_SECRET_LENGTH for each in (password, *found))


def _begins_with_token(netloc: str) -> bool:
    host = netloc.rpartition("@")[2]
    return "." not in host and not host.startswith("localhost")


def without_secrets(text: str, address: str) -> str:
    """Return a text of others without anything of an address, in one line and short."""
    for part in sorted(secret_parts(address), key=len, reverse=True):
        text = text.replace(part, HIDDEN)
    return " ".join(scrub(text).split())[:_MOST_SHOWN]
