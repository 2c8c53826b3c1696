"""What the doctor thinks of the way to the broker: reach, login, token, hubs, accounts, clock."""

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from risk_actors.app.doctor_words import Finding, failed, fine, warning
from risk_actors.core.broker import Account
from risk_actors.core.evidence import NS_PER_S
from risk_actors.projectx.accounts import guarded_accounts
from risk_actors.projectx.broker_time import DATE_LASTS_NS
from risk_actors.projectx.errors import AccountsNotFound
from risk_actors.projectx.settings import GatewaySettings

SLOW_MS = 1_000.0
"""A close takes at least as long as an answer."""
CLOCK_OFF_S = 2.0
"""More than a machine that sets its clock by the net is ever off."""
CLOCK_FAR_OFF_S = 30.0
"""The login's token and the broker's timestamps no longer make sense from there."""
SHORT_TOKEN_S = 300.0
_MINUTE_S, _HOUR_S = 60, 3_600


class Way(NamedTuple):
    """How far one came to a host, and how long it took."""

    host: str
    address: str | None = None
    tls: str | None = None
    """The version agreed on; None on a plain connection."""
    connect_ms: float | None = None
    fault: str | None = None
    todo: str = ""


def judge_way(way: Way) -> Finding:
    """Judge whether a host is reached: name, connection, certificate."""
    if way.fault is not None:
        return failed(f"{way.host}: {way.fault}", way.todo)
    said = f"{way.host} at {way.address} is reached in {way.connect_ms or 0.0:.0f} ms"
    if way.tls is not None:
        return fine(f"{said} ({way.tls})")
    if way.address is not None and ipaddress.ip_address(way.address).is_loopback:
        return fine(f"{said} (on this machine, so not encrypted)")
    return warning(
        f"{said}, but not encrypted: whoever is on the way reads the key",
        "write https:// in PROJECTX_API_URL and in both hubs' addresses",
    )


class Answers(NamedTuple):
    """A few answers of the REST API to the question whether it is there."""

    took_ms: tuple[float, ...]
    status: int


_SERVER_FAULT = 500


