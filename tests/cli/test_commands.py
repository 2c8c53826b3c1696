"""The commands, against a daemon's HTTP side, and as processes for their exit codes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from risk_actors.actors.picture import Picture
from risk_actors.cli import words
from risk_actors.cli.main import main

A_RULE = '[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\nlimit_usd = 500.0\n'


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def settings_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in tuple(os.environ):
        if name.startswith(("PROJECT_X_", "PROJECTX_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "settings"
    directory.mkdir()
    (directory / "risk.toml").write_text(A_RULE)
    return directory


def test_check_finds_credentials_beside_the_settings(
    settings_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings_dir.parent / ".env").write_text("PROJECT_X_USERNAME=me\nPROJECT_X_API_KEY=key-12\n")
    elsewhere = settings_dir.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert "live, NOT ARMED" in call("check", "--settings", settings_dir).stdout


def test_check_lists_every_error_with_exit_code_2(
    settings_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_X_USERNAME", "me")
    (settings_dir / "risk.toml").write_text(A_RULE + "limt = 1\nmode = 3\n")
    result = call("check")
    assert result.exit_code == 2
    assert "3 problems in the settings" in result.stderr
    assert f"{Path('settings') / 'risk.toml'}:5: unknown key `limt`" in result.stderr
    assert "PROJECT_X_API_KEY is not" in result.stderr


def test_run_refuses_a_web_token_that_cannot_be_used_before_it_starts_anything(
    settings_dir: Path,
) -> None:
    (settings_dir / "app.toml").write_text('[web]\ntoken_file = "none"\n')
    data_dir = settings_dir.parent / "data"
    result = call("run", "--paper", "--plain", "--data", data_dir)
    assert result.exit_code == 2
    assert "cannot be read: No such file" in result.stderr
    assert not data_dir.exists()


@pytest.mark.parametrize("format_", ["text", "dot", "mermaid", "json"])
def test_topology_prints_the_declared_graph(format_: str) -> None:
    result = call("topology", "--format", format_)
    assert result.exit_code == 0
    assert "gateway" in result.stdout
    if format_ == "json":
        assert {"actors", "edges"} <= set(json.loads(result.stdout))


def test_topology_live_adds_the_counters(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["open"])
    result = call("topology", "--live", "--data", tmp_path)
    (line,) = (line for line in result.stdout.splitlines() if "position:101" in line)
    words = "position:101 position 3 17 4242 FillReported running 1 0"
    assert " ".join(line.split()) == words
    as_json = call("topology", "--live", "--format", "json", "--data", tmp_path)
    assert json.loads(as_json.stdout)["actors"][1]["handled"] == 4242


def test_topology_live_draws_no_pictures(tmp_path: Path) -> None:
    assert call("topology", "--live", "--format", "dot", "--data", tmp_path).exit_code == 2


def test_status_shows_the_account_and_what_it_holds(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["open"])
    text = call("status", "--data", tmp_path).stdout
    assert "PAPER  ARMED  phase: connected  (user hub up, market hub up, REST up)" in text
    assert "50KTC-SIM-101  OPEN   49,587.50  -312.50" in text
    assert "SHORT 2 MNQ @ 21,034.25" in text
    assert "BUY 2 MNQ stop 21,060.00" in text
    assert re.search(r"-100\.00  (\w{3} )?10:28:11 CST", text)


def test_status_tells_the_phase_from_being_armed(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["not armed"])
    text = call("status", "--data", tmp_path).stdout
    assert "PAPER  SHADOW (NOT ARMED, nothing is sent)  phase: connected" in text
    assert "50KTC-SIM-101  WOULD BE LOCKED" in text
    for command in ("status", "locks"):
        shown = call(command, "--data", tmp_path).stdout
        assert "These locks are not enforced: NOT ARMED, nothing is sent." in shown
        assert "account        would be locked  by rule" in shown


@pytest.mark.parametrize("command", ["locks", "status"])
def test_at_80_columns_the_reason_of_a_lock_stands_below_it_and_breaks_no_name(
    run_daemon: Callable[[Picture], object],
    pictures: dict[str, Picture],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    run_daemon(pictures["locked"])
    monkeypatch.setenv("COLUMNS", "80")
    lines = call(command, "--data", tmp_path).stdout.splitlines()
    row = next(number for number, line in enumerate(lines) if re.match(r" +1  50KTC", line))
    assert re.match(r" +1  50KTC-SIM-101  account  daily-loss  until .*17:00:00 CST, ", lines[row])
    assert lines[row + 1].startswith("      since ")
    told = " ".join(" ".join(lines[row + 1 : row + 3]).split())
    assert "CST: Day P&L -512.50 reached the limit of -500.00" in told
    assert max(map(len, lines)) <= 80


def test_a_day_that_was_not_checked_is_said_once_for_all_accounts(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["three"])
    told = [
        line for line in call("status", "--data", tmp_path).stdout.splitlines() if "day P&L" in line
    ]
    assert [line for line in told if "not checked" in line] == [
        f"all accounts: {words.balance_check(pictures['three'].accounts[0])}"
    ]


def test_i7_status_and_rules_tell_what_is_not_seen_as_of_then(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["blind"])
    status = call("status", "--data", tmp_path).stdout
    rules = call("rules", "--data", tmp_path).stdout
    assert "ARMED, BUT CANNOT ACT" in status
    assert "nothing can be seen or closed now; use your platform" in status
    assert "all of this as last seen at" in status
    assert "NOT SEEN" in status
    assert "was SHORT 2 MNQ" in status
    assert "Safe to add now: none" in status
    assert "was ok" in rules
    assert "✓ ok" not in rules
    assert "as last seen at" in rules


def test_status_as_json_is_the_state(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["degraded"])
    state = json.loads(call("status", "--json", "--data", tmp_path).stdout)
    assert (state["phase"], state["connection"]["fallback"]) == ("degraded", "bars")
    text = call("status", "--data", tmp_path).stdout
    assert "market hub DOWN" in text
    assert "Fallback: bars" in text


def test_rules_shows_each_verdict(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["open"])
    text = call("rules", "--data", tmp_path).stdout
    assert re.search(r"daily-loss +enforce +✓ ok +-312.50 +-500.00 +187.50", text)
    assert re.search(r"! warning +4 +5 +1 contract$", text, re.MULTILINE)


def test_rules_names_each_account_and_fits_80_columns(
    run_daemon: Callable[[Picture], object],
    pictures: dict[str, Picture],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_daemon(pictures["three"])
    monkeypatch.setenv("COLUMNS", "80")
    lines = call("rules", "--data", tmp_path).stdout.splitlines()
    assert [line for line in lines if line.startswith("50K-")] == ["50K-1", "50K-2", "50K-3"]
    assert sum(line.startswith("per-instrument ") for line in lines) == 3


def test_rules_gives_a_reason_under_the_table(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    reason = "4 contracts are open, the limit is 5"
    first, *others = pictures["open"].rules
    told = msgspec.structs.replace(first, reason=reason)
    run_daemon(msgspec.structs.replace(pictures["open"], rules=(told, *others)))
    assert f"\ndaily-loss: {reason}\n" in call("rules", "--data", tmp_path).stdout


def test_locks_counts_down(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    daemon = run_daemon(pictures["locked"])
    text = call("locks", "--data", tmp_path).stdout
    assert re.search(r"account  daily-loss  until (\w{3} )?17:00:00 CST, ", text)
    assert "not enforced" not in text
    assert "Day P&L -512.50 reached the limit of -500.00" in text
    daemon.picture = pictures["open"]  # type: ignore[attr-defined]
    assert "No account is locked." in call("locks", "--data", tmp_path).stdout


def test_panic_asks_for_one_account_by_name_or_id_or_for_all(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    daemon = run_daemon(pictures["open"])
    assert call("panic", "--yes", "--data", tmp_path, "--account", "50ktc-sim-101").exit_code == 0
    assert call("panic", "--yes", "--data", tmp_path, "--account", "101").exit_code == 0
    assert call("panic", "--yes", "--data", tmp_path).exit_code == 0
    assert daemon.panics == [101, 101, 101]  # type: ignore[attr-defined]
    refused = call("panic", "--yes", "--data", tmp_path, "--account", "other")
    assert refused.exit_code == 1
    assert "there are 50KTC-SIM-101 (101)" in refused.stderr


@pytest.mark.parametrize("typed", ["", "n\n", "y\n"])
def test_panic_in_a_script_wants_yes_said_on_the_command_line(
    run_daemon: Callable[[Picture], object],
    pictures: dict[str, Picture],
    tmp_path: Path,
    typed: str,
) -> None:
    daemon = run_daemon(pictures["open"])
    done = process("panic", "--data", str(tmp_path), cwd=tmp_path, typed=typed)
    assert done.returncode == 2
    assert "say --yes to flatten and lock now" in done.stderr
    assert daemon.panics == []  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal")
@pytest.mark.parametrize(("typed", "code", "panics"), [("n\n", 1, []), ("y\n", 0, [101])])
def test_panic_on_a_terminal_asks_once(
    run_daemon: Callable[[Picture], object],
    pictures: dict[str, Picture],
    tmp_path: Path,
    typed: str,
    code: int,
    panics: list[int | None],
) -> None:
    daemon = run_daemon(pictures["open"])
    ours, theirs = os.openpty()
    os.write(ours, typed.encode())
    done = process("panic", "--data", str(tmp_path), cwd=tmp_path, stdin=theirs)
    os.close(ours)
    os.close(theirs)
    assert done.stdout.count("Flatten every account and lock until the daily reset?") == 1
    assert done.returncode == code
    assert daemon.panics == panics  # type: ignore[attr-defined]


def test_panic_while_not_armed_says_that_nothing_happened(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["not armed"])
    refused = call("panic", "--yes", "--data", tmp_path)
    assert refused.exit_code == 1
    assert "NOT ARMED: nothing was sent" in refused.stderr


@pytest.mark.parametrize(("columns", "is_wrapped"), [("40", True), ("0", False), ("wide", False)])
def test_tables_in_a_pipe_are_as_wide_as_columns_says(
    run_daemon: Callable[[Picture], object],
    pictures: dict[str, Picture],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    is_wrapped: bool,
) -> None:
    run_daemon(pictures["locked"])
    monkeypatch.setenv("COLUMNS", columns)
    lines = call("locks", "--data", tmp_path).stdout.splitlines()
    assert (max(map(len, lines)) <= 40) is is_wrapped


CLIENTS = [
    ["status"],
    ["status", "--json"],
    ["rules"],
    ["locks"],
    ["panic", "--yes"],
    ["topology", "--live"],
]


@pytest.mark.parametrize("command", CLIENTS, ids=" ".join)
def test_without_a_daemon_a_client_says_so_with_exit_code_1(
    tmp_path: Path, command: list[str]
) -> None:
    result = call(*command, "--data", tmp_path)
    assert result.exit_code == 1
    assert "no daemon runs on" in result.stderr


def test_a_daemon_that_no_longer_answers_is_told_from_none(
    run_daemon: Callable[[Picture], object], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["open"]).stop()  # type: ignore[attr-defined]
    result = call("status", "--data", tmp_path)
    assert result.exit_code == 1
    assert "no daemon answers on port" in result.stderr


@pytest.mark.parametrize("left", ["", "[]", '{"pid": 1}', '{"port": null}', "not json"])
def test_a_broken_port_file_is_no_traceback(tmp_path: Path, left: str) -> None:
    (tmp_path / "daemon.json").write_text(left)
    result = call("status", "--data", tmp_path)
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["run", "--sideways"],
        ["run", "--port", "x"],
        ["run", "--paper", "--live"],
        ["topology", "--format", "png"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def process(
    *arguments: str, cwd: Path, typed: str | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PROJECT_X_", "PROJECTX_"))
    }
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-m", "risk_actors", *arguments],
        cwd=cwd,
        env=environment,
        input=typed,
        stdin=stdin if typed is None else None,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_as_a_process_settings_errors_end_with_2_and_no_traceback(settings_dir: Path) -> None:
    (settings_dir / "risk.toml").write_text(A_RULE + "limt = 1\n")
    for command in ("check", "run"):
        done = process(command, cwd=settings_dir.parent)
        assert done.returncode == 2
        assert "risk.toml:5: unknown key `limt`" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("broken", ["file", "file/data", "log", "store"])
def test_as_a_process_an_unusable_data_directory_ends_with_1_and_no_traceback(
    settings_dir: Path, broken: str
) -> None:
    cwd = settings_dir.parent
    (cwd / "file").write_text("")
    (cwd / "log" / "risk_actors.log").mkdir(parents=True)
    (cwd / "store" / "risk.db").mkdir(parents=True)
    done = process("run", "--paper", "--port", "0", "--data", broken, cwd=cwd)
    assert done.returncode == 1
    assert str(Path(broken)) in done.stderr
    assert re.search(r"risk-actors: the .* cannot be (made|written|used): \w", done.stderr)
    assert "Traceback" not in done.stderr
    client = process("status", "--data", broken, cwd=cwd)
    assert client.returncode == 1
    assert "Traceback" not in client.stderr


def test_as_a_process_live_without_credentials_ends_with_2(settings_dir: Path) -> None:
    done = process("run", "--live", cwd=settings_dir.parent)
    assert done.returncode == 2
    assert "live trading needs" in done.stderr


def test_help_answers_at_once_and_without_the_heavy_libraries(tmp_path: Path) -> None:
    code = (
        "import sys; from risk_actors.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print({'aiohttp', 'rich', 'project_x_py', 'polars'} & set(sys.modules))"
    )
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stdout.endswith("set()\n")
    # Of the processor, which is the same on a busy machine; ten times what it takes.
    assert os.times().children_user - before.children_user < 3.0


def test_signs_survive_a_console_of_another_code_page(
    run_daemon: Callable[[Picture], object],
    pictures: dict[str, Picture],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_daemon(pictures["open"])
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    done = process("rules", "--data", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 0
    assert "✓ ok" in done.stdout
