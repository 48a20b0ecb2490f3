"""The operator's port: /metrics for Prometheus, /readyz and /healthz for probes, and a page for people."""

import html
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from server.overview import ModelStatus, Status

_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """What a path answers."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Pages:
    """Answers the operator's paths.

    Args:
        registry: the metrics.
        status: what control saw last.
        is_ready: whether every worker answers SERVING.
    """

    def __init__(self, registry: CollectorRegistry, status: Callable[[], Status], is_ready: Callable[[], bool]) -> None:
        self._registry = registry
        self._status = status
        self._is_ready = is_ready

    def get(self, path: str, accept: str) -> Page:
        """The page at a path; `accept` is the request's Accept header."""
        if path == "/metrics":
            return self._metrics(accept)
        if path == "/healthz":
            return Page(HTTPStatus.OK, _TEXT, b"alive\n")
        if path == "/readyz":
            return self._ready()
        if path == "/":
            return Page(HTTPStatus.OK, _HTML, render(self._status(), is_ready=self._is_ready()).encode())
        return Page(HTTPStatus.NOT_FOUND, _TEXT, b"there is /, /metrics, /healthz and /readyz\n")

    def _metrics(self, accept: str) -> Page:
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # prometheus_client compares versions that are not numbers
            encode, content_type = choose_encoder("")
        return Page(HTTPStatus.OK, content_type, encode(self._registry))

    def _ready(self) -> Page:
        if self._is_ready():
            return Page(HTTPStatus.OK, _TEXT, b"ready\n")
        return Page(
            HTTPStatus.SERVICE_UNAVAILABLE,
            _TEXT,
            b"not ready: no version serves everywhere, or draining\n",
        )


def render(status: Status, *, is_ready: bool) -> str:
    """The page for people: every model, what serves, and what was refused and why."""
    rows = "".join(_model_rows(name, model) for name, model in sorted(status.models.items()))
    unreadable = f"<p class=bad>{html.escape(status.unreadable)}</p>" if status.unreadable else ""
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Audience</title>"
        "<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:60rem}"
        "td,th{text-align:left;padding:.2rem 1.5rem .2rem 0;vertical-align:top}.bad{color:#a00}</style>"
        f"<h1>Audience is {'ready' if is_ready else 'not ready'}</h1>{unreadable}"
        f"<table><tr><th>model<th>serves<th>on disk<th>refused</tr>{rows}</table>"
        "<p><a href=/metrics>metrics</a></p></html>"
    )


def _model_rows(name: str, model: ModelStatus) -> str:
    refused = "<br>".join(f"{version}: {html.escape(reason)}" for version, reason in sorted(model.refused.items()))
    behind = "".join(f"<br>worker {number}: {html.escape(reason)}" for number, reason in sorted(model.behind.items()))
    waiting = "".join(f"<br>{version}: {html.escape(lack)}" for version, lack in sorted(model.unapproved.items()))
    on_disk = ", ".join(map(str, model.found)) or "none"
    return f"<tr><td>{name}<td>{model.serving or 'none'}<td>{on_disk}<td class=bad>{refused}{behind}{waiting}</tr>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Binds beside the supervisor's reservation, without HTTPServer's look-up of the host's name, which is slow."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # str and int

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left in the middle is not worth a line, and the log is JSON."""


class WebServer:
    """Serves pages over HTTP, from a thread for each request, until closed."""

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self._server = _Server((host, port), _handler(pages))
        self._thread = threading.Thread(target=self._server.serve_forever, name="web", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stops listening and ends the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds for a slow client, whose thread ends then

        def do_HEAD(self) -> None:
            self._answer(is_head=True)

        def do_GET(self) -> None:
            self._answer(is_head=False)

        def _answer(self, *, is_head: bool) -> None:
            page = pages.get(self.path.partition("?")[0], self.headers.get("Accept", ""))
            self.send_response(page.status)
            headers: Mapping[str, str] = {"Content-Type": page.content_type, "Content-Length": str(len(page.body))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not is_head:
                self.wfile.write(page.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
            """Probes and scrapes are not worth a line."""

    return Handler
