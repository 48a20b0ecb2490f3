"""What was learned of messages, found again by their length: a bounded number, and of each length a few."""

from typing import Final, Generic, Protocol, TypeVar

MOST_TEMPLATES: Final = 512  # kept at once; callers who vary the length of their ids need one for each
_MOST_OF_A_LENGTH: Final = 8


class Fitting(Protocol):
    """What messages of one length may have in common."""

    def fits(self, message: bytes) -> bool:
        """Whether a message of that length has it."""
        ...


FittingT = TypeVar("FittingT", bound=Fitting)


class Alike(Generic[FittingT]):
    """Templates by the length of their messages. A length of which nothing was learned takes no memory."""

    def __init__(self) -> None:
        self._by_length: dict[int, list[FittingT]] = {}
        self._count = 0

    def find(self, message: bytes) -> FittingT | None:
        """What the message is like, if it is like any before."""
        for template in self._by_length.get(len(message), ()):
            if template.fits(message):
                return template
        return None

    def has_room(self, message: bytes) -> bool:
        """Whether another one of its length may be learned."""
        return len(self._by_length.get(len(message), ())) < _MOST_OF_A_LENGTH

    def keep(self, message: bytes, template: FittingT) -> None:
        """Keeps what was learned of this message."""
        if self._count >= MOST_TEMPLATES:  # those that are still asked for are soon back
            self._by_length.clear()
            self._count = 0
        self._by_length.setdefault(len(message), []).append(template)
        self._count += 1
