"""The protocol's methods that change what serves: for the process that administers, behind its own check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from protos.inference import inference_pb2 as messages
from server.errors import InvalidRequest, Unsupported

READY: Final = "READY"
LOADING: Final = "LOADING"
UNLOADING: Final = "UNLOADING"
UNAVAILABLE: Final = "UNAVAILABLE"

_UNLOAD_DEPENDENTS = "unload_dependents"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A version in the repository.

    Attributes:
        name: of its model.
        version: it, from 1; None for a model of which no version can be told.
        state: READY, LOADING, UNLOADING or UNAVAILABLE.
        reason: why, if there is something to say.
    """

    name: str
    version: int | None
    state: str
    reason: str = ""


class Repository(Protocol):
    """What can be administered. Errors are those of server/errors.py."""

    def index(self) -> Sequence[Indexed]:
        """Every version, in an order that does not change by itself."""
        ...

    def load(self, name: str) -> None:
        """Has the model serve; returns once it does. Raises what keeps it from serving."""
        ...

    def unload(self, name: str) -> None:
        """Has the model serve no more; returns once it does not."""
        ...


def index(repository: Repository, request: messages.RepositoryIndexRequest) -> messages.RepositoryIndexResponse:
    """Every version, or those that serve."""
    _check_repository(request.repository_name)
    entry = messages.RepositoryIndexResponse.ModelIndex
    return messages.RepositoryIndexResponse(
        models=[
            entry(
                name=one.name,
                version="" if one.version is None else str(one.version),
                state=one.state,
                reason=one.reason,
            )
            for one in repository.index()
            if one.state == READY or not request.ready
        ]
    )


def load(repository: Repository, request: messages.RepositoryModelLoadRequest) -> messages.RepositoryModelLoadResponse:
    """Has a model serve."""
    _check_repository(request.repository_name)
    _check_model(request.model_name)
    if request.parameters:
        raise Unsupported(
            f"the parameter {min(request.parameters)[:64]!r} is not supported: a version is what its folder in the "
            "repository holds; publish another"
        )
    repository.load(request.model_name)
    return messages.RepositoryModelLoadResponse()


def unload(
    repository: Repository, request: messages.RepositoryModelUnloadRequest
) -> messages.RepositoryModelUnloadResponse:
    """Has a model serve no more."""
    _check_repository(request.repository_name)
    _check_model(request.model_name)
    foreign = sorted(set(request.parameters) - {_UNLOAD_DEPENDENTS})
    if foreign:
        raise Unsupported(f"the parameter {foreign[0][:64]!r} is not supported; {_UNLOAD_DEPENDENTS!r} is taken")
    repository.unload(request.model_name)
    return messages.RepositoryModelUnloadResponse()


def _check_repository(name: str) -> None:
    if name:
        raise InvalidRequest(f"there is no repository {name[:64]!r}; the only one has no name")


def _check_model(name: str) -> None:
    if not name:
        raise InvalidRequest("model_name is empty; it has to name a model")
