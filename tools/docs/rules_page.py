"""`docs/rules.md`: every rule as its own file has it, the same as `rules --explain` says."""

from collections.abc import Iterator

from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.core.rules.reference import Reference, references

from .key_tables import table_of_keys
from .tightening import tightening_of_rule


def index_of_rules() -> str:
    """Return the rules in one line each, with a link to all of it."""
    return "\n".join(
        f"- [{rule.number:03} `{rule.type}`](#{rule.number:03}-{rule.type}): {rule.sentence}"
        for rule in references()
    )


def rules_in_full() -> str:
    """Return a section for every rule."""
    return "\n\n".join("\n".join(_section(rule)) for rule in references())


def _section(rule: Reference) -> Iterator[str]:
    yield f"## {rule.number:03} `{rule.type}`"
    yield ""
    yield rule.sentence
    yield ""
    yield f"- **Breaks when**: {rule.breaks_when}"
    yield f"- **Then**: {rule.response}"
    for paragraph in rule.detail.split("\n\n"):
        yield ""
        yield paragraph
    yield ""
    if rule.parameters:
        yield table_of_keys(rule.parameters, tightening_of_rule(catalogue()[rule.type]))
    else:
        yield "It has no keys of its own."
    yield ""
    yield "```toml"
    yield example_of(rule.type).rstrip()
    yield "```"
