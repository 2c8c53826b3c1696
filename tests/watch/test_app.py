"""The terminal program itself, on a terminal that Textual plays."""

import asyncio

import pytest
from rich.text import Text

from risk_actors.watch.api import Address, NotFoundError
from risk_actors.watch.app import Sheet, WatchApp
from risk_actors.watch.drawn import Drawn, Size
from risk_actors.watch.link import Link
from risk_actors.watch.look import Look, View
from risk_actors.watch.sight import Moment, Sight

pytestmark = pytest.mark.real_time


def nowhere() -> Address:
    raise NotFoundError("no daemon runs here")


def written(app: WatchApp) -> str:
    sheet = app.query_one(Sheet)
    return " ".join("".join(sheet.render_line(y).text for y in range(sheet.size.height)).split())


def test_a_page_that_cannot_be_drawn_says_so_and_the_keys_still_work() -> None:
    def draw(_: Sight, look: Look, __: Moment, size: Size) -> Drawn:
        if look.view is View.EVENTS:
            raise RuntimeError("no such page")
        return Drawn([Text(f"{look.view.value} {size.width}x{size.height}")], look.top, 1)

    async def story() -> None:
        app = WatchApp(Link(nowhere), draw)
        async with app.run_test(size=(60, 10)) as pilot:
            await pilot.pause()
            assert written(app) == "overview 60x10"
            await pilot.press("e")
            assert "cannot be drawn: RuntimeError('no such page')" in written(app)
            await pilot.press("s")
            assert written(app) == "system 60x10"
            await pilot.resize_terminal(40, 12)
            await pilot.pause()
            assert written(app) == "system 40x12"
            await pilot.press("p")
            await pilot.press("q")
            assert app.is_running
            await pilot.press("q")
            await pilot.press("q")
        assert app.return_code == 0

    asyncio.run(story())
