"""What bounds the work of a server, and what keeps its connections spread."""

from dataclasses import dataclass

# Headers of one call. (gRPC's own default)
LARGEST_METADATA_BYTES = 8 << 10
# Connections whose handshake is not done after this are closed.
HANDSHAKE_MS = 10_000
# A connection that nothing was heard of for so long is asked for a sign of life, and closed when none comes: the core's
# older listener keeps one whose client left in the middle of a flood. (measured: tests/server/transport/attacks.py)
SILENCE_MS = 60_000
SIGN_OF_LIFE_MS = 20_000

Option = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most of everything that a caller can ask for.

    Attributes:
        largest_message_bytes: a longer message is refused with RESOURCE_EXHAUSTED.
        most_calls: more at once are refused with RESOURCE_EXHAUSTED.
        most_streams: calls at once on one connection; the client waits with further ones.
        most_connections: further ones are closed.
        connection_age_s: after about so long a connection is asked to reconnect.
        connection_grace_s: how long its calls may go on after that.
    """

    largest_message_bytes: int
    most_calls: int
    most_streams: int
    most_connections: int
    connection_age_s: float
    connection_grace_s: float


def channel_options(limits: Limits) -> tuple[Option, ...]:
    """The same as options of a grpcio server that shares its port with others of this process's family."""
    return (
        ("grpc.so_reuseport", 1),
        ("grpc.max_receive_message_length", limits.largest_message_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", LARGEST_METADATA_BYTES),
        ("grpc.max_concurrent_streams", limits.most_streams),
        # Otherwise the core resets streams at random as soon as a client is near that limit, whose calls then fail:
        # 15 to 40 % of them where 400 were asked of one connection at once. (measured: tests/server/transport)
        ("grpc.http.overload_protection", 0),
        ("grpc.max_allowed_incoming_connections", limits.most_connections),
        ("grpc.max_connection_age_ms", round(limits.connection_age_s * 1e3)),
        ("grpc.max_connection_age_grace_ms", round(limits.connection_grace_s * 1e3)),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.keepalive_time_ms", SILENCE_MS),
        ("grpc.keepalive_timeout_ms", SIGN_OF_LIFE_MS),
        ("grpc.keepalive_permit_without_calls", 1),
    )
