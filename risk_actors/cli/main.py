"""The command `risk-actors`: one file per command or small group of them.

A command imports what it needs when it runs, so that `--help` answers at once.
"""

import sys

import click

from risk_actors import __version__
from risk_actors.cli.admin import admin
from risk_actors.cli.alerts import alerts
from risk_actors.cli.arm import arm, disarm
from risk_actors.cli.audit import audit
from risk_actors.cli.chaos import chaos
from risk_actors.cli.check import check
from risk_actors.cli.doctor import doctor
from risk_actors.cli.fuzz import fuzz
from risk_actors.cli.init import init
from risk_actors.cli.locks import locks
from risk_actors.cli.panic import panic
from risk_actors.cli.replay import replay
from risk_actors.cli.run import run
from risk_actors.cli.service import service
from risk_actors.cli.show import rules, status
from risk_actors.cli.simulate import simulate
from risk_actors.cli.topology import topology
from risk_actors.cli.unlock import unlock
from risk_actors.cli.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="risk-actors")
def main() -> None:
    """Guard futures accounts on the ProjectX Gateway: cancel, flatten and lock when a rule breaks.

    Exit codes: 0 ended well, 1 fault, 2 wrong usage or settings, 3 gateway not reached or login
    refused, 4 another instance runs on this data directory.
    """
    _speak_utf8()


def _speak_utf8() -> None:
    """Make any console or pipe take our signs; a sign it cannot show must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


for command in (
    run,
    check,
    doctor,
    init,
    service,
    topology,
    status,
    watch,
    rules,
    locks,
    audit,
    replay,
    simulate,
    fuzz,
    chaos,
    panic,
    unlock,
    arm,
    disarm,
    alerts,
    admin,
):
    main.add_command(command)
