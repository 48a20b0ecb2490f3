"""The plain transport: grpcio's public server and its pool of threads. The reference for any other."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from server.errors import DeadlineTooShort
from server.metrics import MethodCounters, Metrics
from server.transport.edge import fail
from server.transport.limits import Limits, channel_options
from server.transport.pace import Pace
from server.transport.seam import AnyMethod, Spare, score

_LOOK_S = 0.05  # how often it looks for spare work
_NEVER_S = 2.0**61  # the core's infinity is the largest whole number of 64 bits, less what has passed since 1970

_Handle = Callable[[bytes, grpc.ServicerContext], bytes]


def make_server(limits: Limits, *, threads: int) -> grpc.Server:
    """A server without a port or a method yet, which answers calls on this many threads."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="score")
    return grpc.server(pool, options=channel_options(limits), maximum_concurrent_rpcs=limits.most_calls)


def work_beside(server: grpc.Server, spare: Spare) -> None:
    """Has one more thread do the spare work, until the server ends."""

    def run() -> None:
        while server.wait_for_termination(0 if spare else _LOOK_S):  # whether it goes on
            if spare:
                spare.work()

    threading.Thread(target=run, name="spare", daemon=True).start()


def add_methods(
    server: grpc.Server, methods: Sequence[AnyMethod], metrics: Metrics, *, default_deadline_s: float
) -> None:
    """Registers scoring methods; a call without a deadline gets this one."""
    finishing = threading.Lock()
    for method in methods:
        _, service, name = method.path.split("/")
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            _handle(method, metrics.method(method.path), finishing, default_deadline_s)
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {name: handler}),))


def _handle(
    method: AnyMethod, counters: MethodCounters, finishing: threading.Lock, default_deadline_s: float
) -> _Handle:
    """The method as grpcio calls it: bytes in, bytes out, and every failure by the error table.

    One thread at a time finishes, counts and logs; that holds the interpreter anyway.
    """
    pace = Pace()

    def handle(message: bytes, context: grpc.ServicerContext) -> bytes:
        started_ns = time.perf_counter_ns()
        try:
            deadline_s = _deadline_s(context, default_deadline_s)
            _check(deadline_s)
            prepared = method.prepare(message)
            is_late = bool(prepared.runs) and time.monotonic() + pace.expected_s(1 + len(message)) > deadline_s
            if not is_late:
                score(prepared.runs)
                _check(deadline_s)
            with finishing:
                if is_late:
                    pace.passed_over()
                    reply = method.late(prepared)
                else:
                    reply = method.finish(prepared)
                    if prepared.runs:  # what needs no scoring does not say how long that takes
                        pace.took(1 + len(message), (time.perf_counter_ns() - started_ns) / 1e9)
                counters.answered(time.perf_counter_ns() - started_ns)
        except Exception as error:  # the edge: whatever went wrong, the caller gets a status
            with finishing:
                failed = fail(method, counters, message, error)
            context.abort(failed.code, failed.text)
        return reply

    return handle


def _deadline_s(context: grpc.ServicerContext, default_s: float) -> float:
    """When the answer is too late, on the monotonic clock: the caller's deadline, or the server's own without one."""
    remaining_s: float | None = context.time_remaining()
    if remaining_s is None or remaining_s > _NEVER_S:  # None by the documentation, the core's infinity in fact
        remaining_s = default_s
    return time.monotonic() + remaining_s


def _check(deadline_s: float) -> None:
    if time.monotonic() >= deadline_s:
        raise DeadlineTooShort("the deadline passed before the answer was ready")
