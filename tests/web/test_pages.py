"""The dashboard's files: what is served, and that they fit each other and load nothing else."""

import http.client
import re
import zipfile
from collections.abc import Generator
from importlib.resources import files
from pathlib import PurePosixPath

import pytest

from risk_actors.actors.picture import Picture
from risk_actors.web import pages
from risk_actors.web.server import WebServer
from tests.actors.trader_rig import TraderRig

PICTURE = Picture(version="1.2.3", mode="paper", armed=True, phase="armed")
PAGES = pages.load()
OWN = sorted(path for path in PAGES if not path.startswith("vendor/"))
SCRIPTS = [path for path in OWN if path.endswith(".js")]
TEXTS = {path: PAGES[path].body.decode() for path in PAGES}
HTML = TEXTS["index.html"]

NAMESPACE = "http://www.w3.org/2000/svg"
"""An XML namespace: a name, which nothing asks for."""


@pytest.fixture
def port() -> Generator[int]:
    server = WebServer(
        picture=lambda: PICTURE,
        topology=lambda: {"actors": [], "edges": []},
        requests=TraderRig(lambda: PICTURE).desk,
        port=0,
    )
    yield server.start()
    server.stop()


def ask(
    port: int, path: str, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_the_page_is_at_the_root(port: int) -> None:
    response, body = ask(port, "/")
    assert response.status == 200
    assert response.headers.get_content_type() == "text/html"
    assert response.headers.get_content_charset() == "utf-8"
    assert body == PAGES["index.html"].body


def test_every_file_is_served_with_its_type_and_the_strict_headers(port: int) -> None:
    for path, page in PAGES.items():
        response, body = ask(port, f"/static/{path}")
        assert (response.status, body) == (200, page.body), path
        assert response.headers.get_content_type() == page.content_type
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]


def test_a_file_the_browser_has_is_not_sent_again(port: int) -> None:
    first, _ = ask(port, "/static/js/main.js")
    again, body = ask(port, "/static/js/main.js", {"If-None-Match": first.headers["ETag"]})
    assert (again.status, body) == (304, b"")
    other, body = ask(port, "/static/js/main.js", {"If-None-Match": '"another"'})
    assert other.status == 200
    assert body


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/none.js",
        "/static/../pages.py",
        "/static/js/../../pages.py",
        "/static/%2e%2e/pages.py",
        "/static/..%2fpages.py",
        "/static//etc/passwd",
        "/static/js",
    ],
)
def test_nothing_else_is_served(port: int, path: str) -> None:
    response, body = ask(port, path)
    assert response.status == 404
    assert b"import" not in body


@pytest.mark.parametrize("path", OWN)
def test_no_file_of_ours_names_another_place(path: str) -> None:
    found = re.findall(r"""(?:https?:|wss?:)?//[\w.-]+\.\w+[^\s"')]*""", TEXTS[path])
    assert [each for each in found if each != NAMESPACE] == []


def test_vendored_scripts_name_other_places_in_comments_only() -> None:
    for path in ("vendor/uPlot.esm.js", "vendor/uPlot.min.css"):
        code = re.sub(r"/\*.*?\*/", "", TEXTS[path], flags=re.DOTALL)
        code = re.sub(r"(?<!:)//.*", "", code)
        assert "://" not in code, path
        assert "import(" not in code, path


def test_the_page_has_no_inline_script_or_style() -> None:
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", HTML) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", HTML) == []
    assert re.findall(r"<script[^>]*>[^<]+</script>", HTML) == []


@pytest.mark.parametrize("path", SCRIPTS)
def test_scripts_do_nothing_the_policy_forbids(path: str) -> None:
    text = TEXTS[path]
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function"):
        assert forbidden not in text, forbidden
    assert not re.search(r"""setAttribute\(\s*["']style""", text)
    assert not re.search(r"\bstyle:\s*[\"'`{]", text)


