"""What a transport and a scoring method know of each other: a method is two steps around the run of the graphs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from server.errors import InvalidRequest
from server.heads import FloatMatrix
from server.model import Model

RequestT = TypeVar("RequestT", bound=Message)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Rows for one model. A transport may put the rows of several runs of the same model together."""

    model: Model
    rows: FloatMatrix


class Prepared(Protocol):
    """A request that needs nothing more but its runs' scores."""

    @property
    def runs(self) -> Sequence[Run]:
        """What has to be scored."""
        ...


PreparedT = TypeVar("PreparedT", bound=Prepared)


@dataclass(frozen=True, slots=True)
class Method(Generic[RequestT, PreparedT]):
    """One method that scores.

    Attributes:
        path: as gRPC has it, such as "/audience.v1.Scoring/Score".
        request: type of its request.
        prepare: checks a request and turns it into rows; raises AudienceError.
        finish: turns the scores of those runs, in their order, into the reply.
    """

    path: str
    request: type[RequestT]
    prepare: Callable[[RequestT], PreparedT]
    finish: Callable[[PreparedT, Sequence[FloatMatrix]], Message]

    def parse(self, message: bytes) -> RequestT:
        """The request in these bytes.

        Raises:
            InvalidRequest: they are not one.
        """
        try:
            return self.request.FromString(message)
        except DecodeError as error:
            name = self.request.DESCRIPTOR.full_name
            raise InvalidRequest(f"the {len(message)} bytes of the message are no {name}") from error


AnyMethod = Method[Any, Any]
