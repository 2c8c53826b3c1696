"""Look from outside whether the daemon lives and is well; run a command when it is not.

    python tools/watch_heartbeat.py [--data DIR] [--max-age SECONDS] [-- COMMAND ...]

Exit codes: 0 it is well, 1 it is not (the command, if any, was run), 2 no daemon runs there: it was
stopped in order, or never started. In the command `{pid}` is the process that gave the last sign of
life (0 if that is not known). Standard library only; made for a scheduled task.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

OK, ILL, NOT_RUNNING = 0, 1, 2
HEARTBEAT_FILE = "heartbeat.json"


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--max-age", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("command", nargs="*", help="what to run when it is not well")
    asked = parser.parse_args(arguments)
    path = asked.data / HEARTBEAT_FILE
    code, sentence, pid = judge(path, asked.max_age, time.time())
    print(sentence)
    if code == ILL and asked.command:
        subprocess.run([word.replace("{pid}", str(pid)) for word in asked.command], check=False)
    return code


def judge(path: Path, max_age_s: float, now_s: float) -> tuple[int, str, int]:
    """Return the exit code, why in a sentence, and whose sign of life it is."""
    try:
        age_s = now_s - path.stat().st_mtime
        told = json.loads(path.read_text(encoding="utf-8"))
        pid = int(told["pid"])
    except FileNotFoundError:
        return NOT_RUNNING, f"no daemon runs here: {path} is not there", 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        return ILL, f"{path} cannot be read: {error}", 0
    # A clock that was set back makes a file from the future, which says nothing.
    if abs(age_s) > max_age_s:
        return ILL, f"no sign of life for {age_s:.0f} s; it was process {pid}", pid
    if not told.get("healthy"):
        return ILL, f"not healthy: {'; '.join(told.get('wrong', ()))}", pid
    armed = "armed" if told.get("armed") else "NOT ARMED"
    return OK, f"well: {told.get('mode')}, {armed}, phase {told.get('phase')}", pid


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
