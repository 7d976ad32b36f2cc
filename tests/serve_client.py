"""A page without a browser: messages over HTTP to a server in the process of the test."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from netlang.serve.folder import Folder
from netlang.serve.handler import Handler
from netlang.serve.server import PageServer

Answer = dict[str, Any]


class Page:
    """What a page does: sends messages with the token, and reads the answers."""

    def __init__(self, server: PageServer) -> None:
        self.server = server

    def headers(self, others: Mapping[str, str] = {}) -> dict[str, str]:
        """Return the headers of a message."""
        return {"Content-Type": "application/json", "X-Netlang-Token": self.server.token, **others}

    def raw(
        self, data: bytes | str, method: str = "POST", path: str = "/message", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send anything; return the status, the headers and the content.

        The names of headers have ``_`` for ``-``.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        own = self.headers() if method == "POST" else {}
        others = {name.replace("_", "-"): text for name, text in headers.items()}
        connection.request(method, path, data, own | others)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    def ask(self, type: str, **fields: object) -> Answer:
        """Send a request; return its answer."""
        message = {"version": 1, "id": 7, "type": type, **fields}
        status, _, content = self.raw(json.dumps(message))
        answer: Answer = json.loads(content)
        assert status == 200 and answer["id"] == 7, answer
        return answer

    @contextmanager
    def stream(self, **fields: object) -> Iterator[Iterator[Answer]]:
        """Train, and yield the answers as they come; leaving the context closes the connection."""
        message = json.dumps({"version": 1, "id": 9, "type": "train", **fields}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request("POST", "/message", message, self.headers())
        stream_socket = connection.sock
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        try:
            yield (json.loads(line) for line in answer if line.strip())
        finally:
            with suppress(OSError):
                stream_socket.shutdown(socket.SHUT_RDWR)
            answer.close()
            connection.close()

    def train(self, **fields: object) -> list[Answer]:
        """Train to the end; return all answers."""
        with self.stream(**fields) as answers:
            return list(answers)


@contextmanager
def page(folder: Path, first: str | None = None, **options: Any) -> Iterator[Page]:
    """Serve a folder."""
    server = PageServer(Handler(Folder(folder), first), **options)
    server.start()
    try:
        yield Page(server)
    finally:
        server.close()
