"""An object store on the loopback interface that speaks S3, as moto has it, and what goes wrong between it and us."""

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from fsspec.core import url_to_fs
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from server.bundle import REQUIRED_FILES, SUMS_FILE
from server.remote import FileSystem, Remote

_BUCKET = "models"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in the store.

    Attributes:
        address: what --repository takes.
        prefix: of its keys, without '/' at the end.
        files: the driver's.
    """

    address: str
    prefix: str
    files: Any

    def put(self, key: str, data: bytes) -> None:
        """Writes an object; the key is taken as it is, whatever it is."""
        self.files.call_s3("put_object", Bucket=_BUCKET, Key=f"{self.prefix}/{key}", Body=data)

    def place(self, model: str, version: int, files: Mapping[str, bytes]) -> None:
        """Writes a version's files in this order."""
        for name, data in files.items():
            self.put(f"{model}/{version}/{name}", data)

    def remove(self, key: str) -> None:
        """Removes an object, or all below it."""
        self.files.rm(f"{_BUCKET}/{self.prefix}/{key}", recursive=True)

    def keys(self) -> list[str]:
        """Every object's key."""
        root = f"{_BUCKET}/{self.prefix}/"
        return sorted(name.removeprefix(root) for name in self.files.find(root))

    def connect(self, *, around: Callable[[FileSystem], FileSystem] = lambda files: files) -> Remote:
        """The repository as the project sees it, with something around the driver."""
        return Remote(around(self.files), f"{_BUCKET}/{self.prefix}", self.address, has_timeouts=True)


@contextmanager
def running() -> Iterator[Callable[[], Repository]]:
    """A store, which gives a new repository at each call. The environment says where it is, as for operators."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(f"http://{host}:{port}").items():
            patch.setenv(name, value)
        files, _ = url_to_fs(f"s3://{_BUCKET}", use_listings_cache=False, skip_instance_cache=True)
        files.mkdir(_BUCKET)

        def make() -> Repository:
            prefix = uuid.uuid4().hex
            return Repository(f"s3://{_BUCKET}/{prefix}", prefix, files)

        yield make
    server.stop()


def environment(endpoint: str) -> Mapping[str, str]:
    """What the S3 driver reads."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }


def version_files(content: bytes = b"graph", **more: bytes) -> dict[str, bytes]:
    """Files that look like a version, SHA256SUMS last; no server could load them."""
    files = {name: name.encode() for name in sorted(REQUIRED_FILES)} | {"model.onnx": content} | more
    return summed(files)


def summed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with hashes that agree, last."""
    plain = {name: data for name, data in files.items() if name != SUMS_FILE}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in plain.items())
    return {**plain, SUMS_FILE: sums.encode()}


class Crash(BaseException):
    """The process ends here."""


class Counting:
    """A file system that counts what is asked of it, and ends the process, or fails, at the n-th operation.

    Args:
        files: what is asked.
        last: the operation at which it ends, from 1; 0 for never.
        ending: what is raised there.
        is_late: whether the operation takes effect before it ends.
    """

    def __init__(
        self, files: FileSystem, last: int = 0, ending: BaseException | None = None, *, is_late: bool = False
    ) -> None:
        self._files = files
        self._last = last
        self._ending = ending or Crash()
        self._is_late = is_late
        self.operations: list[str] = []

    def find(self, path: str, /, **options: Any) -> Mapping[str, Mapping[str, Any]]:
        """As the driver's."""
        found: Mapping[str, Mapping[str, Any]] = self._do("find", path, **options)
        return found

    def cat_file(self, path: str, /, **options: Any) -> bytes:
        """As the driver's."""
        data: bytes = self._do("cat_file", path, **options)
        return data

    def pipe_file(self, path: str, value: bytes, /, **options: Any) -> object:
        """As the driver's."""
        return self._do("pipe_file", path, value, **options)

    def _do(self, operation: str, *arguments: Any, **options: Any) -> Any:
        self.operations.append(operation)
        is_last = len(self.operations) == self._last
        if is_last and not self._is_late:
            raise self._ending
        try:
            return getattr(self._files, operation)(*arguments, **options)
        finally:
            if is_last:
                raise self._ending
