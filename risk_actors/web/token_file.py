"""Where the token comes from that everybody must have who asks, once there is one."""

import os
import stat
from collections.abc import Iterable, Mapping
from io import StringIO
from pathlib import Path

from risk_actors.projectx.secrets import remember_secret

TOKEN_VARIABLE = "RISK_ACTORS_WEB_TOKEN"  # noqa: S105 - a name
MIN_TOKEN_LENGTH = 16


class TokenError(ValueError):
    """The token cannot be used; the text says why and what to do."""


def read_token(
    token_file: Path | None,
    variables: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = None,
) -> str | None:
    """Return the token of the environment, else of `.env`, else of the file; None without any.

    Args:
        token_file: the file that `token_file` of `[web]` names.
        variables: the environment; the process's own when None. One that is set, even to nothing,
            beats `.env`.
        env_file: the `.env` in which the token stands, as `env_file_of` finds it.

    Raises:
        TokenError: it is too short, or the file cannot be read or others can read it.
    """
    given = os.environ if variables is None else variables
    text = given.get(TOKEN_VARIABLE, "").strip()
    place = f"the environment variable {TOKEN_VARIABLE}"
    if TOKEN_VARIABLE not in given and env_file is not None:
        place = f"{TOKEN_VARIABLE} in {env_file}"
        text = (_named_in(env_file) or "").strip()
        if text:
            _refuse_open(env_file, place)
    if not text:
        if token_file is None:
            return None
        place = f"the file {token_file} (`token_file` in [web] of app.toml)"
        text = _text_of(token_file, place)
        _refuse_open(token_file, place)
    if len(text) < MIN_TOKEN_LENGTH or not text.isascii() or any(c.isspace() for c in text):
        raise TokenError(
            f"{place} must have one token of {MIN_TOKEN_LENGTH} or more characters without spaces;"
            ' make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`'
        )
    remember_secret(text)
    return text


def _text_of(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise TokenError(f"{place} cannot be read: {reason}") from error


def _refuse_open(path: Path, place: str) -> None:
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise TokenError(f"{place} can be read by others; keep it to yourself with `chmod 600`")


def env_file_of(directories: Iterable[Path]) -> Path | None:
    """Return the first `.env` that names the token, None where none does.

    Raises:
        TokenError: one of them cannot be read, or does not name it as `NAME=value`.
    """
    files = (directory.resolve() / ".env" for directory in directories)
    return next((file for file in files if file.is_file() and _named_in(file) is not None), None)


def _named_in(env_file: Path) -> str | None:
    text = _text_of(env_file, f"the file {env_file}")
    if TOKEN_VARIABLE not in text:
        return None
    from dotenv.parser import parse_stream  # noqa: PLC0415  # most runs have no such file

    found: str | None = None
    for binding in parse_stream(StringIO(text)):
        if binding.error and TOKEN_VARIABLE in binding.original.string:
            raise TokenError(f"{TOKEN_VARIABLE} in {env_file} is not understood; write NAME=value")
        if binding.key == TOKEN_VARIABLE:
            found = binding.value or ""
    return found


def token_path(token_file: str, settings_dir: Path) -> Path | None:
    """Return the file that `token_file` of `[web]` names; a relative one is beside the settings."""
    return settings_dir / Path(token_file).expanduser() if token_file else None
