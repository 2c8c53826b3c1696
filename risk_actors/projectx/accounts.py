"""Which of the login's accounts are guarded."""

import asyncio
from fnmatch import fnmatchcase

from loguru import logger

from risk_actors.core.broker import Account
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.errors import (
    AccountsNotFound,
    LoginFailed,
    PayloadError,
    ReadFailed,
    ReadProblem,
)
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.projectx.snapshots import SnapshotReader

_FIRST_ACCOUNTS_S = 8.0
_FIRST_ACCOUNTS_AGAIN_S = 0.5
"""How long, and how often, the accounts are asked for at the start."""


async def first_accounts(reader: SnapshotReader) -> tuple[Account, ...]:
    """Return the accounts; a broker that is busy or faulty for a moment ends no start.

    Raises:
        LoginFailed: they could not be read in time, or the broker refuses to tell them.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + _FIRST_ACCOUNTS_S
    while True:
        try:
            return await reader.accounts(urgency=Urgency.ENFORCEMENT)
        except (ReadFailed, PayloadError) as error:
            is_final = isinstance(error, ReadFailed) and error.problem is ReadProblem.REFUSED
            if is_final or loop.time() > deadline_s:
                raise LoginFailed(
                    f"Logged in, but could not read the accounts: {error}."
                ) from error
            logger.warning("The accounts cannot be read yet: {}", error)
        await asyncio.sleep(_FIRST_ACCOUNTS_AGAIN_S)


def guarded_accounts(
    accounts: tuple[Account, ...], settings: GatewaySettings
) -> tuple[Account, ...]:
    """Return the visible accounts that the settings select; all visible ones without a selection.

    Names compare without regard to case, as the SDK compares them; a pattern may also be an id.

    Raises:
        AccountsNotFound: nothing is left; the message names what there is.
    """
    visible = tuple(account for account in accounts if account.is_visible)
    chosen = tuple(account for account in visible if is_selected(account, settings))
    if chosen:
        return chosen
    patterns = _patterns(settings)
    available = ", ".join(account.name for account in visible) or "none"
    if not patterns:
        raise AccountsNotFound("The login has no visible account.")
    raise AccountsNotFound(
        f"No account matches {', '.join(patterns)}. Available accounts: {available}."
    )


def is_selected(account: Account, settings: GatewaySettings) -> bool:
    """Tell whether a visible account is one that the settings select."""
    patterns = _patterns(settings)
    return account.is_visible and (
        not patterns or any(_matches(account, pattern) for pattern in patterns)
    )


def _patterns(settings: GatewaySettings) -> tuple[str, ...]:
    return (settings.account_name,) if settings.account_name else settings.accounts


def _matches(account: Account, pattern: str) -> bool:
    return pattern == str(account.id) or fnmatchcase(account.name.upper(), pattern.upper())
