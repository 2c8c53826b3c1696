"""A server with metrics, whose figures a test holds."""

import http.client
from collections import Counter
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from risk_actors.actors.picture import (
    AccountPicture,
    ConnectionPicture,
    DayPicture,
    LockPicture,
    Picture,
    PositionPicture,
    PricesPicture,
    RulePicture,
    WeekPicture,
)
from risk_actors.actors.tally import Tally
from risk_actors.projectx.budget import BudgetState
from risk_actors.runtime.topology import MailboxStats
from risk_actors.web.metrics_source import Counted, MetricsSource
from risk_actors.web.server import WebServer
from tests.actors.trader_rig import TraderRig

NOW_NS = 1_800_000_000_000_000_000
AT = "2026-11-21T15:00:00Z"


def lock(lock_id: int, scope: str = "account") -> LockPicture:
    return LockPicture(
        id=lock_id, rule="daily-loss", scope=scope, since=AT, until=None, reason="it broke"
    )


def rule(rule_id: str, account_id: int, verdict: str) -> RulePicture:
    return RulePicture(
        id=rule_id,
        type="daily_loss_limit",
        mode="enforce",
        account=account_id,
        verdict=verdict,
        value=None,
        limit=None,
        reason=None,
        unit="usd",
        distance=None,
        used=None,
        contract=None,
    )


PICTURE = Picture(
    version="1.2.3",
    mode="paper",
    armed=True,
    phase="armed",
    connection=ConnectionPicture(user_hub=True, market_hub=False, rest=True),
    accounts=(
        AccountPicture(
            id=7,
            name="50K",
            balance=50_000.0,
            day=DayPicture(realized=-500.0),
            week=WeekPicture(realized=-700.0),
            locks=(lock(1), lock(2, "CON.F.US.MNQ.Z26")),
            positions=(
                PositionPicture(
                    contract="CON.F.US.MNQ.Z26",
                    symbol="MNQ",
                    size=2,
                    average_price=25_000.0,
                    unrealized=None,
                    opened_at=AT,
                ),
            ),
        ),
        AccountPicture(id=8, name="150K"),
    ),
    rules=(rule("daily-loss", 7, "breach"), rule("daily-loss", 8, "ok")),
    prices=PricesPicture(dropped={"crossed": 3}, surprising=2, confirmed=1),
)


def stats(address: str, **figures: Any) -> MailboxStats:
    given: dict[str, Any] = {
        "kind": address.partition(":")[0],
        "depth": 0,
        "high_water": 0,
        "conflated": 0,
        "handled": 0,
        "last_message": None,
        "restarts": 0,
        "status": "started",
    } | figures
    return MailboxStats(address=address, **given)


class Scraped:
    """One answer of `/metrics`."""

    def __init__(self, status: int, content_type: str, text: str) -> None:
        self.status = status
        self.content_type = content_type
        self.text = text
        self.families = {f.name: f for f in text_string_to_metric_families(text)}

    def value(self, name: str, **labels: str) -> float | None:
        """Return the sample with exactly these labels, if there is one."""
        for family in self.families.values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return None

    def labels_of(self) -> dict[str, set[str]]:
        """Return by sample which labels it has, `le` of histograms left out."""
        found: dict[str, set[str]] = {}
        for family in self.families.values():
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(set(sample.labels) - {"le"})
        return found


def scrape(port: int, accept: str = "") -> Scraped:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        response = connection.getresponse()
        content_type = response.headers["Content-Type"]
        body = response.read().decode()
        is_text = content_type.startswith("text/plain")
        return Scraped(response.status, content_type, body if is_text else "")
    finally:
        connection.close()


class MetricsRig:
    """What is measured, held by the test."""

    def __init__(self, *, with_pnl: bool = False) -> None:
        self.picture = PICTURE
        self.tally = Tally()
        self.mailboxes: list[MailboxStats] = []
        self.dead_letters: Counter[str] = Counter()
        self.times_made = 1
        self.budget: BudgetState | None = None
        self.quotes: tuple[int, int | None] = (0, None)
        self.wrong: tuple[str, ...] = ()
        self.stale: tuple[str, ...] = ()
        source = MetricsSource(
            picture=lambda: self.picture,
            counted=Counted(
                tally=self.tally,
                mailboxes=lambda: self.mailboxes,
                dead_letters=lambda: self.dead_letters,
                times_made=lambda: self.times_made,
            ),
            budget=lambda: self.budget,
            quotes_told=lambda: self.quotes,
            now_ns=lambda: NOW_NS,
            wrong=lambda: self.wrong,
            stale=lambda: self.stale,
            with_pnl=with_pnl,
        )
        self.server = WebServer(
            picture=lambda: self.picture,
            topology=lambda: {"actors": [], "edges": []},
            requests=TraderRig(lambda: self.picture).desk,
            port=0,
            metrics=source,
            wrong=lambda: self.wrong,
            stale=lambda: self.stale,
        )
        self.port = self.server.start()

    def scrape(self, accept: str = "") -> Scraped:
        return scrape(self.port, accept)
