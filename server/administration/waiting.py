"""Waiting until the workers have followed a change, by looking at what the loader says."""

from collections.abc import Callable
from typing import Final, Protocol

from server.overview import Status

_PAUSE_S: Final = 0.02  # between two looks


class Follows(Protocol):
    """What follows the repository."""

    @property
    def status(self) -> Status:
        """What it saw when it last looked."""
        ...

    def look_soon(self) -> None:
        """Has it look now, and not only when it is due."""
        ...


def wait_until(
    loader: Follows,
    look: Callable[[Status], bool | None],
    latest_s: float,
    clock_s: Callable[[], float],
    sleep: Callable[[float], object],
) -> bool:
    """What `look` makes of the loader's status, once that is not None; False when it is too late for that.

    Args:
        loader: is asked to look at the repository meanwhile.
        look: whether a change has been followed; None while it may still be.
        latest_s: when to give up, as clock_s tells it.
        clock_s: seconds that never go back.
        sleep: takes a pause in seconds.
    """
    while (answer := look(loader.status)) is None:
        if clock_s() >= latest_s:
            return False
        loader.look_soon()
        sleep(_PAUSE_S)
    return answer
