"""`[alerts]` of app.toml: what is refused, and that nobody sees a URL."""

from datetime import time
from pathlib import Path

import pytest

from risk_actors.alerts.quiet import QuietHours
from risk_actors.alerts.settings import shown_source
from risk_actors.app.settings_json import encode_settings
from risk_actors.app.settings_load import load_app_settings, load_settings
from risk_actors.app.settings_problem import SettingsError
from tests.alerts.builders import channel, settings

SECRET = "s3cr3t-t0ken-0815"
RULE = '[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\nlimit_usd = 500.0\n'


def written(directory: Path, app: str) -> Path:
    (directory / "risk.toml").write_text(RULE, encoding="utf-8")
    (directory / "app.toml").write_text(app, encoding="utf-8")
    return directory


CHANNEL = f'[[alerts.channels]]\nname = "phone"\nurl = "json://h/{SECRET}"\n'

WRONG = {
    "unknown key": (CHANNEL + "min_severty = 1\n", "did you mean `min_severity`"),
    "unknown severity": (CHANNEL + 'min_severity = "loud"\n', "info, warning, critical"),
    "unknown kind": (CHANNEL + 'kinds = ["breech"]\n', "did you mean `breach`"),
    "quiet hours": (CHANNEL + 'quiet_hours = ["late"]\n', 'is not written like "22:00-07:00"'),
    "no time of day": (CHANNEL + 'quiet_hours = ["25:00-07:00"]\n', "is not written like"),
    "two of one name": (CHANNEL * 2, "two channels have the name `phone`"),
    "no url": ('[[alerts.channels]]\nname = "phone"\n', "missing key `url`"),
    "a url in a list": (f'[[alerts.channels]]\nname = "p"\nurl = ["{SECRET}"]\n', "[hidden]"),
    "heartbeat in a list": (f'[alerts]\nheartbeat_url = ["{SECRET}"]\n', "[hidden]"),
    "misspelt url": (CHANNEL.replace("url =", "ulr ="), "did you mean `url`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_without_the_secret(name: str, tmp_path: Path) -> None:
    app, sentence = WRONG[name]
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, app))

    said = "; ".join(map(str, caught.value.problems))
    assert sentence in said
    assert SECRET not in said


def test_the_settings_that_are_kept_and_compared_know_nothing_of_alerts(tmp_path: Path) -> None:
    directory = written(tmp_path, f'{CHANNEL}[alerts]\nheartbeat_url = "https://h/{SECRET}"\n')

    alerts = load_app_settings(directory).alerts
    assert SECRET in alerts.channels[0].url
    assert SECRET not in repr(alerts) + str(alerts.channels)
    assert SECRET not in encode_settings(load_settings(directory))
    assert SECRET not in repr(load_settings(directory))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("env:PHONE", "env:PHONE"),
        ("file:phone.url", "file:phone.url"),
        (f"tgram://{SECRET}/123", "tgram://[hidden]"),
        (f"env://{SECRET}", "env://[hidden]"),
        (SECRET, "[hidden]"),
        (f"file:///{SECRET}://x", "file://[hidden]"),
    ],
)
def test_what_is_shown_of_a_url_is_where_it_comes_from(url: str, shown: str) -> None:
    assert shown_source(url) == shown


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("22:00-07:00", time(23), True),
        ("22:00-07:00", time(6, 59), True),
        ("22:00-07:00", time(7), False),
        ("22:00-07:00", time(12), False),
        ("12:00 - 13:30", time(12), True),
        ("12:00-13:30", time(13, 30), False),
    ],
)
def test_quiet_hours_may_go_over_midnight(text: str, at: time, expected: bool) -> None:
    assert QuietHours.of(text).holds(at) is expected


def test_equal_settings_are_equal() -> None:
    """A channel that did not change is not opened anew."""
    assert settings(channel()) == settings(channel())
    assert settings(channel()) != settings(channel(name="mail"))
