"""How to reach the broker: endpoints, credentials, and the `[gateway]` table of app.toml."""

from typing import Annotated

import msgspec

from risk_actors.core.direction import FREE, UNCLEAR
from risk_actors.projectx.secrets import HIDDEN, remember_secret

type Seconds = Annotated[float, msgspec.Meta(gt=0)]


class GatewayEndpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker's services are; the defaults are TopstepX, as the SDK has them."""

    api_url: str = "https://api.topstepx.com/api"
    user_hub_url: str = "https://rtc.topstepx.com/hubs/user"
    market_hub_url: str = "https://rtc.topstepx.com/hubs/market"


class Credentials:
    """A user's name and API key.

    Not a struct, so that no encoder, printer or dump can show the key; from here on the key is
    hidden in every scrubbed log line as well.
    """

    __slots__ = ("api_key", "username")

    def __init__(self, *, username: str, api_key: str) -> None:
        self.username = username
        self.api_key = api_key
        remember_secret(api_key)

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, api_key={HIDDEN})"

    def __reduce__(self) -> str:
        raise TypeError("Credentials are not for storing")


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[gateway]` table of app.toml."""

    requests_per_minute: Annotated[int, msgspec.Meta(ge=30, le=10_000), UNCLEAR] = 200
    """What the broker allows; reads are slowed to stay under it, closes and cancels never."""
    login_timeout_s: Annotated[Seconds, FREE] = 20.0
    """How long the first login is tried before the program gives up."""
    command_timeout_s: Annotated[Seconds, UNCLEAR] = 3.0
    """How long a close or cancel may go unanswered before it counts as uncertain."""
    brake_after_commands: Annotated[int, msgspec.Meta(ge=10, le=1_000), UNCLEAR] = 40
    """So many cancels and moves of stops for one account in a minute while nothing changes at the
    broker, and something is wrong: they pause, longer each time; locks hold. Closes keep to the
    pace of their refusals; should that fail, at most 60 a minute go out for a contract."""
    reconcile_every_s: Annotated[Seconds, UNCLEAR] = 30.0
    """How often each account is read again in full although nothing seems amiss."""
    second_line: Annotated[bool, UNCLEAR] = True
    """Whether the user hub is read a second time by a reader of our own, beside the SDK's: what
    comes first counts, and either may fail."""
    price_line: Annotated[bool, UNCLEAR] = True
    """Whether prices are read by a reader of our own, which needs a fraction of the processor time;
    the SDK's market hub stands by, and tells them when that reader fails."""
    accounts: Annotated[tuple[str, ...], UNCLEAR] = ()
    """Which accounts to guard: names, name patterns (`*` and `?`) or ids; empty means all."""
    account_name: Annotated[str | None, UNCLEAR] = None
    """Guard this one account only (from PROJECT_X_ACCOUNT_NAME); beats `accounts`."""
