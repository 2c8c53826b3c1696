"""How each command that the pages tell is tried: the one table of those that are not simply run.

A command of ours (`risk-actors ...`) that does not stand here is run as it is told, in a directory
with settings and a running paper daemon, and must end with code 0. Whatever else a page tells has
to be declared, with the reason.
"""

import re
from enum import Enum
from typing import NamedTuple


class How(Enum):
    """What is done with a command instead of running it."""

    INSTEAD = "another command is run that shows the same"
    ENDS_WITH = "it is run, and ends with the code that the page says"
    DAEMON = "it never ends: the daemon is started with it that all others ask"
    PARSED = "its words are read by the command line, and nothing is done"
    MAKE = "`make -n`: the target is there, and what it starts is there"
    BOOTSTRAP = "the command of tools/bootstrap.py is there"
    FILE = "the file that it starts is there"
    ELSEWHERE = "another test runs it"
    SHELL = "it is run by a shell"
    NOT_HERE = "it belongs to another system, and is not run"


class Way(NamedTuple):
    """How one command is tried, and why not as it stands."""

    how: How
    why: str
    detail: str = ""
    """The other command, the test, or the exit code."""


def _help(command: str, why: str) -> Way:
    return Way(How.INSTEAD, why, f"{command} --help")


_CURLS = "tests/docs/test_simulator_page.py::test_the_curls_of_the_page_on_faults_work"
_COPIED = "tests/docs/test_simulator_page.py::test_the_lines_to_copy_are_those_of_the_page"
_NEVER_ENDS = "never ends"
_GROUP = "the name of several commands, each of which has a page"

WAYS = {
    "risk-actors run": Way(How.DAEMON, _NEVER_ENDS),
    "risk-actors run --paper --data data-again": Way(How.DAEMON, _NEVER_ENDS),
    "risk-actors run --live --data data-simulated": Way(
        How.PARSED, "never ends; every test in tests/system runs a daemon like that"
    ),
    "risk-actors alerts": _help("risk-actors alerts", _GROUP),
    "risk-actors admin": _help("risk-actors admin", _GROUP),
    "risk-actors service": _help("risk-actors service", _GROUP),
    "risk-actors service install": Way(How.PARSED, "would set up this machine's own service"),
    "risk-actors simulate": Way(
        How.ELSEWHERE,
        _NEVER_ENDS,
        "tests/docs/test_simulator_page.py::test_the_lines_to_copy_are_those_of_the_page",
    ),
    "risk-actors simulate --scenario tests/scenarios/003_daily_loss_limit.toml": Way(
        How.ELSEWHERE,
        "takes ten seconds; the file itself is played by tests/system/test_scenarios.py",
        "tests/cli/test_simulate.py::test_a_scenario_is_shown_while_it_is_played",
    ),
    "risk-actors simulate --trader none": Way(How.ELSEWHERE, _NEVER_ENDS, _COPIED),
    "risk-actors init": Way(How.INSTEAD, "asks", "risk-actors init --settings some --yes"),
    "risk-actors init --settings my-settings": Way(
        How.INSTEAD, "asks", "risk-actors init --settings my-settings --yes"
    ),
    "risk-actors chaos": Way(How.ENDS_WITH, "wants to know which", "2"),
    "risk-actors chaos user_hub_dies": Way(How.PARSED, "takes half a minute"),
    "risk-actors chaos --all": Way(How.PARSED, "takes five minutes"),
    "risk-actors chaos my_own.toml": Way(How.PARSED, "the reader's own file"),
    "risk-actors fuzz": Way(How.INSTEAD, "takes minutes", "risk-actors fuzz --seeds 2"),
    "risk-actors fuzz --seeds 100": Way(How.PARSED, "takes a minute"),
    "risk-actors fuzz --seeds 1000 --jobs 2": Way(How.PARSED, "takes a quarter of an hour"),
    "risk-actors fuzz --from 5000 --seeds 1000": Way(How.PARSED, "takes half an hour"),
    "risk-actors fuzz --seeds 1000 --save found": Way(How.PARSED, "takes half an hour"),
    "risk-actors fuzz --day found/day-5352-I3.json": Way(How.PARSED, "needs a day that failed"),
    "risk-actors panic": Way(How.INSTEAD, "asks on a terminal", "risk-actors panic --yes"),
    "risk-actors unlock": Way(How.ENDS_WITH, "wants the number of a lock", "2"),
    'risk-actors unlock 1 --reason "I know what I am doing"': Way(
        How.ENDS_WITH, "is refused, as the page says", "1"
    ),
    "risk-actors disarm": Way(How.ENDS_WITH, "wants a reason", "2"),
    'python -c "import secrets; print(secrets.token_urlsafe(32))" > settings/web.token': Way(
        How.SHELL, "no command of ours"
    ),
    "chmod 600 settings/web.token": Way(How.SHELL, "no command of ours"),
    "chmod 600 .env": Way(How.SHELL, "no command of ours"),
}
"""By command, as the page has it without its comment."""

_OF_WINDOWS = "Windows"
FAMILIES = (
    (
        re.compile(r"risk-actors watch\b(?!.*--once)"),
        Way(How.PARSED, "shows a screen until it is ended; its own tests drive it on a terminal"),
    ),
    (re.compile(r"(\w+=\S+ )?make\b"), Way(How.MAKE, "the whole suite, or minutes of measuring")),
    (re.compile(r"py -3\.12 "), Way(How.BOOTSTRAP, _OF_WINDOWS)),
    (
        re.compile(r"(\.venv/bin/)?python (-m )?tools[./]"),
        Way(How.FILE, "its owner's tests run it"),
    ),
    (re.compile(r"curl .*/control/faults"), Way(How.ELSEWHERE, "no daemon's", _CURLS)),
    (re.compile(r"export PROJECT"), Way(How.ELSEWHERE, "for a shell that lasts", _COPIED)),
    (re.compile(r"(systemctl|loginctl|journalctl) "), Way(How.NOT_HERE, "sets up this machine")),
    (re.compile(r"\* \* \* \* \* "), Way(How.NOT_HERE, "a line for cron")),
    (re.compile(r"schtasks |cd /d |\.venv\\|if not \"|start \""), Way(How.NOT_HERE, _OF_WINDOWS)),
    (re.compile(r"git |pre-commit "), Way(How.NOT_HERE, "would change this repository")),
    (re.compile(r"\. \.venv/"), Way(How.NOT_HERE, "for a shell that lasts")),
    (re.compile(r"uv pip compile "), Way(How.NOT_HERE, "asks a package index")),
)
"""Commands that are all tried in one way, by how they begin."""
