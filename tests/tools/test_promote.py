"""A rule's way from specification to enforcement: killed, resumed, and stopped in each way."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_world import rule_settings

from risk_actors.core.rules import Mode
from tests.conftest import eventually
from tests.tools.promotion.shadow_days import shadow_days

pytestmark = [pytest.mark.real_time, pytest.mark.xdist_group("promotion")]

ROOT = Path(__file__).parents[2]
WITHIN_S = 280
"""On a machine that others keep busy."""
SPEC = ROOT / "specs" / "max_trades.md"
CONFIG = """
[gates]
only = ["lint"]
root = "{project}"

[staging]
scenarios = ["tests/scenarios", "{more}"]
days = {days}
least_breaches = 1

[production]
days = 2
least_watched_s = 30
"""
RISK = """
[[rules]]
id = "two-trades"
type = "max_trades"
# It watches until it was promoted.
mode = "shadow"
per_day = 2
"""
PLANTED = """
title = "A breach that the rule does not find"
rule = "max_trades"

[settings]
"risk.toml" = '''
[[rules]]
id = "five-trades"
type = "max_trades"
per_day = 5
'''

[broker]
prices = { MNQ = 25_000 }

[[steps]]
buy = { symbol = "MNQ", size = 1 }

[[steps]]
after = 1
close = { symbol = "MNQ" }
expect = [{ lock = "five-trades", until_reset = "daily" }]
"""


class Desk:
    """The files of one trader, and the command on them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.results = directory / "results" / "max_trades"
        self.settings = directory / "settings"
        self.settings.mkdir()
        (self.settings / "risk.toml").write_text(RISK, encoding="utf-8")
        self.project = directory / "project"
        (self.project / "tools").mkdir(parents=True)
        self.code = self.project / "tools" / "code.py"
        self.code.write_text('"""Nothing."""\n', encoding="utf-8")
        self.more = directory / "scenarios"
        self.more.mkdir()
        self.configure(days=1)

    def configure(self, *, days: int) -> None:
        text = CONFIG.format(project=self.project.as_posix(), more=self.more.as_posix(), days=days)
        (self.directory / "config.toml").write_text(text, encoding="utf-8")

    def command(self, *more: object, spec: Path = SPEC, data: str = "few") -> list[str]:
        files = {
            "--spec": spec,
            "--rule": "max_trades",
            "--config": self.directory / "config.toml",
            "--results": self.directory / "results",
            "--settings": self.settings,
            "--data": self.directory / data,
        }
        named = [str(each) for pair in files.items() for each in pair]
        return [sys.executable, "tools/promote.py", *named, *map(str, more)]

    def run(self, *more: object, **files: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*more, **files),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=WITHIN_S,
        )

    def kept(self, stage: str) -> bytes:
        return (self.results / f"{stage}.json").read_bytes()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk whose promotion was killed in the middle of its staging, the gates once red."""
    made = Desk(tmp_path_factory.mktemp("promotion"))
    rule = rule_settings("max_trades", id="two-trades", per_day=2, mode=Mode.SHADOW)
    shadow_days(made.directory / "few", 1, rule)
    shadow_days(made.directory / "enough", 2, rule)
    return made


def kill_in(stage: str, desk: Desk, process: subprocess.Popen[bytes]) -> None:
    """Kill a promotion once it is in the middle of a stage."""
    running = desk.results / "running.json"

    def is_there() -> bool:
        assert process.poll() is None, "it ended before it could be killed"
        return running.is_file() and json.loads(running.read_bytes())["stage"] == stage

    eventually(is_there, WITHIN_S)
    process.kill()


@pytest.mark.timeout(900)
def test_a_rule_is_promoted_although_it_is_killed_and_has_too_few_days_at_first(desk: Desk) -> None:
    # A gate is red: the promotion ends there.
    desk.configure(days=4)
    desk.code.write_text("import os\n", encoding="utf-8")
    red = desk.run("--target", "production")
    assert red.returncode == 1, red.stdout + red.stderr
    assert "a gate (lint) is not passed" in red.stdout
    assert "STOPPED at gates; reached: tests" in red.stdout

    # Mended, it goes on there, and is killed in the next stage.
    desk.code.write_text('"""Nothing."""\n', encoding="utf-8")
    tested = desk.kept("tests")
    with subprocess.Popen(desk.command("--target", "production"), cwd=ROOT) as process:
        kill_in("staging", desk, process)
    assert not (desk.results / "staging.json").is_file()
    status = desk.run("--status")
    assert "staging        interrupted" in status.stdout
    gates = desk.kept("gates")

    # It begins this stage again. A scenario expects a breach that the rule does not find.
    planted = desk.more / "planted.toml"
    planted.write_text(PLANTED, encoding="utf-8")
    missed = desk.run("--target", "production")
    assert missed.returncode == 1, missed.stdout + missed.stderr
    assert "staging was interrupted; it begins again" in missed.stdout
    assert f"MISSED in {planted}, enforced: step 2" in missed.stdout
    assert "STOPPED at staging; reached: gates" in missed.stdout

    # What was passed is not done again. One day in shadow is too few.
    planted.unlink()
    few = desk.run("--target", "production")
    assert few.returncode == 1, few.stdout + few.stderr
    assert "TOO FEW DAYS: 1 of 2 trading days in shadow count" in few.stdout
    assert "STOPPED at production; reached: staging" in few.stdout
    assert (desk.kept("tests"), desk.kept("gates")) == (tested, gates)
    staged = desk.kept("staging")

    # With the second day the change is written, and the settings are as they were.
    done = desk.run("--target", "production", data="enough")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Reached: production" in done.stdout
    assert desk.kept("staging") == staged
    assert (desk.settings / "risk.toml").read_text(encoding="utf-8") == RISK
    patch = (desk.results / "enforce.patch").read_text(encoding="utf-8")
    assert '-mode = "shadow"\n+mode = "enforce"\n' in patch
    report = json.loads((desk.results / "report.json").read_bytes())
    assert report["reached"] == "production"
    assert report["stages"]["staging"]["facts"]["soak"]["missed_breach_rate"] == 0.0
    assert "two-trades" in (desk.results / "report.html").read_text(encoding="utf-8")

    # A rule that was changed begins anew.
    changed = desk.directory / "max_trades.md"
    text = SPEC.read_text(encoding="utf-8").replace('default = "trades"', 'default = "fills"')
    changed.write_text(text, encoding="utf-8")
    wrong = desk.run("--target", "staging", spec=changed)
    line = text.splitlines().index('default = "fills"') + 1
    assert wrong.returncode == 1
    assert "it begins anew" in wrong.stdout
    assert f"line {line}: the default of `count` is 'trades', not 'fills'" in wrong.stdout
    assert "STOPPED at specification; reached: nothing" in wrong.stdout


def test_wrong_usage_is_no_failed_stage(tmp_path: Path) -> None:
    desk = Desk(tmp_path)

    absent = desk.run("--target", "staging", spec=tmp_path / "nothing.md")
    unsaid = desk.run()
    (tmp_path / "config.toml").write_text("[staging]\ndays = 0\n", encoding="utf-8")
    senseless = desk.run("--target", "staging")

    assert [each.returncode for each in (absent, unsaid, senseless)] == [2, 2, 2]
    assert "write it as specs/README.md says" in absent.stderr
    assert "--rule and --target are needed" in unsaid.stderr
    assert "$.staging.days" in senseless.stderr
