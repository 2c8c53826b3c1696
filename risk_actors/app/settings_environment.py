"""Credentials, endpoints and the token's place, from the environment and from a `.env` file.

A variable that is set, even to nothing, beats the same name in `.env`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_problem import Problem, SettingsError
from risk_actors.projectx.secrets import MIN_SECRET_LENGTH
from risk_actors.projectx.settings import Credentials, GatewayEndpoints
from risk_actors.web.token_file import TOKEN_VARIABLE, TokenError, env_file_of

USERNAME = "PROJECT_X_USERNAME"
API_KEY = "PROJECT_X_API_KEY"
ACCOUNT_NAME = "PROJECT_X_ACCOUNT_NAME"
API_URL = "PROJECTX_API_URL"
USER_HUB_URL = "PROJECTX_USER_HUB_URL"
MARKET_HUB_URL = "PROJECTX_MARKET_HUB_URL"

VARIABLES = (USERNAME, API_KEY, ACCOUNT_NAME, API_URL, USER_HUB_URL, MARKET_HUB_URL)
"""Named as the SDK names them."""

_ENDPOINTS = (API_URL, USER_HUB_URL, MARKET_HUB_URL)
_SCHEMES = ("http", "https", "ws", "wss")


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says; None where it says nothing."""

    credentials: Credentials | None = None
    account_name: str | None = None
    """The one account to guard; without it every visible account."""
    endpoints: GatewayEndpoints | None = None
    """Without it the SDK's own (TopstepX)."""
    token_env_file: Path | None = None
    """The `.env` in which the token for the HTTP side stands, where the environment has none."""


def dotenv_places(settings_dir: Path) -> tuple[Path, ...]:
    """Return where a `.env` file may stand: the current directory, then beside the settings."""
    return (Path(), settings_dir.resolve().parent)


def load_environment(
    directories: Sequence[Path], variables: Mapping[str, str] | None = None
) -> Environment:
    """Read the six variables from the process's environment and from a `.env` file.

    Args:
        directories: where to look; the first `.env` that names one of the variables is read, and
            no other, so that a key never meets another file's name. The token for the HTTP side
            has a place of its own among them: the first `.env` that names it.
        variables: the environment; the process's own when None.

    Raises:
        SettingsError: half a credential pair, a part of the endpoints, or a bad address.
    """
    problems: list[Problem] = []
    values = _first_dotenv(directories, problems)
    given = os.environ if variables is None else variables
    for name, value in given.items():
        if name in VARIABLES:
            values[name] = (value, Problem("environment", None, ""))
    found = {name: text for name, (value, _) in values.items() if (text := value.strip())}
    places = {name: place for name, (_, place) in values.items()}
    credentials = _credentials(found, places, problems)
    endpoints = _endpoints(found, places, problems)
    token_env_file = None if TOKEN_VARIABLE in given else _token_env_file(directories, problems)
    if problems:
        raise SettingsError(problems)
    return Environment(
        credentials=credentials,
        account_name=found.get(ACCOUNT_NAME),
        endpoints=endpoints,
        token_env_file=token_env_file,
    )


def choose_mode(asked: TradingMode | None, environment: Environment) -> TradingMode:
    """Return the mode to run in: what was asked for, else live when there are credentials.

    Raises:
        SettingsError: live was asked for without credentials.
    """
    if asked is TradingMode.LIVE and environment.credentials is None:
        message = f"live trading needs {USERNAME} and {API_KEY}, set or in a `.env` file"
        raise SettingsError([Problem("environment", None, message)])
    if asked is not None:
        return asked
    return TradingMode.PAPER if environment.credentials is None else TradingMode.LIVE


def _token_env_file(directories: Sequence[Path], problems: list[Problem]) -> Path | None:
    if problems:
        return None
    try:
        return env_file_of(directories)
    except TokenError as error:
        problems.append(Problem(".env", None, str(error)))
        return None


def _first_dotenv(
    directories: Sequence[Path], problems: list[Problem]
) -> dict[str, tuple[str, Problem]]:
    for directory in dict.fromkeys(directory.resolve() for directory in directories):
        values = _read_dotenv(directory / ".env", problems)
        if values or problems:
            return values
    return {}


def _read_dotenv(path: Path, problems: list[Problem]) -> dict[str, tuple[str, Problem]]:
    """Return the known variables of a `.env` file, each with the place it stands."""
    if not path.is_file():
        return {}
    from dotenv.parser import parse_stream  # noqa: PLC0415  # most runs have no such file

    name = ".env" if path.parent == Path.cwd() else str(path)
    values: dict[str, tuple[str, Problem]] = {}
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for binding in parse_stream(stream):
                text = binding.original.string
                # What was read includes the blank lines before it.
                blank_lines = text.count("\n", 0, len(text) - len(text.lstrip()))
                place = Problem(name, binding.original.line + blank_lines, "")
                if binding.error:
                    problems.append(_at(place, "not understood; write NAME=value"))
                elif binding.key in VARIABLES:
                    values[binding.key] = (binding.value or "", place)
    except UnicodeDecodeError:
        problems.append(Problem(name, None, "not UTF-8 text; save it again as UTF-8"))
    except OSError as error:
        problems.append(Problem(name, None, f"cannot be read: {error.strerror}"))
    return values


def _credentials(
    found: dict[str, str], places: dict[str, Problem], problems: list[Problem]
) -> Credentials | None:
    given = [name for name in (USERNAME, API_KEY) if name in found]
    if len(given) == 1:
        missing = API_KEY if given[0] == USERNAME else USERNAME
        problems.append(
            _at(
                places[given[0]],
                f"{given[0]} is set but {missing} is not: set both to go live, or neither for"
                " paper trading",
            )
        )
    if len(given) < 2:  # noqa: PLR2004  # a name and a key
        return None
    if len(found[API_KEY]) < MIN_SECRET_LENGTH:
        # It could not be hidden: it would look like any word.
        fault = f"{API_KEY} has fewer than {MIN_SECRET_LENGTH} characters, so it is no whole key"
        problems.append(_at(places[API_KEY], fault))
    return Credentials(username=found[USERNAME], api_key=found[API_KEY])


def _endpoints(
    found: dict[str, str], places: dict[str, Problem], problems: list[Problem]
) -> GatewayEndpoints | None:
    given = [name for name in _ENDPOINTS if name in found]
    for name in given:
        address = urlsplit(found[name])
        if address.scheme not in _SCHEMES or not address.hostname:
            problems.append(
                _at(places[name], f"{name} is no address; expected http(s)://host[:port]/path")
            )
        elif "@" in address.netloc:
            # Addresses are shown; and the broker asks for a key, not for this.
            fault = f"{name} has a name or password before the `@`; the address goes without"
            problems.append(_at(places[name], fault))
    if given and len(given) < len(_ENDPOINTS):
        missing = ", ".join(name for name in _ENDPOINTS if name not in found)
        problems.append(
            _at(
                places[given[0]],
                f"{given[0]} is set but {missing} is not: hubs and REST must belong to the same"
                " gateway, so set all three or none",
            )
        )
    if problems or not given:
        return None
    return GatewayEndpoints(
        api_url=found[API_URL],
        user_hub_url=found[USER_HUB_URL],
        market_hub_url=found[MARKET_HUB_URL],
    )


def _at(place: Problem, message: str) -> Problem:
    return Problem(place.file, place.line, message)
