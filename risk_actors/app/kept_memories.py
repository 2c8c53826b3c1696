"""What rules remembered, handed from actors to those that take their place."""

from collections.abc import Collection, Iterator, Mapping

from risk_actors.actors.journal import JournalActor
from risk_actors.actors.view import ViewActor
from risk_actors.app.likeness import rule_types
from risk_actors.app.settings import Settings
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.store.rule_states import KeptMemory

type Memories = Mapping[tuple[str, int], RuleMemory]
"""By rule id and account."""


class KeptMemories:
    """It is in the store as well, unless that could not be written."""

    def __init__(self) -> None:
        self._memories: dict[tuple[str, int], RuleMemory] = {}

    def take(self, *told: Memories) -> None:
        """Take newer ones."""
        for each in told:
            self._memories |= each

    def take_of(self, told: Memories, given_up: Collection[str]) -> None:
        """Take what the view was told, unless it ended before the actors who remember."""
        if ViewActor.kind in given_up and JournalActor.kind not in given_up:
            # Nobody noted what they remembered since; the store has it.
            self._memories = {}
        else:
            self.take(told)

    def for_settings(self, before: Settings | None, after: Settings) -> Memories:
        """Return what the rules remembered that are still of the same type."""
        types_before = {} if before is None else rule_types(before)
        types_after = rule_types(after)
        return {
            (rule_id, account_id): memory
            for (rule_id, account_id), memory in self._memories.items()
            if types_before.get(rule_id) == types_after.get(rule_id)
        }

    def to_store(self, settings: Settings) -> Iterator[KeptMemory]:
        """Yield what the rules of these settings remember, for a store that lacks it."""
        types = rule_types(settings)
        for (rule_id, account_id), memory in self._memories.items():
            if rule_id in types:
                yield KeptMemory(rule_id, types[rule_id], account_id, memory)
