"""The record in shadow on days that were really run, and what makes one not count."""

import shutil
from pathlib import Path

import msgspec
import pytest
from promotion.config import ProductionConfig
from promotion.outcome import Outcome
from promotion.production import Trader, check_production
from promotion.settings_change import PATCH_FILE, NoChangeError, rule_of, write_change
from promotion.shadow_record import read_shadow_record
from recorded_world import RecordedWorld, rule_settings

from risk_actors.core.last_run import LastRun
from risk_actors.core.rules import Mode
from risk_actors.core.rules.max_trades import MaxTrades
from tests.tools.promotion.shadow_days import shadow_days

RULE = rule_settings("max_trades", id="two-trades", per_day=2, mode=Mode.SHADOW)
RISK = """# Mine.
[[rules]]
id = "other"
type = "stop_required"
mode = "shadow"
grace_s = 5

[[rules]]
id = "two-trades"  # overtrading
type = "max_trades"
mode = "shadow"    # for now
per_day = 2
"""
CONFIG = ProductionConfig(days=2, least_watched_s=30)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> RecordedWorld:
    """Two days, and afterwards the broker takes back the first fill of each account."""
    made = shadow_days(tmp_path_factory.mktemp("days"), 2, RULE)
    shutil.copy(made.file, made.directory / "before.db")
    return made


@pytest.fixture
def data(world: RecordedWorld, tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    directory.mkdir()
    shutil.copy(world.directory / "before.db", directory / "risk.db")
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "risk.toml").write_text(RISK, encoding="utf-8")
    return directory


def judged(data: Path, config: ProductionConfig = CONFIG, review: str = "") -> Outcome:
    reviewed = data / "reviewed.toml"
    reviewed.write_text(review, encoding="utf-8")
    trader = Trader(data.parent / "settings", data, reviewed, None)
    return check_production("max_trades", config, trader, data.parent / "out")


def first_decision(data: Path) -> str:
    days = read_shadow_record(data, RULE, 0).days
    return days[0].decisions[0].correlation_id


def test_enough_days_without_a_wrong_decision_write_the_change(data: Path) -> None:
    outcome = judged(data)

    assert outcome.problems == []
    assert [day["counts"] for day in outcome.facts["days"]] == [True, True]
    assert all(day["decisions"] for day in outcome.facts["days"])
    assert "To let `two-trades` enforce" in outcome.facts["to_accept"]
    patch = (data.parent / "out" / PATCH_FILE).read_text(encoding="utf-8")
    assert '-mode = "shadow"    # for now\n+mode = "enforce"    # for now\n' in patch
    assert (data.parent / "settings" / "risk.toml").read_text(encoding="utf-8") == RISK


@pytest.mark.parametrize(
    ("config", "why_not"),
    [
        (ProductionConfig(days=2), "the rule was watched in shadow for 40 s, 3,600 are needed"),
        (msgspec.structs.replace(CONFIG, least_fills=1000), " fills in the accounts it guards"),
        (msgspec.structs.replace(CONFIG, days=3), ""),
    ],
)
def test_days_that_prove_little_do_not_count(
    data: Path, config: ProductionConfig, why_not: str
) -> None:
    outcome = judged(data, config)

    assert f"of {config.days} trading days in shadow count" in outcome.problems[0]
    assert any(why_not in note for note in outcome.notes) or not why_not
    assert not (data.parent / "out").exists()


def test_what_the_trader_marked_stops_it(data: Path) -> None:
    decision = first_decision(data)
    marked = f'[[wrong]]\ndecision = "{decision}"\nwhy = "I had asked for it"\n'
    missed = '[[missed]]\nat = 2026-03-03T10:00:30-06:00\nwhy = "the fifth"\n'
    stranger = '[[right]]\ndecision = "e-none"\nwhy = "a slip"\n'

    wrong, unseen, slip = (
        judged(data, review=text).problems for text in (marked, missed, stranger)
    )

    assert "FALSE FLATTEN, marked by you: two-trades: shadow, would have" in " ".join(wrong)
    assert "TOO FEW DAYS: 1 of 2" in " ".join(wrong)
    assert "MISSED BREACH at 2026-03-03 10:00:30-06:00, marked by you: the fifth" in unseen
    assert "the review speaks of decision 'e-none', which is not in the record" in slip[0]
    assert (
        "reviewed.toml: Object missing required field"
        in judged(data, review="[[wrong]]").problems[0]
    )


