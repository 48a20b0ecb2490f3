"""A model's policy in the repository: <repository>/<model>/policy.json, replaced whole."""

import contextlib
import os
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from protos.audience.v1 import policy_pb2
from server.errors import BadPolicy
from server.policy import LARGEST_POLICY_BYTES, read_policy, write_policy

Signature = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy as it was last read.

    Attributes:
        content: the policy; an empty one where there is no file.
        signature: what the file looked like; None where there was none.
    """

    content: policy_pb2.Policy = field(default_factory=policy_pb2.Policy)
    signature: Signature | None = None

    def looked_at(self, path: Path) -> Self:
        """This one while the file stays as it is, otherwise what is there now.

        A file that went with the model's whole folder counts as being there still.

        Raises:
            BadPolicy: the file cannot be read, or is no policy.
        """
        try:
            status = path.lstat()
        except FileNotFoundError:
            return type(self)() if path.parent.is_dir() else self
        except OSError as error:
            raise BadPolicy(f"{path.name} cannot be read: {error.strerror}") from error
        signature = status.st_ino, status.st_mtime_ns, status.st_size
        if signature == self.signature:
            return self
        return type(self)(read_policy(_read(path, status)), signature)


def _read(path: Path, status: os.stat_result) -> bytes:
    if not stat.S_ISREG(status.st_mode):
        raise BadPolicy(f"{path.name} is not a plain file")
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_POLICY_BYTES + 1)
    except OSError as error:
        raise BadPolicy(f"{path.name} cannot be read: {error.strerror}") from error


def replace_policy(path: Path, policy: policy_pb2.Policy) -> None:
    """Puts the policy in place of the file's, by one atomic rename, on disk before it has the name.

    Raises:
        OSError: the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(write_policy(policy))
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
