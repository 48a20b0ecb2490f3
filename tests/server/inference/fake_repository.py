"""A repository in memory, for the methods that administer."""

from collections.abc import Sequence

from server.errors import UnknownModel
from server.inference.repository import READY, UNAVAILABLE, Indexed


class FakeRepository:
    """Versions 1 and 2 of "shop", the first of which failed.

    Attributes:
        serves: whether the model does.
    """

    def __init__(self) -> None:
        self.serves = True

    def index(self) -> Sequence[Indexed]:
        """See Repository."""
        state = READY if self.serves else UNAVAILABLE
        return [Indexed("app", None, UNAVAILABLE), Indexed("shop", 1, UNAVAILABLE, "no"), Indexed("shop", 2, state)]

    def load(self, name: str) -> None:
        """See Repository."""
        self._find(name)
        self.serves = True

    def unload(self, name: str) -> None:
        """See Repository."""
        self._find(name)
        self.serves = False

    def _find(self, name: str) -> None:
        if name != "shop":
            raise UnknownModel(f"no model {name!r} here; there is shop")
