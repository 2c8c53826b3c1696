"""REST endpoints of the session, the accounts, the contracts and price history."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from risk_actors.simulator.bars import UNIT_S
from risk_actors.simulator.desk import Desk, Endpoint, FailedError, Reply
from risk_actors.simulator.payloads import account_row, contract_row
from risk_actors.simulator.tokens import Session

_INVALID_CREDENTIALS = 3
_CONTRACT_NOT_FOUND, _UNIT_INVALID, _UNIT_NUMBER_INVALID, _LIMIT_INVALID = 1, 2, 3, 4
_MAX_CONTRACT_ROWS = 20
_MAX_BARS = 20_000
_NS_PER_S = 1_000_000_000


class LoginRequest(msgspec.Struct, rename="camel"):
    """Body of Auth/loginKey."""

    user_name: str
    api_key: str


class AccountSearch(msgspec.Struct, rename="camel"):
    """Body of Account/search."""

    only_active_accounts: bool = False


class ContractSearch(msgspec.Struct, rename="camel"):
    """Body of Contract/search."""

    search_text: str
    live: bool = False


class ContractById(msgspec.Struct, rename="camel"):
    """Body of Contract/searchById."""

    contract_id: str


class Available(msgspec.Struct):
    """Body of Contract/available."""

    live: bool = False


class BarsRequest(msgspec.Struct, rename="camel"):
    """Body of History/retrieveBars."""

    contract_id: str
    start_time: str
    end_time: str
    unit: int
    unit_number: int
    limit: int
    live: bool = False
    include_partial_bar: bool = False


def at_ns(text: str) -> int:
    """Return an ISO 8601 time as nanoseconds UTC; without an offset it is UTC.

    Raises:
        ValueError: the text is no time.
    """
    when = datetime.fromisoformat(text)
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(when.timestamp() * _NS_PER_S)


def _login(desk: Desk, _session: Session, request: Any) -> Reply:
    if (request.user_name, request.api_key) != (desk.username, desk.api_key):
        raise FailedError(_INVALID_CREDENTIALS)
    return Reply(row={"token": desk.mint.issue(request.user_name, desk.clock())})


def _validate(desk: Desk, session: Session, _request: object) -> Reply:
    return Reply(row={"newToken": desk.mint.issue(session.username, desk.clock())})


def _logout(desk: Desk, session: Session, _request: object) -> Reply:
    desk.mint.revoke(session.token_id)
    return Reply()


def _accounts(desk: Desk, _session: Session, request: Any) -> Reply:
    found = [
        account_row(account)
        for account in desk.book.accounts.values()
        if account.is_visible and (account.can_trade or not request.only_active_accounts)
    ]
    return Reply(row={"accounts": found})


def _contracts(desk: Desk, _session: Session, request: Any) -> Reply:
    text = request.search_text.upper()
    found = [
        contract_row(contract)
        for contract in desk.exchange.contracts.values()
        if text in contract.name
        or text in contract.contract_id
        or text in contract.description.upper()
    ]
    return Reply(row={"contracts": found[:_MAX_CONTRACT_ROWS]})


def _contract(desk: Desk, _session: Session, request: Any) -> Reply:
    contract = desk.exchange.contracts.get(request.contract_id)
    if contract is None:
        raise FailedError(_CONTRACT_NOT_FOUND)
    return Reply(row={"contract": contract_row(contract)})


def _available(desk: Desk, _session: Session, _request: object) -> Reply:
    return Reply(row={"contracts": [contract_row(c) for c in desk.exchange.contracts.values()]})


def _bars(desk: Desk, _session: Session, request: Any) -> Reply:
    history = desk.bars.get(request.contract_id)
    if history is None:
        raise FailedError(_CONTRACT_NOT_FOUND)
    if request.unit not in UNIT_S:
        raise FailedError(_UNIT_INVALID)
    if request.unit_number < 1:
        raise FailedError(_UNIT_NUMBER_INVALID)
    if not 0 < request.limit <= _MAX_BARS:
        raise FailedError(_LIMIT_INVALID)
    width_s = UNIT_S[request.unit] * request.unit_number
    now_ns = desk.clock()
    to_ns = min(at_ns(request.end_time), now_ns + 1)
    if not request.include_partial_bar:
        to_ns = min(to_ns, now_ns - now_ns % (width_s * _NS_PER_S))
    bars = history.bars(
        width_s=width_s, from_ns=at_ns(request.start_time), to_ns=to_ns, limit=request.limit
    )
    return Reply(row={"bars": [bar.row() for bar in bars]})


LOGIN = "Auth/loginKey"
"""The one endpoint that needs no token."""

BARS = "History/retrieveBars"
"""The one endpoint with a rate limit of its own."""

ENDPOINTS: dict[str, Endpoint] = {
    LOGIN: Endpoint(request=LoginRequest, run=_login, empty={"token": None}),
    "Auth/validate": Endpoint(request=None, run=_validate, empty={"newToken": None}),
    "Auth/logout": Endpoint(request=None, run=_logout),
    "Account/search": Endpoint(request=AccountSearch, run=_accounts),
    "Contract/search": Endpoint(request=ContractSearch, run=_contracts),
    "Contract/searchById": Endpoint(request=ContractById, run=_contract, empty={"contract": None}),
    "Contract/available": Endpoint(request=Available, run=_available),
    BARS: Endpoint(request=BarsRequest, run=_bars, empty={"bars": None}),
}
