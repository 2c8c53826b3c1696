"""The route table: what is served and what is described are made from the same rows."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from aiohttp import web

from risk_actors.web.guard import JSON, Handler

BODY_TIMEOUT_S = 5.0
"""A body that has not come by then is given up."""


RUN_PATH = "/api/run"
"""Tells which guard this is before anybody sends it a token."""
EMPTY = ""
"""An answer without a body, such as the way to another page."""


type Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Of an account or a lock: what a column of the store can hold."""


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may stand behind the question mark of an address."""


class Route(NamedTuple):
    """One thing that can be asked for."""

    method: str
    path: str
    handle: Handler
    summary: str
    answers: Mapping[int, Any]
    """By status what comes back: a struct, a media type as text, one of several of either, or None
    for any JSON object."""
    query: type[Query] | None = None
    body: type[msgspec.Struct] | None = None
    body_kind: str = JSON
    """The media type in which a body has to come."""
    is_stream: bool = False
    """Whether the answer does not end by itself."""
    needs_token: bool = True
    """Whether a token is asked for where there is one."""

    def definition(self) -> web.RouteDef:
        """Return what the server is told; an endless answer has no HEAD."""
        if self.method == "GET":
            return web.get(self.path, self.handle, allow_head=not self.is_stream)
        return web.post(self.path, self.handle)


def answer_json(answer: Any, status: int = 200) -> web.Response:
    """Return an answer made of structs or of JSON's own types."""
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type=JSON)


def asked[Q: Query](request: web.Request, kind: type[Q]) -> Q:
    """Return what stands behind the question mark.

    Raises:
        HTTPBadRequest: something of it is not understood; the text says what.
    """
    said: dict[str, str] = {}
    for name, value in request.query.items():
        if name in said:
            raise web.HTTPBadRequest(text=f"`{name}` is given twice; give it once")
        said[name] = value
    try:
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
        raise web.HTTPBadRequest(
            text=f"not understood: {error}; {request.path} takes {known or 'nothing'}, see"
            " /openapi.json"
        ) from error


def definitions(routes: Sequence[Route]) -> list[web.RouteDef]:
    """Return what the server is told of a table."""
    return [route.definition() for route in routes]
