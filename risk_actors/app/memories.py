"""Gives rules back what they remembered when the last run ended."""

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from loguru import logger

from risk_actors.core.rules import Rule
from risk_actors.core.rules.memory import RuleMemory, decode_memory
from risk_actors.store.rule_states import read_rule_states


def restore_memories(
    data_dir: Path, rules: Iterable[Rule[Any, Any]]
) -> Mapping[tuple[str, int], RuleMemory]:
    """Return memories by rule id and account.

    A memory belongs to a rule by id and type. What cannot be read is said and begun anew; then a
    high-water mark is reckoned from what the broker still tells of the week.
    """
    try:
        stored = read_rule_states(data_dir)
    except sqlite3.Error as error:
        logger.error("What rules remembered cannot be read, they begin anew: {}", error)
        return {}
    memories: dict[tuple[str, int], RuleMemory] = {}
    for rule in rules:
        settings = rule.settings
        for account_id, text in stored.get((settings.id, settings.type), {}).items():
            try:
                memories[settings.id, account_id] = decode_memory(rule, text)
            except msgspec.MsgspecError as error:
                logger.error(
                    "What {} remembered of account {} cannot be read, it begins anew: {}",
                    settings.id,
                    account_id,
                    error,
                )
    return memories
