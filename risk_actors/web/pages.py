"""The dashboard's pages: static files that come with the program, and nothing else.

They are read once, when the server is made, so that what is served is of one version even while
the program is renewed under a running daemon, and so that no request reaches the file system.
"""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
from aiohttp import web
from aiohttp.hdrs import CACHE_CONTROL, ETAG

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".md": "text/plain",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
_INDEX = "index.html"


class Page(msgspec.Struct, frozen=True):
    """A file as it is served."""

    body: bytes
    content_type: str
    etag: str


def load() -> dict[str, Page]:
    """Return every file of the dashboard by its path, such as `js/main.js`.

    Raises:
        FileNotFoundError: the program was installed without its dashboard.
    """
    root = files("risk_actors.web") / "dashboard"
    pages = {path: _page(path, file) for path, file in _walk(root, "")}
    if _INDEX not in pages:
        raise FileNotFoundError("the dashboard's files are missing: install risk_actors again")
    return pages


def add_to(application: web.Application) -> None:
    """Serve the dashboard: its page at `/`, its files below `/static/`."""
    pages = load()

    async def index(request: web.Request) -> web.Response:
        return _answer(request, pages[_INDEX])

    async def static(request: web.Request) -> web.Response:
        page = pages.get(request.match_info["path"])
        if page is None:
            raise web.HTTPNotFound(text="no such file")
        return _answer(request, page)

    application.router.add_get("/", index)
    application.router.add_get("/static/{path:.+}", static)


def _answer(request: web.Request, page: Page) -> web.Response:
    """Return the page, or that the one the browser has is still right."""
    headers = {ETAG: f'"{page.etag}"', CACHE_CONTROL: "no-cache"}
    known = request.if_none_match or ()
    if any(each.value in (page.etag, "*") for each in known):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=page.body, content_type=page.content_type, charset="utf-8", headers=headers
    )


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{path}/")
        elif _suffix(path) in _TYPES:
            yield path, entry


def _page(path: str, file: Traversable) -> Page:
    body = file.read_bytes()
    etag = hashlib.sha256(body).hexdigest()[:16]
    return Page(body=body, content_type=_TYPES[_suffix(path)], etag=etag)


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""
