"""Where the token comes from that everybody must have who asks, once there is one."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from risk_actors.projectx.secrets import remember_secret

TOKEN_VARIABLE = "RISK_ACTORS_WEB_TOKEN"  # noqa: S105 - a name
MIN_TOKEN_LENGTH = 16


class TokenError(ValueError):
    """The token cannot be used; the text says why and what to do."""


def read_token(token_file: Path | None, variables: Mapping[str, str] | None = None) -> str | None:
    """Return the token of the environment, else of the file, None where neither is set.

    Raises:
        TokenError: it is too short, or the file cannot be read or others can read it.
    """
    text = (os.environ if variables is None else variables).get(TOKEN_VARIABLE, "").strip()
    place = f"the environment variable {TOKEN_VARIABLE}"
    if not text:
        if token_file is None:
            return None
        place = f"the file {token_file} (`token_file` in [web] of app.toml)"
        text = _text_of(token_file, place)
    if len(text) < MIN_TOKEN_LENGTH or not text.isascii() or any(c.isspace() for c in text):
        raise TokenError(
            f"{place} must have one token of {MIN_TOKEN_LENGTH} or more characters without spaces;"
            ' make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`'
        )
    remember_secret(text)
    return text


def _text_of(path: Path, place: str) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise TokenError(f"{place} cannot be read: {reason}") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise TokenError(f"{place} can be read by others; keep it to yourself with `chmod 600`")
    return text


def token_path(token_file: str, settings_dir: Path) -> Path | None:
    """Return the file that `token_file` of `[web]` names; a relative one is beside the settings."""
    return settings_dir / Path(token_file).expanduser() if token_file else None
