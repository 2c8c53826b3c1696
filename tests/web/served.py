"""The HTTP side over a picture that the test holds, and a way to ask it anything."""

import http.client
import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from risk_actors.actors.picture import AccountPicture, DayPicture, Picture, SchedulePicture
from risk_actors.core.evidence import iso_utc
from risk_actors.core.schedules import DAILY_RESET
from risk_actors.web.server import WebServer
from tests.actors.facts import DAY_END_NS, DAY_START_NS
from tests.actors.trader_rig import TraderRig

JSON = {"Content-Type": "application/json"}
TOPOLOGY = {
    "actors": [
        {
            "id": "pnl",
            "kind": "pnl",
            "one_per": "process",
            "receives": ["Tick"],
            "sends": [],
            "about": "reckons",
        }
    ],
    "edges": [{"from": "timer", "to": "pnl", "message": "Tick", "plane": "data"}],
}


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """A server, what it shows, and what was asked of it."""

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        token: str | None = None,
        host: str = "127.0.0.1",
        **more: Any,
    ) -> None:
        self.picture = Picture(
            version="1.2.3",
            mode="paper",
            armed=True,
            phase="armed",
            accounts=(AccountPicture(id=101, name="50K-101"),),
            schedules=(
                SchedulePicture(
                    name=DAILY_RESET,
                    cron="0 17 * * *",
                    zone="America/Chicago",
                    last=iso_utc(DAY_START_NS),
                    next=iso_utc(DAY_END_NS),
                ),
            ),
        )
        self.trader = TraderRig(lambda: self.picture)
        self.server = WebServer(
            picture=lambda: self.picture,
            topology=lambda: TOPOLOGY,
            requests=self.trader.desk,
            host=host,
            port=0,
            data_dir=data_dir,
            token=token,
            **more,
        )
        self.port = self.server.start()

    def show_day(self, **day: Any) -> None:
        (account,) = self.picture.accounts
        shown = msgspec.structs.replace(account, day=DayPicture(**day))
        self.picture = msgspec.structs.replace(self.picture, accounts=(shown,))

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            if response.headers.get_content_type() == "text/event-stream":
                return Reply(response.status, response.headers, response.readline())
            return Reply(response.status, response.headers, response.read())
        finally:
            connection.close()
