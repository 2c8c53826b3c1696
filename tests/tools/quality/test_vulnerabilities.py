"""What pip-audit answers, by its real parser; and the network that is not there, for real."""

import json
from typing import Any

import pytest
from quality.project import Done, NotRunError
from quality.vulnerabilities import judged
from workshop.steady import Transient

from tests.tools.quality.conftest import JudgeBy, Plant

pytestmark = pytest.mark.real_time

SAFE = {"name": "h11", "version": "0.16.0", "vulns": []}
VULNERABLE = {
    "name": "h11",
    "version": "0.14.0",
    "vulns": [
        {"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"], "aliases": ["CVE-2025-43859"]},
        {"id": "PYSEC-2025-2", "fix_versions": [], "aliases": []},
    ],
}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found"}


def answer(*rows: dict[str, Any]) -> Done:
    return Done(int(VULNERABLE in rows), json.dumps({"dependencies": rows, "fixes": []}), "")


@pytest.mark.parametrize(
    ("rows", "verdict", "measured"),
    [
        ((SAFE,), "passed", "none known of 1 pins"),
        ((SAFE, VULNERABLE), "failed", "2 known"),
        ((UNKNOWN, VULNERABLE), "failed", "2 known"),
        ((SAFE, UNKNOWN), "skipped", "not judged: 1 of 2 pins could not be looked up"),
        ((), "skipped", "not judged: 0 of 0 pins could not be looked up"),
    ],
)
def test_an_answer_is_judged(rows: tuple[dict[str, Any], ...], verdict: str, measured: str) -> None:
    found = judged(answer(*rows))

    assert (found.verdict, found.measured) == (verdict, measured)


def test_the_advice_names_the_pin_and_the_cure() -> None:
    assert judged(answer(VULNERABLE)).advice == (
        "h11 0.14.0: PYSEC-2025-1 (CVE-2025-43859), mended in 0.16.0: raise the pin",
        "h11 0.14.0: PYSEC-2025-2 (no other name), no version without it yet",
    )


@pytest.mark.parametrize(
    ("err", "error"),
    [
        ("ERROR: Connection to the service timed out", Transient),
        ("ERROR: 503 Server Error: unavailable", Transient),
        ("ERROR: invalid requirement on line 3", NotRunError),
    ],
)
def test_trouble_that_may_pass_is_told_from_other_trouble(err: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=err.partition("ERROR: ")[2]):
        judged(Done(1, "", err))


def test_without_a_network_it_is_skipped_and_says_so(
    plant: Plant, judge_by: JudgeBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there.
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    found = judge_by("vulnerabilities", plant({"requirements/run.txt": "h11==0.16.0\n"}))

    assert found.verdict == "skipped"
    assert found.measured.startswith("not judged, no network: ")
