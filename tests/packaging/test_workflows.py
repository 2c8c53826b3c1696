"""The workflows are well formed, safe, and run what is there."""

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.packaging.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
DEPENDABOT = ROOT / ".github/dependabot.yml"
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)], capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def against_schema(schema: str, *files: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files)


def audited(path: Path) -> subprocess.CompletedProcess[str]:
    zizmor = shutil.which("zizmor", path=sysconfig.get_path("scripts"))
    assert zizmor is not None
    return run(zizmor, "--offline", "--no-progress", "--strict-collection", path)


def commands(workflow: Any) -> Iterator[str]:
    """Yield what each step runs."""
    for job in workflow["jobs"].values():
        yield from (step["run"] for step in job.get("steps", ()) if "run" in step)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.dependabot", [DEPENDABOT]),
    ],
)
def test_they_are_what_their_schema_says(schema: str, files: list[Path]) -> None:
    assert files
    done = against_schema(schema, *files)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_audit_finds_nothing_to_fear() -> None:
    done = audited(ROOT / ".github")
    assert done.returncode == 0, done.stdout + done.stderr


def test_faults_would_be_found(tmp_path: Path) -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    misspelt, unsafe = tmp_path / "misspelt.yml", tmp_path / ".github/workflows/unsafe.yml"
    misspelt.write_text(text.replace("runs-on:", "runs-at:"), encoding="utf-8")
    unsafe.parent.mkdir(parents=True)
    title = "${{ github.event.pull_request.title }}"
    unsafe.write_text(text.replace('echo "$RESULTS"', f'echo "{title}"'), encoding="utf-8")

    assert against_schema("vendor.github-workflows", misspelt).returncode != 0
    done = audited(unsafe)
    assert done.returncode != 0
    assert "template-injection" in done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_whole_hash(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert PINNED.search(line), line


@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps are for bash")
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_step_is_a_script_that_can_be_read(path: Path) -> None:
    for command in commands(read(path)):
        done = subprocess.run(
            ["bash", "-n"],  # noqa: S607  # whichever there is
            input=command,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".pre-commit-config.yaml"], ids=str)
def test_every_tool_that_is_called_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    called = re.findall(r"tools/(?:bootstrap\.py|hook\.sh) ([a-z]+)", text)
    known = (ROOT / "tools/bootstrap.py").read_text(encoding="utf-8")
    assert called
    assert [name for name in called if f'\n    "{name}": (' not in known] == []


def test_every_gate_that_is_asked_for_is_there() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    asked = " ".join(re.findall(r"gates --no-skips --only ([a-z ]+)", text))
    assert {"security", "secrets", "vulnerabilities"} <= set(asked.split())
    assert text.count("bootstrap.py gates ") == text.count("bootstrap.py gates --no-skips ")
    listed = run(sys.executable, ROOT / "tools/gates.py", "--list")
    assert listed.returncode == 0, listed.stderr
    assert set(asked.split()) <= {line.split()[0] for line in listed.stdout.splitlines()}


def test_every_promised_python_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = {
        line.rpartition(" ")[2]
        for line in project["classifiers"]
        if line.startswith("Programming Language :: Python ::")
    }
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    for job in ("tests", "unit"):
        assert set(jobs[job]["strategy"]["matrix"]["python"]) == promised


def test_the_job_that_decides_waits_for_all_others() -> None:
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert set(jobs["decides"]["needs"]) == set(jobs) - {"decides"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="the step is for bash")
@pytest.mark.parametrize(
    ("results", "code"),
    [
        ("success success skipped", 0),
        ("success failure skipped", 1),
        ("success cancelled", 1),
    ],
)
def test_it_decides_by_what_they_say(results: str, code: int) -> None:
    (step,) = read(ROOT / ".github/workflows/ci.yml")["jobs"]["decides"]["steps"]
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]],  # noqa: S607  # whichever there is
        env={"RESULTS": results},
        capture_output=True,
        check=False,
    )
    assert done.returncode == code


def test_a_release_publishes_what_was_tried_and_only_after_all_of_ci() -> None:
    workflow = read(ROOT / ".github/workflows/release.yml")
    jobs = workflow["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["ci"]["needs"] == ["tag"]
    assert "ci" in jobs["build"]["needs"]
    assert "build" in jobs["publish"]["needs"]
    assert {"build", "publish"} <= set(jobs["page"]["needs"])
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert workflow["permissions"] == {}
    ran = [shlex.split(command)[:3] for command in commands(workflow)]
    assert sum(words[2:] == ["wheel"] for words in ran) == 1


@pytest.mark.skipif(shutil.which("git") is None, reason="the step is git's")
def test_only_what_was_merged_is_released(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = (
            "git",
            "-C",
            str(tmp_path),
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
        )
        done = run(*command, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    commit = ("commit", "-q", "--allow-empty", "--no-verify", "-m", "more")
    git("init", "-q", "-b", "main")
    git(*commit)
    merged = git("rev-parse", "HEAD")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git(*commit)
    steps = read(ROOT / ".github/workflows/release.yml")["jobs"]["tag"]["steps"]
    (step,) = [each["run"] for each in steps if "merge-base" in each.get("run", "")]

    codes = [
        subprocess.run(
            shlex.split(step.replace("$GITHUB_SHA", sha)), cwd=tmp_path, check=False
        ).returncode
        for sha in (merged, git("rev-parse", "HEAD"))
    ]
    assert codes == [0, 1]


def test_every_step_of_the_check_decides() -> None:
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    asked = re.findall(r'check --only (?:"([^"]+)"|([\w,]+))', text)
    steps = [step for pair in asked for step in "".join(pair).split(",")]
    wrong = run(sys.executable, ROOT / "tools/check.py", "--only", "no such step")
    assert sorted(steps) == sorted(wrong.stderr.strip().rpartition(": ")[2].split(", "))


def test_no_commit_of_main_is_passed_over() -> None:
    group = read(ROOT / ".github/workflows/ci.yml")["concurrency"]["group"]
    assert "github.sha" in group
