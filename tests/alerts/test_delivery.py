"""Alerts over real sockets: they arrive, are tried again, and a failure hurts nobody."""

import time

import pytest

from risk_actors.actors.alert import AlertKind, Severity
from risk_actors.alerts.service import END_WITHIN_S
from tests.alerts.builders import alert, channel, critical, settings
from tests.alerts.conftest import QUICK, Service
from tests.alerts.sink import HttpSink
from tests.conftest import eventually

pytestmark = pytest.mark.real_time


def test_an_urgent_alert_arrives_at_once_with_what_belongs_to_it(
    service: Service, sink: HttpSink
) -> None:
    service.use(settings(channel(sink.url())))

    service.service.post(critical("rule loss broken", correlation_id="c"))
    service.service.post(alert("LOCKED", kind=AlertKind.LOCK, severity=Severity.CRITICAL))

    (letter,) = eventually(lambda: list(sink.letters))
    assert letter["title"] == "[paper] LOCKED: 50K-1"
    assert "rule loss broken" in letter["message"]
    assert letter["type"] == "failure"
    (shown,) = eventually(lambda: [p for p in service.service.picture() if p.sent == 2])
    assert (shown.failed, shown.is_failing, shown.last_failure) == (0, False, None)


def test_each_channel_gets_what_it_wants(service: Service, sink: HttpSink) -> None:
    service.use(
        settings(
            channel(sink.url("all"), name="all", min_severity=Severity.INFO),
            channel(sink.url("grave"), name="grave", min_severity=Severity.CRITICAL),
            group_s=0.05,
        )
    )
    service.service.post(alert("only a warning"))
    eventually(lambda: sink.paths == ["/all"])
    service.service.post(critical())
    eventually(lambda: sorted(sink.paths) == ["/all", "/all", "/grave"])


def test_a_delivery_is_tried_again_and_then_counted_as_failed(
    service: Service, sink: HttpSink
) -> None:
    sink.status = 500
    service.use(settings(channel(sink.url()), group_s=0.05))
    service.service.post(alert())

    eventually(lambda: service.service.picture()[0].failed == 1)
    assert len(sink.letters) == 3
    shown = service.service.picture()[0]
    assert shown.is_failing
    assert "500" in (shown.last_failure or "")
    (fault,) = eventually(lambda: list(service.faults))
    assert "channel phone does not deliver" in fault


def test_a_failure_is_said_once_until_it_works_again(service: Service, sink: HttpSink) -> None:
    sink.status = 500
    service.use(settings(channel(sink.url())))
    service.service.post(critical())
    eventually(lambda: len(sink.letters) > len(QUICK.again_after_s) + 2)
    assert len(service.faults) == 1

    sink.status = 200
    eventually(lambda: service.service.picture()[0].sent == 1)
    assert not service.service.picture()[0].is_failing
    assert len(service.faults) == 1


def test_what_is_urgent_is_delivered_once_the_line_is_back_and_says_that_it_is_late(
    service: Service, sink: HttpSink
) -> None:
    sink.status = 500
    service.use(settings(channel(sink.url())))
    service.service.post(alert("LOCKED", kind=AlertKind.LOCK, severity=Severity.CRITICAL))
    eventually(lambda: len(sink.letters) > len(QUICK.again_after_s) + 2)
    shown = service.service.picture()[0]
    assert (shown.is_failing, shown.failed) == (True, 0)

    sink.letters.clear()
    sink.status = 200
    (shown,) = eventually(lambda: [p for p in service.service.picture() if p.sent == 1])
    assert (shown.is_failing, shown.failed, shown.waiting) == (False, 0, 0)
    body = sink.letters[-1]["message"]
    assert body.startswith("LATE: 1 of these")
    assert "12:00:00 CST 50K-1: LOCKED" in body


