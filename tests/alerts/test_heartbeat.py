"""The heartbeat: while all is well, and what is said when it is not."""

import pytest

from risk_actors.alerts.heartbeat import UNWELL_AFTER_NS, Beat
from tests.alerts.builders import settings
from tests.alerts.conftest import Service
from tests.alerts.sink import HttpSink
from tests.conftest import S, eventually


def said(beat: Beat, *, seconds: range, is_well: bool) -> list[tuple[int, bool]]:
    """Return when what is said in a time."""
    told = [(second, beat.to_say(second * S, is_well=is_well)) for second in seconds]
    return [(second, what) for second, what in told if what is not None]


def test_it_beats_at_its_pace_while_all_is_well() -> None:
    assert said(Beat(60 * S), seconds=range(130), is_well=True) == [
        (0, True),
        (60, True),
        (120, True),
    ]


def test_a_short_trouble_is_not_said_and_a_long_one_is_at_once() -> None:
    beat = Beat(60 * S)
    assert said(beat, seconds=range(1), is_well=True) == [(0, True)]
    assert said(beat, seconds=range(1, 10), is_well=False) == []
    assert said(beat, seconds=range(10, 20), is_well=True) == []
    limit_s = UNWELL_AFTER_NS // S
    assert said(beat, seconds=range(20, 60), is_well=False) == [(20 + limit_s, False)]
    assert said(beat, seconds=range(60, 62), is_well=True) == [(60, True)]


def test_it_says_nothing_before_all_is_well() -> None:
    assert said(Beat(60 * S), seconds=range(10), is_well=False) == []


@pytest.mark.real_time
def test_it_arrives(service: Service, sink: HttpSink) -> None:
    url = f"http://127.0.0.1:{sink.port}/ping/abc?rid=1"
    service.use(settings(heartbeat_url=url, heartbeat_every_s=1.0))

    eventually(lambda: len(sink.paths) >= 2)
    assert set(sink.paths) == {"/ping/abc?rid=1"}
    shown = service.service.picture()[-1]
    assert (shown.name, shown.url, shown.is_failing) == ("heartbeat", "http://[hidden]", False)


@pytest.mark.real_time
def test_what_is_wrong_is_said_with_the_suffix(
    service: Service, sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("risk_actors.alerts.heartbeat.UNWELL_AFTER_NS", 0)
    service.is_well = False
    url = f"http://127.0.0.1:{sink.port}/ping/abc?rid=1"
    service.use(settings(heartbeat_url=url, heartbeat_fail_suffix="/fail"))

    eventually(lambda: sink.paths == ["/ping/abc/fail?rid=1"])


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:9/s3cr3t-0815", "refused"),
        ("ftp://host/s3cr3t-0815", "neither http:// nor https://"),
        ("env:NOWHERE", "NOWHERE is not set"),
    ],
)
def test_that_it_does_not_arrive_is_shown_without_its_address(
    url: str, sentence: str, service: Service
) -> None:
    service.use(settings(heartbeat_url=url, heartbeat_every_s=1.0))

    (fault,) = eventually(lambda: list(service.faults))
    assert sentence in fault
    assert "s3cr3t" not in fault + str(service.service.picture())
