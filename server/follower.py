"""A worker's loader: builds what control wishes, and publishes it, on a thread that hinders the others little.

One Python thread that computes holds up the thread that answers calls. So control verifies and parses, and what is left
here is mostly done in C with the interpreter's lock released: hashing, protobuf's parser, and ONNX Runtime.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from server.aside import Do, at_once
from server.bundle import Description
from server.errors import BadBundle
from server.handover import read_manifest, read_schemas
from server.head_reader import read_heads
from server.heads import FloatMatrix
from server.memory import give_back
from server.model import Model, build_model
from server.priority import Pauses, give_way
from server.registry import Registry
from server.runtime import Watched
from server.schema import Schema, read_schema
from server.traffic import NO_LABEL, Route
from server.wish import Serving, Wish, WishedModel

Key = tuple[str, int]

LOOK_S = 0.1
_log = logging.getLogger(__name__)


class Follower:
    """Keeps a worker's registry in step with control's wish.

    Args:
        wish: path of the wish.
        registry: where models are published; this is its only writer.
        largest_batch: the most rows that will be scored at once.
        do: does what it is given, here or elsewhere: it builds versions while others serve (server.aside).
        on_followed: called after each wish of which everything was tried, on the follower's thread.
        clock_s: seconds that never go back.
        retire_after_s: how long a replaced model is kept, so that it is freed here and not in a request: longer than a
            request lasts.
    """

    def __init__(  # noqa: PLR0913  # keyword-only knobs of the process's one follower
        self,
        wish: Path,
        registry: Registry,
        *,
        largest_batch: int,
        on_followed: Callable[[], None],
        do: Do = at_once,
        clock_s: Callable[[], float] = time.monotonic,
        retire_after_s: float = 10.0,
    ) -> None:
        self._watched = Watched(wish)
        self._registry = registry
        self._do = do
        self._largest_batch = largest_batch
        self._on_followed = on_followed
        self._clock_s = clock_s
        self._retire_after_s = retire_after_s
        self._models: dict[Key, Model] = {}
        self._loaded: dict[Key, WishedModel] = {}
        self._pauses = Pauses()
        self._routes: Mapping[str, Route] = {}
        self._offered: object = None  # what was published last
        self._schemas: dict[str, Schema] = {}
        self._known_paths: frozenset[str] = frozenset()
        self._retired: list[tuple[float, Model]] = []
        self.wish: Wish | None = None
        self.refused: dict[str, str] = {}

    @property
    def serving(self) -> dict[str, Serving]:
        """What is loaded, by model."""
        routes = self._routes
        names = sorted({name for name, _ in list(self._models)})
        return {name: Serving(self._versions(name), routes.get(name, Route()).targets) for name in names}

    def _versions(self, name: str) -> tuple[int, ...]:
        # of a copy, which the interpreter makes in one step: other threads ask, too
        return tuple(sorted(version for model, version in list(self._models) if model == name))

    @property
    def is_ready(self) -> bool:
        """Whether something serves, and control had no version left to try."""
        return self.wish is not None and self.wish.is_settled and bool(self._routes)

    def run(self, stop: threading.Event) -> None:
        """Follows until `stop` is set. An unforeseen fault is logged; the loop goes on."""
        give_way()
        while not stop.is_set():
            try:
                self.step()
            except Exception:  # the edge: whatever is wrong with a wish must not end the loop
                _log.exception("the follower failed; what is loaded keeps serving")
            time.sleep(LOOK_S)  # a third of what Event.wait costs (measured)

    def step(self) -> None:
        """Looks at the wish once; if it is a new one, tries all that it says."""
        self._drop_retired()
        if self._watched.look() and self._watched.content is not None:
            self._follow(Wish.from_json(self._watched.content))

    def _follow(self, wish: Wish) -> None:
        self._learn_schemas(wish)
        self.refused = {}
        expected = frozenset(wished.name for wished in wish.models).union(wish.awaited)
        self._registry.expect(expected - self._routes.keys())  # before the first load, which may take long
        # The version for those who ask for none first, so that nobody gets another one meanwhile.
        for wished in sorted(wish.models, key=lambda one: wish.routes.get(one.name, Route()).default != one.version):
            if self._loaded.get((wished.name, wished.version)) != wished and self._load(wished):
                self._pauses.rest()
                self._serve(wish, expected)
        self._serve(wish, expected)
        self._pauses.take()
        self.wish = wish
        self._on_followed()

    def _serve(self, wish: Wish, expected: frozenset[str]) -> None:
        """Serves what is loaded, as the wish says who gets which of it; what nobody gets any more is retired.

        Whatever is published has its first requests read with care. So it is all at once, and only if it differs. A
        model is awaited while it has nothing for those who ask for none.
        """
        routes = self._settled(wish)
        self._retire_unneeded(wish, routes)
        names = {name for name, _ in self._models}
        self._routes = {name: route for name, route in routes.items() if name in names}
        models = [model for (name, _), model in self._models.items() if name in self._routes]
        offered = models, self._schemas, expected - self._routes.keys(), self._routes
        if offered != self._offered:
            self._registry.publish(*offered)
            self._offered = offered

    def _settled(self, wish: Wish) -> Mapping[str, Route]:
        """Who gets which of what is loaded, by model."""
        routes = {}
        for name in sorted({name for name, _ in self._models}):
            route, known = wish.routes.get(name, Route()), self._routes.get(name, Route())
            settled = route.settled(self._versions(name), known.targets)
            if NO_LABEL in settled.targets:
                routes[name] = settled
        return routes

    def _retire_unneeded(self, wish: Wish, routes: Mapping[str, Route]) -> None:
        """Retires what nobody wishes, unless a label here has nothing else."""
        needed = {(wished.name, wished.version) for wished in wish.models}
        wished_names = {name for name, _ in needed}
        for name, route in routes.items():
            if name in wished_names:
                needed.update((name, version) for version in route.targets.values())
        for key in self._models.keys() - needed:
            self._retire(key)

    def _learn_schemas(self, wish: Wish) -> None:
        new = frozenset(wish.schemas) - self._known_paths
        if new:
            self._schemas = {**self._schemas, **read_schemas(new)}
            self._known_paths |= new

    def _load(self, wished: WishedModel) -> bool:
        """Loads a version, or says why it is refused; whether it is loaded."""
        key = wished.name, wished.version
        started_s = self._clock_s()
        try:
            description = self._describe(wished)
            do = self._do if self._routes else at_once
            model = do(lambda: _build(wished, description, self._largest_batch))
        except (BadBundle, OSError) as error:
            self.refused[f"{wished.name}/{wished.version}"] = str(error)[:1000]
            return False
        except Exception:  # the edge: ONNX Runtime and NumPy may fail in ways that no library documents
            _log.exception("unforeseen fault while loading", extra={"model": wished.name, "version": wished.version})
            self.refused[f"{wished.name}/{wished.version}"] = (
                "unforeseen fault while loading; the log has its traceback"
            )
            return False
        self._retire(key)
        self._models[key], self._loaded[key] = model, wished
        self._registry.prepare(model, self._schemas)
        load_ms = round((self._clock_s() - started_s) * 1e3, 1)
        _log.debug("version loaded", extra={"model": wished.name, "version": wished.version, "load_ms": load_ms})
        return True

    def _describe(self, wished: WishedModel) -> Description:
        self._pauses.take()
        manifest = read_manifest(wished)
        self._pauses.take()
        schema = read_schema(manifest.schema)
        self._pauses.take()
        heads = read_heads(manifest, self._pauses.take)
        return Description(manifest, schema, heads)

    def _retire(self, key: Key) -> None:
        if key in self._models:
            self._retired.append((self._clock_s() + self._retire_after_s, self._models.pop(key)))
            del self._loaded[key]

    def _drop_retired(self) -> None:
        """Frees one that is due, if any: ONNX Runtime does that with the interpreter's lock held, so it is done here.

        A thread that gives way entirely (server.aside) could lose the processor with that lock, and keep all waiting.
        """
        if self._retired and self._retired[0][0] <= self._clock_s():
            del self._retired[0]
            self._pauses.take()
            give_back()


def _build(wished: WishedModel, description: Description, largest_batch: int) -> Model:
    graph, rows = _verified_graph(wished), _read_rows(wished, description.schema.width)
    return build_model(description, graph, rows, largest_batch=largest_batch)


def _verified_graph(wished: WishedModel) -> Path | bytes:
    """The graph's path in the runtime folder, where only control writes; otherwise its content.

    ONNX Runtime copies content with the interpreter's lock held, 1.4 ms for 2 MB, and keeps it.
    """
    path = Path(wished.graph)
    if path.parent == Path(wished.manifest).parent:
        with path.open("rb", buffering=0) as file:
            _check_graph(wished, hashlib.file_digest(file, hashlib.sha256).hexdigest())
        return path
    graph = path.read_bytes()
    _check_graph(wished, hashlib.sha256(graph).hexdigest())
    return graph


def _check_graph(wished: WishedModel, sha256: str) -> None:
    if sha256 != wished.sha256:
        raise BadBundle(f"the graph of {wished.name}/{wished.version} changed since it was verified")


def _read_rows(wished: WishedModel, width: int) -> FloatMatrix:
    return np.frombuffer(Path(wished.rows).read_bytes(), np.float32).reshape(-1, width)
