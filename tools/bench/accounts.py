"""How the answer to a breach and the memory grow with the accounts of one process.

Each number of accounts runs in a process of its own, one after another, in every round anew, so
that neither the memory of one nor the weather of the machine counts for another.

    python -m bench.accounts NUMBER   (what is run for each: prints JSON)
"""

import json
import subprocess
import sys
from time import monotonic, process_time, sleep

from risk_actors.runtime import interpreter

from .figures import Figure, Part, Terms, median, percentile
from .parts import ROOT, tools_environment
from .rig import Rig
from .storm import _memory_mib

NUMBERS = (1, 10, 100, 500)
QUOTES_PER_S = 500
BREACHES = 60
RATIO = 2.0
MIB_PER_ACCOUNT = 1.0
SETTLED_WITHIN_S = 60.0
RESTS_S = 1.0


def run(terms: Terms) -> Part:
    """Measure."""
    rounds = 1 if terms.is_quick else min(terms.rounds, 2)
    numbers = (1, 100) if terms.is_quick else NUMBERS
    found = {number: [_in_a_process(number) for _ in range(1)] for number in numbers}
    for _ in range(rounds - 1):
        for number in numbers:
            found[number].append(_in_a_process(number))
    medians = {number: median([each["median_us"] for each in found[number]]) for number in numbers}
    most, least = max(numbers), min(numbers)
    per_account = (found[most][0]["memory_mib"] - found[least][0]["memory_mib"]) / (most - least)
    busy = median([each["busy"] for each in found[most]])
    told = ", ".join(f"{number}: {us:.0f} us" for number, us in medians.items())
    return Part(
        "accounts",
        (
            Figure(
                f"breach to command, {most} accounts / {least}, median",
                medians[most] / medians[least],
                "x",
                RATIO,
                note=told,
            ),
            Figure(
                f"breach to command, {most} accounts, p99",
                median([each["p99_us"] for each in found[most]]),
                "us",
                note=f"{median([each['p99_us'] for each in found[least]]):.0f} us with {least};"
                f" all settled {median([each['started_s'] for each in found[most]]):.1f} s after"
                " the start",
            ),
            Figure(
                "memory for each account",
                per_account,
                "MiB",
                MIB_PER_ACCOUNT,
                note=f"{found[most][0]['memory_mib']:.0f} MiB with {most}",
            ),
            Figure(
                f"one core's time at rest, {most} accounts",
                100 * busy,
                "%",
                note=f"with {QUOTES_PER_S} quotes a second and no position; one process ends where "
                "this nears 100",
            ),
        ),
        {str(number): each for number, each in found.items()},
    )


def _in_a_process(number: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.accounts", str(number)]
    done = subprocess.run(
        command, cwd=ROOT, env=tools_environment(), capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(number: int) -> dict[str, float]:
    """Return what this many accounts cost."""
    interpreter.share_out()
    began_s = monotonic()
    with Rig(number) as rig:
        _settle(rig)
        started_s = monotonic() - began_s
        interpreter.settle()
        with rig.flood(QUOTES_PER_S):
            sleep(RESTS_S)
            began_s, busy_s = monotonic(), process_time()
            sleep(RESTS_S)
            busy = (process_time() - busy_s) / (monotonic() - began_s)
            for _ in range(10):
                rig.breach(1)
            took_us = [rig.breach(1) for _ in range(BREACHES)]
        memory_mib = _memory_mib()
    return {
        "median_us": median(took_us),
        "p99_us": percentile(took_us, 0.99),
        "memory_mib": memory_mib,
        "busy": busy,
        "started_s": started_s,
    }


def _settle(rig: Rig) -> None:
    """Wait until what the start brought has been worked off."""
    until_s, quiet = monotonic() + SETTLED_WITHIN_S, 0
    while quiet < 5 and monotonic() < until_s:  # noqa: PLR2004 - half a second
        waiting = sum(each.depth for each in rig.supervisor.stats())
        quiet = quiet + 1 if waiting < 50 else 0  # noqa: PLR2004 - but for a tick's
        sleep(0.1)


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
