from pathlib import Path

import pytest

from server.addresses import copy_name, default_mirror
from server.cores import usable_cores
from server.orders import Orders
from server.settings import Settings, parse


def flags(settings: Settings) -> list[str]:
    """The flag of every setting."""
    return [f"--{name.replace('_', '-')}" for name in settings.__dataclass_fields__]


def test_defaults(tmp_path: Path) -> None:
    """Only the repository has to be said; the ports are open to this machine alone."""
    settings = parse(["--repository", str(tmp_path)])
    assert settings == Settings(
        repository=tmp_path,
        public_key=(),
        approver_key=(),
        host="127.0.0.1",
        port=50051,
        control_port=50052,
        metrics_port=9090,
        workers=usable_cores(),
        transport="inline",
        threads=4,
        max_calls=1000,
        max_streams=1000,
        max_connections=10_000,
        max_wait_ms=100,
        max_run_rows=32,
        default_deadline_ms=1000,
        max_message_bytes=4 << 20,
        max_batch_rows=1024,
        connection_seconds=300.0,
        connection_grace_seconds=30.0,
        tls_certificate=None,
        tls_key=None,
        tls_client_ca=None,
        admin_token_file=None,
        poll_seconds=0.25,
        mirror=None,
        mirror_seconds=10.0,
        drain_seconds=0.0,
        grace_seconds=5.0,
        log_level="info",
    )


@pytest.mark.parametrize(
    ("flag", "text", "value"),
    [
        ("--host", "::", "::"),
        ("--port", "0", 0),
        ("--port", "65535", 65535),
        ("--metrics-port", "0", 0),
        ("--control-port", "0", 0),
        ("--workers", "64", 64),
        ("--transport", "inline", "inline"),
        ("--threads", "1", 1),
        ("--max-calls", "1", 1),
        ("--max-message-bytes", str((1 << 31) - 1), (1 << 31) - 1),
        ("--max-batch-rows", "1", 1),
        ("--poll-seconds", "0.01", 0.01),
        ("--poll-seconds", "3600", 3600.0),
        ("--mirror-seconds", "0.5", 0.5),
        ("--drain-seconds", "0", 0.0),
        ("--grace-seconds", "1e1", 10.0),
        ("--log-level", "debug", "debug"),
    ],
)
def test_values(tmp_path: Path, flag: str, text: str, value: object) -> None:
    """Every flag sets the setting of its name, up to its limits."""
    settings = parse(["--repository", str(tmp_path), flag, text])
    assert getattr(settings, flag.removeprefix("--").replace("-", "_")) == value


@pytest.mark.parametrize(
    ("flag", "text", "reason"),
    [
        ("--port", "-1", "-1 is no port; needed is 0 to 65535"),
        ("--port", "65536", "65536 is no port"),
        ("--port", "http", "argument --port"),
        ("--metrics-port", "99999", "99999 is no port"),
        ("--control-port", "-1", "-1 is no port"),
        ("--workers", "0", "0 is too small; needed is at least 1"),
        ("--transport", "pigeon", "invalid choice: 'pigeon'"),
        ("--threads", "0", "0 is too small; needed is at least 1"),
        ("--threads", "two", "argument --threads"),
        ("--threads", "1.5", "argument --threads"),
        ("--max-calls", "0", "0 is too small"),
        ("--max-message-bytes", "-5", "-5 is too small"),
        ("--max-message-bytes", str(1 << 31), "2147483648 is too large; gRPC takes at most 2147483647"),
        ("--max-batch-rows", "0", "0 is too small"),
        ("--poll-seconds", "0", "0 is too small; needed is at least 0.01 seconds"),
        ("--poll-seconds", "-1", "-1 is out of range; needed is 0 to 3600 seconds"),
        ("--poll-seconds", "nan", "nan is out of range"),
        ("--drain-seconds", "inf", "inf is out of range"),
        ("--grace-seconds", "3601", "3601 is out of range"),
        ("--grace-seconds", "soon", "argument --grace-seconds"),
        ("--log-level", "loud", "invalid choice: 'loud'"),
        ("--colour", "red", "unrecognized arguments: --colour=red"),
    ],
)
def test_wrong_values(tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, text: str, reason: str) -> None:
    """A wrong value ends the process with status 2 and says on standard error what would be right."""
    with pytest.raises(SystemExit) as caught:
        parse(["--repository", str(tmp_path), f"{flag}={text}"])
    assert caught.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("name", ["gone", "file", ""])
def test_repository_that_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A repository that is not there or no folder is said at once, with how to make one."""
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as caught:
        parse(["--repository", str(tmp_path / name)] if name else [])
    assert caught.value.code == 2
    published = "python -m training train --config grocery --repository DIR"
    wanted = published if name else "the following arguments are required: --repository"
    assert wanted in capsys.readouterr().err


def test_key_that_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each public key has to be there when the server starts."""
    (tmp_path / "key.pem").touch()
    with pytest.raises(SystemExit) as caught:
        parse([f"--repository={tmp_path}", f"--public-key={tmp_path}/key.pem", f"--public-key={tmp_path}/gone.pem"])
    assert caught.value.code == 2
    assert f"{tmp_path}/gone.pem is not a file that can be read" in capsys.readouterr().err


def test_every_flag_has_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--help tells every setting, and what it is for."""
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    options = told.split("options:")[1]
    for flag in flags(parse(["--repository", str(tmp_path)])):
        _, _, after = options.partition(f"  {flag} ")
        assert after.split("--")[0].split("(default")[0].split(maxsplit=1)[1].strip(), flag


def test_repository_at_an_address(tmp_path: Path) -> None:
    """An address stays as it is written, has a folder of its own among the copies, and reaches every process so."""
    settings = parse(["--repository", "s3://bucket//models", "--mirror", str(tmp_path), "--mirror-seconds", "60"])
    assert (settings.repository, settings.mirror_seconds) == ("s3://bucket//models", 60.0)
    assert settings.folder.parent == tmp_path
    orders = Orders(settings, tmp_path, 1)
    assert Orders.from_json(orders.to_json()) == orders


def test_copies_have_a_place_by_default() -> None:
    """Without --mirror the copy is in the user's cache."""
    settings = parse(["--repository", "s3://bucket/models"])
    assert settings.mirror == default_mirror()
    assert settings.folder == default_mirror() / copy_name("s3://bucket/models")


def test_mirror_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder is not copied, and whoever asks for that is told."""
    assert parse(["--repository", str(tmp_path)]).folder == tmp_path
    with pytest.raises(SystemExit):
        parse(["--repository", str(tmp_path), "--mirror", str(tmp_path)])
    assert "--mirror is where an address such as s3://bucket/prefix is copied to" in capsys.readouterr().err
