"""Before the clock starts: is every connection answered rightly, to a gRPC client nobody here wrote, and to ours."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

import grpc

from loadtest.errors import NoAnswer, one_line
from loadtest.headers import request_block
from loadtest.lanes import Lanes
from loadtest.load import Load, Share
from loadtest.outbox import Request
from loadtest.payloads import reply_status
from loadtest.results import Status
from loadtest.wires import Address

TIMEOUT_S: Final = 5.0
WAIT_NS: Final = 20_000_000
CHANNEL_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),  # else all channels to one address share one connection
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
)


@contextlib.contextmanager
def checked(load: Load, share: Share) -> Iterator[Lanes]:
    """The share's connections, each of which has been answered rightly.

    Raises:
        NoAnswer: one was not.
        BadArgument: the target is none.
    """
    address = Address.of(load.target)
    for slot in range(share.count(load.connections)):
        _ask_with_grpc(load, share, slot)
    lanes = Lanes(address, share.count(load.connections), _requests(load, share, TIMEOUT_S))
    try:
        _ask_with_ours(load, share, lanes)
        lanes.request = _requests(load, share, load.deadline_s)
        yield lanes
    finally:
        lanes.close()


def _requests(load: Load, share: Share, timeout_s: float) -> Callable[[int], Request]:
    """The share's request of every slot."""
    block = request_block(path=load.path, authority=load.target, timeout_s=timeout_s)
    requests = [Request.of(block, payload) for payload in load.payloads.requests]
    first, step, count = share.first, share.step, len(requests)
    return lambda slot: requests[(first + step * slot) % count]


def _ask_with_grpc(load: Load, share: Share, slot: int) -> None:
    payload = load.payloads.requests[share.number(slot) % len(load.payloads.requests)]
    with grpc.insecure_channel(load.target, options=CHANNEL_OPTIONS) as channel:
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(load.path)
        try:
            reply = ask(payload, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
            raise NoAnswer(f"{_where(load, share, slot)}: {code.name}: {one_line(details)}") from error
    if load.judge(reply) is not Status.OK:
        raise NoAnswer(f"{_where(load, share, slot)}: {_wrong(load)}")


def _ask_with_ours(load: Load, share: Share, lanes: Lanes) -> None:
    """The same requests once more, on the connections that the run will use."""
    for slot, lane in enumerate(lanes.all):
        lane.submit(slot)
    statuses: dict[int, Status] = {}
    end_ns = time.monotonic_ns() + round(TIMEOUT_S * 1e9)
    while len(statuses) < len(lanes.all) and time.monotonic_ns() < end_ns:
        for lane, wire, events in lanes.wait(WAIT_NS):
            for slot, status, message in lane.handle(wire, events):
                statuses[slot] = load.judge(message) if status is Status.OK else Status(status)
            lane.flush()
    for slot in range(len(lanes.all)):
        status = statuses.get(slot, Status.NOT_ANSWERED)
        if status is not Status.OK:
            troubles = "; ".join(lanes.troubles)
            raise NoAnswer(
                f"{_where(load, share, slot)}: {status.name} where gRPC's own client got an answer"
                + (f": {one_line(troubles)}" if troubles else "")
            )


def _where(load: Load, share: Share, slot: int) -> str:
    return f"connection {share.number(slot) + 1} of {load.connections} to {load.target}"


def _wrong(load: Load) -> str:
    if load.judge is reply_status:
        return "the reply is not a ScoreReply whose results are all answers"
    return "the reply is not what it should be"
