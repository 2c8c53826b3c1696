"""The one place of the version, and the tag that names it. Pure."""

import re

from packaging.version import InvalidVersion, Version

from .changelog import ReleaseError

_NUMBERS = 3
_LINE = re.compile(r'^__version__ = "(?P<version>[^"]*)"$', re.MULTILINE)


def version_in(text: str) -> str:
    """Return the version that a package's `__init__.py` states.

    Raises:
        ReleaseError: it states none, several, or one that no tool would sort right.
    """
    found = [match["version"] for match in _LINE.finditer(text)]
    if len(found) != 1:
        raise ReleaseError(f'write `__version__ = "1.2.3"` once; it is there {len(found)} times')
    return checked(found[0])


def with_version(text: str, version: str) -> str:
    """Return the text that states another version.

    Raises:
        ReleaseError: it is none, or comes before the present one.
    """
    present, wanted = version_in(text), checked(version)
    if Version(wanted) < Version(present):
        raise ReleaseError(f"{wanted} comes before the present version {present}")
    return _LINE.sub(f'__version__ = "{wanted}"', text)


def checked(version: str) -> str:
    """Return a version in the form in which packages carry it.

    Raises:
        ReleaseError: it is none, or written otherwise.
    """
    try:
        read = Version(version)
    except InvalidVersion:
        raise ReleaseError(f"`{version}` is no version; write it like 1.2.3 or 1.2.3rc1") from None
    if str(read) != version:
        raise ReleaseError(f"write the version as {read}, not {version}")
    # 1.2 and 1.2.0 are one version with two tags.
    if len(read.release) != _NUMBERS:
        raise ReleaseError(f"write the version with three numbers, like 1.2.3, not {version}")
    return version


def version_of_tag(tag: str) -> str:
    """Return the version that a tag such as `v1.2.3` names.

    Raises:
        ReleaseError: it names none.
    """
    name = tag.removeprefix("refs/tags/")
    if not name.startswith("v"):
        raise ReleaseError(f"the tag `{name}` is no version; write it like v1.2.3")
    return checked(name.removeprefix("v"))
