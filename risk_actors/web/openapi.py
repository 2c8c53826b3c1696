"""The description of what is served, made from the route table and the structs themselves."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from risk_actors import __version__
from risk_actors.web.guard import JSON
from risk_actors.web.routes import EMPTY, Query, Route
from risk_actors.web.shapes import Problem

_REF = "#/components/schemas/{name}"
_ABOUT = (
    "What the dashboard and the commands read and ask. Amounts are US dollars; an amount that is"
    " unknown is null, never 0. Instants are ISO 8601 in UTC. Errors say what to do."
)
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "risk_actors_session"},
}


def describe(routes: Sequence[Route], *, has_token: bool) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of a route table."""
    types = [Problem, *(each for route in routes for each in _types_of(route))]
    unique = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(unique, ref_template=_REF)
    named = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        operation = _operation(route, named)
        if has_token and route.needs_token:
            operation["security"] = [{name: []} for name in _SCHEMES]
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "risk-actors", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": components},
    }
    if has_token:
        described["components"]["securitySchemes"] = _SCHEMES
    return described


def _types_of(route: Route) -> Iterator[Any]:
    if route.body is not None:
        yield route.body
    for answer in route.answers.values():
        for each in _alternatives(answer):
            if each is not None and not isinstance(each, str):
                yield each


def _alternatives(answer: Any) -> tuple[Any, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _operation(route: Route, named: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "responses": {
            str(status): _response(status, answer, named)
            for status, answer in route.answers.items()
        },
    }
    operation["responses"]["default"] = {
        "description": "It was not done",
        "content": {JSON: {"schema": named[Problem]}},
    }
    if route.query is not None:
        operation["parameters"] = list(_parameters(route.query))
    if route.body is not None:
        content = {route.body_kind: {"schema": named[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(route: Route) -> str:
    words = route.path.strip("/").replace(".", "/").replace("_", "/").split("/")
    return route.method.lower() + "".join(word.capitalize() for word in words)


def _response(status: int, answer: Any, named: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if answer == EMPTY:
        return described
    kinds = [each for each in _alternatives(answer) if isinstance(each, str)]
    if kinds:
        described["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
        return described
    schemas = [
        {"type": "object"} if each is None else named[each] for each in _alternatives(answer)
    ]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    described["content"] = {JSON: {"schema": schema}}
    return described


def _parameters(query: type[Query]) -> Iterator[dict[str, Any]]:
    _, components = msgspec.json.schema_components([query])
    schema = components[query.__name__]
    for name, content in schema["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "schema": content,
        }
