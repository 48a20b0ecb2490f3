"""Where policies are kept: read, and replaced only as they were read."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from protos.audience.v1 import policy_pb2
from server.administration.changes import Change, NotFound, NotPossible
from server.errors import AudienceError, BadPolicy
from server.policy import read_policy, write_policy
from server.policy_file import PolicyFile, replace_policy
from server.repository import POLICY_FILE


class Conflict(AudienceError):
    """Somebody else changed the policy meanwhile."""


class NotWritten(AudienceError):
    """The repository cannot be written. The text says why."""


class Policies(Protocol):
    """The policies of a repository."""

    def change(self, model: str, change: Change) -> policy_pb2.Policy:
        """Changes a model's policy; the one that holds now.

        Raises:
            AudienceError: the change is wrong or not possible, somebody else was faster, or the repository cannot be
                written.
        """
        ...


class LocalPolicies:
    """The policies in a folder.

    Args:
        root: the repository.
    """

    def __init__(self, root: Path, replace: Callable[[Path, policy_pb2.Policy], None] = replace_policy) -> None:
        self._root = root
        self._replace = replace
        self._lock = threading.Lock()

    def change(self, model: str, change: Change) -> policy_pb2.Policy:
        """See Policies."""
        path = self._root / model / POLICY_FILE
        with self._lock:
            before = _look(path)
            policy = policy_pb2.Policy()
            policy.CopyFrom(before.content)
            change(policy)
            read_policy(write_policy(policy))  # what is written here, every server has to be able to read
            if policy != before.content:
                if _look(path).signature != before.signature:
                    raise Conflict(
                        f"the policy of {model!r} was changed by somebody else at the same moment; try again"
                    )
                self._write(path, policy)
        return policy

    def _write(self, path: Path, policy: policy_pb2.Policy) -> None:
        try:
            self._replace(path, policy)
        except FileNotFoundError:
            raise NotFound(f"model {path.parent.name!r} is not in the repository any longer") from None
        except OSError as error:
            raise NotWritten(f"the policy of {path.parent.name!r} cannot be written: {error.strerror}") from error


def _look(path: Path) -> PolicyFile:
    try:
        return PolicyFile().looked_at(path)
    except BadPolicy as error:
        raise NotPossible(f"{error}; mend {path.name} by hand, or remove it") from error
