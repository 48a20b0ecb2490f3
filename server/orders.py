"""What the supervisor tells a process that it starts, and how that process is tied to it."""

import ctypes
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, get_args, get_type_hints

from server.settings import Settings, read_repository

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in linux/prctl.h
_PATHS = frozenset(name for name, kind in get_type_hints(Settings).items() if Path in (kind, *get_args(kind)))
_LISTS_OF_PATHS = frozenset({"public_key", "approver_key"})


@dataclass(frozen=True, slots=True)
class Orders:
    """How one process runs.

    Attributes:
        settings: the server's, with the ports that were reserved.
        folder: the runtime folder.
        parent: the supervisor's process.
        worker: number of the worker, from 0; 0 for control too.
    """

    settings: Settings
    folder: Path
    parent: int
    worker: int = 0

    def to_json(self) -> str:
        """As the one argument of the process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The orders that were written so."""
        content = json.loads(text)
        settings = Settings(**{name: _read(name, value) for name, value in content.pop("settings").items()})
        return cls(settings, Path(content["folder"]), content["parent"], content["worker"])


def _read(name: str, value: Any) -> Any:  # noqa: ANN401  # what JSON holds, and what a setting may be
    if name == "repository":
        return read_repository(value)
    if name in _LISTS_OF_PATHS:
        return tuple(Path(path) for path in value)
    return Path(value) if name in _PATHS and value is not None else value


def die_with(parent: int) -> None:
    """From now on this process is killed when its parent ends, however that ends; at once when it has already.

    Only Linux can do this.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot be tied to its supervisor")
    if os.getppid() != parent:  # it ended before
        os._exit(1)
