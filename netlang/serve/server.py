"""The page over HTTP, for this machine only.

Only a page that knows the token may ask, and only by the address that was printed: another page in
the same browser can neither read the token nor pretend, by a name of its own for this machine, to
come from here.
"""

from __future__ import annotations

import mimetypes
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import cast

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError
from netlang.serve.handler import Handler
from netlang.serve.messages.answers import Error, Failed
from netlang.serve.messages.coding import decoded, encoded
from netlang.serve.messages.requests import Train

STATIC = Path(__file__).with_name("static")
"""The front end: what `web/` is built to."""

HOST = "127.0.0.1"
LARGEST = 32 << 20
"""Bytes of a request: a text, or an image from a camera."""
_PATIENCE = 30.0
"""Seconds that a client may take for a request."""

POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
        "font-src 'self'", "connect-src 'self'", "worker-src 'self'", "form-action 'none'",
        "base-uri 'none'", "frame-ancestors 'none'",
    )
)  # fmt: skip

_ONCE = "/once/"
"""The path of an address that can be opened once."""

USED = """\
This address works once, and was opened before. Open the one that `netlang serve` printed.

If the page never opened, somebody else on this machine has it: end `netlang serve`."""

NOT_BUILT = """\
The page is not part of this installation.

An installed netlang has it. In a checkout it is built from `web/`: run `npm ci` and then
`npm run build` in that folder, and reload.
"""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2",
    ".map": "application/json", ".json": "application/json",
}  # fmt: skip


