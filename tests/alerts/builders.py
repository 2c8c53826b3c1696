"""Alerts and channels with the ordinary filled in."""

from typing import Any

from risk_actors.actors.alert import Alert, AlertKind, Severity
from risk_actors.alerts.settings import AlertSettings, ChannelSettings
from tests.conftest import NOON_NS


def alert(text: str = "rule size warns", **content: Any) -> Alert:
    given: dict[str, Any] = {
        "at_ns": NOON_NS,
        "kind": AlertKind.WARNING,
        "severity": Severity.WARNING,
        "account_id": 1,
        "account": "50K-1",
    } | content
    return Alert(text=text, **given)


def critical(text: str = "rule loss broken", **content: Any) -> Alert:
    return alert(text, **({"kind": AlertKind.BREACH, "severity": Severity.CRITICAL} | content))


def channel(url: str = "json://127.0.0.1:9/x", **content: Any) -> ChannelSettings:
    return ChannelSettings(**({"name": "phone", "url": url} | content))


def settings(*channels: ChannelSettings, **content: Any) -> AlertSettings:
    return AlertSettings(channels=channels, **content)
