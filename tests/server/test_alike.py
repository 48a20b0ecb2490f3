"""What was learned of messages."""

from dataclasses import dataclass

from server.alike import MOST_TEMPLATES, Alike


@dataclass(frozen=True)
class Beginning:
    """Messages that begin like this."""

    content: bytes

    def fits(self, message: bytes) -> bool:
        """See Fitting."""
        return message.startswith(self.content)


def lengths(alike: Alike[Beginning]) -> int:
    """Of how many lengths something is kept."""
    return len(alike._by_length)  # noqa: SLF001  # memory shows no other way


def test_only_the_same_length_and_what_fits_is_found() -> None:
    """Of several templates the one that fits; none for another length."""
    alike = Alike[Beginning]()
    for content in (b"ab", b"cd"):
        alike.keep(b"....", Beginning(content))
    assert alike.find(b"cdef") == Beginning(b"cd")
    assert (alike.find(b"xxxx"), alike.find(b"cdefg")) == (None, None)


def test_looking_keeps_nothing() -> None:
    """Messages of any length of which nothing is learned, such as somebody's who tries to fill the memory."""
    alike = Alike[Beginning]()
    for length in range(1000):
        assert alike.has_room(b"x" * length)
        assert alike.find(b"x" * length) is None
    assert lengths(alike) == 0


def test_there_is_a_bound() -> None:
    """A few of each length, so many in all; beyond that, what is still asked for is soon back."""
    alike = Alike[Beginning]()
    while alike.has_room(b"same"):
        alike.keep(b"same", Beginning(b""))
    for length in range(3 * MOST_TEMPLATES):
        alike.keep(b"x" * length, Beginning(b"x"))
        assert lengths(alike) <= MOST_TEMPLATES
    assert alike.find(b"x" * (3 * MOST_TEMPLATES - 1)) == Beginning(b"x")
