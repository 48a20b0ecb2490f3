"""Others need the processor, too: a loop that answers alone leaves them some between its turns, and answers all."""

import time

import pytest

from tests.server.transport.conftest import Ask

pytestmark = pytest.mark.parametrize("transport", ["inline", "sockets"])

REST_S = 0.000321


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long anybody slept, each time."""
    found: list[float] = []
    sleep = time.sleep

    def note(seconds: float) -> None:
        found.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)
    return found


@pytest.mark.parametrize("rest_s", [REST_S, 0.0])
def test_rests_after_turns(ask: Ask, slept: list[float], rest_s: float) -> None:
    """After each turn that answered somebody, as long as others need the processor, and only then."""
    asked = ask(rest_s=lambda _: rest_s)
    texts = [b"a%d" % number for number in range(20)]
    assert [asked.turn(text) for text in texts] == [text[::-1] for text in texts]
    assert slept.count(REST_S) in ((19, 20) if rest_s else (0,))  # the last rest may not have begun
