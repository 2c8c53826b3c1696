"""Answers in place: comments that keep a linter silent, and whether they say why.

Only comments count; what looks like one in a text silences nothing.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_RULES = r"[A-Z]+[0-9]+"
_ANSWER = re.compile(
    rf"#\s*(?:(?:ruff|flake8):\s*)?noqa\b(?::\s*(?P<rules>{_RULES}(?:[\s,]+{_RULES})*))?(?P<rest>.*)",
    re.IGNORECASE,
)
_NOSEC = re.compile(r"#\s*nosec\b", re.IGNORECASE)
_FOR_OTHERS = re.compile(r"#\s*(type|pragma|pyright)\b.*", re.IGNORECASE)
"""Words to another tool are no reason."""
_A_WORD = re.compile(r"[A-Za-z]{3}")
_OF_SECURITY = re.compile(r"S[0-9]+")


class Answer(NamedTuple):
    """One comment that silences rules of ruff's on its line, or in its file."""

    line: int
    rules: frozenset[str]
    """Empty means all."""
    has_reason: bool


def answers_in(text: str) -> Iterator[Answer]:
    """Yield what silences ruff in a source text."""
    for line, comment in _comments(text):
        found = _ANSWER.search(comment)
        if found is not None:
            rules = frozenset(re.findall(_RULES, (found["rules"] or "").upper()))
            reason = _FOR_OTHERS.sub("", found["rest"])
            yield Answer(line, rules, _A_WORD.search(reason) is not None)


def unreasoned(files: Iterable[Path], root: Path) -> list[str]:
    """Return where a rule of security is silenced without a reason, or in bandit's own way."""
    lines: list[str] = []
    for file in files:
        text, shown = file.read_text(encoding="utf-8"), file.relative_to(root).as_posix()
        lines += [
            f"{shown}:{line}: `nosec` is not taken; write `# noqa: S... - why` for ruff"
            for line, comment in _comments(text)
            if _NOSEC.search(comment)
        ]
        for answer in answers_in(text):
            silenced = sorted(filter(_OF_SECURITY.fullmatch, answer.rules))
            if not answer.rules:
                lines.append(f"{shown}:{answer.line}: `noqa` names no rule; name it and say why")
            elif silenced and not answer.has_reason:
                lines.append(
                    f"{shown}:{answer.line}: {', '.join(silenced)} is silenced; say why:"
                    f" `# noqa: {silenced[0]} - ...`"
                )
    return lines


def _comments(text: str) -> Iterator[tuple[int, str]]:
    if re.search(r"#.*(noqa|nosec)", text, re.IGNORECASE) is None:
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
