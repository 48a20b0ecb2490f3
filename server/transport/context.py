"""What a handler is told of its call, and what it can say beside its reply: grpcio's public interface."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from server.transport.exchange import Arrival, Metadata

if TYPE_CHECKING:
    from server.transport.calls import Call


_log = logging.getLogger(__name__)


class Abort(Exception):
    """The handler ended the call; what it said is in the context."""


class Context(grpc.ServicerContext):
    """See grpc.ServicerContext."""

    def __init__(self, call: "Call", arrival: Arrival) -> None:
        self._call = call
        self._deadline_s = arrival.deadline_s
        self._metadata = arrival.metadata
        self._initial: Metadata | None = ()
        self._trailing: Metadata = ()
        self._code: grpc.StatusCode | None = None
        self._details: str | None = None
        self._callbacks: list[Callable[[], None]] = []

    def is_active(self) -> bool:
        """See grpc.RpcContext."""
        return not self._call.is_closed

    def time_remaining(self) -> float:
        """See grpc.RpcContext; without a deadline it is very long, as grpcio has it."""
        return max(self._deadline_s - time.time(), 0)

    def cancel(self) -> bool:
        """See grpc.RpcContext."""
        self._call.cancel()
        return True

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """See grpc.RpcContext."""
        if self._call.is_closed:
            return False
        self._callbacks.append(callback)
        return True

    def run_callbacks(self) -> None:
        """Calls what wanted to know of the end."""
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception:  # the edge: a foreign callback fails as it likes
                _log.exception("a callback of a call that ended failed")

    def invocation_metadata(self) -> Metadata:
        """See grpc.ServicerContext."""
        return self._metadata

    def peer(self) -> str:
        """See grpc.ServicerContext."""
        return self._call.exchange.peer()

    def peer_identities(self) -> Sequence[bytes] | None:
        """See grpc.ServicerContext."""
        return self._call.exchange.peer_identities()

    def peer_identity_key(self) -> str | None:
        """See grpc.ServicerContext."""
        return self._call.exchange.peer_identity_key()

    def auth_context(self) -> Mapping[str, Any]:
        """See grpc.ServicerContext."""
        return self._call.exchange.auth_context()

    def send_initial_metadata(self, initial_metadata: Metadata) -> None:
        """See grpc.ServicerContext."""
        if self.take_initial_metadata() is None:
            raise ValueError("the initial metadata has been sent already")
        self._call.send_initial_metadata(initial_metadata)

    def take_initial_metadata(self) -> Metadata | None:
        """The headers, if they are still to be sent; None from then on."""
        taken, self._initial = self._initial, None
        return taken

    def set_trailing_metadata(self, trailing_metadata: Metadata) -> None:
        """See grpc.ServicerContext."""
        self._trailing = trailing_metadata

    def trailing_metadata(self) -> Metadata:
        """See grpc.ServicerContext."""
        return self._trailing

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """See grpc.ServicerContext."""
        is_failure = code is not grpc.StatusCode.OK
        self._code = code if is_failure else grpc.StatusCode.UNKNOWN
        self._details = details if is_failure else "aborted with the status OK"
        raise Abort

    def abort_with_status(self, status: Any) -> NoReturn:  # noqa: ANN401  # grpc.Status
        """See grpc.ServicerContext."""
        self._trailing = status.trailing_metadata or ()
        self.abort(status.code, status.details)

    def set_code(self, code: grpc.StatusCode) -> None:
        """See grpc.ServicerContext."""
        self._code = code

    def set_details(self, details: str) -> None:
        """See grpc.ServicerContext."""
        self._details = details

    def code(self) -> grpc.StatusCode | None:
        """See grpc.ServicerContext."""
        return self._code

    def details(self) -> str | None:
        """See grpc.ServicerContext."""
        return self._details
