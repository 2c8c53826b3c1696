"""`docs/settings.md`: every file, table and key, from the structs that read the files."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from risk_actors.alerts.settings import AlertSettings, ChannelSettings
from risk_actors.app.settings import (
    LogSettings,
    PaperSettings,
    PnlSettings,
    PresetHeader,
    SessionSettings,
    StoreSettings,
    WebSettings,
)
from risk_actors.app.settings_holidays import HolidaysFile, HolidayTable
from risk_actors.app.settings_news import NewsFile, NewsTable
from risk_actors.core.rules.lock_settings import LockSettings
from risk_actors.core.rules.reference import Parameter, parameters_of, references, shared_parameters
from risk_actors.projectx.settings import GatewaySettings

from .key_tables import table_of_keys
from .settings_words import ENVIRONMENT
from .tightening import NO_BEARING, WAITS, shared_tightening, tightening_of_table

_ARMED = Parameter(
    name="armed",
    kind="true or false",
    meaning="Whether commands are sent. Left out, paper is armed and live is not.",
    default="not set",
)
_PRESET = Parameter(
    name="preset",
    kind="text",
    meaning="The name of a preset, whose rules come before yours; a rule of yours with the same"
    " `id` takes the place of the preset's.",
    default="not set",
)


_CALENDARS = (
    "`calendars` is a list of texts, empty by default: iCalendar files (`.ics`) in the settings"
    " directory, whose events are added to those of the file."
)


class Table(NamedTuple):
    """One table of a settings file."""

    title: str
    struct: type[msgspec.Struct]
    is_free: bool = False
    """Whether nothing in it has a bearing on protection."""
    tighter: str | None = None
    """What is tighter, where that is the same for every key and not asked of the code."""
    example: Mapping[str, Any] | None = None
    """One that is valid, where an empty one is not."""
    without: tuple[str, ...] = ()
    """Keys that are tables of their own, told elsewhere on the page."""


_APP = (
    Table("`[gateway]`", GatewaySettings),
    Table("`[pnl]`", PnlSettings),
    Table("`[store]`", StoreSettings),
    Table("`[log]`", LogSettings, is_free=True),
    Table("`[web]`", WebSettings, is_free=True),
    Table("`[simulator]`", PaperSettings, is_free=True),
    Table("`[alerts]`", AlertSettings, tighter=NO_BEARING, without=("channels",)),
    Table("`[[alerts.channels]]`", ChannelSettings, tighter=NO_BEARING),
)
_HOLIDAYS = (
    Table("Its top", HolidaysFile, tighter=WAITS, without=("holidays",)),
    Table("`[[holidays]]`", HolidayTable, tighter=WAITS),
)
_NEWS = (
    Table("Its top", NewsFile, tighter="as its events", without=("news", "calendars")),
    Table("`[[news]]`", NewsTable, tighter="more news, and longer times around it"),
)


def settings_in_full() -> str:
    """Return every file with its tables."""
    return "\n\n".join(
        [
            *_risk(),
            "## `app.toml`",
            _top(_ARMED, WAITS),
            *map(_section, _APP),
            "## `holidays.toml`",
            *map(_section, _HOLIDAYS),
            "## `news.toml`",
            *map(_section, _NEWS),
            _CALENDARS,
            *_presets(),
            "## The environment and `.env`",
            _environment(),
        ]
    )


def _risk() -> Iterator[str]:
    yield "## `risk.toml`"
    yield _top(_PRESET, "as its rules")
    yield _section(Table("`[session]`", SessionSettings))
    yield "### `[[rules]]`"
    yield "One table for each rule. These keys every rule has:"
    kind = Parameter(
        name="type",
        kind="text",
        meaning="Which rule it is.",
        is_required=True,
    )
    waits = {"type": WAITS}
    keys = (kind, *(key._replace(parts=()) for key in shared_parameters()))
    yield table_of_keys(keys, {**waits, **shared_tightening()})
    yield "### The table `lock` of a rule"
    yield _table(Table("lock", LockSettings, example={"for_s": 900}))
    yield "### The keys of each rule"
    yield "\n".join(
        f"- [`{rule.type}`](rules.md#{rule.number:03}-{rule.type}):"
        f" {', '.join(f'`{key.name}`' for key in rule.parameters) or 'none of its own'}"
        for rule in references()
    )


def _presets() -> Iterator[str]:
    yield "## `presets/NAME.toml`"
    yield (
        "Such a file has `[session]` and `[[rules]]` as `risk.toml` has them, and a table"
        " `[preset]` that says whose rules these are:"
    )
    yield _table(Table("preset", PresetHeader, tighter=NO_BEARING))


def _section(table: Table) -> str:
    return f"### {table.title}\n\n{_table(table)}"


def _table(table: Table) -> str:
    keys = [key for key in parameters_of(table.struct) if key.name not in table.without]
    if table.tighter is not None:
        tighter = {key.name: table.tighter for key in keys}
    else:
        tighter = tightening_of_table(table.struct, table.example, is_free=table.is_free)
    return table_of_keys(keys, tighter)


def _top(key: Parameter, tighter: str) -> str:
    """Return the one key that stands before the tables of a file."""
    return table_of_keys((key,), {key.name: tighter})


def _environment() -> str:
    rows = [f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items()]
    return "\n".join(["| variable | meaning |", "|---|---|", *rows])
