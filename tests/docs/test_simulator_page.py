"""What the pages on the simulator tell one to type, typed."""

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
FAULTS = (DOCS / "faults.md").read_text(encoding="utf-8")
PAGE = (DOCS / "simulator.md").read_text(encoding="utf-8")
WITHIN_S = 20.0


@pytest.fixture
def told(tmp_path: Path) -> Generator[list[str]]:
    """Return what `simulate --control` prints, while it runs on a free port."""
    ours = {**os.environ, "PYTHONUTF8": "1"}
    words = [sys.executable, "-m", "risk_actors", "simulate"]
    words += ["--settings", str(tmp_path), "--port", "0", "--trader", "none", "--control"]
    with subprocess.Popen(words, env=ours, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        lines = []
        for line in simulator.stdout:
            lines.append(line.strip())
            if line.startswith("Faults: "):
                break
        yield lines
        simulator.terminate()
        assert simulator.wait(WITHIN_S) == 0


def port_of(lines: list[str]) -> int:
    (port,) = re.findall(r"127\.0\.0\.1:(\d+)/api", lines[0])
    return int(port)


@pytest.mark.system
def test_the_lines_to_copy_are_those_of_the_page(told: list[str]) -> None:
    port = port_of(told)
    (block,) = (
        block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "export" in block
    )

    wanted = block.replace(":8788", f":{port}").strip().splitlines()

    printed = [line.replace("set PROJECT", "export PROJECT") for line in told]
    assert [line for line in printed if line in wanted] == wanted
    assert "risk-actors arm --data data-simulated" in printed


@pytest.mark.system
def test_the_curls_of_the_page_on_faults_work(told: list[str]) -> None:
    port = port_of(told)
    curls = re.findall(r"^curl (.*)$", FAULTS, re.MULTILINE)
    answers = [ask(port, *shlex.split(curl)) for curl in curls if "refuse_connections" not in curl]

    hub_down, report, clear = answers
    assert hub_down == {"ok": True, "ids": [1]}
    assert [row["fault"]["kind"] for row in report["due"]] == ["hub_down"]
    assert clear == {"ok": True, "ids": []}
    (deaf,) = (curl for curl in curls if "refuse_connections" in curl)
    assert ask(port, *shlex.split(deaf)) == {"ok": True, "ids": [2]}
    with pytest.raises(OSError):
        ask(port, "http://127.0.0.1:8788/control/faults")


def ask(port: int, *words: str) -> dict[str, Any]:
    """Do what curl does with these words, on another port."""
    body = words[1] if words[0] == "-d" else None
    assert words[-1] == "http://127.0.0.1:8788/control/faults"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WITHIN_S)) as open_:
        open_.request("GET" if body is None else "POST", "/control/faults", body)
        answer = open_.getresponse()
        assert answer.status == 200
        told: dict[str, Any] = json.loads(answer.read())
    return told
