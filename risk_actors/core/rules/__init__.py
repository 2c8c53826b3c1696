"""The rules, one file each. Adding a rule is adding a file: the catalogue finds it."""

import importlib
import pkgutil
from functools import cache
from typing import Any

from risk_actors.core.rules.base import Fact, Mode, Rule, RuleContext, RuleSettings

__all__ = ["Fact", "Mode", "Rule", "RuleContext", "RuleSettings", "catalogue"]


@cache
def catalogue() -> dict[str, type[Rule[Any, Any]]]:
    """Return every rule class by the type that settings name it with, sorted by type."""
    found: dict[str, type[Rule[Any, Any]]] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for candidate in vars(module).values():
            if (
                isinstance(candidate, type)
                and issubclass(candidate, Rule)
                and candidate.__module__ == module.__name__
                and "Settings" in vars(candidate)
            ):
                found[str(candidate.Settings.__struct_config__.tag)] = candidate
    return dict(sorted(found.items()))
