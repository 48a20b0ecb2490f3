"""Exits with 0 when a server answers SERVING, for a container's health check: python -m server.healthcheck."""

import argparse
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def main() -> int:
    """Asks once. Exit status 0: serving; 1: not serving, or not there."""
    parser = argparse.ArgumentParser(prog="python -m server.healthcheck", description=__doc__)
    parser.add_argument("--target", default="127.0.0.1:50051", help="host:port of the server (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait (default: %(default)s)")
    parser.add_argument(
        "--tls-ca", type=Path, metavar="FILE", help="who signed the server's certificate; absent: no TLS"
    )
    parser.add_argument(
        "--tls-certificate", type=Path, metavar="FILE", help="a client's certificate, where one is asked for"
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its private key")
    arguments = parser.parse_args()
    if (arguments.tls_certificate is None) != (arguments.tls_key is None):  # one alone ends the process within grpcio
        parser.error("--tls-certificate and --tls-key belong together; give both, or none")
    with _channel(arguments) as channel:
        request = health_pb2.HealthCheckRequest()
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(  # type: ignore[attr-defined]  # not in its stubs
                request, timeout=arguments.timeout
            )
        except grpc.RpcError as error:
            sys.stderr.write(f"{arguments.target} does not answer: {error}\n")
            return 1
    return 0 if reply.status == health_pb2.HealthCheckResponse.SERVING else 1


def _channel(arguments: argparse.Namespace) -> grpc.Channel:
    if arguments.tls_ca is None:
        return grpc.insecure_channel(arguments.target)
    files = (arguments.tls_ca, arguments.tls_key, arguments.tls_certificate)
    credentials = grpc.ssl_channel_credentials(*(None if file is None else file.read_bytes() for file in files))
    return grpc.secure_channel(arguments.target, credentials)


if __name__ == "__main__":
    sys.exit(main())
