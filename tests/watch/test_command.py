"""The command: where it looks, what it needs, and what it does without a terminal."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from risk_actors.cli.main import main
from risk_actors.cli.watch_panic import KEYS
from risk_actors.web.token_file import TOKEN_VARIABLE
from tests.web.served import Served

pytestmark = pytest.mark.real_time

TOKEN = "a-token-of-ours-0123456789"


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def start(**options: Any) -> Served:
            served = Served(**options)
            stack.callback(served.server.stop)
            return served

        yield start


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)


def watch(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["watch", *map(str, arguments)])


def test_without_a_terminal_it_says_so_and_prints_one_page(serve: Callable[..., Served]) -> None:
    result = watch("--port", str(serve().port))

    assert result.exit_code == 0
    assert "There is no terminal" in result.stderr
    assert "50K-101" in result.stdout
    assert "\x1b" not in result.stdout


def test_once_prints_a_page_and_nothing_else(serve: Callable[..., Served]) -> None:
    served = serve()
    served.show_day(equity=-41.5)
    result = watch("--once", "--url", f"127.0.0.1:{served.port}/")

    assert result.exit_code == 0
    assert result.stderr == ""
    assert "✓ ARMED" in result.stdout
    assert "Day P&L -41.50" in result.stdout


def test_a_daemon_is_found_by_its_data_directory(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    told = f'{{"host": "127.0.0.1", "port": {serve().port}, "pid": 1}}'
    (tmp_path / "daemon.json").write_text(told)

    assert "50K-101" in watch("--once", "--data", tmp_path).stdout


def test_another_guard_on_its_port_is_not_taken_for_it(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(run="cd" * 16)
    told = f'{{"host": "127.0.0.1", "port": {served.port}, "pid": 1, "run": "{"ab" * 16}"}}'
    (tmp_path / "daemon.json").write_text(told)
    result = watch("--once", "--data", tmp_path)

    assert result.exit_code == 1
    assert "another guard answers" in result.stderr
    assert "50K-101" not in result.stdout


def test_without_a_daemon_it_says_what_to_do(tmp_path: Path) -> None:
    result = watch("--data", tmp_path)

    assert result.exit_code == 1
    assert f"no daemon runs on {tmp_path}" in result.stderr
    assert "risk-actors run" in result.stderr


def test_a_port_where_nobody_answers_ends_it(serve: Callable[..., Served]) -> None:
    served = serve()
    served.server.stop()
    result = watch("--once", "--port", str(served.port))

    assert result.exit_code == 1
    assert f"no daemon answers on port {served.port}" in result.stderr


def test_a_token_comes_from_a_file_or_the_environment(
    serve: Callable[..., Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(serve(token=TOKEN).port)
    file, data_dir = tmp_path / "token", tmp_path / "data"
    file.write_text(TOKEN)
    file.chmod(0o600)
    data_dir.mkdir()
    (data_dir / "daemon.json").write_text(f'{{"host": "127.0.0.1", "port": {port}, "pid": 1}}')

    refused = watch("--once", "--port", port)
    assert refused.exit_code == 1
    assert "a token is needed" in refused.stderr
    assert watch("--once", "--port", port, "--token-file", file).exit_code == 0
    assert watch("--once", "--data", data_dir, "--token-file", file).exit_code == 0
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert watch("--once", "--port", port).exit_code == 0


def test_a_token_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    result = watch("--once", "--port", "1", "--token-file", tmp_path / "none")

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", "http://127.0.0.1:1", "--port", "1"),
        ("--url", "https://127.0.0.1:1"),
        ("--url", "http://127.0.0.1:none"),
        ("--url", "http://:8787"),
        ("--port", "0"),
    ],
)
def test_what_is_no_address_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    assert watch("--once", *arguments).exit_code == 2


def test_the_page_lists_the_keys_as_the_help_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, re.MULTILINE)

    assert listed == list(KEYS)


def test_help_brings_nothing_heavy() -> None:
    code = (
        "import sys; from risk_actors.cli.main import main;"
        " main(['watch', '--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert "--token-file" in done.stdout
    assert not {"textual", "rich", "aiohttp", "msgspec"} & set(done.stdout.split())
