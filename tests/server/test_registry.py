import pytest

from protos.audience.v1 import scoring_pb2
from server.errors import AudienceError, InvalidRequest, NoModelReady, UnknownModel
from server.metrics import Metrics
from server.registry import Registry, Snapshot
from server.traffic import Route
from tests.server.literal import model, number
from tests.server.reading import Read, read


def snapshot(metrics: Metrics, served: dict[str, int], *awaited: str) -> Snapshot:
    """A snapshot of these models and versions."""
    registry = Registry(metrics)
    registry.publish([model(name, version) for name, version in served.items()], {}, frozenset(awaited))
    return registry.current


@pytest.mark.parametrize(
    ("served", "name", "version", "found"),
    [
        pytest.param({"shop": 1}, "shop", None, ("shop", 1), id="by name"),
        pytest.param({"shop": 1}, "shop", 1, ("shop", 1), id="by name and version"),
        pytest.param({"shop": 1}, "", None, ("shop", 1), id="the only one"),
        pytest.param({"shop": 1}, "", 1, ("shop", 1), id="the only one, by version"),
        pytest.param({"shop": 1, "app": 3}, "app", None, ("app", 3), id="one of two"),
    ],
)
def test_find(metrics: Metrics, served: dict[str, int], name: str, version: int | None, found: tuple[str, int]) -> None:
    """A model is found by its name, or without one when it is the only one."""
    one = snapshot(metrics, served, "soon").find(name, version).model
    assert (one.name, one.version) == found


@pytest.mark.parametrize(
    ("served", "name", "version", "error", "reason"),
    [
        pytest.param({}, "", None, NoModelReady, "one has to be published", id="none at all"),
        pytest.param({}, "shop", None, NoModelReady, "one has to be published", id="unknown, of none"),
        pytest.param({}, "soon", None, NoModelReady, "no version of model 'soon' is ready yet", id="awaited, of none"),
        pytest.param({}, "soon", 7, NoModelReady, "no version of model 'soon'", id="version of an awaited one"),
        pytest.param({"shop": 1}, "soon", None, NoModelReady, "model 'soon' is ready yet", id="awaited"),
        pytest.param({"shop": 1}, "Shop", None, UnknownModel, "no model 'Shop' here; there is shop", id="unknown"),
        pytest.param({"shop": 1}, "x" * 9999, None, UnknownModel, f"no model '{'x' * 64}' here", id="endless"),
        pytest.param({"shop": 1}, "shop", 2, UnknownModel, "version 1; version 2 is not loaded", id="newer version"),
        pytest.param({"shop": 1}, "shop", 0, UnknownModel, "version 0 is not loaded", id="version 0 is no absence"),
        pytest.param({"shop": 1}, "", 2, UnknownModel, "'shop' serves version 1", id="version of the only one"),
        pytest.param({"shop": 1, "app": 1}, "", None, InvalidRequest, "several: app, shop", id="no name, of two"),
        pytest.param({"shop": 1, "app": 1}, "web", None, UnknownModel, "there is app, shop", id="unknown, of two"),
    ],
)
def test_not_found(  # noqa: PLR0913, PLR0917  # a row of the table
    metrics: Metrics,
    served: dict[str, int],
    name: str,
    version: int | None,
    error: type[AudienceError],
    reason: str,
) -> None:
    """What is not there is unknown, awaited or not said well, with what there is instead."""
    with pytest.raises(error) as caught:
        snapshot(metrics, served, "soon").find(name, version)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 200


def test_fresh_registry_waits(metrics: Metrics) -> None:
    """Before anything is published there is nothing to ask."""
    with pytest.raises(NoModelReady):
        Registry(metrics).current.find("", None)


def test_snapshot_never_changes(metrics: Metrics) -> None:
    """Who took a snapshot keeps what it held; the next one has what was published since."""
    registry = Registry(metrics)
    registry.publish([model("shop", 1)], {}, frozenset())
    taken = registry.current
    registry.publish([model("shop", 2)], {}, frozenset())
    assert taken.find("shop", None).model.version == 1
    assert registry.current.find("shop", None).model.version == 2


def test_expect_changes_only_what_is_awaited(metrics: Metrics) -> None:
    """Noting what is awaited keeps what serves, and the very snapshot when nothing is new."""
    registry = Registry(metrics)
    registry.publish([model()], {}, frozenset())
    served = registry.current.served
    registry.expect(frozenset({"soon"}))
    noted = registry.current
    assert (noted.served, noted.awaited) == (served, frozenset({"soon"}))
    registry.expect(frozenset({"soon"}))
    assert registry.current is noted


def test_published_schemas_are_read(metrics: Metrics) -> None:
    """A vector of any published schema is accepted, by every model."""
    registry = Registry(metrics)
    shop, app = model("shop", 1, number("a"), number("b")), model("app", 1, number("b"))
    schemas = {one.description.schema.fingerprint: one.description.schema for one in (shop, app)}
    registry.publish([shop, app], schemas, frozenset())
    features = scoring_pb2.Features(vector=[1, 2], schema_fingerprint=shop.description.schema.fingerprint)
    (outcome,) = read(registry.current.find("app", None).reader, features)
    assert outcome == Read([2], missing=0, out_of_range=0, defaulted=[False], is_remapped=True)


def test_what_stays_is_kept(metrics: Metrics) -> None:
    """Another route leaves what answers with each version as it is; another schema to follow reaches all of them."""
    registry = Registry(metrics)
    models, schema = [model("shop", 1), model("shop", 2)], model("app", 1, number("b")).description.schema
    registry.publish(models, {}, frozenset(), {"shop": Route({"": 1})})
    before = registry.current.offers["shop"].versions
    registry.publish(models, {}, frozenset(), {"shop": Route({"": 2})})
    moved = registry.current.offers["shop"]
    assert (moved.default.model, moved.versions) == (models[1], before)
    registry.publish(models, {schema.fingerprint: schema}, frozenset())
    assert before[1] not in registry.current.offers["shop"].versions.values()
    registry.publish(models[1:], {schema.fingerprint: schema}, frozenset())
    assert list(registry.current.offers["shop"].versions) == [2]