@pytest.mark.parametrize("name", ["phone", "renamed"])
def test_what_is_urgent_goes_to_the_channel_that_follows(
    name: str, service: Service, sink: HttpSink
) -> None:
    """Also where two changes follow each other, while an attempt of the first is under way."""
    with HttpSink(500) as wrong:
        service.use(settings(channel(wrong.url())))
        service.service.post(alert("LOCKED", kind=AlertKind.LOCK, severity=Severity.CRITICAL))
        eventually(lambda: wrong.letters)
        service.use(settings(channel(wrong.url(), name=name), group_s=1.0))
        service.use(settings(channel(sink.url(), name=name)))

        assert "LOCKED" in eventually(sink.text)
        eventually(lambda: service.service.picture()[0].sent == 1)


def test_the_end_of_all_channels_that_hang_takes_one_deadline(service: Service) -> None:
    service.service._pace = QUICK._replace(timeout_s=30.0)
    with HttpSink() as dead:
        dead.hangs.set()
        service.use(settings(*(channel(dead.url(), name=f"{n}") for n in range(4))))
        service.service.post(critical())
        eventually(lambda: dead.taken == 4)
        service.service.post(alert("stopped"))
        began = time.monotonic()
        service.service.stop()
        assert time.monotonic() - began < END_WITHIN_S + 1


def test_a_service_that_hangs_neither_blocks_the_sender_nor_the_other_channel(
    service: Service, sink: HttpSink
) -> None:
    with HttpSink() as dead:
        dead.hangs.set()
        service.use(settings(channel(dead.url(), name="dead"), channel(sink.url(), name="alive")))
        began = time.monotonic()
        for number in range(1_000):
            service.service.post(critical(f"breach {number}"))
        assert time.monotonic() - began < 1

        eventually(lambda: sink.letters)
        dead_shown = eventually(
            lambda: [p for p in service.service.picture() if p.name == "dead" and p.is_failing]
        )[0]
        assert dead_shown.is_failing
        assert dead_shown.last_failure


def test_nobody_listens_is_a_failure_like_any_other(service: Service) -> None:
    service.use(settings(channel("json://127.0.0.1:9/x")))
    service.service.post(critical())
    assert eventually(lambda: service.service.picture()[0].last_failure)


WRONG = {
    "no such service": ("nonsense://hook", "not one that apprise knows"),
    "no url at all": ("nonsense", "not one that apprise knows"),
    "no such variable": ("env:NOWHERE", "the environment variable NOWHERE is not set"),
    "an address for a variable": ("env:discord://1234/TOKENTOKEN", "`env:` names no variable"),
    "an address for a file": ("file:discord://1234/TOKENTOKEN", "`file:` names no file"),
    "no such file": ("file:nowhere.txt", "cannot be read: No such file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_channel_that_cannot_be_opened_is_shown_from_the_start(
    name: str, service: Service
) -> None:
    url, sentence = WRONG[name]
    service.use(settings(channel(url)))

    shown = eventually(lambda: service.service.picture()[0].last_failure)
    assert sentence in shown
    assert sentence in eventually(lambda: list(service.faults))[0]


def test_the_address_comes_from_the_environment_or_a_file(
    service: Service, sink: HttpSink, tmp_path: object
) -> None:
    service.variables["PHONE"] = sink.url("from-environment")
    service.service._directory.joinpath("mail.url").write_text(f"\n{sink.url('from-file')}\n")
    service.use(settings(channel("env:PHONE"), channel("file:mail.url", name="mail")))
    service.service.post(critical())

    eventually(lambda: sorted(sink.paths) == ["/from-environment", "/from-file"])
    assert [p.url for p in service.service.picture()] == ["env:PHONE", "file:mail.url"]


def test_what_waits_is_sent_at_the_end(service: Service, sink: HttpSink) -> None:
    service.use(settings(channel(sink.url()), group_s=600.0))
    service.service.post(alert("waits"))
    service.service.stop()

    assert "waits" in sink.text()


def test_other_settings_are_used_at_once_and_nothing_that_waits_is_lost(
    service: Service, sink: HttpSink
) -> None:
    service.use(settings(channel(sink.url("old")), group_s=600.0))
    service.service.post(alert("for the old one"))
    service.use(settings(channel(sink.url("new")), group_s=0.05))
    service.service.post(alert("for the new one"))

    eventually(lambda: sorted(sink.paths) == ["/new", "/old"])
