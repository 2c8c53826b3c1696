"""Sample pictures of the system, by name, and a daemon that shows one."""

import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from risk_actors.actors.picture import (
    AccountPicture,
    ConnectionPicture,
    DayPicture,
    EnforcementPicture,
    EventPicture,
    HeadroomPicture,
    LockPicture,
    OrderPicture,
    Picture,
    PositionPicture,
    RulePicture,
    SizePicture,
    StopOutPicture,
)
from risk_actors.web.server import WebServer
from tests.actors.trader_rig import TraderRig

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 20, 16, 31, 7, tzinfo=UTC).astimezone(CHICAGO)
RUN = "0123456789abcdef0123456789abcdef"
MNQ = "CON.F.US.MNQ.Z26"


def rule(
    rule_id: str,
    rule_type: str,
    verdict: str = "ok",
    value: float | None = None,
    limit: float | None = None,
    mode: str = "enforce",
    account: int = 101,
) -> RulePicture:
    is_known = value is not None and limit is not None
    return RulePicture(
        id=rule_id,
        type=rule_type,
        mode=mode,
        account=account,
        verdict=verdict,
        value=value,
        limit=limit,
        reason=None,
        unit="usd" if rule_type.startswith("daily_") else "contracts",
        distance=abs(limit - value) if is_known else None,
        used=max(value / limit, 0.0) if is_known else None,
        contract=None,
    )


ACCOUNT = AccountPicture(
    id=101,
    name="50KTC-SIM-101",
    balance=49_587.5,
    can_trade=True,
    day=DayPicture(
        realized=-212.5, unrealized=-100.0, equity=-312.5, fees=12.4, trades=5, entries=8
    ),
    positions=(
        PositionPicture(
            contract=MNQ,
            symbol="MNQ",
            size=-2,
            average_price=21_034.25,
            unrealized=-100.0,
            opened_at="2026-11-20T16:28:11.120+00:00",
        ),
    ),
    orders=(OrderPicture(id=9, contract=MNQ, type="stop", side="buy", size=2, price=21_060.0),),
)
LOCK = LockPicture(
    id=1,
    rule="daily-loss",
    scope="account",
    since="2026-11-20T16:31:05.000+00:00",
    until="2026-11-20T23:00:00.000+00:00",
    reason="Day P&L -512.50 reached the limit of -500.00",
)
EVENTS = tuple(
    EventPicture(
        at=f"2026-11-20T16:31:{second:02}.000+00:00",
        kind=kind,
        account=101,
        text=text,
        correlation_id=f"mh3k2x9f-{second}",
    )
    for second, (kind, text) in enumerate(
        [
            ("warning", "daily-loss: Day P&L -460.00 is near the limit of -500.00"),
            ("breach", "daily-loss: Day P&L -512.50 reached the limit of -500.00"),
            ("command", "close 2 MNQ"),
            ("enforcement", "flat observed after 180 ms"),
            ("lock", "account locked until the daily reset"),
        ]
    )
)
RULES = (
    rule("daily-loss", "daily_loss_limit", "ok", -312.5, -500.0),
    rule("daily-target", "daily_profit_target", "ok", -312.5, 1400.0),
    rule("max-contracts", "max_contracts", "warning", 4, 5),
    rule("per-instrument", "max_contracts_per_instrument", "ok", 2, 10, mode="shadow"),
    rule("no-crypto", "symbol_block"),
)
OPEN = Picture(
    version="0.1.0",
    mode="paper",
    armed=True,
    phase="armed",
    timezone="America/Chicago",
    connection=ConnectionPicture(user_hub=True, market_hub=True, rest=True),
    accounts=(ACCOUNT,),
    rules=RULES,
    events=EVENTS,
)
LOCKED = msgspec.structs.replace(
    OPEN, accounts=(msgspec.structs.replace(ACCOUNT, locks=(LOCK,), positions=(), orders=()),)
)
NOT_ARMED = msgspec.structs.replace(LOCKED, armed=False)
ENFORCING = msgspec.structs.replace(
    OPEN,
    accounts=(
        msgspec.structs.replace(
            ACCOUNT,
            enforcement=EnforcementPicture(
                cause="daily-loss",
                phase="started",
                since="2026-11-20T16:31:05.000+00:00",
                correlation_id="mh3k2x9f-1",
                detail="closing 2 MNQ, cancelling 1 order",
            ),
        ),
    ),
)
DEGRADED = msgspec.structs.replace(
    OPEN,
    mode="live",
    armed=False,
    phase="degraded",
    detail="market hub lost for 12 s, marking from bars",
    connection=ConnectionPicture(user_hub=True, rest=True, fallback="bars"),
)
BLIND = msgspec.structs.replace(
    OPEN,
    phase="degraded",
    detail="nothing can be seen or closed now; use your platform. Connection lost: user hub",
    connection=ConnectionPicture(since="2026-11-20T16:28:12.000+00:00", is_blind=True),
    accounts=(
        msgspec.structs.replace(
            ACCOUNT,
            seen_at="2026-11-20T16:28:12.000+00:00",
            headroom=HeadroomPicture(
                sizes=(SizePicture(contract=MNQ, symbol="MNQ", contracts=10, rule="r"),),
                stop_out=StopOutPicture(day=-400.0, unprotected={}),
            ),
        ),
    ),
)
UNKNOWN = msgspec.structs.replace(
    OPEN,
    accounts=(AccountPicture(id=101, name="50KTC-SIM-101"),),
    rules=(rule("daily-loss", "daily_loss_limit", "unknown", None, -500.0),),
    events=(),
)
EMPTY = Picture(version="0.1.0", mode="paper", armed=True, phase="starting")


