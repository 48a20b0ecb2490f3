"""What is awaited of a server that runs."""

import threading
from collections.abc import Callable

from tests.integration.answers import TIMEOUT_S

_LOOK_S = 0.02


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Returns once it holds.

    Raises:
        TimeoutError: it did not in time.
    """
    pause = threading.Event()
    for _ in range(round(TIMEOUT_S / _LOOK_S)):
        if holds():
            return
        pause.wait(_LOOK_S)
    raise TimeoutError(what)
