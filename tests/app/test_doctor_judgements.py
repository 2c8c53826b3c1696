"""What the doctor makes of what it found: every line in every state it can be in."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from risk_actors.app import doctor_alerts as alerts
from risk_actors.app import doctor_broker as broker
from risk_actors.app import doctor_guard as guard
from risk_actors.app import doctor_machine as machine
from risk_actors.app.doctor_web import WebLook, judge_web
from risk_actors.app.doctor_words import Finding, State, Unseen, judged
from risk_actors.app.heartbeat import Heartbeat
from risk_actors.app.settings import TradingMode
from risk_actors.core.broker import Account
from risk_actors.projectx.settings import GatewaySettings

OK, WARNING, FAILED = State.OK, State.WARNING, State.FAILED
NS_PER_S = 1_000_000_000
PINS = {"aiohttp": "3.14.5", "rich": "14.0"}
PLACE = machine.DataPlace("data", exists=True, fault=None, free_bytes=5_000_000_000)
ZONES = machine.Zones((), -5, -6, "tzdata")


def beat(**changes: Any) -> Heartbeat:
    known: dict[str, Any] = {
        "pid": 7,
        "at": "2026-11-20T16:31:07Z",
        "version": "1",
        "mode": "live",
        "armed": True,
        "phase": "armed",
        "healthy": True,
    }
    return Heartbeat(**(known | changes))


def account(name: str, **changes: Any) -> Account:
    known: dict[str, Any] = {
        "id": len(name),
        "name": name,
        "balance_usd": Decimal(50_000),
        "can_trade": True,
        "simulated": True,
    }
    return Account(**(known | changes))


def daemon(**changes: Any) -> guard.DaemonLook:
    return guard.DaemonLook("data", 8787, answers=True, heartbeat=beat())._replace(**changes)


def offset(ahead_s: float) -> tuple[broker.DateSample, ...]:
    """Three exchanges of 10 ms at different fractions of a second, with our clock so far ahead."""
    samples = []
    for number in range(3):
        true_ns = 1_000 * NS_PER_S + number * 350_000_000
        said_ns = true_ns // NS_PER_S * NS_PER_S
        sent_ns = true_ns + int(ahead_s * NS_PER_S)
        samples.append(broker.DateSample(sent_ns, said_ns, sent_ns + 10_000_000))
    return tuple(samples)


def credentials(mode: TradingMode | None) -> Callable[[guard.CredentialsLook], Finding]:
    return lambda look: guard.judge_credentials(look, mode)


def service(mode: TradingMode) -> Callable[[guard.ServiceLook], Finding]:
    return lambda look: guard.judge_service(look, mode)


def channels(mode: TradingMode) -> Callable[[alerts.ChannelsLook], Finding]:
    return lambda look: alerts.judge_channels(look, mode)


def beats(mode: TradingMode) -> Callable[[alerts.BeatLook], Finding]:
    return lambda look: alerts.judge_heartbeat(look, mode)


PHONE = alerts.ChannelsLook(("phone", "mail"))
BEAT = alerts.BeatLook("env:BEAT")
CASES: list[tuple[Callable[[Any], Finding], Any, State, str]] = [
    (machine.judge_python, machine.Python((3, 11, 9), "CPython"), FAILED, "3.11.9 is too old"),
    (machine.judge_python, machine.Python((3, 12, 0), "CPython"), OK, "CPython 3.12.0"),
    (machine.judge_python, machine.Python((3, 12, 1), "PyPy"), WARNING, "not what this is tested"),
    (machine.judge_python, machine.Python((3, 14, 0), "CPython", False), WARNING, "without its"),
    (machine.judge_packages, machine.Packages(PINS, dict(PINS)), OK, "all 2"),
    (machine.judge_packages, machine.Packages(PINS, {"rich": "14.0"}), FAILED, "aiohttp not inst"),
    (
        machine.judge_packages,
        machine.Packages(PINS, PINS | {"rich": "13.0"}),
        WARNING,
        "rich 13.0 (tested with 14.0)",
    ),
    (machine.judge_zones, ZONES, OK, "Chicago"),
    (machine.judge_zones, machine.Zones(("Europe/Zz",), None, None, ""), FAILED, "Europe/Zz"),
    (machine.judge_zones, ZONES._replace(summer_h=-6), FAILED, "daylight saving wrong"),
    (machine.judge_data, PLACE, OK, "can be written"),
    (machine.judge_data, PLACE._replace(exists=False), OK, "first start makes it"),
    (machine.judge_data, PLACE._replace(fault="Read-only"), FAILED, "Read-only"),
    (machine.judge_disk, PLACE, OK, "5.0 GB"),
    (machine.judge_disk, PLACE._replace(free_bytes=1_000_000_000), OK, "1.0 GB"),
    (machine.judge_disk, PLACE._replace(free_bytes=999_999_999), WARNING, "1000.0 MB"),
    (machine.judge_disk, PLACE._replace(free_bytes=100_000_000), WARNING, "100.0 MB"),
    (machine.judge_disk, PLACE._replace(free_bytes=99_999_999), FAILED, "100.0 MB"),
    (machine.judge_disk, PLACE._replace(free_bytes=12), FAILED, "12 bytes"),
    (machine.judge_port, machine.Port("127.0.0.1", 8787, False, None), OK, "8787 is free"),
    (machine.judge_port, machine.Port("127.0.0.1", 8787, True, None), OK, "this data directory"),
    (machine.judge_port, machine.Port("127.0.0.1", 8787, False, "in use"), WARNING, "in use"),
    (machine.judge_port, machine.Port("127.0.0.1", 0, False, None), OK, "any free port"),
    (machine.judge_power, machine.Power(0, "pmset"), OK, "does not fall asleep"),
    (machine.judge_power, machine.Power(10, "pmset"), WARNING, "after 10 min"),
    (guard.judge_settings, guard.SettingsLook("settings", (), 3), OK, "3 rules in settings"),
    (guard.judge_settings, guard.SettingsLook("s", ("a:1: x", "b:2: y")), FAILED, "a:1: x\nb:2: y"),
    (guard.judge_settings, guard.SettingsLook("s", (), 1, ("too loose",)), WARNING, "too loose"),
    (credentials(TradingMode.PAPER), guard.CredentialsLook((), False), OK, "needs none"),
    (credentials(TradingMode.LIVE), guard.CredentialsLook((), False), FAILED, "there are none"),
    (credentials(None), guard.CredentialsLook(("half",), False), FAILED, "half"),
    (credentials(TradingMode.LIVE), guard.CredentialsLook((), True, ".env"), OK, "from .env"),
    (
        credentials(TradingMode.LIVE),
        guard.CredentialsLook((), True, ".env", True),
        WARNING,
        "others on this machine",
    ),
    (judge_web, WebLook("127.0.0.1", False), OK, "this machine only, for everybody"),
    (judge_web, WebLook("::1", True), OK, "for whoever has the token"),
    (judge_web, WebLook("0.0.0.0", True), WARNING, "nothing is encrypted"),  # noqa: S104
    (judge_web, WebLook("0.0.0.0", False), FAILED, "no token to keep others out"),  # noqa: S104
    (judge_web, WebLook("127.0.0.1", False, "it is too short"), FAILED, "it is too short"),
    (judge_web, WebLook("10.1.2.3", True, None, "no address of"), FAILED, "10.1.2.3: no address"),
    (channels(TradingMode.PAPER), alerts.ChannelsLook(), OK, "can do without"),
    (channels(TradingMode.LIVE), alerts.ChannelsLook(), WARNING, "nobody is told"),
    (channels(TradingMode.LIVE), PHONE, OK, "phone, mail: every address can be read"),
    (channels(TradingMode.LIVE), PHONE._replace(was_sent=True), OK, "was delivered on each"),
    (channels(TradingMode.LIVE), PHONE._replace(faults=("x: y",)), FAILED, "1 of 2 cannot deliver"),
    (channels(TradingMode.LIVE), PHONE._replace(open_files=("a", "b")), WARNING, "may read a b"),
    (beats(TradingMode.PAPER), alerts.BeatLook(), OK, "can do without"),
    (beats(TradingMode.LIVE), alerts.BeatLook(), WARNING, "none is set"),
    (beats(TradingMode.LIVE), BEAT, OK, "env:BEAT can be read"),
    (beats(TradingMode.LIVE), BEAT._replace(reached_ms=12.3), OK, "reached in 12 ms; not fetched"),
    (beats(TradingMode.LIVE), BEAT._replace(fault="not set"), FAILED, "env:BEAT: not set"),
    (beats(TradingMode.LIVE), BEAT._replace(open_file="f"), WARNING, "may read f"),
    (guard.judge_store, guard.StoreLook(False), OK, "none yet"),
    (guard.judge_store, guard.StoreLook(True, 2_000_000), OK, "sound (2.0 MB)"),
    (guard.judge_store, guard.StoreLook(True, 1, damage="bad page"), FAILED, "bad page"),
    (guard.judge_store, guard.StoreLook(True, 1, newer="of a later one"), FAILED, "later"),
    (guard.judge_daemon, daemon(), OK, "live, armed, phase armed, port 8787"),
    (guard.judge_daemon, guard.DaemonLook("data"), WARNING, "nothing is enforced"),
    (guard.judge_daemon, daemon(answers=False, age_s=31.0), FAILED, "hangs"),
    (guard.judge_daemon, daemon(answers=False, heartbeat=None), FAILED, "hangs"),
    (guard.judge_daemon, daemon(answers=False, age_s=1.0), WARNING, "does not answer"),
    (guard.judge_daemon, daemon(answers=False, lives=True), WARNING, "does not answer"),
    (guard.judge_daemon, daemon(answers=False, lives=False), FAILED, "ended suddenly"),
    (guard.judge_daemon, daemon(port=None, answers=False), WARNING, "process 7 gave a sign"),
    (guard.judge_daemon, daemon(age_s=31.0), WARNING, "no sign of life"),
    (guard.judge_daemon, daemon(heartbeat=beat(phase="degraded")), WARNING, "degraded"),
    (guard.judge_daemon, daemon(heartbeat=beat(armed=False)), WARNING, "NOT ARMED"),
    (
        guard.judge_daemon,
        daemon(heartbeat=beat(healthy=False, wrong=("the timer hangs",))),
        FAILED,
        "the timer hangs",
    ),
    (service(TradingMode.LIVE), guard.ServiceLook("unit", False), WARNING, "nothing starts"),
    (service(TradingMode.PAPER), guard.ServiceLook("unit", False), OK, "can do without"),
    (service(TradingMode.LIVE), guard.ServiceLook("unit", True, True), OK, "at login"),
    (service(TradingMode.LIVE), guard.ServiceLook("unit", True, False), WARNING, "not running"),
    (broker.judge_way, broker.Way("api", "10.0.0.1", "TLSv1.3", 31.0), OK, "31 ms (TLSv1.3)"),
    (broker.judge_way, broker.Way("api", "127.0.0.1", None, 1.0), OK, "on this machine"),
    (broker.judge_way, broker.Way("api", "10.0.0.1", None, 1.0), WARNING, "not encrypted"),
    (broker.judge_way, broker.Way("api", fault="no such name", todo="x"), FAILED, "no such name"),
    (broker.judge_answers, broker.Answers((900.0, 20.0, 30.0), 200), OK, "30 ms"),
    (broker.judge_answers, broker.Answers((20.0,), 404), OK, "20 ms"),
    (broker.judge_answers, broker.Answers((1_001.0,), 200), WARNING, "1001 ms"),
    (broker.judge_answers, broker.Answers((20.0,), 503), FAILED, "HTTP 503"),
    (broker.judge_clock, offset(0.0), OK, "agrees"),
    (broker.judge_clock, offset(1.5), OK, "agrees"),
    (broker.judge_clock, offset(10.0), WARNING, "ahead of"),
    (broker.judge_clock, offset(-10.0), WARNING, "behind"),
    (broker.judge_clock, offset(90.0), FAILED, "ahead of"),
    (broker.judge_clock, offset(-90.0), FAILED, "behind"),
    (broker.judge_login, broker.Login(140.0), OK, "140 ms"),
    (broker.judge_login, broker.Login(1.0, "the API key is wrong", True), FAILED, "key is wrong"),
    (broker.judge_login, broker.Login(1.0, "no answer"), FAILED, "no answer"),
    (broker.judge_token, 86_400.0, OK, "24 h"),
    (broker.judge_token, 299.0, WARNING, "5 min"),
    (broker.judge_token, 0.0, FAILED, "ended already"),
    (broker.judge_hub, broker.HubLook(40.0), OK, "40 ms"),
    (broker.judge_hub, broker.HubLook(1.0, "HTTP 401", True), FAILED, "401"),
    (broker.judge_hub, broker.HubLook(1.0, "it closed"), FAILED, "it closed"),
    (broker.judge_permission, (account("A"),), OK, "all of them"),
    (broker.judge_permission, (account("A"), account("BB", can_trade=False)), WARNING, "let BB"),
    (broker.judge_permission, (account("A", can_trade=False),), FAILED, "none of them"),
    (broker.judge_permission, (account("A", simulated=False),), WARNING, "live account"),
]


@pytest.mark.parametrize(("judge", "found", "state", "words"), CASES)
def test_a_line_says_how_it_is_and_what_to_do(
    judge: Callable[[Any], Finding], found: Any, state: State, words: str
) -> None:
    check = judged("id", "title", found, judge)

    assert check.state is state
    assert words in check.says
    assert (check.todo is None) is (state is State.OK)


def test_what_cannot_be_looked_at_is_never_well() -> None:
    check = judged("store", "store", Unseen("held by another"), guard.judge_store)

    assert check.state is State.NOT_CHECKED
    assert check.says == "held by another"
    assert check.todo


def test_the_accounts_are_those_that_the_settings_select() -> None:
    accounts = (account("50K-A"), account("100K-BB"), account("hidden", is_visible=False))
    one = broker.AccountsLook(accounts, GatewaySettings(accounts=("50K*",)))
    none = broker.AccountsLook(accounts, GatewaySettings(accounts=("150K*",)))

    assert broker.judge_accounts(one) == (OK, "1 guarded: 50K-A (1 more are not selected)", None)
    assert broker.judge_accounts(none).state is FAILED
    assert "Available accounts: 50K-A, 100K-BB" in broker.judge_accounts(none).says


@pytest.mark.parametrize("ahead_s", [-300.0, -31.0, -5.0, 5.0, 31.0, 300.0])
def test_the_clock_is_never_said_to_be_further_off_than_it_is(ahead_s: float) -> None:
    told_s = broker.clock_ahead_s(offset(ahead_s))

    assert abs(told_s) <= abs(ahead_s)
    assert abs(told_s - ahead_s) < 2.1


def test_a_clock_that_was_set_meanwhile_is_judged_by_the_last_answer() -> None:
    assert broker.clock_ahead_s((*offset(300.0), *offset(0.0))) == 0.0