def test_a_rule_that_decides_otherwise_now_is_not_reproduced(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the present code does not decide again was decided by another rule."""
    made = MaxTrades.__init__

    def laxer(rule: MaxTrades, settings: object, context: object = None) -> None:
        made(rule, msgspec.structs.replace(settings, per_day=9), context)

    monkeypatch.setattr(MaxTrades, "__init__", laxer)

    problems = " ".join(judged(data).problems)

    assert "NOT REPRODUCED by `risk-actors replay`: rule:two-trades: recorded" in problems
    assert "TOO FEW DAYS: 0 of 2" in problems


def test_a_fill_that_the_broker_took_back_puts_its_decisions_in_doubt(
    world: RecordedWorld, data: Path
) -> None:
    decision = read_shadow_record(data, RULE, 0).days[1].decisions[0]
    trades = world.broker.exchange.trades
    taken_back = next(
        number
        for number, trade in reversed(list(enumerate(trades)))
        if trade.account_id == decision.account_id and trade.created_ns < decision.at_ns
    )
    trades[taken_back] = msgspec.structs.replace(trades[taken_back], voided=True)
    world.start(LastRun(alive_ns=world.clock.now_ns()), world.clock)
    world.run(5)
    world.scheduler.stop()
    shutil.copy(world.file, data / "risk.db")

    told = judged(data)
    right = f'[[right]]\ndecision = "{decision.correlation_id}"\nwhy = "it was right anyway"\n'
    settled = judged(data, review=right)

    fill = f"the broker took back fill {trades[taken_back].id} that it counted"
    assert sum(fill in problem for problem in told.problems) >= 1
    assert len(settled.problems) < len(told.problems)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("per_day = 2", "per_day = 3", "in run 1 `two-trades` had other settings"),
        ('id = "two-trades"', 'id = "trades"', "run 1 had no rule `trades`"),
        ('mode = "shadow"    #', 'mode = "enforce"    #', "only a rule in shadow can be promoted"),
        ('type = "max_trades"', 'type = "max_trade"', "the settings cannot be used"),
    ],
)
def test_the_record_must_be_of_the_rule_as_it_is_set(
    data: Path, old: str, new: str, words: str
) -> None:
    (data.parent / "settings" / "risk.toml").write_text(RISK.replace(old, new), encoding="utf-8")

    assert words in judged(data).problems[0]


def test_without_a_store_it_says_where_one_comes_from(tmp_path: Path, data: Path) -> None:
    (data / "risk.db").unlink()

    assert "guard your accounts with the rule in shadow" in judged(data).problems[0]


def test_of_several_rules_one_is_named_and_one_of_the_preset_is_copied_first(data: Path) -> None:
    settings, out = data.parent / "settings", data.parent / "out"
    risk = settings / "risk.toml"
    risk.write_text(RISK + RISK.split("\n\n")[1].replace("two-trades", "mine"), encoding="utf-8")
    with pytest.raises(NoChangeError, match=r"several rules of type max_trades .*name one: --id"):
        rule_of(settings, "max_trades", None)
    with pytest.raises(NoChangeError, match="no rule of type max_trades is called `yours`"):
        rule_of(settings, "max_trades", "yours")

    risk.write_text(RISK.replace('mode = "shadow"    # for now\n', ""), encoding="utf-8")
    with pytest.raises(NoChangeError, match='`two-trades` has no line mode = "shadow"'):
        write_change(settings, rule_of(settings, "max_trades", "two-trades"), out)
