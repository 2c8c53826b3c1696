from pathlib import Path

import msgspec
import pytest

from risk_actors import messages as m
from risk_actors.actors.record import Batch
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.store.rule_states import read_rule_states
from risk_actors.store.schema import migrate
from tests.actors.facts import say
from tests.store.kept import journal_of


class High(msgspec.Struct, frozen=True):
    """A high-water mark."""

    usd: str


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    migrate(tmp_path)
    return tmp_path


def change(usd: str, *, rule_id: str = "trail", account_id: int = 1) -> m.RuleStateChanged:
    return say(
        m.RuleStateChanged,
        rule_id=rule_id,
        rule_type="trailing_drawdown",
        account_id=account_id,
        memory=RuleMemory(state=High(usd), warned_day_ns=9, warned={"": 0.5}),
    )


def test_the_newest_memory_of_each_account_is_kept(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    journal.write(Batch(memories=[change("1"), change("5", account_id=2)]))
    journal.write(Batch(memories=[change("2"), change("7", rule_id="other")]))
    journal.close()

    stored = read_rule_states(data_dir)

    trail = stored["trail", "trailing_drawdown"]
    assert msgspec.json.decode(trail[1]) == {
        "state": {"usd": "2"},
        "warned_day_ns": 9,
        "warned": {"": 0.5},
        "reported": None,
        "reported_ns": 0,
        "reported_mode": "",
        "is_done": False,
    }
    assert sorted(trail) == [1, 2]
    assert sorted(stored) == [("other", "trailing_drawdown"), ("trail", "trailing_drawdown")]


def test_a_memory_that_cannot_be_stored_holds_up_no_other(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    unwritable = say(
        m.RuleStateChanged,
        rule_id="trail",
        rule_type="trailing_drawdown",
        account_id=1,
        memory=RuleMemory(state=object()),
    )
    journal.write(Batch(memories=[change("1", rule_id="first"), unwritable]))
    journal.close()

    assert {rule_id for rule_id, _ in read_rule_states(data_dir)} == {"first"}
