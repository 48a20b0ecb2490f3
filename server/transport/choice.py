"""The transport that the operator chose, with the scoring methods on it."""

from collections.abc import Callable, Sequence
from types import ModuleType

import grpc

from server.metrics import Metrics
from server.settings import Settings
from server.transport import threads
from server.transport.limits import Limits
from server.transport.seam import AnyMethod, Spare
from server.transport.unusable import unusable


def make_transport(
    settings: Settings,
    methods: Sequence[AnyMethod],
    metrics: Metrics,
    spare: Spare,
    *,
    rest_s: Callable[[float], float],
) -> grpc.Server:
    """A server with these methods, without a port yet.

    Args:
        settings: the operator's.
        methods: those that score.
        metrics: where calls are counted.
        spare: what is done when nobody waits.
        rest_s: how long to leave the processor to others after a turn that took so many seconds. The threads transport
            has no turns.

    Raises:
        UnusableCore: the inline transport does not work with this grpcio. The text says what to do.
    """
    limits = Limits(
        largest_message_bytes=settings.max_message_bytes,
        most_calls=settings.max_calls,
        most_streams=settings.max_streams,
        most_connections=settings.max_connections,
        connection_age_s=settings.connection_seconds,
        connection_grace_s=settings.connection_grace_seconds,
    )
    default_deadline_s = settings.default_deadline_ms / 1e3
    if settings.transport == "threads":
        plain = threads.make_server(limits, threads=settings.threads)
        threads.add_methods(plain, methods, metrics, default_deadline_s=default_deadline_s)
        threads.work_beside(plain, spare)
        return plain
    is_own = settings.transport == "inline" and settings.tls_certificate is None
    inline = _working_inline(is_tried=not is_own)
    server: grpc.Server = inline.make_server(
        limits,
        most_rows=settings.max_run_rows,
        most_wait_s=settings.max_wait_ms / 1e3,
        spare=spare,
        rest_s=rest_s,
        is_own=is_own,
    )
    inline.add_methods(server, methods, metrics, default_deadline_s=default_deadline_s)
    return server


def _working_inline(*, is_tried: bool) -> ModuleType:
    """The inline transport, tried where it drives grpcio's core."""
    try:
        from server.transport import inline, probe  # noqa: PLC0415  # what they import may be gone
    except (ImportError, AttributeError) as error:
        raise unusable(f"{type(error).__name__}: {error}") from error
    if is_tried:
        probe.check()
    return inline
