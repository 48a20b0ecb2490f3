"""Everything an operator can set, checked, from the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from server.addresses import copy_name, default_mirror, is_address
from server.cores import usable_cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one server runs. Field names are the flags' names.

    Attributes:
        repository: a folder, or an address that is copied into one.
        mirror: folder for copies of repositories at addresses; None when the repository is a folder.
    """

    repository: Path | str
    public_key: tuple[Path, ...]
    approver_key: tuple[Path, ...]
    host: str
    port: int
    control_port: int
    metrics_port: int
    workers: int
    transport: str
    threads: int
    max_calls: int
    max_streams: int
    max_connections: int
    max_wait_ms: int
    max_run_rows: int
    default_deadline_ms: int
    max_message_bytes: int
    max_batch_rows: int
    connection_seconds: float
    connection_grace_seconds: float
    tls_certificate: Path | None
    tls_key: Path | None
    tls_client_ca: Path | None
    admin_token_file: Path | None
    poll_seconds: float
    mirror: Path | None
    mirror_seconds: float
    drain_seconds: float
    grace_seconds: float
    log_level: str

    @property
    def folder(self) -> Path:
        """Where the versions are that are served: the repository, or its copy."""
        if isinstance(self.repository, Path):
            return self.repository
        return (self.mirror or default_mirror()) / copy_name(self.repository)


def parse(arguments: Sequence[str]) -> Settings:
    """The settings that these arguments ask for. Ends the process with status 2 and a reason when they are wrong."""
    parser = _parser()
    known = vars(parser.parse_args(arguments))
    for name in ("public_key", "approver_key"):
        known[name] = tuple(known[name] or ())
    settings = Settings(**{field.name: known[field.name] for field in fields(Settings)})
    _check_repository(parser, settings)
    _check_tls(parser, settings)
    _check_files(parser, settings)
    if isinstance(settings.repository, str) and settings.mirror is None:
        return replace(settings, mirror=default_mirror())
    return settings


def read_repository(text: str) -> Path | str:
    """The folder, or the address, that this text names."""
    return text if is_address(text) else Path(text)


def _check_repository(parser: argparse.ArgumentParser, settings: Settings) -> None:
    if isinstance(settings.repository, str):
        return
    if settings.mirror is not None:
        parser.error(
            f"--mirror is where an address such as s3://bucket/prefix is copied to; {settings.repository} is a folder"
        )
    if not settings.repository.is_dir():
        parser.error(
            f"the repository {settings.repository} is not a folder that can be read; "
            "create it, or publish into it with: python -m training train --config grocery --repository DIR"
        )


def _check_tls(parser: argparse.ArgumentParser, settings: Settings) -> None:
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        parser.error("--tls-certificate and --tls-key belong together; give both, or none for a port without TLS")
    if settings.tls_client_ca is not None and settings.tls_certificate is None:
        parser.error("--tls-client-ca asks clients for certificates, which needs --tls-certificate and --tls-key too")


