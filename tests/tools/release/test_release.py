"""A release is made of a version, a tag and a changelog that agree."""

import re
import sys
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

CODE = '"""A package."""\n\n__version__ = "1.2.0"\n'
CHANGELOG = """\
# Changelog

## [Unreleased]

### Added

- A thing.

### Fixed

- Another.

## [1.2.0] - 2026-02-01

### Changed

- What 1.2 changed.

## [1.1.0] - 2026-01-01

- Older.
"""


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Load the package as its parts do, and leave nothing of it behind."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    before = set(sys.modules)
    names = ("changelog", "version", "building", "__main__")
    yield SimpleNamespace(**{name.strip("_"): import_module(f"release.{name}") for name in names})
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "release":
            del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project that is about to be released."""
    (tmp_path / "risk_actors").mkdir()
    (tmp_path / "risk_actors/__init__.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    return tmp_path


def test_the_entries_of_a_changelog(release: Any) -> None:
    found = release.changelog.entries(CHANGELOG)
    assert [(entry.name, entry.day) for entry in found] == [
        ("Unreleased", None),
        ("1.2.0", date(2026, 2, 1)),
        ("1.1.0", date(2026, 1, 1)),
    ]
    assert found[2].notes == "- Older."
    assert release.changelog.notes_of(CHANGELOG, "1.2.0") == "### Changed\n\n- What 1.2 changed."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("## [1.1.0] - 2026-01-01", "## 1.1.0", "line 19: write `## [1.2.3] - 2026-01-31`"),
        ("## [1.1.0] - 2026-01-01", "## [1.1.0]", "line 19: a version has a day"),
        ("## [1.1.0] - 2026-01-01", "## [1.1.0] - Jan 1", "write `## [1.2.3] - 2026-01-31`"),
        ("## [1.1.0] - 2026-01-01", "## [1.1.0] - 2026-31-01", "line 19: a version has a day"),
        ("## [Unreleased]", "## [Unreleased] - 2026-03-01", "`Unreleased` has none"),
        ("### Fixed", "### Fixes", "line 9: `Fixes` is none of Added, Changed"),
        ("[1.1.0]", "[1.2.0]", "`1.2.0` has 2 entries"),
        ("2026-02-01", "2025-02-01", "the newest version comes first"),
        ("## [Unreleased]", "## [1.3.0] - 2026-03-01\n## [Unreleased]", "`Unreleased` comes first"),
    ],
)
def test_a_changelog_of_another_form_is_refused(
    release: Any, old: str, new: str, said: str
) -> None:
    with pytest.raises(release.changelog.ReleaseError, match=re.escape(said)):
        release.changelog.entries(CHANGELOG.replace(old, new))


def test_every_fault_of_the_form_is_told_at_once(release: Any) -> None:
    text = CHANGELOG.replace("### Fixed", "### Fixes").replace("## [1.1.0] - ", "## [1.1.0] ")
    with pytest.raises(release.changelog.ReleaseError, match=r"line 9: .*; .*|line 19: .*; line 9"):
        release.changelog.entries(text)


def test_what_was_unreleased_becomes_a_version(release: Any) -> None:
    text = release.changelog.released(CHANGELOG, "1.3.0", date(2026, 3, 1))
    found = release.changelog.entries(text)
    assert [entry.name for entry in found] == ["Unreleased", "1.3.0", "1.2.0", "1.1.0"]
    assert found[0].notes == ""
    assert found[1].notes == "### Added\n\n- A thing.\n\n### Fixed\n\n- Another."
    with pytest.raises(release.changelog.ReleaseError, match="nothing stands under"):
        release.changelog.released(text, "1.4.0", date(2026, 4, 1))
    with pytest.raises(release.changelog.ReleaseError, match=r"has 1\.2\.0 already"):
        release.changelog.released(text, "1.2.0", date(2026, 4, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is there 0 times"),
        (CODE * 2, "it is there 2 times"),
        (CODE.replace("1.2.0", "one"), "`one` is no version"),
        (CODE.replace("1.2.0", "1.2.0-rc1"), "write the version as 1.2.0rc1"),
        (CODE.replace("1.2.0", "1.2"), "three numbers"),
    ],
)
def test_a_version_that_no_tool_would_understand(release: Any, text: str, said: str) -> None:
    with pytest.raises(release.changelog.ReleaseError, match=said):
        release.version.version_in(text)


@pytest.mark.parametrize(
    ("tag", "version"), [("v1.2.3", "1.2.3"), ("refs/tags/v1.2.3rc1", "1.2.3rc1")]
)
def test_a_tag_names_a_version(release: Any, tag: str, version: str) -> None:
    assert release.version.version_of_tag(tag) == version


@pytest.mark.parametrize("tag", ["1.2.3", "version-2", "vv1", "v1.2.3-rc1"])
def test_a_tag_that_names_none(release: Any, tag: str) -> None:
    with pytest.raises(release.changelog.ReleaseError):
        release.version.version_of_tag(tag)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["check"], 0, "version 1.2.0"),
        (["check", "--tag", "v1.2.0"], 0, "agree on 1.2.0"),
        (["check", "--tag", "v1.3.0"], 1, "the tag is v1.3.0, but risk_actors/__init__.py says"),
        (["notes", "--tag", "v1.2.0"], 0, "- What 1.2 changed."),
        (["notes", "--tag", "v1.3.0"], 1, "no entry `## [1.3.0] - DAY`"),
        (["notes", "--to", "/there/is/none.md"], 1, "cannot write "),
        (["prepare", "1.1.9"], 1, "1.1.9 comes before the present version 1.2.0"),
        (["prepare", "1.2"], 1, "three numbers"),
        (["prepare", "1.2.0"], 1, "has 1.2.0 already"),
    ],
)
def test_what_the_tool_says(
    release: Any,
    project: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    before = (project / "CHANGELOG.md").read_text(encoding="utf-8")

    assert release.main.main(arguments, project) == code

    shown = capsys.readouterr()
    assert said in (shown.err if code else shown.out)
    assert (project / "CHANGELOG.md").read_text(encoding="utf-8") == before
    assert (project / "risk_actors/__init__.py").read_text(encoding="utf-8") == CODE


def test_a_prepared_release_is_one_that_its_tag_may_make(
    release: Any, project: Path, tmp_path: Path
) -> None:
    assert release.main.main(["prepare", "1.3.0"], project) == 0
    assert release.main.main(["check", "--tag", "v1.3.0"], project) == 0
    page = tmp_path / "notes.md"
    assert release.main.main(["notes", "--tag", "v1.3.0", "--to", str(page)], project) == 0
    assert page.read_text(encoding="utf-8").startswith("### Added\n\n- A thing.")


def test_what_cannot_be_built_says_why(release: Any, project: Path, tmp_path: Path) -> None:
    with pytest.raises(release.changelog.ReleaseError, match="could not be built"):
        release.building.build(project, tmp_path / "dist")


def test_the_projects_own_version_and_changelog_are_well(
    release: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main.main(["check"], ROOT) == 0
    assert "CHANGELOG.md is well formed" in capsys.readouterr().out
