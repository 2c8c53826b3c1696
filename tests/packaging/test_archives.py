"""What is in the wheel, and that the source archive makes the same one."""

import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import risk_actors
from tests.packaging.conftest import ROOT, run


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def below(directory: Path) -> set[str]:
    """Return the files below a directory, as paths from it."""
    return {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and ".mypy_cache" not in path.parts
    }


def test_the_wheel_has_the_package_and_what_ships_with_it(wheel: Path) -> None:
    found = set(files_of(wheel))

    for directory, place in (
        ("risk_actors", "risk_actors"),
        ("settings/presets", "risk_actors/presets"),
        ("docs", "risk_actors/shipped/docs"),
    ):
        missing = {f"{place}/{name}" for name in below(ROOT / directory)} - found
        assert missing == set()
    settings = {path.name for path in (ROOT / "settings").glob("*.toml")}
    assert {f"risk_actors/shipped/settings/{name}" for name in settings} <= found


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in files_of(wheel)}
    assert tops == {"risk_actors", f"risk_actors-{risk_actors.__version__}.dist-info"}
    assert not [name for name in files_of(wheel) if name.endswith((".env", ".db", ".pyc"))]


def test_the_version_comes_from_one_place(wheel: Path) -> None:
    files = files_of(wheel)
    (name,) = (name for name in files if name.endswith("/METADATA"))
    metadata = HeaderParser().parsestr(files[name].decode())
    assert metadata["Version"] == risk_actors.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project


def test_the_source_archive_makes_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())

    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=source)

    (again,) = tmp_path.glob("*.whl")
    assert files_of(again) == files_of(wheel)
