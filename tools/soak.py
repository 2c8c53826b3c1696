"""Run the daemon under load for a while, and see that nothing grows.

    python tools/soak.py [--seconds N | --minutes N] [--warm-up SECONDS] [--weather] [--out FILE]

A simulated gateway with a busy trader and many quotes runs in this process, the daemon beside it in
its own, over real sockets. Sampled twice a second: memory, threads and file handles of the daemon
(from /proc; elsewhere memory alone, from `ps`) and what waits in its mailboxes. What comes before
the warm-up is over (a third of the time, at most 120 s) does not count. Exit codes: 0 steady, 1 a
figure grew (it is named) or the daemon failed, 2 wrong usage (9 s is the least). Thresholds:
tools/soak_judge.py.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from soak_judge import Sample, judge
from tool_arguments import seconds as length
from watched_process import EndedError, WatchedProcess, run_command

from risk_actors.simulator import SimulatorSettings, SimulatorThread, paper_accounts
from risk_actors.simulator.settings import TraderSettings
from risk_actors.simulator.weather import changeable

SECONDS = 60.0
SEED = 11
SAMPLE_EVERY_S = 0.5
LONGEST_WARM_UP_S = 120.0
LEAST_S = 6.0
"""Shorter than this, a figure that grows cannot be told from noise."""
UP_WITHIN_S = 30.0
LAST_LINES = 20

RULES = """
[[rules]]
id = "held"
type = "position_hold_time"
max_s = 1

[[rules]]
id = "stop"
type = "stop_required"
mode = "shadow"
grace_s = 1

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 1000000

[[rules]]
id = "pace"
type = "rapid_fire"
mode = "shadow"
max_entries = 5
window_s = 10
"""
"""One is broken again and again and enforced; none locks, for then the trader would give up."""


class SoakFailed(Exception):  # noqa: N818 - it is a verdict
    """The daemon did not do what it has to; the text says what."""


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=length, default=SECONDS)
    parser.add_argument("--minutes", type=length, help="in place of seconds")
    parser.add_argument("--warm-up", type=length, help="seconds that do not count")
    parser.add_argument("--weather", action="store_true", help="with faults of the broker")
    parser.add_argument("--out", type=Path, help="where the samples are written, as JSON")
    asked = parser.parse_args(arguments)
    seconds = asked.seconds if asked.minutes is None else 60 * asked.minutes
    warm_up_s = asked.warm_up
    if warm_up_s is None:
        warm_up_s = min(seconds / 3, LONGEST_WARM_UP_S)
    if seconds - warm_up_s < LEAST_S:
        parser.error(
            f"{seconds:g} s with a warm-up of {warm_up_s:g} s leave too little to judge: at least"
            f" {LEAST_S:g} s must be left, so {1.5 * LEAST_S:g} s without --warm-up"
        )
    try:
        samples = soak(seconds, weather=asked.weather)
        if asked.out is not None:
            asked.out.write_text(json.dumps([sample._asdict() for sample in samples]))
        counted = [sample for sample in samples if sample.at_s >= warm_up_s]
        growths = judge(counted)
    except (SoakFailed, EndedError, ValueError) as error:
        print(f"FAILED: {error}")
        return 1
    print(f"After a warm-up of {warm_up_s:.0f} s, {len(counted)} samples:")
    for growth in growths:
        print(growth.sentence())
    grown = [growth.allowance.figure for growth in growths if growth.has_grown]
    print(f"FAILED, these grew: {', '.join(grown)}" if grown else "Steady")
    return 1 if grown else 0


def soak(seconds: float, *, weather: bool) -> list[Sample]:
    """Run the daemon under load; return what was sampled.

    Raises:
        SoakFailed: it did not come up, did not do its work, or did not end in order.
        EndedError: it ended by itself.
    """
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="risk-soak-")))
        simulator = stack.enter_context(SimulatorThread(_simulator(weather=weather)))
        (directory / "risk.toml").write_text(RULES, encoding="utf-8")
        (directory / "app.toml").write_text("armed = true\n", encoding="utf-8")
        command = run_command(directory, directory / "data", "--live")
        daemon = stack.enter_context(
            WatchedProcess(command, directory / "data", simulator.environment)
        )
        try:
            if not daemon.wait_for(lambda: _phase(daemon) == "armed", UP_WITHIN_S):
                raise SoakFailed(f"it was not armed within {UP_WITHIN_S:.0f} s")  # noqa: TRY301
            samples = _sample(daemon, seconds)
            _check_work(simulator, daemon)
        except (SoakFailed, EndedError):
            print("\n".join(("Its last lines:", *daemon.lines[-LAST_LINES:])))
            raise
        return samples


def _simulator(*, weather: bool) -> SimulatorSettings:
    """Return a gateway with fifty quotes a second for each contract, a trader who never rests."""
    accounts = paper_accounts(2)
    return SimulatorSettings(
        accounts=accounts,
        quote_interval_s=0.02,
        seed=SEED,
        weather=changeable(SEED) if weather else None,
        trader=TraderSettings(
            character="overtrading", account_id=accounts[0].id, pace=3.0, start_after_s=1.0
        ),
    )


def _sample(daemon: WatchedProcess, seconds: float) -> list[Sample]:
    began_s, samples = time.monotonic(), []
    while (at_s := time.monotonic() - began_s) < seconds:
        topology = daemon.get("/api/topology")
        if daemon.process.poll() is not None:
            raise EndedError(f"it ended by itself with code {daemon.process.returncode}")
        if topology is not None:
            depth = sum(actor.get("mailbox_depth", 0) for actor in topology["actors"])
            samples.append(Sample(at_s, *_figures(daemon.process.pid), depth))
        if len(samples) % 20 == 1:
            print(_line(samples[-1]), flush=True)
        time.sleep(max(0.0, SAMPLE_EVERY_S - (time.monotonic() - began_s - at_s)))
    return samples


def _line(sample: Sample) -> str:
    return (
        f"{sample.at_s:6.1f} s  {sample.memory_mb:7.1f} MB  {sample.threads:3.0f} threads"
        f"  {sample.handles:3.0f} handles  {sample.mailbox_depth:4.0f} waiting"
    )


def _figures(pid: int) -> tuple[float, float, float]:
    """Return memory in MB, threads and file handles of a process; 0 for what cannot be told."""
    proc = Path("/proc") / str(pid)
    if proc.is_dir():
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text("utf-8").splitlines()
        )
        memory_kb, threads = int(status["VmRSS"].split()[0]), int(status["Threads"])
        return memory_kb / 1024, threads, len(list((proc / "fd").iterdir()))
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=True,
    )
    return int(told.stdout) / 1024, 0, 0


def _check_work(simulator: SimulatorThread, daemon: WatchedProcess) -> None:
    """Raise unless there was something to do and it was done: an idle daemon never grows."""
    closes = len(simulator.requests("Position/partialCloseContract"))
    closes += len(simulator.requests("Position/closeContract"))
    topology = daemon.get("/api/topology") or {"actors": []}
    handled = sum(actor.get("handled", 0) for actor in topology["actors"])
    print(f"{handled} messages handled, {closes} closes sent")
    if not closes:
        raise SoakFailed("the trader broke no rule, so this was no load")
    code = daemon.stop()
    if code != 0:
        raise SoakFailed(f"after SIGTERM it ended with code {code}")


def _phase(daemon: WatchedProcess) -> str | None:
    state = daemon.get("/api/state")
    return None if state is None else str(state["phase"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
