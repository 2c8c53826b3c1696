"""How old a state is, by the instant that its guard told with it."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from risk_actors.core.evidence import NS_PER_S, iso_utc
from risk_actors.watch.api import Address
from risk_actors.watch.link import Link
from risk_actors.watch.sight import Moment, Sight, Way
from tests.cli.conftest import OPEN
from tests.watch.stranger import Stranger, answer, stranger, stream
from tests.watch.test_link import until, watching

pytestmark = pytest.mark.real_time

RUN = "ab" * 16
NOBODY = answer(b"{}", "503 Service Unavailable")


@pytest.fixture
def guard() -> Iterator[Stranger]:
    with stranger() as one:
        one.answers = {
            "/api/run": (answer(b'{"run":"%s","pid":1}' % RUN.encode()),),
            "/api/events": (stream(),),
            "/api/state": (NOBODY,),
        }
        yield one


def at(seconds_ago: float) -> str:
    return iso_utc(time.time_ns() - int(seconds_ago * NS_PER_S))


def state(seconds_ago: float | None = 0.0, version: str = "1", run: str = RUN) -> bytes:
    told: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(OPEN, version=version))
    if seconds_ago is not None:
        told = {"at": at(seconds_ago), "run": run, **told}
    return msgspec.json.encode(told)


def event(seconds_ago: float | None = 0.0, version: str = "1") -> bytes:
    return b"data: " + state(seconds_ago, version) + b"\n\n"


def alive(seconds_ago: float = 0.0) -> bytes:
    return b'event: alive\ndata: {"at":"%s","run":"%s"}\n\n' % (
        at(seconds_ago).encode(),
        RUN.encode(),
    )


def link_to(one: Stranger) -> Link:
    return Link(lambda: Address("127.0.0.1", one.port))


async def streaming(link: Link, one: Stranger) -> Sight:
    async with asyncio.timeout(30):
        while not one.streams:  # noqa: ASYNC110 - a thread tells no event loop
            await asyncio.sleep(0.01)
    return link.sight


def test_a_state_that_was_long_on_its_way_is_old_until_a_new_one_comes(guard: Stranger) -> None:
    link = link_to(guard)

    async def story() -> None:
        await streaming(link, guard)
        guard.send(event(seconds_ago=61))
        sight = await until(link, lambda seen: seen.picture)
        now = Moment.now()
        assert sight.age_s(now) == pytest.approx(61, abs=2)
        assert sight.is_old(now)
        assert sight.is_late(now)
        guard.send(alive(seconds_ago=0))
        sight = await until(link, lambda seen: not seen.is_old(Moment.now()))
        assert sight.way is Way.LIVE

    watching(link, story)


def test_a_piece_of_a_state_is_no_news(guard: Stranger) -> None:
    link = link_to(guard)
    whole = event()

    async def story() -> None:
        await streaming(link, guard)
        guard.send(event())
        heard = (await until(link, lambda seen: seen.heard)).heard
        rest = iter(whole)

        def is_gone(seen: Sight) -> bool:
            guard.send(bytes([next(rest)]))
            return seen.way is Way.GONE

        sight = await until(link, is_gone)
        assert sight.heard == heard
        assert "its line is slow" in sight.fault
        # A whole state more, asked for, would only make the line slower.
        assert not any(b"/api/state" in request for request in list(guard.requests)[3:])

    watching(link, story)


def test_a_stream_that_is_behind_does_not_undo_what_was_answered(guard: Stranger) -> None:
    link = link_to(guard)
    seen_versions: list[str] = []

    def version_is(wanted: str, sight: Sight) -> bool:
        version = "" if sight.picture is None else sight.picture.version
        seen_versions.append(version)
        return version == wanted

    async def story() -> None:
        guard.answers["/api/state"] = (answer(state(version="answered")), NOBODY)
        await until(link, lambda seen: version_is("answered", seen))
        await streaming(link, guard)
        guard.send(event(30, "behind") + alive(29))
        await until(link, lambda seen: version_is("", seen) or seen.way is Way.GONE)
        guard.send(event(version="newest"))
        await until(link, lambda seen: version_is("newest", seen))
        assert "behind" not in seen_versions

    watching(link, story)


def test_an_older_guard_that_tells_no_instant_is_followed_and_that_is_known(
    guard: Stranger,
) -> None:
    link = link_to(guard)

    async def story() -> None:
        await streaming(link, guard)
        guard.send(event(None))
        sight = await until(link, lambda seen: seen.picture)
        assert not sight.is_dated
        assert sight.lag_s == 0
        assert not sight.is_old(Moment.now())

    watching(link, story)
