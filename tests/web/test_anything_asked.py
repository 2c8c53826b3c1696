"""Whatever is asked, the answer is one that the description has, and never a fault of ours."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.written import a_breach, write_record
from tests.web.served import JSON, Served
from tests.web.test_openapi import BODIES, validate

NAMES = st.sampled_from(["days", "account", "correlation", "since", "limit", "x", "", "days[]"])
INSTANTS = st.sampled_from(
    ["2026-11-17T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
ONE = st.one_of(
    st.tuples(st.just("since"), INSTANTS),
    st.tuples(st.sampled_from(["account", "days", "limit"]), st.integers().map(str)),
    st.tuples(st.just("account"), st.sampled_from([str(2**63), str(-(2**63) - 1), "9" * 30])),
)
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["101", "quote-1", "1", "", "null", "9" * 30, "-1"]),
    INSTANTS,
)
QUERIES = st.lists(ONE | st.tuples(NAMES, VALUES), max_size=3)
FIELDS = st.sampled_from(["account", "lock", "reason", "secret", "x"])
PLAIN: st.SearchStrategy[object] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=600), st.just([])
)
SLOWLY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir: Path = tmp_path_factory.mktemp("data")
    write_record(data_dir, a_breach())
    made = Served(data_dir)
    yield made
    made.server.stop()


@pytest.fixture(scope="module")
def described(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.ask("/openapi.json").json
    return found


@SLOWLY
@given(
    path=st.sampled_from(["/api/history", "/api/curve", "/api/audit", "/api/state"]), query=QUERIES
)
def test_any_question(
    served: Served, described: dict[str, Any], path: str, query: list[tuple[str, str]]
) -> None:
    said = "&".join(f"{quote(n)}={quote(v, errors='surrogatepass')}" for n, v in query)

    reply = served.ask(f"{path}?{said}")

    assert reply.status in (200, 400, 404)
    validate(described, path, "get", reply)


@SLOWLY
@given(
    path=st.sampled_from(sorted(BODIES)), body=st.dictionaries(FIELDS, PLAIN, max_size=4) | PLAIN
)
def test_any_body(served: Served, described: dict[str, Any], path: str, body: object) -> None:
    reply = served.ask(path, "POST", json.dumps(body).encode(), JSON)

    assert reply.status in (202, 400, 403, 404, 409, 413)
    validate(described, path, "post", reply)


@SLOWLY
@given(path=st.sampled_from(sorted(BODIES)), body=st.binary(max_size=200))
def test_any_bytes(served: Served, described: dict[str, Any], path: str, body: bytes) -> None:
    reply = served.ask(path, "POST", body, JSON)

    assert reply.status in (202, 400)
    validate(described, path, "post", reply)
