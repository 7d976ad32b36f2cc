"""A client of the language server: `netlang lsp` as a process, or the server in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

TIMEOUT = 60


class Client:
    """Talks to a server over the streams of its process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._received: Queue[dict[str, Any]] = Queue()
        self._number = 0
        self.notifications: list[dict[str, Any]] = []
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while line := stream.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = stream.readline()
            self._received.put(json.loads(stream.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = self._process.stdin
        assert stream is not None
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        stream.flush()

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        """Send a request; return the result, or the error."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params or None})
        while True:
            message = self._received.get(timeout=TIMEOUT)
            if message.get("id") == self._number and "method" not in message:
                return message["error"] if "error" in message else message["result"]
            self.notifications.append(message)

    def wait_for(self, method: str) -> dict[str, Any]:
        """Return the parameters of the next notification of a method."""
        for at, message in enumerate(self.notifications):
            if message.get("method") == method:
                return self.notifications.pop(at)["params"]
        while True:
            message = self._received.get(timeout=TIMEOUT)
            if message.get("method") == method:
                return message["params"]
            self.notifications.append(message)

    def open(self, uri: str, text: str, version: int = 1) -> None:
        """Open a document."""
        document = {"uri": uri, "languageId": "netlang", "version": version, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)

    def change(self, uri: str, text: str, version: int) -> None:
        """Replace the text of a document."""
        document = {"uri": uri, "version": version}
        self.tell("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    def problems(self, uri: str, version: int | None = None) -> list[dict[str, Any]]:
        """Return the diagnostics of a document, those of a version of it."""
        while True:
            found = self.wait_for("textDocument/publishDiagnostics")
            if found["uri"] == uri and version in (None, found.get("version")):
                return found["diagnostics"]


@contextmanager
def served(folder: Path, encodings: tuple[str, ...] = ("utf-16",)) -> Iterator[Client]:
    """Start ``netlang lsp``, and end it as an editor does."""
    command = [sys.executable, "-m", "netlang", "lsp"]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        client = Client(process)
        capabilities = {"general": {"positionEncodings": list(encodings)}}
        client.capabilities = client.ask(  # pyright: ignore[reportAttributeAccessIssue]
            "initialize", processId=None, rootUri=None, capabilities=capabilities
        )["capabilities"]
        client.tell("initialized")
        yield client
        client.ask("shutdown")
        client.tell("exit")
        assert process.wait(TIMEOUT) == 0
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert "Traceback" not in said, said
