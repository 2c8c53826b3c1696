"""The page on the API: every route that is served is in it, and no other."""

import re
import tomllib
from pathlib import Path

import pytest

from risk_actors.actors.picture import Picture
from risk_actors.web import routes
from risk_actors.web.server import WebServer
from tests.actors.trader_rig import TraderRig

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `((?:GET|POST) [^`]+)` \| (.+) \|$", PAGE, re.MULTILINE))
PICTURE = Picture(version="", mode="paper", armed=True, phase="armed")


@pytest.fixture
def table() -> tuple[routes.Route, ...]:
    server = WebServer(
        picture=lambda: PICTURE,
        topology=dict,
        requests=TraderRig(lambda: PICTURE).desk,
        token="a-token-of-ours-0123456789",
    )
    return server.routes()


def test_every_route_is_there_and_no_other(table: tuple[routes.Route, ...]) -> None:
    # Metrics are there where there is something to count.
    assert ROWS.keys() == {f"{each.method} {each.path}" for each in table} | {"GET /metrics"}


def test_every_parameter_is_named(table: tuple[routes.Route, ...]) -> None:
    for each in table:
        for name in each.query.__struct_fields__ if each.query else ():
            assert f"`{name}`" in ROWS[f"{each.method} {each.path}"]


def test_its_settings_are_settings() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)

    assert tomllib.loads(block) == {"web": {"host": "192.168.1.20", "token_file": "web.token"}}
