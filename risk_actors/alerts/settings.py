"""`[alerts]` of app.toml: which alert goes where.

A URL is a credential: whoever has it can write in the trader's name. So these settings are no part
of those that are compared, recorded and replayed, and the structs do not show a URL.
"""

import re
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.alerts.quiet import QuietHours
from risk_actors.core.evidence import NS_PER_S

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

type Seconds = Annotated[float, msgspec.Meta(gt=0)]
type Text = Annotated[str, msgspec.Meta(min_length=1)]


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of `[[alerts.channels]]`."""

    name: Text
    """A name of your own, used once."""
    url: Text
    """An address of apprise; or `env:NAME` or `file:PATH`, to keep it out of the settings."""
    min_severity: Severity = Severity.WARNING
    """`info`, `warning` or `critical`."""
    kinds: tuple[AlertKind, ...] = ()
    """Empty means all."""
    accounts: tuple[str, ...] = ()
    """Names, patterns with * and ?, or ids; empty means all."""
    quiet_hours: tuple[str, ...] = ()
    """Such as `22:00-07:00`, in the zone of `[session]`; what is urgent comes all the same."""

    def __post_init__(self) -> None:
        """Refuse quiet hours that are none."""
        for text in self.quiet_hours:
            QuietHours.of(text)

    def __repr__(self) -> str:
        """Return it without the URL."""
        return f"ChannelSettings(name={self.name!r}, url={shown_source(self.url)!r})"

    def wants(self, alert: Alert) -> bool:
        """Tell whether an alert is of a kind and an account that are told here."""
        if self.kinds and alert.kind not in self.kinds:
            return False
        if not self.accounts or alert.account_id is None:
            return True
        name = alert.account.lower()
        return any(
            pattern == str(alert.account_id) or fnmatchcase(name, pattern.lower())
            for pattern in self.accounts
        )


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[alerts]` of app.toml."""

    group_s: Seconds = 3.0
    """Lesser alerts wait this long for others, to be told in one message; urgent ones 0.5 s."""
    repeat_after_s: Seconds = 900.0
    """The same lesser alert is not told again before this has passed."""
    at_most_per_minute: Annotated[int, msgspec.Meta(ge=1, le=60)] = 6
    """Messages on one channel; what is urgent is told all the same."""
    no_data_after_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 10.0
    """A position is open and nobody knows what it is worth: after so long that is an alarm."""
    heartbeat_url: Text | None = None
    """Fetched again and again while all is well; or `env:NAME` or `file:PATH`."""
    heartbeat_every_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 60.0
    """How often that address is fetched."""
    heartbeat_fail_suffix: str = ""
    """What is added to that address to say that something is wrong, such as `/fail`; empty: its
    silence says so."""
    channels: tuple[ChannelSettings, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two channels of one name."""
        names = [channel.name for channel in self.channels]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"two channels have the name `{min(twice)}`")

    def __repr__(self) -> str:
        """Return it without URLs."""
        return f"AlertSettings(channels={self.channels!r})"

    @property
    def no_data_after_ns(self) -> int:
        """Return `no_data_after_s` in nanoseconds."""
        return int(self.no_data_after_s * NS_PER_S)


def variable_of(url: str) -> str | None:
    """Return the variable that `env:NAME` names; None where it names none.

    Whoever writes the address itself behind `env:` is to see none of it anywhere.
    """
    name = url.removeprefix("env:").strip()
    return name if url.startswith("env:") and _NAME.fullmatch(name) else None


def shown_source(url: str) -> str:
    """Return where an address comes from, without what is secret in it."""
    if variable_of(url) is not None or (url.startswith("file:") and "//" not in url):
        return url
    if url.startswith("env:") and "://" not in url:
        return "env:[hidden]"
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://[hidden]" if separator and scheme.isalnum() else "[hidden]"
