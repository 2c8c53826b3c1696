"""`make smoke` tells a daemon that comes up from one that fails and from one that stalls."""

import sys
from pathlib import Path

import pytest

from tests.tools.conftest import RunTool

pytestmark = pytest.mark.real_time

BEGIN = """
import http.server, json, pathlib, signal, sys, threading, time

def say(*lines):
    for line in lines:
        print(line, flush=True)

def serve(phase, ends_with=0):
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"phase": phase}).encode())
        def log_message(self, *_):
            pass
    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told = {"host": "127.0.0.1", "port": server.server_port}
    (pathlib.Path(sys.argv[1]) / "daemon.json").write_text(json.dumps(told))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ends_with))
    while True:
        time.sleep(0.05)

FIVE = (
    "10:00:00 INFO     🚀 Service Start: risk_actors",
    "10:00:00 INFO     ✅ Config Loaded: 5 rules",
    "10:00:00 INFO     ✅ SDK Connected: 50K",
    "10:00:00 INFO     ✅ Rules Initialized: size",
    "10:00:00 INFO     ✅ Event Loop Running",
)
EVENT = "10:00:00 INFO     📨 Event Received: AccountSnapshot"
"""


@pytest.mark.parametrize(
    ("life", "code", "words"),
    [
        ("say(*FIVE, EVENT); serve('armed')", 0, "ended in order"),
        ("say(*FIVE); serve('armed')", 2, "STALLED: no event within 1.5 s"),
        ("serve('armed')", 2, "seen: -"),
        ("say(*FIVE[:2]); sys.exit('no route to the broker')", 1, "no route to the broker"),
        ("say(*FIVE[:2]); sys.exit(3)", 1, "ended by itself with code 3"),
        ("say(*FIVE[:4], EVENT, FIVE[4]); serve('armed')", 1, "Event Loop Running"),
        ("say(*FIVE[1:], EVENT); serve('armed')", 1, "did not come: 🚀 Service Start"),
        ("say(*FIVE, EVENT); serve('armed', 1)", 1, "ended with code 1 after SIGTERM"),
    ],
)
def test_each_way_to_come_up_or_not_has_its_exit_code(
    run_tool: RunTool, tmp_path: Path, life: str, code: int, words: str
) -> None:
    script = tmp_path / "daemon.py"
    script.write_text(f"{BEGIN}\n{life}\n", encoding="utf-8")

    done = run_tool("smoke", "--within", "1.5", "--", sys.executable, script, "{data}")

    assert (done.returncode, words in done.stdout) == (code, True), done.stdout + done.stderr


def test_a_daemon_that_is_never_armed_fails(run_tool: RunTool, tmp_path: Path) -> None:
    script = tmp_path / "daemon.py"
    script.write_text(f"{BEGIN}\nsay(*FIVE, EVENT); serve('degraded')\n", encoding="utf-8")

    done = run_tool(
        "smoke", "--within", "1.5", "--armed-within", "0.5", "--", sys.executable, script, "{data}"
    )

    assert done.returncode == 1
    assert "the phase is degraded, not armed" in done.stdout


@pytest.mark.system
def test_the_daemon_itself_comes_up(run_tool: RunTool) -> None:
    done = run_tool("smoke", "--within", "30")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "📨 Event Received" in done.stdout
