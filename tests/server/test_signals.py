import threading

from server.signals import Stop

LONG_S = 60.0


def test_waking_is_not_asking() -> None:
    """Who waits looks again, before its time and once for each waking; nobody has asked it to stop."""
    stop = Stop()
    threading.Timer(0.01, stop.wake).start()
    assert not stop.wait_for(LONG_S)
    stop.wake()
    assert not stop.wait_for(LONG_S)
    assert not stop.wait_for(0.0)
    assert not stop.is_asked


def test_asking_lasts() -> None:
    """Whoever waits afterwards is told, whatever came first."""
    stop = Stop()
    stop.wake()
    stop.ask()
    assert [stop.wait_for(LONG_S) for _ in range(3)] == [True, True, True]
