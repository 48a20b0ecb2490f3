from server.transport.limits import Limits, channel_options


def test_channel_options() -> None:
    """Every limit that gRPC's core keeps is given to it, in its unit; replies are as long as they are."""
    limits = Limits(
        largest_message_bytes=1000,
        most_calls=7,
        most_streams=5,
        most_connections=3,
        connection_age_s=1.5,
        connection_grace_s=0.25,
    )
    assert dict(channel_options(limits)) == {
        "grpc.so_reuseport": 1,
        "grpc.max_receive_message_length": 1000,
        "grpc.max_send_message_length": -1,
        "grpc.max_metadata_size": 8192,
        "grpc.max_concurrent_streams": 5,
        "grpc.http.overload_protection": 0,
        "grpc.max_allowed_incoming_connections": 3,
        "grpc.max_connection_age_ms": 1500,
        "grpc.max_connection_age_grace_ms": 250,
        "grpc.server_handshake_timeout_ms": 10_000,
        "grpc.keepalive_time_ms": 60_000,
        "grpc.keepalive_timeout_ms": 20_000,
        "grpc.keepalive_permit_without_calls": 1,
    }
