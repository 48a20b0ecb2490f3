"""What the operator's port shows."""

import urllib.request

from demo.server import Server
from tests.integration.answers import TIMEOUT_S


def read_page(server: Server, path: str) -> str:
    """A page of the operator's port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}{path}", timeout=TIMEOUT_S) as reply:
        text: str = reply.read().decode()
    return text
