"""`rules --explain`: what a rule does and every key of it, without a daemon."""

import click

from risk_actors.cli.prose import Page
from risk_actors.cli.tables import make_console
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of
from risk_actors.core.rules.reference import (
    Parameter,
    Reference,
    reference_of,
    references,
    shared_parameters,
)

_QUOTES = '"'


def explain(rule_type: str) -> None:
    """Print the documentation of a rule; without a type, or for `list`, what there is.

    Raises:
        click.UsageError: there is no such rule.
    """
    if not rule_type:
        _print_list()
        return
    from risk_actors.app.settings_check import did_you_mean  # noqa: PLC0415  # kept out of `--help`

    known = catalogue()
    name = rule_type.replace("-", "_").lower()
    if name.isdecimal():
        numbers = {rule.number: kind for kind, rule in known.items()}
        name = numbers.get(int(name), name)
    if name not in known:
        hint = did_you_mean(name, known)
        more = "" if "known are" in hint else "; `rules --explain` alone lists all"
        raise click.UsageError(f"there is no rule `{rule_type}`{hint}{more}")
    _print_rule(reference_of(known[name]))


def _print_list() -> None:
    page = Page(make_console())
    page.line(("The rules. More on one of them: risk-actors rules --explain TYPE", ""))
    page.blank()
    rules = references()
    width = max(len(rule.type) for rule in rules)
    page.pairs([(f"{rule.number:03}  {rule.type:<{width}}", rule.sentence) for rule in rules])


def _print_rule(rule: Reference) -> None:
    page = Page(make_console())
    page.line((f"{rule.number:03} {rule.type}", "bold"))
    page.blank()
    page.paragraph(rule.sentence)
    page.blank()
    page.pairs([("Breaks when", rule.breaks_when), ("Then", rule.response)])
    for paragraph in rule.detail.split("\n\n"):
        page.blank()
        page.paragraph(paragraph)
    page.section("Keys of its own")
    if not rule.parameters:
        page.paragraph("None.", indent=1)
    _print_parameters(page, rule.parameters)
    page.section("Keys that every rule has")
    _print_parameters(page, shared_parameters())
    page.section("Example for risk.toml")
    page.code(example_of(rule.type))


def _print_parameters(page: Page, parameters: tuple[Parameter, ...], indent: int = 1) -> None:
    for parameter in parameters:
        needed = "required" if parameter.is_required else f"default {parameter.default}"
        if parameter.default == "not set":
            needed = "optional"
        page.entry(parameter.name, f"{parameter.kind}; {needed}", indent=indent)
        if parameter.meaning:
            page.paragraph(parameter.meaning, indent=indent + 2)
        words = [part for part in parameter.parts if not part.kind]
        if not all(f"`{word.name.strip(_QUOTES)}`" in parameter.meaning for word in words):
            page.pairs([(word.name, word.meaning) for word in words], indent=indent + 2)
        _print_parameters(page, tuple(part for part in parameter.parts if part.kind), indent + 2)
