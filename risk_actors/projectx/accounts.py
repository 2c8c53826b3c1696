"""Which of the login's accounts are guarded."""

from fnmatch import fnmatchcase

from risk_actors.core.broker import Account
from risk_actors.projectx.errors import AccountsNotFound
from risk_actors.projectx.settings import GatewaySettings


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