def _check_files(parser: argparse.ArgumentParser, settings: Settings) -> None:
    tls = (settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    for path in (*tls, settings.admin_token_file, *settings.public_key, *settings.approver_key):
        if path is not None and not path.is_file():
            parser.error(f"{path} is not a file that can be read")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server",
        description="Serves the newest version of every model in a repository over gRPC, and follows it live.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for add_group in (_add_places, _add_processes, _add_limits, _add_connections, _add_administration, _add_times):
        add_group(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("where").add_argument
    add(
        "--repository",
        type=read_repository,
        required=True,
        metavar="DIR",
        help="folder of <model>/<version>/ folders, or its address: s3://bucket/prefix, gs://bucket/prefix",
    )
    add(
        "--mirror",
        type=Path,
        metavar="DIR",
        help="where a repository at an address is copied to; by default a folder in the user's cache",
    )
    add(
        "--public-key",
        type=Path,
        action="append",
        metavar="FILE",
        help="Ed25519 public key, PEM; only versions that it signed serve; several times for several keys, of which "
        "one is enough; absent: signatures are not looked at",
    )
    add(
        "--approver-key",
        type=Path,
        action="append",
        metavar="FILE",
        help="Ed25519 public key, PEM, of somebody who may approve versions; only approvals that one of these signed "
        "count; absent: approvals need no signature",
    )
    add("--host", default="127.0.0.1", help="address to listen on, for all ports; 0.0.0.0 for all")
    add("--port", type=_port, default=50051, help="port for scoring; 0 takes a free one and logs it")
    add("--control-port", type=_port, default=50052, help="port for administration; 0 takes a free one")
    add("--metrics-port", type=_port, default=9090, help="port for /metrics and the health page; 0 takes a free one")


def _add_processes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("processes").add_argument
    add("--workers", type=_positive, default=usable_cores(), help="processes that score; by default one for each core")
    add(
        "--transport",
        choices=("inline", "core", "threads"),
        default="inline",
        help="how a worker takes calls; core has grpcio's core move the bytes, as TLS does; threads is grpcio's own"
        " server, several times slower",
    )
    add("--threads", type=_positive, default=4, help="threads of a worker that answer calls, with --transport threads")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("limits of each worker").add_argument
    add(
        "--max-calls",
        type=_positive,
        default=1000,
        help="calls at once in a worker; more are refused with RESOURCE_EXHAUSTED",
    )
    add(
        "--max-streams",
        type=_positive,
        default=1000,
        help="calls at once on one connection; its client waits with more",
    )
    add("--max-connections", type=_positive, default=10_000, help="connections at once to a worker; more are closed")
    add(
        "--max-wait-ms",
        type=_positive,
        default=100,
        help="a call that would wait longer to be scored is refused at once",
    )
    add("--max-run-rows", type=_positive, default=32, help="rows of several calls that are scored together at most")
    add("--default-deadline-ms", type=_positive, default=1000, help="deadline of a call that comes without one")
    add("--max-message-bytes", type=_int32, default=4 << 20, help="longest request")
    add("--max-batch-rows", type=_positive, default=1024, help="rows of one ScoreBatch")


def _add_connections(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("connections").add_argument
    add(
        "--connection-seconds",
        type=_period,
        default=300.0,
        help="after about so long a connection is asked to reconnect",
    )
    add("--connection-grace-seconds", type=_seconds, default=30.0, help="how long its calls may go on after that")
    add(
        "--tls-certificate", type=Path, metavar="FILE", help="certificate chain, PEM, of the gRPC ports; absent: no TLS"
    )
    add("--tls-key", type=Path, metavar="FILE", help="the certificate's private key, PEM")
    add(
        "--tls-client-ca",
        type=Path,
        metavar="FILE",
        help="who signs clients' certificates, PEM; absent: none is asked for",
    )


def _add_administration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument_group("administration").add_argument(
        "--admin-token-file",
        type=Path,
        metavar="FILE",
        help="file with the token that administration needs, at least 16 characters; absent: it is off",
    )


def _add_times(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("times and the log").add_argument
    add("--poll-seconds", type=_period, default=0.25, help="how often the repository is looked at")
    add("--mirror-seconds", type=_period, default=10.0, help="how often a repository at an address is looked at")
    add("--drain-seconds", type=_seconds, default=0.0, help="how long to go on serving, as not ready, after SIGTERM")
    add("--grace-seconds", type=_seconds, default=5.0, help="how long calls in flight may take to end after that")
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info", help="least level to log")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 1 << 16:
        raise argparse.ArgumentTypeError(f"{port} is no port; needed is 0 to 65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too small; needed is at least 1")
    return number


def _int32(text: str) -> int:
    number = _positive(text)
    if number >= 1 << 31:
        raise argparse.ArgumentTypeError(f"{number} is too large; gRPC takes at most {(1 << 31) - 1}")
    return number


def _period(text: str) -> float:
    seconds = _seconds(text)
    if seconds < 0.01:  # noqa: PLR2004  # a shorter one keeps a core busy with looking
        raise argparse.ArgumentTypeError(f"{text} is too small; needed is at least 0.01 seconds")
    return seconds


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:  # noqa: PLR2004  # an hour
        raise argparse.ArgumentTypeError(f"{text} is out of range; needed is 0 to 3600 seconds")
    return seconds