@pytest.mark.parametrize("path", SCRIPTS)
def test_every_import_is_there_and_exports_what_is_imported(path: str) -> None:
    imported = re.findall(
        r"""^import\s+(?:(\w+)|\{([^}]*)\})\s+from\s+["']([^"']+)["'];""",
        TEXTS[path],
        flags=re.MULTILINE,
    )
    assert len(imported) == len(re.findall(r"^import\b", TEXTS[path], flags=re.MULTILINE))
    for default, names, source in imported:
        assert source.startswith(("./", "../"))
        target = _resolved(path, source)
        assert target in PAGES, f"{path} imports {source}"
        if default:
            assert re.search(r"export default|as default", TEXTS[target])
        body = TEXTS[path].split(f'"{source}";', 1)[1]
        for name in filter(None, (each.strip() for each in names.split(","))):
            assert re.search(
                rf"^export (?:async )?(?:function|class|const) {name}\b",
                TEXTS[target],
                flags=re.MULTILINE,
            ), f"{target} has no {name}"
            assert re.search(rf"\b{name}\b", body), f"{path} does not use {name}"


def test_every_file_the_page_names_is_there() -> None:
    named = re.findall(r"""(?:src|href)="/static/([^"]+)\"""", HTML)
    assert len(named) > 5
    assert [path for path in named if path not in PAGES] == []
    icons = re.findall(r"""return "(\w+)";|\? "(\w+)" : "(\w+)\"""", _function("iconOf"))
    for icon in {name for names in icons for name in names if name}:
        assert f"icons/{icon}.svg" in PAGES


def test_every_id_that_is_looked_up_is_in_the_page_or_made() -> None:
    made = set(re.findall(r"""\bid="([\w-]+)\"""", HTML))
    script = "\n".join(TEXTS[path] for path in SCRIPTS)
    made |= set(re.findall(r"""\bid: "([\w-]+)\"""", script))
    looked_up = set(re.findall(r"""(?:byId|getElementById)\("([\w-]+)"\)""", script))
    assert len(looked_up) > 5
    assert looked_up - made == set()
    assert len(re.findall(r"""\bid="([\w-]+)\"""", HTML)) == len(
        set(re.findall(r"""\bid="([\w-]+)\"""", HTML))
    )


def test_every_action_of_a_button_is_in_the_table() -> None:
    script = "\n".join(TEXTS[path] for path in SCRIPTS)
    table = TEXTS["js/main.js"].split("const actions = {", 1)[1].split("\n};", 1)[0]
    actions = set(re.findall(r"^  (\w+)\(", table, flags=re.MULTILINE))
    used = set(re.findall(r"""\bdo: "(\w+)\"""", script))
    used |= set(re.findall(r"""\bbutton\([^;]*?,\s*"(\w+)"[,)]""", script))
    used |= set(re.findall(r"""\btoggle\([^,]*, "(\w+)\"""", script))
    assert used == actions


def test_every_colour_that_is_named_is_set_in_every_theme() -> None:
    tokens = TEXTS["css/tokens.css"]
    themes = [set(re.findall(r"(--[\w-]+):", block)) for block in tokens.split(":root")[1:]]
    assert len(themes) == 3
    assert themes[1] == themes[2]
    assert themes[1] <= themes[0]
    local = {"--used", "--tone", "--at", "--from", "--to", "--weight"}
    for path in OWN:
        named = set(re.findall(r"var\((--[\w-]+)\)", TEXTS[path]))
        assert named - themes[0] - local == set(), path


def test_nothing_that_loosens_can_be_sent() -> None:
    script = "\n".join(TEXTS[path] for path in SCRIPTS)
    assert re.findall(r"""\bsend\("([^"]+)\"""", script) == ["/api/panic"]
    assert script.count('method: "POST"') == 1


def test_vendored_libraries_are_named_with_version_and_licence() -> None:
    told = TEXTS["vendor/README.md"]
    version = re.search(r"v(\d+\.\d+\.\d+)", TEXTS["vendor/uPlot.esm.js"])
    assert version is not None
    assert version[1] in told
    assert "MIT License" in TEXTS["vendor/uPlot.LICENSE.txt"]
    present = {PurePosixPath(path).name for path in PAGES if path.startswith("vendor/")}
    assert {name for name in present if f"`{name}`" not in told} == {"README.md"}


def test_the_files_come_with_the_program() -> None:
    root = files("risk_actors.web") / "dashboard"
    assert root.is_dir()
    assert not isinstance(root, zipfile.Path)


def _function(name: str) -> str:
    body = TEXTS["js/header.js"].split(f"export function {name}(", 1)[1]
    return body.split("\n}\n", 1)[0]


def _resolved(path: str, source: str) -> str:
    parts = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(source).parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
