"""What serves at this moment: an immutable snapshot, replaced by one assignment. A request takes it once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from server.errors import InvalidRequest, NoModelReady, UnknownModel
from server.metrics import Metrics
from server.model import Model
from server.rows import RowReader
from server.schema import Schema
from server.served import Served, prior_of
from server.shadow import Shadow
from server.traffic import Route

_NO_ROUTES: Mapping[str, Route] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Offer:
    """One model's versions.

    Attributes:
        name: the model's.
        versions: those that are loaded, by number; at least one.
        route: who gets which; all its versions are among them.
        shadow: what scores beside, if anything does; its version is among them too.
    """

    name: str
    versions: Mapping[int, Served]
    route: Route
    shadow: Shadow | None = None

    @property
    def default(self) -> Served:
        """The version for those who ask for none."""
        return self.versions[self.route.default]

    def find(self, version: int) -> Served:
        """A version by its number; raises UnknownModel when it is not loaded."""
        served = self.versions.get(version)
        if served is None:
            raise UnknownModel(f"model {self.name!r} serves {self._versions()}; version {version} is not loaded")
        return served

    def labelled(self, label: str) -> Served:
        """A version by its label; raises UnknownModel when no version here has it."""
        version = self.route.targets.get(label)
        if version is None:
            labels = ", ".join(sorted(filter(None, self.route.targets))) or "none"
            raise UnknownModel(
                f"no version of model {self.name!r} has the label {label[:64]!r}; its labels are {labels}"
            )
        return self.versions[version]

    def _versions(self) -> str:
        numbers = ", ".join(map(str, sorted(self.versions)))
        return f"versions {numbers}" if len(self.versions) > 1 else f"version {numbers}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What serves.

    Attributes:
        offers: by the model's name.
        awaited: names of the models in the repository of which no version is ready.
    """

    offers: Mapping[str, Offer] = field(default_factory=dict)
    awaited: frozenset[str] = frozenset()

    @property
    def served(self) -> Mapping[str, Served]:
        """What requests get that ask for no version, by model."""
        return {name: offer.default for name, offer in self.offers.items()}

    def offer(self, name: str) -> Offer:
        """The model to score with; an empty name means the only one.

        Raises:
            InvalidRequest: the name is empty and there are several models.
            NoModelReady: the model, or any at all, is not ready yet.
            UnknownModel: there is no such model.
        """
        offer = self.offers.get(name or self._only_name())
        if offer is None:
            raise self._absent(name)
        return offer

    def find(self, name: str, version: int | None) -> Served:
        """The version to score with, when none is asked for that of everybody; raises as `offer` and Offer.find do."""
        offer = self.offer(name)
        return offer.default if version is None else offer.find(version)

    def _only_name(self) -> str:
        if len(self.offers) > 1:
            raise InvalidRequest(
                f"the selector names no model, and there are several: {', '.join(sorted(self.offers))}"
            )
        return next(iter(self.offers), "")

    def _absent(self, name: str) -> NoModelReady | UnknownModel:
        if name in self.awaited:
            return NoModelReady(f"no version of model {name!r} is ready yet")
        if not self.offers:
            return NoModelReady("no version of any model is ready yet; one has to be published in the repository")
        return UnknownModel(f"no model {name[:64]!r} here; there is {', '.join(sorted(self.offers))}")


class Registry:
    """Holds the current snapshot. One thread publishes; any number read `current`.

    Args:
        metrics: where the models' counters are.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._served: dict[Model, Served] = {}  # as published last or prepared, with these schemas
        self._schemas: frozenset[str] = frozenset()
        self.current = Snapshot()

    def publish(
        self,
        models: Collection[Model],
        schemas: Mapping[str, Schema],
        awaited: frozenset[str],
        routes: Mapping[str, Route] = _NO_ROUTES,
    ) -> None:
        """Serves these versions from now on.

        Args:
            models: any number of versions of each model.
            schemas: every schema that a caller may still follow, by fingerprint.
            awaited: as in Snapshot.
            routes: who gets which version, by model; of a model without one everybody gets the newest.
        """
        versions: dict[str, dict[int, Served]] = {}
        for served in self._all_served(models, schemas):
            versions.setdefault(served.model.name, {})[served.model.version] = served
        offers = {name: self._offer(name, loaded, routes.get(name, Route())) for name, loaded in versions.items()}
        self.current = Snapshot(offers, awaited)

    def prepare(self, model: Model, schemas: Mapping[str, Schema]) -> None:
        """Makes what answers with a model that is published next, with the schemas as they are; in time of its own."""
        if self._schemas == schemas.keys():
            self._served[model] = self._make_served(model, schemas)

    def expect(self, awaited: frozenset[str]) -> None:
        """Notes which models are in the repository with no version ready."""
        if awaited != self.current.awaited:
            self.current = replace(self.current, awaited=awaited)

    def _all_served(self, models: Collection[Model], schemas: Mapping[str, Schema]) -> Iterable[Served]:
        """What answers with each model: what did before, unless callers may follow other schemas now.

        Making it takes longer than all the rest of a label's move, and requests wait for it.
        """
        if self._schemas != schemas.keys():
            self._served, self._schemas = {}, frozenset(schemas)
        for model in models:
            if model not in self._served:
                self.prepare(model, schemas)
        self._served = {model: self._served[model] for model in models}
        return self._served.values()

    def _offer(self, name: str, versions: Mapping[int, Served], route: Route) -> Offer:
        settled = route.settled(versions, {})
        loaded = {version: served.model for version, served in versions.items()}
        return Offer(name, versions, settled, Shadow.of(loaded, settled, self._metrics))

    def _make_served(self, model: Model, schemas: Mapping[str, Schema]) -> Served:
        schema = model.description.schema
        readers = (served.reader for known, served in self._served.items() if known.description.schema is schema)
        reader = next(readers, None) or RowReader(schema, schemas)
        counters = self._metrics.for_model(model.name, model.version, list(schema.positions))
        return Served(model, reader, counters, prior_of(model.description))