def judge_answers(answers: Answers) -> Finding:
    """Judge how fast the API answers, and whether it is well."""
    middle = sorted(answers.took_ms)[len(answers.took_ms) // 2]
    if answers.status >= _SERVER_FAULT:
        return failed(
            f"it answers HTTP {answers.status}",
            "the broker has a fault: see its status page and try again later",
        )
    if middle > SLOW_MS:
        return warning(
            f"answers in {middle:.0f} ms: a close takes at least as long",
            "use a cable instead of wireless, end downloads, and choose a nearer exit of a VPN",
        )
    return fine(f"answers in {middle:.0f} ms")


class DateSample(NamedTuple):
    """One answer's `Date` between our sending and receiving, all in ns of UTC."""

    sent_ns: int
    said_ns: int
    received_ns: int


def clock_ahead_s(samples: Sequence[DateSample]) -> float:
    """Return the least by which our clock must be ahead (negative: behind), 0 when it may agree.

    A `Date` names whole seconds and may be sent late, so each sample only bounds the difference.
    """
    low = max(each.sent_ns - each.said_ns - DATE_LASTS_NS for each in samples)
    high = min(each.received_ns - each.said_ns for each in samples)
    if low > high:  # the clock was set meanwhile: go by the last
        last = samples[-1]
        low, high = last.sent_ns - last.said_ns - DATE_LASTS_NS, last.received_ns - last.said_ns
    if low > 0:
        return low / NS_PER_S
    return high / NS_PER_S if high < 0 else 0.0


def judge_clock(samples: Sequence[DateSample]) -> Finding:
    """Judge this machine's clock by the broker's."""
    ahead_s = clock_ahead_s(samples)
    if abs(ahead_s) < CLOCK_OFF_S:
        return fine("this machine's clock agrees with the broker's")
    which = "ahead of" if ahead_s > 0 else "behind"
    says = f"this machine's clock is {span_words(abs(ahead_s))} or more {which} the broker's"
    todo = "have the clock set by the net (Linux: `timedatectl set-ntp true`)"
    if abs(ahead_s) < CLOCK_FAR_OFF_S:
        return warning(f"{says}; the daemon goes by the broker's", todo)
    return failed(says, todo)


class Login(NamedTuple):
    """What came of logging in through the SDK."""

    took_ms: float
    fault: str | None = None
    is_refused: bool = False
    """Whether trying again changes nothing."""


def judge_login(login: Login) -> Finding:
    """Judge the login."""
    if login.fault is None:
        return fine(f"accepted in {login.took_ms:.0f} ms")
    if login.is_refused:
        return failed(
            login.fault,
            "compare PROJECT_X_USERNAME (the user name, not the mail address) and PROJECT_X_API_KEY"
            " with the platform's API page, and see that the API subscription is active",
        )
    return failed(login.fault, "see the lines on reachability, and try again in a minute")


def judge_token(left_s: float) -> Finding:
    """Judge how long the login holds, in seconds from now."""
    if left_s <= 0:
        return failed(
            "it has ended already by this machine's clock",
            "see the line on the clock; if that is right, the broker's is wrong: ask its support",
        )
    if left_s < SHORT_TOKEN_S:
        return warning(
            f"it ends in {span_words(left_s)}, which is unusually soon; the daemon renews it",
            "nothing, unless it stays so: then ask the broker's support",
        )
    return fine(f"good for {span_words(left_s)}; the daemon renews it in time")


class HubLook(NamedTuple):
    """How far one came with a hub."""

    took_ms: float
    fault: str | None = None
    is_unauthorised: bool = False


def judge_hub(hub: HubLook) -> Finding:
    """Judge whether a hub negotiates and shakes hands."""
    if hub.fault is None:
        return fine(f"negotiated and shook hands in {hub.took_ms:.0f} ms")
    if hub.is_unauthorised:
        return failed(
            hub.fault,
            "the login works and the hub does not take its token: check that the hub addresses"
            " belong to the same gateway as PROJECTX_API_URL, and the clock",
        )
    return failed(
        hub.fault,
        "a firewall or proxy may let no WebSockets through; else the broker has a fault: see its"
        " status page",
    )


class AccountsLook(NamedTuple):
    """What accounts the login has."""

    accounts: tuple[Account, ...]
    settings: GatewaySettings

    @property
    def guarded(self) -> tuple[Account, ...]:
        """The visible accounts that the settings select; may raise `AccountsNotFound`."""
        return guarded_accounts(self.accounts, self.settings)


def judge_accounts(look: AccountsLook) -> Finding:
    """Judge whether the login has the accounts that the settings select."""
    try:
        guarded = look.guarded
    except AccountsNotFound as error:
        return failed(
            str(error).rstrip("."),
            "change `[gateway] accounts` in app.toml or PROJECT_X_ACCOUNT_NAME to one there is",
        )
    names = ", ".join(account.name for account in guarded)
    left_out = sum(account.is_visible for account in look.accounts) - len(guarded)
    more = f" ({left_out} more are not selected)" if left_out else ""
    return fine(f"{len(guarded)} guarded: {names}{more}")


def judge_permission(guarded: Sequence[Account]) -> Finding:
    """Judge whether orders may be sent, as far as the broker tells without one being sent."""
    barred = [account.name for account in guarded if not account.can_trade]
    live = [account.name for account in guarded if not account.simulated]
    if barred and len(barred) == len(guarded):
        return failed(
            f"the broker lets none of them trade: {', '.join(barred)}",
            "look at them on the platform: a daily loss pause ends at the reset, a failed account"
            " stays shut",
        )
    if barred:
        return warning(
            f"the broker does not let {', '.join(barred)} trade",
            "look at it on the platform; leave it out by `[gateway] accounts` if it stays shut",
        )
    if live:
        return warning(
            f"{', '.join(live)} is a live account, in which the broker may let no program act",
            "ask the firm whether the API may close positions there; set the platform's own limits",
        )
    return fine("the broker lets all of them trade (no order was sent to try)")


def span_words(seconds: float) -> str:
    """Return a length of time for people."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.0f} h"
