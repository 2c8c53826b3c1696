"""What a change of the settings is called in the record and on the screen."""

from zoneinfo import ZoneInfo

import pytest

from risk_actors import messages as m
from risk_actors.actors.describe import describe
from tests.actors.facts import say

WAITS = "Waits until Sat 17:00 CST: loss limit_usd 500 -> 800"
FAULT = "the edited settings are wrong, nothing of them holds: risk.toml:4: unknown key"


@pytest.mark.parametrize(
    ("told", "text", "is_alarming"),
    [
        ({}, "the settings in force", False),
        (
            {"applied": ("size: limit 5 -> 2",), "pending": (WAITS,)},
            f"size: limit 5 -> 2; w{WAITS[1:]}",
            False,
        ),
        ({"fault": FAULT, "pending": (WAITS,)}, FAULT, True),
    ],
)
def test_settings_are_said_as_what_they_are(
    told: dict[str, object], text: str, is_alarming: bool
) -> None:
    line = describe(say(m.SettingsChanged, day_start_ns=1, in_force="{}", **told), ZoneInfo("UTC"))

    assert line is not None
    assert (line.kind, line.text, line.is_alarming) == ("settings", text, is_alarming)
