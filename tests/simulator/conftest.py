import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from risk_actors.simulator import SimulatorSettings, SimulatorThread
from risk_actors.simulator.contracts import front_contracts
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.records import Account, Order, Quote, Side, Ticket

ACCOUNT = 101
DATE = date(2026, 11, 21)


class Floor:
    """An exchange with one account and a hand that moves prices and the clock."""

    def __init__(self, balance_usd: str = "50000", *, partial_fills: bool = False) -> None:
        self.exchange = Exchange(
            contracts=front_contracts(DATE),
            accounts=[Account(id=ACCOUNT, name="PAPER", balance_usd=Decimal(balance_usd))],
            rng=Random(1),
            partial_fills=partial_fills,
        )
        self.now_ns = 1_795_000_000_000_000_000

    def quote(
        self, contract_id: str, bid: str, ask: str | None = None, last: str | None = None
    ) -> None:
        self.now_ns += 1_000_000
        quote = Quote(Decimal(bid), Decimal(ask or bid), Decimal(last or bid))
        self.exchange.on_quote(contract_id, quote, self.now_ns)

    def place(self, contract_id: str, side: Side, size: int, **terms: Any) -> Order:
        self.now_ns += 1_000_000
        ticket = Ticket(account_id=ACCOUNT, contract_id=contract_id, side=side, size=size, **terms)
        return self.exchange.place(ticket, self.now_ns)

    def close(self, contract_id: str, size: int | None = None) -> Order:
        return self.exchange.close(ACCOUNT, contract_id, self.now_ns, size=size)

    def size(self, contract_id: str) -> int:
        return self.exchange.signed_size(ACCOUNT, contract_id)

    @property
    def balance_usd(self) -> Decimal:
        return self.exchange.accounts[ACCOUNT].balance_usd


class Client:
    """A plain HTTP client with one connection."""

    def __init__(self, sim: SimulatorThread) -> None:
        self._address = urlsplit(sim.api_url)
        self._open = http.client.HTTPConnection(self._address.netloc, timeout=10)
        self.token: str | None = None

    def post(self, endpoint: str, **body: Any) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        path = f"{self._address.path}/{endpoint}"
        self._open.request("POST", path, json.dumps(body), headers)
        answer = self._open.getresponse()
        raw = answer.read()
        return answer.status, json.loads(raw) if raw else None

    def ask(self, endpoint: str, **body: Any) -> Any:
        status, row = self.post(endpoint, **body)
        assert status == 200, (status, row)
        return row

    def login(self) -> "Client":
        row = self.ask("Auth/loginKey", userName="sim-trader", apiKey="sim-api-key")
        self.token = row["token"]
        return self

    def ping(self) -> tuple[int, Any]:
        self._open.request("GET", "/api/Status/ping")
        answer = self._open.getresponse()
        return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._open.close()


def _eventually(is_so: Callable[[], object], within_s: float = 10.0) -> Any:
    """Return the first true value of a condition; fail when it stays false."""
    deadline = time.monotonic() + within_s
    waiting = 0.002
    while not (seen := is_so()):
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        time.sleep(waiting)
    return seen


async def _soon(is_so: Callable[[], object], within_s: float = 10.0) -> Any:
    """Return the first true value of a condition, letting the event loop run meanwhile."""
    async with asyncio.timeout(within_s):
        while not (seen := is_so()):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        return seen


@pytest.fixture
def eventually() -> Any:
    return _eventually


@pytest.fixture
def soon() -> Any:
    return _soon


@pytest.fixture
def floor() -> Floor:
    return Floor()


@pytest.fixture
def make_floor() -> type[Floor]:
    return Floor


@pytest.fixture
def sim() -> Iterator[SimulatorThread]:
    settings = SimulatorSettings(auto_prices=False, contract_date=DATE, quote_interval_s=0.05)
    with SimulatorThread(settings) as running:
        yield running


@pytest.fixture
def client(sim: SimulatorThread) -> Any:
    client = Client(sim).login()
    yield client
    client.close()


@pytest.fixture
def mnq(sim: SimulatorThread) -> str:
    contract_id = sim.contract_id("MNQ")
    sim.set_price(contract_id, 100, "100.25", 100)
    return contract_id


@pytest.fixture
def make_client() -> type[Client]:
    return Client
