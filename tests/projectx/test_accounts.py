"""Which accounts are guarded."""

from decimal import Decimal

import pytest

from risk_actors.core.broker import Account
from risk_actors.projectx.accounts import guarded_accounts
from risk_actors.projectx.errors import AccountsNotFound, LoginFailed
from risk_actors.projectx.settings import GatewaySettings


def account(account_id: int, name: str, *, visible: bool = True, can_trade: bool = True) -> Account:
    return Account(
        id=account_id,
        name=name,
        balance_usd=Decimal(50_000),
        can_trade=can_trade,
        is_visible=visible,
    )


ALL = (
    account(1, "50KTC-V2-1"),
    account(2, "150KTC-V2-2", can_trade=False),
    account(3, "OLD-3", visible=False),
    account(4, "PRACTICE-4"),
)


@pytest.mark.parametrize(
    ("settings", "ids"),
    [
        (GatewaySettings(), [1, 2, 4]),
        (GatewaySettings(accounts=("*ktc*",)), [1, 2]),
        (GatewaySettings(accounts=("practice-4", "1")), [1, 4]),
        (GatewaySettings(accounts=("*",), account_name="practice-4"), [4]),
    ],
)
def test_visible_accounts_are_selected_by_name_pattern_or_id(
    settings: GatewaySettings, ids: list[int]
) -> None:
    assert [chosen.id for chosen in guarded_accounts(ALL, settings)] == ids


def test_nothing_selected_says_what_there_is() -> None:
    with pytest.raises(AccountsNotFound, match=r"OLD\*\. Available accounts: 50KTC-V2-1, 150KTC"):
        guarded_accounts(ALL, GatewaySettings(accounts=("OLD*",)))
    with pytest.raises(LoginFailed, match="no visible account"):
        guarded_accounts((), GatewaySettings())
