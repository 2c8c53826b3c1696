"""Prepare, check and build a release.

    make release ARGS="check [--tag v1.2.3]"            version, changelog and tag agree
    make release ARGS="notes [--tag v1.2.3] [--to FILE]"    what the version changed
    make release ARGS="prepare 1.2.3"                   set the version, date the changelog's entry
    make release ARGS="build [--into DIR]"              wheel and source archive
    make wheel                                          build, install elsewhere, try

Asks nothing. Exit codes: 0 well, 1 something is not as a release must be, 2 wrong usage.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from .building import DIST_VARIABLE, build, try_out
from .changelog import UNRELEASED, ReleaseError, entries, notes_of, released
from .version import version_in, version_of_tag, with_version

ROOT = Path(__file__).resolve().parents[2]
VERSION_FILE = Path("risk_actors/__init__.py")
CHANGELOG_FILE = Path("CHANGELOG.md")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Return the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "check":
            print(check(root, asked.tag))
        elif asked.command == "notes":
            told = notes(root, asked.tag)
            if asked.to is None:
                print(told)
            else:
                _write(asked.to, told)
        elif asked.command == "prepare":
            print(prepare(root, asked.version))
        else:
            into = asked.into or Path(os.environ.get(DIST_VARIABLE) or root / "dist")
            for made in build(root, into.resolve()):
                print(f"Built {made}", flush=True)
            if asked.command == "wheel":
                return try_out(root, into.resolve())
    except ReleaseError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


def check(root: Path, tag: str | None) -> str:
    """Return a sentence on what agrees.

    Raises:
        ReleaseError: what does not.
    """
    version, changelog = _read(root)
    if tag is None:
        names = [entry.name for entry in entries(changelog)]
        if version not in names and UNRELEASED not in names:
            raise ReleaseError(f"CHANGELOG.md has neither `[{UNRELEASED}]` nor `[{version}]`")
        return f"version {version}; CHANGELOG.md is well formed"
    if version_of_tag(tag) != version:
        raise ReleaseError(f"the tag is {tag}, but {VERSION_FILE.as_posix()} says {version}")
    notes_of(changelog, version)
    return f"tag, version and changelog agree on {version}"


def notes(root: Path, tag: str | None) -> str:
    """Return what the tag's version, or else the present one, changed.

    Raises:
        ReleaseError: the changelog does not say.
    """
    version, changelog = _read(root)
    return notes_of(changelog, version if tag is None else version_of_tag(tag))


def prepare(root: Path, version: str) -> str:
    """Set the version and give the changelog its entry; return what to do next.

    Raises:
        ReleaseError: it cannot be done; nothing was written.
    """
    code = (root / VERSION_FILE).read_text(encoding="utf-8")
    new_code = with_version(code, version)
    changelog = (root / CHANGELOG_FILE).read_text(encoding="utf-8")
    new_changelog = released(changelog, version, datetime.now(UTC).date())
    (root / VERSION_FILE).write_text(new_code, encoding="utf-8")
    (root / CHANGELOG_FILE).write_text(new_changelog, encoding="utf-8")
    return (
        f"{VERSION_FILE.as_posix()} and {CHANGELOG_FILE} say {version}. Next: `make check`, merge"
        f" it, then tag the merged commit: git tag -a v{version}"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ReleaseError(f"cannot write {path}: {error.strerror or error}") from error


def _read(root: Path) -> tuple[str, str]:
    code = (root / VERSION_FILE).read_text(encoding="utf-8")
    return version_in(code), (root / CHANGELOG_FILE).read_text(encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("--tag")
    for_page = commands.add_parser("notes")
    for_page.add_argument("--tag")
    for_page.add_argument("--to", type=Path)
    commands.add_parser("prepare").add_argument("version")
    for name in ("build", "wheel"):
        commands.add_parser(name).add_argument("--into", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
