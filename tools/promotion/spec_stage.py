"""The stage `specification`: it can be read, agrees with the code, and its examples come true."""

from promotion import examples, spec_check
from promotion.outcome import Outcome, counted
from promotion.places import shown
from promotion.spec_file import SpecFile


def check_specification(file: SpecFile, rule_type: str) -> Outcome:
    """Return what is wrong with a specification; its examples are played once its words fit."""
    found = spec_check.problems(file, rule_type) or examples.problems(file)
    spec = file.spec
    steps = sum(len(example.steps) for example in spec.examples)
    return Outcome(
        sentence=(
            f"{counted(len(spec.parameters), 'key')} as in the code,"
            f" {counted(len(spec.examples), 'example')} of {counted(steps, 'step')} played"
            if not found
            else f"{counted(len(found), 'thing')} to mend"
        ),
        problems=[
            f"{shown(file.path)}, line {problem.line}: {problem.text}" for problem in sorted(found)
        ],
        facts={
            "purpose": " ".join(spec.purpose.split()),
            "parameters": sorted(spec.parameters),
            "examples": [example.say for example in spec.examples],
        },
    )
