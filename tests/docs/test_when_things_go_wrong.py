"""The page on what goes wrong has every alert, exit code, checkpoint, refusal and status word."""

import re
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

import pytest

from risk_actors.actors.alert import AlertKind, Severity
from risk_actors.actors.picture import (
    AccountPicture,
    ConnectionPicture,
    EnforcementPicture,
    LockPicture,
    Picture,
)
from risk_actors.app.doctor_words import State
from risk_actors.app.settings import ExitCode
from risk_actors.cli import words
from risk_actors.core.commands import Answer, Refusal
from risk_actors.core.lock import EndedBy
from risk_actors.core.mark_filter import DropReason
from risk_actors.core.unlock_requests import UnlockStatus
from risk_actors.core.verdict import VERDICT_NAMES
from risk_actors.messages import ActorStatus
from risk_actors.projectx.login import LoginProblem
from tools.docs.markdown import anchors_in

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "when_things_go_wrong.md").read_text(encoding="utf-8")
FIRST_DAY = (ROOT / "docs" / "first_day.md").read_text(encoding="utf-8")
NO_STATES = {"AS IS"}
"""What the dashboard's scripts write in capitals that is no state of anything."""
SOURCES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "risk_actors").rglob("*.py")}


def section(title: str) -> str:
    """Return the text under a heading, with the headings below it."""
    _, _, rest = PAGE.partition(f"\n## {title}\n")
    assert rest, title
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(title: str) -> dict[str, list[str]]:
    """Return the rows of the tables under a heading by their first cell, without its marks."""
    found = {}
    for line in section(title).splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            first, *others = (cell.strip() for cell in line.strip("|").split(" | "))
            found[first.strip("` ")] = others
    return found


def missing(wanted: Iterable[Enum | str], title: str) -> set[str]:
    """Return the words that a section does not have as code."""
    values = {str(each.value) if isinstance(each, Enum) else each for each in wanted}
    return {value for value in values if f"`{value}`" not in section(title)}


def test_every_kind_of_alert_has_a_section_that_says_what_to_do() -> None:
    alerts = section("Alerts")
    for kind in AlertKind:
        assert kind.value in anchors_in(PAGE)
        _, _, told = alerts.partition(f"### {kind.value}\n")
        assert "**Do**" in told.split("\n### ")[0] or "Nothing to do" in told, kind


def test_no_alert_is_told_that_is_not_there() -> None:
    headings = set(re.findall(r"^### (\w+)$", section("Alerts"), re.MULTILINE))

    assert headings == {kind.value for kind in AlertKind}


def test_every_exit_code_says_what_to_do() -> None:
    table = rows("Exit codes")
    for code in ExitCode:
        assert len(table[str(int(code))]) == 2
        assert all(table[str(int(code))])


def test_every_checkpoint_is_told() -> None:
    said = {
        match
        for text in SOURCES.values()
        for match in re.findall(r"\"((?:🚀|✅|📨|🔍|⚠️) [A-Z]\w+(?: [A-Z]\w+)+)", text)
    }

    assert len(said) == 8
    assert missing(said, "Checkpoints that do not come") == set()
    assert {each for each in said if f"| `{each}` |" not in FIRST_DAY} == set()


def test_every_phase_is_told() -> None:
    shown = {
        phase
        for text in SOURCES.values()
        for phase in re.findall(r"(?:phase=|return )\"(\w+)\"(?:,|\))", text)
        if phase in {"starting", "armed", "degraded", "faulted", "stopping"}
    }

    assert shown == set(rows("Phases")) - {"phase"}


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Refusals", [*Refusal, *Answer]),
        ("Logins that fail", LoginProblem),
        ("Verdicts", VERDICT_NAMES.values()),
        ("Severities", Severity),
        ("What we refuse you", [*UnlockStatus, *EndedBy]),
        ("Actors", ActorStatus),
        ("Prices that were dropped", DropReason),
        ("The doctor's words", State),
    ],
)
def test_every_word_is_told(title: str, wanted: Iterable[Enum | str]) -> None:
    assert missing(wanted, title) == set()


def lock(scope: str) -> LockPicture:
    return LockPicture(id=1, rule="r", scope=scope, since="", until=None, reason="")


BUSY = EnforcementPicture(cause="r", phase="started", since="", correlation_id="", detail="")
ACCOUNTS = [
    AccountPicture(id=1, name="A", can_trade=True),
    AccountPicture(id=1, name="A", can_trade=False),
    AccountPicture(id=1, name="A"),
    AccountPicture(id=1, name="A", seen_at="2026-11-20T16:31:05.000+00:00"),
    AccountPicture(id=1, name="A", enforcement=BUSY),
    AccountPicture(id=1, name="A", locks=(lock("account"),)),
    AccountPicture(id=1, name="A", locks=(lock("CON.F.US.MNQ.Z26"),)),
    AccountPicture(
        id=1, name="A", locks=(lock("account"),), seen_at="2026-11-20T16:31:05.000+00:00"
    ),
]


def test_every_state_of_an_account_is_told() -> None:
    told = section("Status words")
    for account in ACCOUNTS:
        for armed in (True, False):
            for word in words.account_state(account, armed=armed).split(", "):
                assert word in told


def test_every_word_for_arming_and_mode_is_told() -> None:
    told = section("Status words")
    blind = ConnectionPicture(is_blind=True)
    for armed in (True, False):
        for connection in (blind, ConnectionPicture()):
            picture = Picture(
                version="", mode="live", armed=armed, phase="armed", connection=connection
            )
            assert words.arming(picture).split(" (")[0] in told
    assert "PAPER, LIVE" in told


def test_every_word_of_the_dashboard_is_told() -> None:
    told = section("Status words")
    scripts = (ROOT / "risk_actors" / "web" / "dashboard" / "js").rglob("*.js")
    texts = "\n".join(script.read_text(encoding="utf-8") for script in scripts)
    shown = set(re.findall(r"\"([A-Z]{2,}(?:,? [A-Z]{2,})+|[A-Z]{3,}ED|[A-Z]{5,}ING)\"", texts))

    assert {"NOT SEEN", "ARMED", "DEGRADED", "ENFORCING"} <= shown
    for words_shown in shown - NO_STATES:
        assert all(word in told for word in words_shown.split(", ")), words_shown


def test_every_state_of_the_terminal_view_is_told() -> None:
    page = (ROOT / "docs" / "watch.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| state \|[^\n]*\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
    for row in table.splitlines()[1:]:
        for word in re.findall(r"[A-Z]{4,}(?: [A-Z]+)*", row.split(" | ")[0]):
            assert word in section("Status words"), word


def test_each_row_says_what_to_do() -> None:
    for title in ("Phases", "Status words", "Verdicts", "Refusals", "Logins that fail"):
        for word, cells in rows(title).items():
            assert len(cells) == 2, word
            assert all(cells), word
