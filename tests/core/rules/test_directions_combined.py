"""Whatever keys change at once: where the comparison says tighter, the rule does no less."""

from random import Random
from typing import Any

import msgspec
import pytest
from core.loosening import MIXED, PAIRS, UNCLEAR
from core.rules.test_directions_show import lacks, said

from risk_actors.app.settings_compare import changes_of_rule
from risk_actors.core.direction import HIGHER, LOWER, Direction, Effect, directions_of, ordered
from risk_actors.core.rules import RuleSettings, catalogue

# Goes many times over what others cover; measured with coverage it takes ten times as long.
pytestmark = pytest.mark.no_cover

TRIES = 25
SEEDS = (0, 2, 5)
NOT_THE_RULES = {"mode", "accounts", "lock", "on_unknown"}
"""What becomes of a verdict, which the rule itself does not say."""
KINDS = sorted({pair.kind for pair in PAIRS})


def values_of(kind: str) -> dict[str, list[Any]]:
    """Return every value of each key that the tables have for a rule; None leaves it out."""
    found: dict[str, list[Any]] = {}
    for pair in (*PAIRS, *UNCLEAR, *MIXED):
        if pair.kind == kind and pair.key not in NOT_THE_RULES:
            values = found.setdefault(pair.key, [])
            values += [each for each in (pair.loose, pair.tight) if each not in values]
            for key, value in pair.base.items():
                others = found.setdefault(key, [])
                others += [value] if value not in others else []
    return found


def settings_of(kind: str, keys: dict[str, Any]) -> RuleSettings | None:
    """Return settings, or None where the keys contradict each other."""
    table = {"id": "watched", **{key: value for key, value in keys.items() if value is not None}}
    try:
        return msgspec.convert(table, catalogue()[kind].Settings)
    except msgspec.ValidationError:
        return None


def pairs_of(kind: str) -> list[tuple[RuleSettings, RuleSettings]]:
    """Return pairs of settings of which the second is said to be tighter.

    They differ in one key, or in any of them.
    """
    random = Random(kind)
    options = {key: [*values, None] for key, values in values_of(kind).items()}
    found: list[tuple[RuleSettings, RuleSettings]] = []
    for _ in range(TRIES * 40):
        keys = {key: random.choice(values) for key, values in options.items()}
        changed = random.sample([*options], random.choice([1, 1, len(options)]))
        one = settings_of(kind, keys)
        other = settings_of(kind, keys | {key: random.choice(options[key]) for key in changed})
        if one is None or other is None or one == other or len(found) == TRIES:
            continue
        effects = {change.effect for change in changes_of_rule(one, other)}
        if effects <= {Effect.TIGHTENS, Effect.FREE}:
            found.append((one, other))
    return found


def first_lack(kind: str) -> str:
    """Return what a rule does less of with settings that are said to be tighter, if anything."""
    pairs = pairs_of(kind)
    assert pairs
    for loose, tight in pairs:
        for seed in SEEDS:
            for one, other in zip(said(tight, seed), said(loose, seed), strict=True):
                if lack := lacks(one, other):
                    return f"{loose}, {tight}, {seed}: {lack}"
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_to_be_tighter_is(kind: str) -> None:
    assert not first_lack(kind)


@pytest.mark.parametrize(
    ("kind", "key", "wrong"),
    [
        ("max_contracts", "limit", HIGHER),
        ("max_contracts", "include_working", ordered(True, False)),
        ("daily_loss_limit", "limit_usd", HIGHER),
        ("trailing_drawdown", "keep_away_usd", LOWER),
        ("trading_hours", "flatten_before_close_s", LOWER),
        ("max_trades", "per_day", HIGHER),
        ("trade_cooldown", "seconds", LOWER),
        ("rapid_fire", "window_s", LOWER),
        ("revenge_trading", "loss_usd", HIGHER),
        ("stop_required", "grace_s", HIGHER),
        ("news_blackout", "before_s", LOWER),
        ("trade_management", "trail_ticks", HIGHER),
    ],
)
def test_a_direction_that_is_the_wrong_way_round_is_found(
    kind: str, key: str, wrong: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(directions_of(catalogue()[kind].Settings), key, wrong)

    assert first_lack(kind)
