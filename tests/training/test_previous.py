import dataclasses
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans

from protos.audience.v1 import bundle_pb2
from server.errors import RepositoryUnreadable
from tests.bundles import SPECS, Made, make
from training.features import FeatureSpec, to_schema, typical
from training.keys import match_keys
from training.previous import Before, Previous, find_previous, next_version
from training.publish import NotPublished
from training.segmentations.centroids import Centroids


def _schema(made: Made) -> bundle_pb2.FeatureSchema:
    return to_schema(SPECS, typical(made.population, SPECS))


def _found(repository: Path, made: Made) -> Previous:
    previous = find_previous(repository, "shop", _schema(made), made.population)
    assert previous is not None
    return previous


def test_first_version(made: Made, repository: Path) -> None:
    """In an empty repository there is no previous version, and the next is 1."""
    assert find_previous(repository, "shop", _schema(made), made.population) is None
    assert next_version(repository, "shop") == 1


def test_unreadable_repository(made: Made, tmp_path: Path) -> None:
    """A repository that is not there is said to be so, and is not taken for an empty one."""
    with pytest.raises(RepositoryUnreadable, match="No such file"):
        find_previous(tmp_path / "absent", "shop", _schema(made), made.population)


def test_scores_of_todays_visitors(made: Made, repository: Path) -> None:
    """The previous version says where today's visitors are, with its keys and names."""
    made.publish(repository)
    previous = _found(repository, made)
    found = previous.segmentation("value")
    assert found is not None
    head = made.heads[0]
    assert isinstance(head, Centroids)
    np.testing.assert_array_equal(found.labels, head.assign(made.population))
    assert [(one.key, one.issued_in_version) for one in found.known] == [(f"value-1-{i}", 1) for i in (1, 2, 3)]
    assert found.names == {"value-1-1": "value 0", "value-1-2": "value 1", "value-1-3": "value 2"}


@pytest.mark.parametrize("head", ["absent", "buys_7d"])
def test_not_a_segmentation(made: Made, repository: Path, head: str) -> None:
    """A head that the previous version does not have, or that has no segments, has no previous segments."""
    made.publish(repository)
    assert _found(repository, made).segmentation(head) is None


def test_keys_survive_another_order(made: Made, repository: Path) -> None:
    """The same segments in another order keep their keys, through files on disk and the server's own reader."""
    made.publish(repository)
    head, found = made.heads[0], _found(repository, made).segmentation("value")
    assert isinstance(head, Centroids)
    assert found is not None
    order = [2, 0, 1]
    model = KMeans(3, n_init=1, random_state=0).fit(head.shaping.apply(made.population))
    model.cluster_centers_ = head.model.cluster_centers_[order]
    labels = dataclasses.replace(head, model=model).assign(made.population)
    keyed = match_keys("value", 2, 3, labels, found.labels, found.known)
    assert [one.key for one in keyed] == ["value-1-3", "value-1-1", "value-1-2"]
    assert [one.overlap for one in keyed] == [1, 1, 1]


def test_other_features(made: Made, repository: Path) -> None:
    """A version with other features is asked by names: what it does not find takes its own default."""
    made.publish(repository)
    specs = [*reversed(SPECS), FeatureSpec(name="new", description="new")]
    positions = [SPECS.index(spec) for spec in specs[:-1]]
    visitors = np.column_stack([made.population[:, positions], np.ones(len(made.population))]).astype(np.float32)
    without_spend = [i for i, spec in enumerate(specs) if spec.name != "spend"]
    visitors, specs = np.ascontiguousarray(visitors[:, without_spend]), [specs[i] for i in without_spend]
    previous = find_previous(repository, "shop", to_schema(specs, typical(visitors, specs)), visitors)
    assert previous is not None
    asked = made.population.copy()
    asked[:, 2] = np.median(made.population[:, 2])
    np.testing.assert_array_equal(previous.scores, previous.model.run(asked))


def test_words_that_it_does_not_know(made: Made, repository: Path) -> None:
    """A category's words may change: one that the previous version lacks takes its default there."""
    made.publish(repository)
    device = dataclasses.replace(SPECS[4], vocabulary=("watch", "desktop", "phone"))
    specs = [*SPECS[:4], device]
    visitors = made.population.copy()
    visitors[:3, 4] = [0, 1, 2]
    previous = find_previous(repository, "shop", to_schema(specs, typical(visitors, specs)), visitors)
    assert previous is not None
    asked = made.population[:3].copy()
    asked[:, 4] = [typical(made.population, SPECS)[4], 2, 0]
    np.testing.assert_array_equal(previous.scores[:3], previous.model.run(asked))


def test_damaged_newest(made: Made, repository: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A newest version that cannot be read is passed over with a warning; its number is not given again."""
    made.publish(repository)
    folder = make(2).publish(repository)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-1])
    with caplog.at_level(logging.WARNING):
        assert _found(repository, made).model.version == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith("version 2 of shop is passed over: model.onnx was altered or cut")
    assert next_version(repository, "shop") == 3


def test_newest_by_number(made: Made, repository: Path) -> None:
    """Versions are numbers: 10 is after 9."""
    for version in (9, 10):
        make(version).publish(repository)
    assert _found(repository, made).model.version == 10
    assert next_version(repository, "shop") == 11
    assert next_version(repository, "other") == 1


def test_a_number_is_never_used_again(repository: Path) -> None:
    """A version that was taken away, to roll back, keeps its number, and so its keys stay its own."""
    for version in (1, 2):
        make(version).publish(repository)
    shutil.rmtree(repository / "shop" / "2")
    assert next_version(repository, "shop") == 3
    make(1, model="app").publish(repository)
    (repository / "app" / ".last_version").write_text("many")
    with pytest.raises(NotPublished, match="should hold the number"):
        next_version(repository, "app")


def test_levels() -> None:
    """Groups are read level by level as if they were segments; who is in no segment is in none of them."""
    facts = bundle_pb2.SegmentFacts
    message = bundle_pb2.Head(
        name="tree",
        groups=[facts(key="x", name="X"), facts(key="y", name="Y", parent="x"), facts(key="z", name="Z", parent="x")],
        segments=[facts(key="a", parent="z"), facts(key="b", parent="y"), facts(key="c", parent="z")],
    )
    before = Before(np.array([0, 1, 2, -1]), message)
    assert list(before.names) == ["x", "y", "z", "a", "b", "c"]
    coarse, fine = before.level(0), before.level(1)
    assert coarse is not None
    assert fine is not None
    assert ([one.key for one in coarse.known], coarse.labels.tolist()) == (["x"], [0, 0, 0, -1])
    assert ([one.key for one in fine.known], fine.labels.tolist()) == (["y", "z"], [1, 0, 1, -1])
    assert before.level(2) is None
