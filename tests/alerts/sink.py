"""An HTTP server of the test's own that takes alerts, and what it was told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class HttpSink:
    """Answers every request with one status, and keeps path and body."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.paths: list[str] = []
        self.taken = 0
        """Requests that came, answered or not."""
        self.letters: list[dict[str, Any]] = []
        self.hangs = threading.Event()
        """While set, no request is answered."""
        self.let_go = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sink.taken += 1
                if sink.hangs.is_set():
                    sink.let_go.wait(30)
                sink.paths.append(self.path)
                if body:
                    sink.letters.append(json.loads(body))
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str = "hook") -> str:
        return f"json://127.0.0.1:{self.port}/{path}"

    def text(self) -> str:
        """Return all that was told, title and body."""
        return "\n".join(f"{each['title']}\n{each['message']}" for each in list(self.letters))
