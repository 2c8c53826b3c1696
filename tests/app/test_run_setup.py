"""What a run begins from is kept whole, and the actors of a replay are made of the same."""

from decimal import Decimal
from pathlib import Path

import pytest

from risk_actors.actors.picture import Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.replay_actors import ReplayedActors
from risk_actors.app.replay_compare import Comparison
from risk_actors.app.rule_context import make_rule, rule_context
from risk_actors.app.run_setup import (
    Edges,
    RunSetup,
    blueprint_of,
    calendar_of,
    decode_setup,
    locks_of,
    read_locks,
    setup_of,
)
from risk_actors.app.settings import Settings
from risk_actors.app.settings_load import load_settings
from risk_actors.app.system import Blueprint
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.last_run import LastRun
from risk_actors.core.lock import EndedBy, Lock, LockSpan
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.schema import migrate

NOON = 1_794_938_400 * NS_PER_S


def lock(lock_id: int, until_s: int | None) -> Lock:
    return Lock(
        id=lock_id,
        account_id=101,
        contract_id=None,
        rule_id="cool",
        since_ns=NOON - 60 * NS_PER_S,
        until_ns=None if until_s is None else NOON + until_s * NS_PER_S,
        evidence=Evidence(
            template="{pnl:usd} {symbol} {at:time}",
            figures={"pnl": Decimal("-1.50"), "symbol": "1.50", "at": NOON},
        ),
        correlation_id="a-1",
        kept=(("CON.F.US.MNQ.Z26", -2),),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Every rule there is, as in its example."""
    text = "\n".join(map(example_of, sorted(catalogue())))
    (tmp_path / "risk.toml").write_text(text, encoding="utf-8")
    return load_settings(tmp_path)


def made_of(settings: Settings) -> Blueprint:
    context = rule_context(settings)
    rules = [make_rule(rule, context) for rule in settings.rules]
    memories = {
        (rule.settings.id, 101): RuleMemory(
            state=rule.initial_state(),
            warned_day_ns=NOON,
            warned={"loss": 0.8},
            reported="loss",
            reported_ns=NOON,
            reported_mode="enforce",
        )
        for rule in rules
    }
    return Blueprint(
        accounts={101: "A-101", 7: "B"},
        rules=rules,
        calendar=context.calendar,
        started_ns=NOON,
        armed=True,
        quote_stale_after_ns=10 * NS_PER_S,
        market=context.market,
        session=None,  # type: ignore[arg-type]
        open_locks=lambda: None,  # type: ignore[arg-type,return-value]
        open_journal=lambda: None,  # type: ignore[arg-type,return-value]
        frame=PictureFrame(Picture(version="", mode="live", armed=True, phase="starting")),
        memories=memories,
        openings={101: DayOpening(day_start_ns=NOON, balance_usd=Decimal("50000.10"))},
        last_run=LastRun(alive_ns=NOON - 5, day_start_ns=1, week_start_ns=2),
        unlock=settings.session.unlock_terms(),
    )


EDGES = Edges(
    session=None,  # type: ignore[arg-type]
    open_locks=lambda: None,  # type: ignore[arg-type,return-value]
    open_journal=lambda: None,  # type: ignore[arg-type,return-value]
    make_mailbox=Mailbox,
)


def kept(settings: Settings, locks: RestoredLocks | None = None) -> RunSetup:
    setup = setup_of(settings, made_of(settings), locks or RestoredLocks(), mode="live")
    return decode_setup(setup.as_json())


def test_what_the_actors_are_made_of_comes_back(settings: Settings) -> None:
    before, after = made_of(settings), blueprint_of(kept(settings), EDGES)

    assert [rule.settings for rule in after.rules] == [rule.settings for rule in before.rules]
    assert list(after.accounts.items()) == list(before.accounts.items())
    assert after.memories == before.memories
    assert repr(after.openings) == repr(before.openings)
    same = ("armed", "started_ns", "quote_stale_after_ns", "mark_terms", "last_run", "unlock")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    assert after.calendar.day(NOON) == before.calendar.day(NOON)
    assert calendar_of(kept(settings)).week(NOON) == before.calendar.week(NOON)


def test_the_same_actors_are_made(settings: Settings) -> None:
    actors = ReplayedActors(kept(settings), {}, Comparison([], calendar_of(kept(settings)).zone))

    assert list(actors.players) == [
        "position:7",
        "position:101",
        "pnl",
        *(f"rule:{rule.id}" for rule in reversed(settings.rules)),
        "lockout",
        "enforcer",
    ]


def test_nothing_secret_is_in_it(settings: Settings) -> None:
    """Credentials come from the environment alone, and no struct of the settings has a place."""
    text = kept(settings).as_json().lower()
    # The name of a file, which is read when it is needed.
    text = text.replace("token_file", "")

    for word in ("user", "password", "secret", "token", "api_key", "apikey"):
        assert word not in text


def test_locks_come_back_with_exact_figures(settings: Settings) -> None:
    request = UnlockRequest(
        lock_id=2,
        account_id=101,
        rule_id="cool",
        asked_ns=1,
        due_ns=NOON + 1,
        reason="I am calm",
        correlation_id="u-1",
    )
    locks = RestoredLocks(
        locks=(lock(1, None), lock(2, 5)),
        past=((101, LockSpan(None, 3, NOON - 1)),),
        last_id=9,
        requests=(request,),
    )

    assert repr(locks_of(kept(settings, locks), NOON, 0)) == repr(locks)


def test_a_lock_that_ended_while_the_actors_were_made_is_past(
    settings: Settings, tmp_path: Path
) -> None:
    """The same as the store itself tells a moment later."""
    migrate(tmp_path)
    calendar = made_of(settings).calendar
    store = SqliteLockStore(tmp_path, calendar.zone)
    for each in (lock(1, None), lock(2, 1), lock(3, 60), lock(4, 90)):
        store.save(each)
    store.end(lock(4, 90), NOON - 1, EndedBy.CONDITION)
    setup = kept(settings, read_locks(tmp_path, calendar, NOON))
    later_ns = NOON + 2 * NS_PER_S
    week_start_ns = calendar.week(later_ns).start_ns

    told = locks_of(setup, later_ns, week_start_ns)
    stored = store.restored(later_ns, week_start_ns)

    store.close()
    assert [each.id for each in told.locks] == [1, 3]
    assert told.locks == stored.locks
    assert set(told.past) == set(stored.past)
    assert told.last_id == stored.last_id == 4


def test_a_store_that_cannot_be_read_is_said_and_does_not_stop_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "risk.db").write_bytes(b"no database" * 1000)

    locks = read_locks(tmp_path, made_of(settings).calendar, NOON)

    assert locks is None
    assert not setup_of(settings, made_of(settings), locks, mode="live").locks_are_known
