"""With whom it speaks: the guard that is meant, another one, or none at all."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from risk_actors.watch.api import Address, Fate
from risk_actors.watch.link import Link
from risk_actors.watch.sight import Way
from tests.watch.stranger import Stranger, answer, stranger
from tests.watch.test_link import answered, until, watching
from tests.web.served import Served

pytestmark = pytest.mark.real_time

RUN, OTHER = "ab" * 16, "cd" * 16
TOKEN = "a-token-of-ours-0123456789"


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def start(**options: Any) -> Served:
            served = Served(**options)
            stack.callback(served.server.stop)
            return served

        yield start


@pytest.fixture
def portal() -> Iterator[Stranger]:
    with stranger() as one:
        one.answers["/api/run"] = (answer(b'{"run":"%s","pid":1}' % RUN.encode()),)
        yield one


def test_another_guard_on_the_port_is_not_shown_as_the_one_that_is_meant(
    serve: Callable[..., Served],
) -> None:
    served = serve(run=OTHER)
    link = Link(lambda: Address("127.0.0.1", served.port, None, RUN))

    async def story() -> None:
        sight = await until(link, lambda seen: seen.way is Way.GONE)
        assert sight.fault.startswith(f"another guard answers on port {served.port}")
        assert sight.picture is None

    watching(link, story)


def test_panic_is_not_for_another_guard(serve: Callable[..., Served]) -> None:
    served = serve(run=OTHER)
    answer_ = answered(Link(lambda: Address("127.0.0.1", served.port, None, RUN)).panic(101))

    assert answer_.fate is Fate.UNREACHED
    assert "another guard answers" in answer_.text
    assert served.trader.panics == []


def test_no_token_is_sent_to_another_guard(portal: Stranger) -> None:
    link = Link(lambda: Address("127.0.0.1", portal.port, TOKEN, OTHER))

    async def story() -> None:
        await until(link, lambda seen: seen.way is Way.GONE)

    watching(link, story)
    assert answered(link.panic(101)).fate is Fate.UNREACHED
    assert portal.requests
    assert not any(TOKEN.encode() in request for request in portal.requests)


def test_a_new_run_at_an_address_is_told_and_panic_is_for_the_one_that_is_seen(
    serve: Callable[..., Served],
) -> None:
    guards = [serve(run=RUN)]
    link = Link(lambda: Address("127.0.0.1", guards[-1].port))

    async def story() -> None:
        sight = await until(link, lambda seen: seen.way is Way.LIVE and seen.picture)
        assert (sight.run, sight.notice) == (RUN, "")
        first = guards[0]
        guards.append(serve(run=OTHER))
        # Nobody has seen the other one yet.
        refused = await link.panic(101)
        assert refused.fate is Fate.UNREACHED
        first.server.stop()
        sight = await until(link, lambda seen: seen.run == OTHER)
        assert "another run of the guard answers" in sight.notice
        assert (await link.panic(101)).fate is Fate.TAKEN

    watching(link, story)


@pytest.mark.parametrize(
    ("told", "fate"),
    [
        (answer(b"", "302 Found", Location="/portal"), Fate.SILENT),
        (answer(b"<html>log in</html>"), Fate.SILENT),
        (answer(b'{"word": "yes"}'), Fate.SILENT),
        (answer(b'{"sentence": 3}'), Fate.SILENT),
        (answer(b'{"sentence": "yes"}', "201 Created"), Fate.SILENT),
        (answer(b'{"error": "internal error"}', "500 No"), Fate.SILENT),
        (answer(b"<html>no</html>", "403 Forbidden"), Fate.SILENT),
        (b"", Fate.SILENT),
        (answer(b'{"error": "not armed"}', "409 Conflict"), Fate.REFUSED),
        (answer(b'{"sentence": "so be it"}', "202 Accepted"), Fate.TAKEN),
        (answer(b'{"sentence": "so be it"}'), Fate.TAKEN),
    ],
    # An answer has its date in it, and a test's name is the same in every process.
    ids=[
        *("moved", "a page", "no sentence", "a number", "created", "a fault", "a forbidden page"),
        *("nothing", "refused", "accepted", "done"),
    ],
)
def test_panic_is_taken_only_where_the_guard_itself_says_so(
    portal: Stranger, told: bytes, fate: Fate
) -> None:
    portal.answers["/api/panic"] = (told,)
    portal.answers["/portal"] = (answer(b'{"sentence": "welcome"}'),)

    assert answered(Link(lambda: Address("127.0.0.1", portal.port)).panic(101)).fate is fate
    assert not any(b"/portal" in request for request in portal.requests)


def test_a_state_from_elsewhere_is_not_followed(portal: Stranger) -> None:
    portal.answers["/api/state"] = (answer(b"", "302 Found", Location="/portal"),)
    link = Link(lambda: Address("127.0.0.1", portal.port))

    async def story() -> None:
        sight = await until(link, lambda seen: seen.fault)
        assert sight.fault == "it answers 302: without a word"

    watching(link, story)
    assert not any(b"/portal" in request for request in portal.requests)
