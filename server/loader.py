"""The loop that follows the repository: scan, ask the policy, verify, load, warm, publish, retire."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from server.bundle import read_bundle, read_description
from server.errors import BadBundle, RepositoryUnreadable
from server.lifecycle import Lifecycle
from server.model import Model, load_model
from server.policy import next_version
from server.registry import Registry
from server.repository import Fingerprint, Versions, scan
from server.schema import Schema

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

# A reason quotes the files, which may be of any size. It goes into a line of the log and onto the page.
_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version does not serve, and what its folder looked like then."""

    fingerprint: Fingerprint
    reason: str


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model for people: the version that serves (None: none does), those on disk, and why some were refused."""

    serving: int | None
    found: tuple[int, ...]
    refused: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Status:
    """What the loader saw when it last looked; `unreadable` says why it could not, if so."""

    models: Mapping[str, ModelStatus] = field(default_factory=dict)
    unreadable: str | None = None


@dataclass(slots=True)
class _Progress:
    """What the loader knows of one model."""

    found: Versions = field(default_factory=dict)
    refused: dict[int, Refusal] = field(default_factory=dict)
    described: dict[int, Fingerprint] = field(default_factory=dict)


class Loader:
    """Keeps the registry in step with the repository.

    Args:
        root: the repository.
        registry: where models are published; this is its only writer.
        lifecycle: where loads, swaps and refusals are counted.
        largest_batch: the most rows that will be scored at once.
        on_ready: called once, from the loader's thread: after the first look at the repository at which something
            serves and no model has a version that is still to be tried.
        clock_s: seconds that never go back.
        retire_after_s: how long a replaced model is kept, so that it is freed here and not in a request: longer than a
            request lasts.
    """

    def __init__(  # noqa: PLR0913  # keyword-only knobs of the process's one loader
        self,
        root: Path,
        registry: Registry,
        lifecycle: Lifecycle,
        *,
        largest_batch: int,
        on_ready: Callable[[], None],
        clock_s: Callable[[], float] = time.monotonic,
        retire_after_s: float = 10.0,
    ) -> None:
        self._root = root
        self._registry = registry
        self._lifecycle = lifecycle
        self._largest_batch = largest_batch
        self._on_ready = on_ready
        self._clock_s = clock_s
        self._retire_after_s = retire_after_s
        self._models: dict[str, Model] = {}
        self._schemas: dict[str, Schema] = {}
        self._retired: list[tuple[float, Model]] = []
        self._progress: dict[str, _Progress] = {}
        self._is_ready = False
        self.status = Status()

    def run(self, stop: threading.Event, poll_s: float) -> None:
        """Follows the repository until `stop` is set. An unforeseen fault is logged; the loop goes on."""
        while not stop.is_set():
            try:
                self.step()
            except Exception:  # the edge: whatever is wrong with one version must not end the loop
                _log.exception("the loader failed; what is loaded keeps serving")
            stop.wait(poll_s)

    def step(self) -> None:
        """Looks at the repository once, and loads at most one version of each model."""
        self._drop_retired()
        try:
            found = scan(self._root)
        except RepositoryUnreadable as error:
            self._note_unreadable(str(error))
            return
        followed = [*found, *(self._models.keys() - found.keys())]
        self._progress = {name: self._progress.get(name, _Progress()) for name in followed}
        self._registry.expect(self._awaited())  # before the first load, which may take long
        for name in followed:
            self._follow(name, found.get(name, {}))
            self._tell()
        self._tell()
        if not self._is_ready and self._models and all(self._is_settled(name) for name in followed):
            self._on_ready()
            self._is_ready = True

    def _tell(self) -> None:
        self.status = Status({name: self._status_of(name) for name in self._progress})

    def _is_settled(self, name: str) -> bool:
        """Whether a version of the model serves, or none of those on disk can."""
        return name in self._models or self._wanted(name) is None

    def _status_of(self, name: str) -> ModelStatus:
        progress, model = self._progress[name], self._models.get(name)
        return ModelStatus(
            serving=model.version if model else None,
            found=tuple(sorted(progress.found)),
            refused={version: refusal.reason for version, refusal in progress.refused.items()},
        )

    def _note_unreadable(self, reason: str) -> None:
        self._lifecycle.note_scan_failure()
        if self.status.unreadable is None:
            _log.error("repository unreadable; what is loaded keeps serving", extra={"reason": reason})
        self.status = replace(self.status, unreadable=reason)

    def _follow(self, name: str, found: Versions) -> None:
        progress = self._progress[name]
        progress.found = found
        progress.refused = {  # as they stand; one that changed is new
            version: refusal
            for version, refusal in progress.refused.items()
            if found.get(version) == refusal.fingerprint
        }
        self._lifecycle.note_model(name)
        self._learn_schemas(name, progress)
        wanted = self._wanted(name)
        if wanted is not None:
            self._load(name, wanted, progress)

    def _wanted(self, name: str) -> int | None:
        progress, serving = self._progress[name], self._models.get(name)
        refused = {version: refusal.fingerprint for version, refusal in progress.refused.items()}
        return next_version(progress.found, serving.version if serving else None, refused)

    def _learn_schemas(self, name: str, progress: _Progress) -> None:
        """Reads what each new version says of itself, since callers may follow any version's schema."""
        for version, fingerprint in progress.found.items():
            is_settled = version in progress.refused or progress.described.get(version) == fingerprint
            if is_settled or not fingerprint.is_complete:
                continue
            description = self._attempt(name, version, progress, read_description)
            if description is not None:
                progress.described[version] = fingerprint
                self._add_schema(description.schema)

    def _add_schema(self, schema: Schema) -> None:
        if schema.fingerprint not in self._schemas:
            self._schemas = {**self._schemas, schema.fingerprint: schema}
            self._publish()

    def _load(self, name: str, version: int, progress: _Progress) -> None:
        started_s = self._clock_s()
        model = self._attempt(name, version, progress, self._build)
        if model is not None:
            self._serve(model, self._clock_s() - started_s)

    def _build(self, folder: Path) -> Model:
        return load_model(read_bundle(folder), largest_batch=self._largest_batch)

    def _attempt(self, name: str, version: int, progress: _Progress, read: Callable[[Path], _T]) -> _T | None:
        """What `read` makes of the version's folder; None when that fails, and the version is refused."""
        try:
            return read(self._root / name / str(version))
        except BadBundle as error:
            reason = str(error)
        except Exception:  # the edge: a hostile file may fail in ways that no library documents
            _log.exception("unforeseen fault while loading", extra={"model": name, "version": version})
            reason = "unforeseen fault while loading; the log has its traceback"
        self._refuse(name, version, progress, reason[:_LONGEST_REASON])
        return None

    def _refuse(self, name: str, version: int, progress: _Progress, reason: str) -> None:
        progress.refused[version] = Refusal(progress.found[version], reason)
        self._lifecycle.note_refusal(name)
        serving = self._models.get(name)
        _log.error(
            "version refused",
            extra={
                "model": name,
                "version": version,
                "reason": reason,
                "still_serving": serving.version if serving else None,
            },
        )

    def _serve(self, model: Model, load_s: float) -> None:
        replaced = self._models.get(model.name)
        self._models = {**self._models, model.name: model}
        self._publish()
        is_swap = replaced is not None
        self._lifecycle.note_version(model.name, model.version, load_ns=round(load_s * 1e9), is_swap=is_swap)
        if replaced is not None:
            self._retired.append((self._clock_s() + self._retire_after_s, replaced))
        _log.info(
            "version serves",
            extra={
                "model": model.name,
                "version": model.version,
                "replaces": replaced.version if replaced else None,
                "load_ms": round(load_s * 1e3, 1),
            },
        )

    def _publish(self) -> None:
        self._registry.publish(self._models, self._schemas, self._awaited())

    def _awaited(self) -> frozenset[str]:
        return frozenset(self._progress.keys() - self._models.keys())

    def _drop_retired(self) -> None:
        now_s = self._clock_s()
        self._retired = [(due_s, model) for due_s, model in self._retired if due_s > now_s]
