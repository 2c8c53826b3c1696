"""What is in force is kept beside the store, by whoever tells it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from app.guard_rig import RULES, Rig, eventually
from loguru import logger

from risk_actors.app.settings_desk import SettingsDesk
from risk_actors.app.settings_keeper import InForce
from risk_actors.app.settings_load import load_settings
from risk_actors.store.settings_backup import KeptSettings


class DeskRig(Rig):
    """The same with a desk; writing beside the store can be made to fail."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        super().__init__(directory, stack)
        self.kept: list[KeptSettings] = []
        self.taken: list[InForce] = []
        self.fault: OSError | None = None
        self.desk = SettingsDesk(
            self.guard,
            self.keeper,
            directory,
            lambda: load_settings(directory),
            on_taken=self.taken.append,
            keep=self.keep,
            on_lost=lambda _error: None,
        )

    def keep(self, kept: KeptSettings) -> None:
        if self.fault is not None:
            raise self.fault
        self.kept.append(kept)

    def edit(self, rules: str) -> None:
        (self.directory / "risk.toml").write_text(rules, encoding="utf-8")
        self.desk.look(changed=True)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[DeskRig]:
    with ExitStack() as stack:
        yield DeskRig(tmp_path, stack)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    told: list[str] = []
    number = logger.add(lambda line: told.append(str(line)), format="{message}")
    yield told
    logger.remove(number)


def test_each_change_is_kept_and_nothing_twice(rig: DeskRig) -> None:
    rig.desk.look(changed=False)
    rig.desk.look(changed=False)
    rig.edit(RULES.replace("limit = 5", "limit = 2"))
    assert rig.desk.arm(armed=False)

    assert [(kept.armed_by_command, '"limit":2' in kept.in_force) for kept in rig.kept] == [
        (None, False),
        (None, True),
        (False, True),
    ]
    assert [each.text for each in rig.taken] == [kept.in_force for kept in rig.kept[1:]]


def test_what_cannot_be_kept_is_said_once_and_tried_again(rig: DeskRig, lines: list[str]) -> None:
    rig.fault = OSError("no space left")
    for _ in range(3):
        rig.desk.look(changed=False)
    rig.fault = None
    rig.desk.look(changed=False)

    assert len(rig.kept) == 1
    assert [line for line in lines if "beside the store" in line] == [
        "The settings in force could not be kept beside the store: no space left\n"
    ]


def test_a_lock_in_the_first_minutes_leaves_rules_alone_free_in_them(rig: DeskRig) -> None:
    rig.edit(RULES.replace("limit = 5", "limit = 6"))
    assert rig.keeper.in_force.pending == ()
    rig.wait_until_armed()
    rig.guard.operator.panic()
    eventually(lambda: rig.guard.has_locks, "the lock")
    rig.desk.look(changed=False)
    assert rig.kept[-1].was_locked

    rig.edit('[session]\nunlock = "delayed"\n' + RULES.replace("limit = 5", "limit = 9"))

    (waiting,) = rig.keeper.in_force.pending
    assert "unlock" in waiting
    assert rig.keeper.in_force.settings.rules[0].limit == 9  # type: ignore[attr-defined]


def test_files_that_are_wrong_and_mended_are_recorded_as_that(
    rig: DeskRig, lines: list[str]
) -> None:
    rig.edit(RULES.replace("limit = 5", "limt = 5"))
    eventually(lambda: _events(rig, "are wrong, nothing of them holds: "), "the fault")
    assert rig.guard.picture().settings_fault is not None

    rig.edit(RULES)

    eventually(lambda: _events(rig, "can be read again"), "mended")
    assert rig.guard.picture().settings_fault is None
    assert any("can be read again" in line for line in lines)


def _events(rig: DeskRig, words: str) -> list[str]:
    return [each.text for each in rig.guard.picture().events if words in each.text]
