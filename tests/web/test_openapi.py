"""The description and what is served are one: every route is asked, every answer is checked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from aiohttp import web

from risk_actors.web import pages
from risk_actors.web.routes import Route
from tests.store.written import a_breach, write_record
from tests.web.served import JSON, Reply, Served

type Serve = Callable[..., Served]
TOKEN = "a-token-of-ours-0123456789"
BODIES: dict[str, dict[str, Any]] = {
    "/api/panic": {"account": 101},
    "/api/unlock": {"lock": 1, "reason": "lunch"},
    "/api/unlock/withdraw": {"lock": 1},
    "/api/disarm": {"reason": "lunch"},
    "/api/arm": {},
}
QUERIES = {
    "/api/audit": ["", "?correlation=quote-1", "?correlation=none", "?limit=1&account=101"],
    "/api/curve": ["?account=101", "?account=5", ""],
    "/api/history": ["", "?days=3", "?days=0"],
}


def validate(described: dict[str, Any], path: str, method: str, reply: Reply) -> None:
    """Check an answer against what the description says of it."""
    answers = described["paths"][path][method.lower()]["responses"]
    told = answers.get(str(reply.status), answers["default"])
    if "content" not in told:
        assert reply.body == b""
        return
    (kind, content), *_ = told["content"].items()
    assert reply.headers.get_content_type() == kind, (path, reply.status)
    if kind == "application/json":
        schema = {**content["schema"], "components": described["components"]}
        jsonschema.validate(reply.json, schema, jsonschema.Draft202012Validator)


def ask_all(served: Served, described: dict[str, Any], headers: dict[str, str]) -> set[str]:
    """Ask every route of the description; return those that answered as asked."""
    done = set()
    for path, operations in described["paths"].items():
        for method in operations:
            for query in QUERIES.get(path, [""]):
                body = json.dumps(BODIES.get(path, {})).encode() if method == "post" else None
                sent = headers | (JSON if method == "post" else {})
                reply = served.ask(path + query, method.upper(), body, sent)
                validate(described, path, method, reply)
                if str(reply.status) in operations[method]["responses"]:
                    done.add(f"{method} {path}")
    return done


@pytest.mark.parametrize("token", [None, TOKEN])
def test_every_described_route_answers_as_described(
    serve: Serve, tmp_path: Path, token: str | None
) -> None:
    write_record(tmp_path, a_breach())
    served = serve(tmp_path, token=token)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    described = served.ask("/openapi.json", headers=headers).json

    done = ask_all(served, described, headers)
    served.picture = msgspec.structs.replace(served.picture, armed=False)
    done |= ask_all(served, described, headers)

    every = {f"{method} {path}" for path, ways in described["paths"].items() for method in ways}
    # No lock is there to end, and nobody sends a form here.
    assert every - done <= {"post /api/unlock", "post /api/unlock/withdraw", "post /login"}


def test_it_is_openapi_3_1_with_schemas_that_are_schemas(serve: Serve) -> None:
    described = (
        serve(token=TOKEN).ask("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json
    )

    assert described["openapi"] == "3.1.0"
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    operations = [each for ways in described["paths"].values() for each in ways.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert all(each["summary"] for each in operations)
    refs = set(_refs(described))
    assert refs == {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert described["paths"]["/api/state"]["get"]["security"] == [{"token": []}, {"session": []}]
    assert "security" not in described["paths"]["/login"]["get"]


def _refs(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return [*own, *(ref for each in node.values() for ref in _refs(each))]
    if isinstance(node, list):
        return [ref for each in node for ref in _refs(each)]
    return []


@pytest.mark.parametrize("token", [None, TOKEN])
def test_every_route_that_is_served_is_described(serve: Serve, token: str | None) -> None:
    served = serve(token=token)
    application = served.server._application()
    for_people = web.Application()
    pages.add_to(for_people)
    shown = {resource.canonical for resource in for_people.router.resources()}
    served_now = {
        (route.method, route.resource.canonical)
        for route in application.router.routes()
        if route.resource is not None and route.resource.canonical not in shown
    }
    table: tuple[Route, ...] = served.server.routes()

    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    described = served.ask("/openapi.json", headers=headers).json["paths"]

    assert {each for each in served_now if each[0] != "HEAD"} == {
        (route.method, route.path) for route in table
    }
    assert {(m.upper(), path) for path, ways in described.items() for m in ways} == {
        (route.method, route.path) for route in table
    }


def test_an_answer_that_is_not_as_described_would_be_found(serve: Serve) -> None:
    served = serve()
    described = served.ask("/openapi.json").json
    reply = served.ask("/livez")
    wrong = reply._replace(body=b'{"alive": "yes"}')
    more = reply._replace(body=b'{"alive": true, "since": 1}')

    validate(described, "/livez", "get", reply)
    for each in (wrong, more):
        with pytest.raises(jsonschema.ValidationError):
            validate(described, "/livez", "get", each)
