"""The broker's side of the part `lane`: notes when each command came in, and accepts it.

    python -m bench.lane_server

It prints its port. A command is known by its account id; `GET /times` gives what came since the
last time it was asked, as JSON (account id to ns of the monotonic clock, which processes share).
"""

import json
import socket
import threading
import time
from contextlib import suppress

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_ACCEPTED = b'{"success":true,"errorCode":0,"errorMessage":null}'


def main() -> None:
    """Serve until the process is ended."""
    times: dict[str, int] = {}
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    while True:
        sock, _ = listening.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(sock, times), daemon=True).start()


def _serve(sock: socket.socket, times: dict[str, int]) -> None:
    with sock, suppress(OSError):
        data = b""
        while piece := sock.recv(65_536):
            came_ns = time.monotonic_ns()
            data += piece
            head, end, body = data.partition(b"\r\n\r\n")
            lower = head.lower()
            length = 0
            if b"content-length:" in lower:
                length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            if not end or len(body) < length:
                continue
            data = body[length:]
            answer = _ACCEPTED
            if head.startswith(b"POST"):
                times[str(json.loads(body[:length])["accountId"])] = came_ns
            elif b"/times " in head:
                answer = json.dumps(times).encode()
                times.clear()
            sock.sendall(_HEAD % (len(answer), answer))


if __name__ == "__main__":
    main()
