"""The rows of the record as chains: what one event led to, from its first step to its last."""

from collections.abc import Iterable
from typing import NamedTuple

from risk_actors.store.audit import RecordRow
from risk_actors.store.audit_steps import Step, step_of


class Chain(NamedTuple):
    """What one event led to: all rows of one correlation id, in the order they happened."""

    correlation_id: str
    steps: tuple[Step, ...]

    @property
    def led_to_something(self) -> bool:
        """Whether there is more than what comes by the hundred."""
        return not all(step.is_quiet for step in self.steps)

    @property
    def took_ns(self) -> int:
        """From the first step to the last."""
        return self.steps[-1].at_ns - self.steps[0].at_ns


def chains_of(rows: Iterable[RecordRow]) -> list[Chain]:
    """Return the chains of rows that come in seq order, by the time of their first step."""
    steps: dict[str, list[Step]] = {}
    for row in rows:
        steps.setdefault(row.correlation_id, []).append(step_of(row))
    chains = [
        # Rows of one instant stay in the order in which they were written.
        Chain(correlation_id, tuple(_told_once(sorted(found, key=lambda step: step.at_ns))))
        for correlation_id, found in steps.items()
    ]
    return sorted(chains, key=lambda chain: chain.steps[0].at_ns)


def _told_once(steps: list[Step]) -> list[Step]:
    """Leave out a verdict that the breach or warning it led to, or the breach's end, says again."""
    told = {(s.row.account_id, s.text) for s in steps if s.word in ("breach", "shadow", "warning")}
    kept = {(s.row.account_id, s.rule_id) for s in steps if s.word == "cleared"}
    return [
        s
        for s in steps
        if (s.word != "verdict" or (s.row.account_id, s.text) not in told)
        and (s.word != "ok" or (s.row.account_id, s.rule_id) not in kept)
    ]
