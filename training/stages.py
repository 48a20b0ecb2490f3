"""Stages of a long work whose results are kept, so that it goes on where it was interrupted."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import joblib
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_T = TypeVar("_T")
_SOURCES = Path(__file__).parent


class Show(Protocol):
    """Who is told of stages."""

    def begin(self, title: str) -> None:
        """A stage begins."""
        ...

    def end(self, title: str, seconds: float, *, is_kept: bool) -> None:
        """It ended; its result was kept from before, or made."""
        ...


class Stages:
    """Runs stages, and keeps what each made.

    What was kept is taken when nothing that it was made from has changed: the stage and all before it, what the caller
    says of the inputs, and training's own code.

    Args:
        folder: where results are kept, trusted as the code is; None: nowhere.
        made_from: all that decides the results: configuration, records, seed, versions of libraries.
        show: is told of every stage.
    """

    def __init__(self, folder: Path | None, made_from: bytes, show: Show) -> None:
        self._folder, self._show = folder, show
        self._digest = hashlib.sha256(made_from + _code())
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, title: str, make: Callable[[], _T]) -> _T:
        """What the stage makes, or made when it ran before.

        Args:
            name: of the stage, distinct; results are kept under it.
            title: for people.
            make: makes it.
        """
        self._digest.update(f"\n{name}".encode())
        self._show.begin(title)
        started_s = time.monotonic()
        path = None if self._folder is None else self._folder / f"{name}-{self._digest.hexdigest()[:16]}.joblib"
        kept = None if path is None else _kept(path)
        made: _T = make() if kept is None else kept[0]
        if path is not None and kept is None:
            _keep(path, made)
        self._show.end(title, time.monotonic() - started_s, is_kept=kept is not None)
        return made


def _kept(path: Path) -> tuple[Any] | None:
    """What a stage made before; None when it did not, or when that cannot be read any more."""
    try:
        return (joblib.load(path),)
    except FileNotFoundError:
        return None
    except Exception:  # a file that was cut, or is of another version of a library: it is made again
        return None


def _keep(path: Path, made: object) -> None:
    """Older results of the same stage go; the file appears whole."""
    stem = path.name.rsplit("-", 1)[0]
    draft = path.with_name(f".{path.name}")
    joblib.dump(made, draft)
    for old in path.parent.glob(f"{stem}-*.joblib"):
        old.unlink()
    draft.replace(path)


def _code() -> bytes:
    """The hash of training's own sources: another method gives other results."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCES.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


class Steps:
    """Shows the stage that runs, how many are done, and how long each took. See Show."""

    def __init__(self, console: Console, count: int) -> None:
        columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, TextColumn("{task.description}"), console=console, transient=True)
        self._task = self._progress.add_task("", total=count)

    @contextmanager
    def shown(self) -> Iterator["Steps"]:
        """Shows it meanwhile."""
        with self._progress:
            yield self

    def begin(self, title: str) -> None:
        """See Show."""
        self._progress.update(self._task, description=title)

    def end(self, title: str, seconds: float, *, is_kept: bool) -> None:
        """See Show."""
        self._progress.advance(self._task)
        self._progress.console.print(f"{seconds:6.1f} s  {title}{', kept from before' if is_kept else ''}")
