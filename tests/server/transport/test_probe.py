"""The attempt that the server makes at its start, before it relies on grpcio's private part."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # what is taken away here

from server.transport import core, probe
from server.transport.unusable import UnusableCore
from tests.server.transport import traces

PARTS = (
    "CompletionQueue",
    "Server",
    "SendMessageOperation",
    "SendInitialMetadataOperation",
    "SendStatusFromServerOperation",
    "ReceiveMessageOperation",
    "ReceiveCloseOnServerOperation",
)


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Whatever comes of it, no socket and no thread of it stays."""
    monkeypatch.setattr(probe, "_PATIENCE_S", 0.5)
    sockets, threads = traces.sockets(), traces.threads()
    yield
    traces.eventually(lambda: traces.sockets() <= sockets, "its sockets are closed")
    traces.eventually(lambda: traces.threads() <= threads, "its threads have ended")


def test_this_grpcio() -> None:
    """It passes here, again and again."""
    for _ in range(3):
        probe.check()


def _without(part: str) -> Any:
    found = {name: getattr(cygrpc, name) for name in dir(cygrpc)}
    return SimpleNamespace(**{name: value for name, value in found.items() if name != part})


@pytest.mark.parametrize("part", PARTS)
def test_missing_part(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Without a part of it, it says so, and what to do."""
    monkeypatch.setattr(core, "cygrpc", _without(part))
    with pytest.raises(UnusableCore) as caught:
        probe.check()
    text = str(caught.value)
    assert f"does not work with grpcio {grpc.__version__}: AttributeError" in text
    assert part in text
    assert "--transport threads" in text
    assert "a quarter of the requests per second" in text


@pytest.mark.parametrize("part", ["SendMessageOperation", "SendStatusFromServerOperation", "CompletionQueue"])
def test_changed_part(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """A part that takes other arguments is told the same way."""
    changed = _without(part)
    setattr(changed, part, lambda: None)
    monkeypatch.setattr(core, "cygrpc", changed)
    with pytest.raises(UnusableCore, match=f"{grpc.__version__}: (Type|Attribute)Error"):
        probe.check()


@pytest.mark.parametrize(
    ("name", "fake", "words"),
    [
        ("Call.message", lambda *_: None, "the message of a call came as None instead of b'request'"),
        ("is_cancelled", lambda _: True, "the end of a call came as True instead of False"),
        ("Call.receive_close", lambda *_: None, "no event came for: sent, close"),
        ("arrival", lambda _: None, "the arrival of a call was told as a shut down"),
    ],
)
def test_changed_behaviour(monkeypatch: pytest.MonkeyPatch, name: str, fake: Any, words: str) -> None:
    """A part that does something else is found out."""
    monkeypatch.setattr(f"server.transport.core.{name}", fake)
    with pytest.raises(UnusableCore, match=words):
        probe.check()
