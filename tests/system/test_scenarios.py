"""Every scenario file: on a virtual clock, over sockets where it is short, and without its rule.

One is played alone with, for example:
    pytest tests/system/test_scenarios.py -k 003_daily_loss_limit
"""

import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from memory_broker import Broker
from scenario_world import MemoryStage

from risk_actors.app import assembly
from risk_actors.cli.simulate_stage import SocketStage, begin, broker_of
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.rules import catalogue
from risk_actors.simulator.scenario import RISK_FILE
from risk_actors.simulator.scenario_load import load_scenario
from risk_actors.simulator.scenario_play import play
from risk_actors.simulator.scenario_referee import Failure
from risk_actors.simulator.scenario_script import Script
from risk_actors.store.locks import SqliteLockStore

pytestmark = pytest.mark.no_cover  # its days take four times as long while coverage looks on

SCENARIOS = Path(__file__).parents[1] / "scenarios"
AT_A_TIME = 3
"""How many scenarios are played over sockets beside each other."""
_OWN_RULE = re.compile(r'^type = "(?P<type>\w+)"$', re.MULTILINE)


def rule_types(path: Path) -> set[str]:
    """Return the types of the rules that a scenario sets."""
    risk = tomllib.loads(path.read_text(encoding="utf-8"))["settings"][RISK_FILE]
    return set(_OWN_RULE.findall(risk))


PLAYABLE = [
    path for path in sorted(SCENARIOS.glob("*.toml")) if rule_types(path) <= set(catalogue())
]
"""A scenario may be written ahead of its rule; it is played once the rule is there."""
RAW = {path: tomllib.loads(path.read_text(encoding="utf-8")) for path in PLAYABLE}
ON_A_VIRTUAL_CLOCK = [path for path in PLAYABLE if RAW[path].get("virtual", True)]
IN_REAL_TIME = [path for path in PLAYABLE if RAW[path].get("sockets", False)]
OF_A_RULE = [path for path in PLAYABLE if "rule" in RAW[path]]


def name(path: Path) -> str:
    return path.stem


def played(script: Script, directory: Path, seed: int | None = None) -> list[Failure]:
    directory.mkdir(exist_ok=True)
    with MemoryStage(script, directory, seed=seed) as stage:
        return play(script, stage)


def without_rule(script: Script) -> Script:
    """Return the script with every rule of its type switched off."""
    scenario = script.scenario
    risk = re.sub(r'^mode = "\w+"\n', "", scenario.settings[RISK_FILE], flags=re.MULTILINE)
    off = risk.replace(f'type = "{scenario.rule}"', f'type = "{scenario.rule}"\nmode = "off"')
    assert off != risk
    settings = {**scenario.settings, RISK_FILE: off}
    return msgspec.structs.replace(
        script, scenario=msgspec.structs.replace(scenario, settings=settings)
    )


# Weeks of simulated time: what it goes through others cover, and it takes a while.
@pytest.mark.no_cover
@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", ON_A_VIRTUAL_CLOCK, ids=name)
def test_everything_comes_as_expected_on_a_virtual_clock(path: Path, tmp_path: Path) -> None:
    assert list(map(str, played(load_scenario(path), tmp_path))) == []


@pytest.mark.no_cover
@pytest.mark.parametrize("path", ON_A_VIRTUAL_CLOCK, ids=name)
def test_the_order_of_messages_makes_no_difference(path: Path, tmp_path: Path) -> None:
    """Another seed: other delays, another order of a fill's events, another actor first."""
    script = load_scenario(path)

    for seed in (101, 102):
        assert list(map(str, played(script, tmp_path / str(seed), seed))) == []


@pytest.mark.no_cover
@pytest.mark.parametrize("path", OF_A_RULE, ids=name)
def test_nothing_of_it_comes_without_the_rule(path: Path, tmp_path: Path) -> None:
    assert played(without_rule(load_scenario(path)), tmp_path)


@pytest.mark.parametrize(
    ("name_of_file", "owner", "name_of_memory", "forgotten"),
    [
        ("restart_lock", SqliteLockStore, "restored", lambda _store, *_at: RestoredLocks()),
        ("restart_high_water", assembly, "restore_memories", lambda _directory, _rules: {}),
    ],
)
def test_a_guard_that_forgets_is_caught(
    name_of_file: str,
    owner: object,
    name_of_memory: str,
    forgotten: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I5. Without the broker's bars, from which even a forgotten peak would be known again."""
    monkeypatch.setattr(owner, name_of_memory, forgotten)
    monkeypatch.setattr(Broker, "_bars_of", lambda _broker, _wanted: None)

    assert played(load_scenario(SCENARIOS / f"{name_of_file}.toml"), tmp_path)


def played_over_sockets(path: Path, directory: Path) -> tuple[list[Failure], str]:
    """Play in real time with a daemon process; return what failed and what the daemon printed."""
    directory.mkdir()
    script = load_scenario(path)
    with broker_of(script) as sim, ExitStack() as stack:
        script, guard = begin(script, sim, directory)
        stack.enter_context(guard)
        return play(script, SocketStage(script, sim, guard)), guard.log()


@pytest.fixture(scope="module")
def over_sockets(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Future[tuple[list[Failure], str]]]]:
    """Play all that were asked for, some at a time: most of the time they only wait.

    So they are a group, which stays together when the tests are shared out among processes.
    """
    wanted: list[Path] = [
        Path(str(item.callspec.params["path"]))
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == test_everything_comes_as_expected_over_sockets.__name__
    ]
    directory = tmp_path_factory.mktemp("over_sockets")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {
            path: pool.submit(played_over_sockets, path, directory / path.stem) for path in wanted
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.system
@pytest.mark.xdist_group("scenarios over sockets")
@pytest.mark.parametrize("path", IN_REAL_TIME, ids=name)
def test_everything_comes_as_expected_over_sockets(
    path: Path, over_sockets: dict[Path, Future[tuple[list[Failure], str]]]
) -> None:
    failures, log = over_sockets[path].result()

    assert list(map(str, failures)) == [], log


@pytest.mark.parametrize("path", OF_A_RULE, ids=name)
def test_a_rules_file_is_called_after_it(path: Path) -> None:
    number, _, rest = path.stem.partition("_")

    assert rest.startswith(RAW[path]["rule"])
    assert int(number) == catalogue()[RAW[path]["rule"]].number


@pytest.mark.parametrize("over_sockets", [False, True])
def test_every_rule_has_a_scenario(*, over_sockets: bool) -> None:
    paths = IN_REAL_TIME if over_sockets else PLAYABLE

    assert set(catalogue()) - {RAW[path].get("rule") for path in paths} == set()
