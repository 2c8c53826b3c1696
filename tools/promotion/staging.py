"""The stage `staging`: the rule in shadow through its scenarios and a soak, held against truth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from promotion.config import StagingConfig
from promotion.examples import plain
from promotion.outcome import Outcome, counted, rates, share
from promotion.shadow_scenarios import check_scenarios
from promotion.spec_file import Spec
from promotion.twin_days import play_twins
from promotion.twin_judge import Judged, judge_day

_WORDS_AT_MOST = 20
_NOT_ALIKE_AT_MOST = 0.25
"""Of the days, so many may count for nothing."""
_TOLD_EVERY = 10
"""Days between two lines that say how far it is."""


def check_staging(spec: Spec, config: StagingConfig, say: Callable[[str], None]) -> Outcome:
    """Play the scenarios, then the days; return what was missed and what was false."""
    outcome = Outcome()
    scenarios = check_scenarios(spec.rule, config.scenarios)
    say(f"  {scenarios.sentence}, {counted(len(scenarios.problems), 'problem')}")
    outcome.add(scenarios, "scenarios")
    soak = check_soak(spec.rule, soak_settings(spec), config, say)
    outcome.add(soak, "soak")
    outcome.sentence = f"{scenarios.sentence}; {soak.sentence}"
    return outcome


def soak_settings(spec: Spec) -> list[dict[str, Any]]:
    """Return the settings that days are played with, each once."""
    told = [plain(each) for each in spec.soak or [example.settings for example in spec.examples]]
    return [each for number, each in enumerate(told) if each not in told[:number]]


def check_soak(
    rule_type: str,
    settings: Sequence[Mapping[str, Any]],
    config: StagingConfig,
    say: Callable[[str], None],
) -> Outcome:
    """Play seeded days twice each, with the settings in turn."""
    judged, outcome, not_alike = Judged(), Outcome(), 0
    for number in range(config.days):
        seed = config.first_seed + number
        day = play_twins(seed, rule_type, settings[number % len(settings)])
        if day.is_comparable:
            judge_day(day, judged)
        else:
            not_alike += 1
        outcome.problems += [
            f"INVARIANT broken on day {seed}: {finding}"
            for world in (day.truth, day.told)
            for finding in world.findings
        ]
        if (number + 1) % _TOLD_EVERY == 0:
            say(f"  {number + 1} of {counted(config.days, 'day')} played twice")
    _judge(judged, config, outcome)
    if not_alike > _NOT_ALIKE_AT_MOST * config.days:
        outcome.problems.append(
            f"{not_alike} of {counted(config.days, 'day')} had other fills in their two worlds, so"
            " they prove nothing; that is a fault of the soak, not of the rule"
        )
    elif not_alike:
        outcome.notes.append(
            f"{counted(not_alike, 'day')} of the soak count for nothing: the broker did not do the"
            " same in both worlds"
        )
    counts = {
        name: getattr(judged, name)
        for name in ("true", "seeable", "unseen", "found", "missed", "false")
    }
    outcome.facts = {
        "days": config.days,
        "days_not_alike": not_alike,
        "first_seed": config.first_seed,
        "settings": msgspec.to_builtins(settings),
        **counts,
        **rates(counts),
        "delay_ms": judged.delay_ms(),
    }
    true = counted(judged.true, "true breach", "true breaches")
    outcome.sentence = (
        f"{counted(config.days, 'day')} of soak: {true},"
        f" missed {share(judged.missed, judged.seeable)}, false {share(judged.false, judged.found)}"
    )
    return outcome


def _judge(judged: Judged, config: StagingConfig, outcome: Outcome) -> None:
    """Hold the counts against what is allowed."""
    if judged.true < config.least_breaches:
        outcome.problems.append(
            f"the soak saw only {counted(judged.true, 'true breach', 'true breaches')}, and"
            f" {config.least_breaches} are needed to prove anything; give the specification tighter"
            " `[[soak]]` settings, or [staging] more days"
        )
    is_missed = judged.missed > config.most_missed_share * judged.seeable
    is_false = judged.false > config.most_false_share * judged.found
    told = [
        word
        for word in judged.words
        if (is_missed and word.startswith("MISSED")) or (is_false and word.startswith("FALSE"))
    ]
    outcome.problems += told[:_WORDS_AT_MOST]
    if len(told) > _WORDS_AT_MOST:
        outcome.problems.append(f"... and {len(told) - _WORDS_AT_MOST} more of the soak")
    outcome.notes += [f"allowed: {word}" for word in judged.words if word not in told]