class PageServer(ThreadingHTTPServer):
    """Serves the page and answers its messages at an address of this machine.

    Port 0 is a free one. Raises ``NetlangError`` for a port that is in use.
    """

    daemon_threads = True
    # Elsewhere than on POSIX systems, two processes could then have one port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, handler: Handler, port: int = 0, static: Path = STATIC) -> None:
        self.messages = handler
        self.static = static
        self.token = secrets.token_urlsafe(24)
        self._code = ""
        self._code_lock = Lock()
        try:
            super().__init__((HOST, port), _Connection)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise NetlangError(
                rules.SYSTEM,
                f"port {port} cannot be used: {reason}",
                helps=["leave out --port: then a free one is chosen"],
                exit_code=ENVIRONMENT,
            ) from None
        self._thread = Thread(target=self.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """The address of the page, with the token, which a browser sends to no one."""
        return f"http://{HOST}:{self.port}/#token={self.token}"

    def one_time_address(self) -> str:
        """Return an address that leads to the page once, in place of any before.

        The command line of a browser, which every user of the machine may read, has it without the
        token.
        """
        with self._code_lock:
            self._code = secrets.token_urlsafe(24)
            return f"http://{HOST}:{self.port}{_ONCE}{self._code}"

    def redeemed(self, code: str) -> bool:
        """Return whether a code is that of the address, which is of no more use then."""
        with self._code_lock:
            valid = self._code != "" and secrets.compare_digest(code.encode(), self._code.encode())
            self._code = "" if valid else self._code
            return valid

    @cached_property
    def hosts(self) -> frozenset[str]:
        """What a client may call this server."""
        names = HOST, "localhost"
        own = frozenset(f"{name}:{self.port}" for name in names)
        return own.union(names) if self.port == 80 else own  # which browsers leave out

    def start(self) -> None:
        """Serve in a thread, and get ready for the first request in another."""
        self._thread.start()
        Thread(target=self.messages.prepare, daemon=True).start()

    def close(self) -> None:
        """Stop what is running, and serve no more."""
        self.shutdown()
        self.server_close()
        self.messages.close()
        self._thread.join()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a client that is gone is not an error of the user's."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "netlang"
    sys_version = ""
    timeout = _PATIENCE
    disable_nagle_algorithm = True  # headers and content are two writes

    @property
    def page(self) -> PageServer:
        return cast("PageServer", self.server)

    def do_GET(self) -> None:
        if self.path.startswith(_ONCE):
            self._redirect(self.path.removeprefix(_ONCE))
        else:
            self._static(body=True)

    def do_HEAD(self) -> None:
        self._static(body=False)

    def do_POST(self) -> None:
        length = self._length()
        if length is None:
            return
        problem = self._forbidden(token=True)
        if problem is not None:
            self._reject(HTTPStatus.FORBIDDEN, problem)
            return
        if self.path != "/message":
            self._reject(HTTPStatus.NOT_FOUND, "messages are sent to /message")
            return
        if self.headers.get_content_type() != "application/json":
            self._reject(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a message is application/json")
            return
        data = self.rfile.read(length)
        if len(data) < length:
            self.close_connection = True
            return
        try:
            request = decoded(data)
        except NetlangError as error:
            self._reject(HTTPStatus.BAD_REQUEST, error.message, read=True)
            return
        answers = self.page.messages.answer(request)
        if isinstance(request, Train):
            self._stream(answers)
        else:
            self._send(HTTPStatus.OK, next(answers), "application/json")

    def _length(self) -> int | None:
        """Return the length of the body; answer a request without one, or with too long a one."""
        text = self.headers.get("Content-Length", "")
        if not (text.isascii() and text.isdigit()) or "Transfer-Encoding" in self.headers:
            self._reject(HTTPStatus.LENGTH_REQUIRED, "a message has a Content-Length")
            return None
        if len(text) > 12 or int(text) > LARGEST:
            limit = f"a message has at most {LARGEST:,} bytes"
            self._reject(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit)
            return None
        return int(text)

    def _forbidden(self, *, token: bool) -> str | None:
        """Return why a request is not answered, if it is from elsewhere."""
        if self.headers.get("Host") not in self.page.hosts:
            return "this address is not the one of the page"
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self.page.hosts:
            return "another page may not ask"
        given = self.headers.get("X-Netlang-Token", "")
        if token and not secrets.compare_digest(given.encode(), self.page.token.encode()):
            return "the token is missing or wrong: open the address that netlang serve printed"
        return None

    def _reject(self, status: HTTPStatus, message: str, *, read: bool = False) -> None:
        """Answer with an error; a body that was not read ends the connection."""
        if not read:
            self.close_connection = True
        failed = Failed(error=Error(rules.USAGE.code, message))
        self._send(status, encoded(failed), "application/json")

    def _send(
        self, status: HTTPStatus, content: bytes, type: str, *, body: bool = True, etag: str = ""
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache" if etag else "no-store")
        if etag:
            self.send_header("ETag", etag)
        if self.close_connection:
            self.send_header("Connection", "close")
        self._headers()
        if body:
            self.wfile.write(content)

    def _headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    # ---- runs ----------------------------------------------------------------------------------

    def _stream(self, answers: Iterator[bytes]) -> None:
        """Send each answer as a line, as it comes; a client that is gone stops the run."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Cache-Control", "no-store")
        self._headers()
        try:
            for line in answers:
                if self._is_gone():
                    return
                self._chunk(line + b"\n")
            self._chunk(b"")
        except OSError:
            self.close_connection = True
        finally:
            cast("Iterator[bytes]", answers).close()  # pyright: ignore
            self.close_connection = self.close_connection or self._is_gone()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _is_gone(self) -> bool:
        """Return whether the client has closed the connection; it says nothing while it waits."""
        try:
            self.connection.setblocking(False)
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            with suppress(OSError):
                self.connection.settimeout(_PATIENCE)

    def _redirect(self, code: str) -> None:
        """Lead a browser that was started with a one-time address to the page."""
        problem = self._forbidden(token=False)
        if problem is None and not self.page.redeemed(code):
            problem = USED
        if problem is not None:
            self._send(HTTPStatus.FORBIDDEN, f"{problem}\n".encode(), "text/plain; charset=utf-8")
            return
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", f"/#token={self.page.token}")
        self.send_header("Content-Length", "0")
        self.send_header("Cache-Control", "no-store")
        self._headers()

    # ---- files ---------------------------------------------------------------------------------

    def _static(self, *, body: bool) -> None:
        problem = self._forbidden(token=False)
        if problem is not None:
            self._reject(HTTPStatus.FORBIDDEN, problem)
            return
        files = _files(self.page.static)
        path = self.path.partition("?")[0].removeprefix("/") or "index.html"
        if path not in files:
            missing = path == "index.html"
            status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.NOT_FOUND
            text = NOT_BUILT if missing else f"there is no {path} here\n"
            self._send(status, text.encode(), "text/plain; charset=utf-8", body=body)
            return
        content = files[path].read_bytes()
        etag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.send_header("ETag", etag)
            self._headers()
            return
        suffix = Path(path).suffix
        type = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
        self._send(HTTPStatus.OK, content, type, body=body, etag=etag)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: a page asks at every keystroke."""


def _files(folder: Path) -> dict[str, Path]:
    """Return the files of the front end by their paths: no other path reaches the disk."""
    return {
        os.path.relpath(path, folder).replace(os.sep, "/"): path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