def many(count: int) -> Picture:
    """Return a picture of many accounts, the last one locked."""
    accounts = tuple(
        msgspec.structs.replace(ACCOUNT, id=n, name=f"50K-{n}", locks=(LOCK,) if n == count else ())
        for n in range(1, count + 1)
    )
    rules = tuple(
        msgspec.structs.replace(rule, account=account.id) for account in accounts for rule in RULES
    )
    return msgspec.structs.replace(OPEN, accounts=accounts, rules=rules)


PICTURES = {
    "open": OPEN,
    "locked": LOCKED,
    "not armed": NOT_ARMED,
    "enforcing": ENFORCING,
    "degraded": DEGRADED,
    "blind": BLIND,
    "unknown": UNKNOWN,
    "empty": EMPTY,
    "three": many(3),
    "forty": many(40),
}


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def pictures() -> dict[str, Picture]:
    return PICTURES


class Daemon:
    """The HTTP side of a daemon that shows a picture, found by its data directory."""

    def __init__(self, data_dir: Path, picture: Picture) -> None:
        self.data_dir = data_dir
        self.picture = picture
        self.trader = TraderRig(lambda: self.picture)
        self._server = WebServer(
            picture=lambda: self.picture,
            topology=lambda: TOPOLOGY,
            requests=self.trader.desk,
            port=0,
            run=RUN,
        )

    @property
    def panics(self) -> list[int]:
        return self.trader.panics

    def start(self) -> None:
        told = {"host": "127.0.0.1", "port": self._server.start(), "pid": 1, "run": RUN}
        (self.data_dir / "daemon.json").write_text(json.dumps(told))

    def stop(self) -> None:
        self._server.stop()


TOPOLOGY: dict[str, Any] = {
    "actors": [
        {"id": "gateway.in", "kind": "gateway.in"},
        {
            "id": "position:101",
            "kind": "position",
            "mailbox_depth": 3,
            "mailbox_high_water": 17,
            "handled": 4242,
            "last_message": "FillReported",
            "status": "running",
            "restarts": 1,
            "dead_letters": 0,
        },
    ],
    "edges": [],
}


@pytest.fixture
def run_daemon(tmp_path: Path) -> Generator[Callable[[Picture], Daemon]]:
    started: list[Daemon] = []

    def start(picture: Picture) -> Daemon:
        daemon = Daemon(tmp_path, picture)
        daemon.start()
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        daemon.stop()
