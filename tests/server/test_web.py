import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus

import pytest

from server.overview import ModelStatus, Status
from server.web import Pages, WebServer, render
from tests.server.conftest import Measured

SEEN = Status({"shop": ModelStatus(2, (1, 2), {1: "cut"}), "app": ModelStatus(None, (), {})})


def pages(measured: Measured, status: Status = SEEN, *, is_ready: bool = True) -> Pages:
    """The pages of a server that saw this."""
    return Pages(measured.registry, lambda: status, lambda: is_ready)


@pytest.mark.parametrize(
    ("path", "is_ready", "status", "content_type", "start"),
    [
        ("/", True, HTTPStatus.OK, "text/html; charset=utf-8", "<!doctype html>"),
        ("/", False, HTTPStatus.OK, "text/html; charset=utf-8", "<!doctype html>"),
        ("/healthz", False, HTTPStatus.OK, "text/plain; charset=utf-8", "alive"),
        ("/readyz", True, HTTPStatus.OK, "text/plain; charset=utf-8", "ready"),
        ("/readyz", False, HTTPStatus.SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", "not ready: no version"),
        ("/metrics", False, HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", "# HELP audience_"),
        ("", True, HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "there is /, /metrics"),
        ("/metrics/", True, HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "there is"),
        ("/<script>", True, HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "there is /, /metrics"),
        ("/../etc/passwd", True, HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "there is"),
    ],
)
def test_pages(  # noqa: PLR0913  # a row of the table
    measured: Measured, path: str, status: HTTPStatus, content_type: str, start: str, *, is_ready: bool
) -> None:
    """What every path answers; nothing of the path comes back."""
    page = pages(measured, is_ready=is_ready).get(path, "*/*")
    assert (page.status, page.content_type) == (status, content_type)
    assert page.body.decode().startswith(start)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=new", "text/plain; version=0.0.4; charset=utf-8"),
        ("a/b;;=;q=x,,;\0", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_metrics_in_the_form_that_is_asked_for(measured: Measured, accept: str, content_type: str) -> None:
    """Whatever a scraper accepts, it gets metrics."""
    measured.lifecycle.note_scan_failure()
    page = pages(measured).get("/metrics", accept)
    assert page.content_type.startswith(content_type)
    assert b"audience_repository_failures_total 1.0" in page.body


@pytest.mark.parametrize(
    ("status", "is_ready", "parts"),
    [
        (Status(), False, ["Audience is not ready"]),
        (SEEN, True, ["Audience is ready", "<td>shop<td>2<td>1, 2<td class=bad>1: cut", "<td>app<td>none<td>none"]),
        (Status(unreadable="gone"), False, ["<p class=bad>gone</p>"]),
        (Status({"shop": ModelStatus(None, (1, 2), {2: "b", 1: "a"})}), False, ["<td class=bad>1: a<br>2: b"]),
        (Status({"shop": ModelStatus(1, (1, 2), {}, unapproved={2: "<b>"})}), True, ["<br>2: &lt;b&gt;</tr>"]),
    ],
)
def test_page_for_people(status: Status, parts: list[str], *, is_ready: bool) -> None:
    """Every model with what serves, what is on disk, and what was refused and why."""
    page = render(status, is_ready=is_ready)
    assert [part for part in parts if part not in page] == []


HOSTILE = "<script>alert('1')</script>&\"\x00é"


@pytest.mark.parametrize(
    "status", [Status({"shop": ModelStatus(1, (1,), {2: HOSTILE})}), Status(unreadable=HOSTILE)], ids=["reason", "root"]
)
def test_page_runs_nothing(measured: Measured, status: Status) -> None:
    """A reason may quote a hostile file; on the page it is text."""
    body = pages(measured, status).get("/", "").body.decode()
    assert "<script" not in body
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&amp;&quot;" in body


def get(port: int, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """Status and text that an ordinary HTTP client sees."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # our own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_web_server(measured: Measured) -> None:
    """The pages come over HTTP, with or without a query, until the server is closed."""
    server = WebServer("127.0.0.1", 0, pages(measured, is_ready=False))
    try:
        assert get(server.port, "/healthz?verbose=1", {}) == (200, "alive\n")
        assert get(server.port, "/readyz", {})[0] == 503
        assert get(server.port, "/nowhere", {})[0] == 404
        assert "audience_" in get(server.port, "/metrics", {"Accept": "application/openmetrics-text; version=x"})[1]
    finally:
        server.close()
    with pytest.raises(urllib.error.URLError):
        get(server.port, "/healthz", {})
