"""Logs in to the broker, and decides by the broker's own time which settings are in force."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

import msgspec

from risk_actors.app.fills_window import FillsWindow
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import Settings
from risk_actors.app.settings_keeper import SettingsKeeper
from risk_actors.app.settings_stored import Stored
from risk_actors.core.broker import Account
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.runtime.clock import Clock


class Target(NamedTuple):
    """What is guarded: the broker, or the simulator."""

    credentials: Credentials
    endpoints: GatewayEndpoints


class Connected(NamedTuple):
    """A session that has logged in, and what holds for it."""

    session: ProjectXGateway
    accounts: Sequence[Account]
    keeper: SettingsKeeper
    fills_window: FillsWindow


def for_account(settings: Settings, account_name: str | None) -> Settings:
    """Return the settings with the account that the environment names, if it names one."""
    if account_name is None:
        return settings
    gateway = msgspec.structs.replace(settings.gateway, account_name=account_name)
    return msgspec.structs.replace(settings, gateway=gateway)


def connect(
    wanted: Settings, stored: Stored, target: Target, clock: Clock, stack: ExitStack
) -> Connected:
    """Log in; the session is stopped when the stack ends.

    Which accounts are guarded is a setting too, so the login is by what was in force. Logging in
    tells the broker's time, and only by that it is known whether a new trading day has begun and
    the files hold in full.

    Raises:
        LoginFailed: the broker refused, or could not be reached in time.
        AccountsNotFound: the settings select none of the login's accounts.
    """
    window = FillsWindow(rule_context(wanted).calendar)

    def logged_in(gateway: GatewaySettings) -> tuple[ProjectXGateway, Sequence[Account]]:
        session = ProjectXGateway(gateway, target.credentials, target.endpoints, clock, window)
        accounts = session.connect()
        stack.callback(session.stop)
        return session, accounts

    gateway = (stored.settings or wanted).gateway
    session, accounts = logged_in(gateway)
    keeper = SettingsKeeper(
        wanted,
        stored.row,
        stored.first_started_ns,
        clock,
        armed_by_command=stored.armed_by_command,
        was_locked=stored.was_locked,
    )
    in_force = keeper.in_force.settings
    window.calendar = rule_context(in_force).calendar
    if in_force.gateway != gateway:
        session.stop()
        session, accounts = logged_in(in_force.gateway)
    return Connected(session, accounts, keeper, window)
