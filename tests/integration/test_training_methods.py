"""Every segmentation method and every kind of outcome: trained by the command, published, served, and compared."""

import html
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from demo.server import scoring, serving
from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.bundle import read_bundle, read_description
from server.heads import Segmentation as ServedSegmentation
from server.model import load_model
from tests.integration.answers import TIMEOUT_S
from tests.training import shop
from training.heads import CLASS, EXPECTED, PROBABILITY, FloatArray, Hierarchy, Segmentation
from training.pipeline import Order, Trained, train
from training.requests import requests

_TOLERANCE = 1e-5  # absolute and relative, as of every exported graph


class _Silent:
    """Stages without a sign of them."""

    def begin(self, title: str) -> None:
        """See Show."""

    def end(self, title: str, seconds: float, *, is_kept: bool) -> None:
        """See Show."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shop's records, and what to train on them: every method and kind."""
    folder = tmp_path_factory.mktemp("methods")
    shop.write_records(folder / "shop.csv", shop.records())
    fairness = 'fairness = ["gender"]\nsmallest_group = 20\n'
    gates = "[gates]\nminimum_stability = 0.1\n[gates.buys]\nminimum_auc = 0.6\n"
    text = shop.configuration(shop.SEGMENTATIONS, shop.OUTCOMES, shop.JUDGING + fairness + gates)
    (folder / "shop.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Trained:
    """The version with all of them."""
    (folder / "repository").mkdir()
    order = Order(
        configuration=folder / "shop.toml",
        data=None,
        repository=folder / "repository",
        model=None,
        until_ms=None,
        without=frozenset(),
        names={},
        seed=None,
        signing_key=None,
        work=folder / "work",
    )
    return train(order, _Silent())


@pytest.fixture(scope="module")
def wanted(trained: Trained) -> dict[str, FloatArray]:
    """What the estimators say of every visitor, by head."""
    return {head.name: head.scores(trained.material.newest.features) for head in trained.heads}


@pytest.fixture(scope="module")
def manifest(trained: Trained) -> bundle_pb2.Manifest:
    """What the version says of itself."""
    return read_description(trained.folder).manifest


@pytest.fixture(scope="module")
def asked(trained: Trained) -> Sequence[scoring_pb2.ScoreRequest]:
    """Visitors as requests."""
    return list(requests(trained.material.newest, 60, seed=1))


@pytest.fixture(scope="module")
def answers(
    trained: Trained, asked: Sequence[scoring_pb2.ScoreRequest], folder: Path
) -> Sequence[scoring_pb2.ModelScores]:
    """What a real server says of them."""
    with serving(trained.folder.parents[1], folder / "server.log") as server, scoring(server.target) as stub:
        server.log.wait_for("version serves")
        return [stub.Score(request, timeout=TIMEOUT_S).results[0] for request in asked]


@pytest.fixture(scope="module")
def rows(trained: Trained, asked: Sequence[scoring_pb2.ScoreRequest]) -> Sequence[int]:
    """Where they stand among the visitors."""
    visitors = trained.material.newest.visitors.tolist()
    return [visitors.index(request.visitor.id) for request in asked]


@pytest.mark.timeout(300)
def test_the_server_loads_what_was_fitted(trained: Trained, wanted: dict[str, FloatArray]) -> None:
    """The server's own code reads the version, and every column of every visitor is what the estimators say."""
    assert {head.name for head in trained.heads} == {*shop.SEGMENTATIONS, *shop.OUTCOMES}
    model = load_model(read_bundle(trained.folder), largest_batch=1000)
    scores = model.run(trained.material.newest.features)
    np.testing.assert_allclose(scores, np.concatenate(list(wanted.values()), axis=1), rtol=_TOLERANCE, atol=_TOLERANCE)
    for head in trained.heads:
        if isinstance(head, Segmentation):
            served = model.description.heads[head.name]
            assert isinstance(served, ServedSegmentation)
            np.testing.assert_array_equal(
                served.positions(scores), head.assign(trained.material.newest.features), err_msg=head.name
            )


@pytest.mark.timeout(300)
def test_segments_are_served(
    trained: Trained,
    manifest: bundle_pb2.Manifest,
    answers: Sequence[scoring_pb2.ModelScores],
    rows: Sequence[int],
    wanted: dict[str, FloatArray],
) -> None:
    """A visitor's segment is the estimators' own; who is in none has an empty key, and only where that can be."""
    messages = {message.name: message for message in manifest.heads}
    for head in trained.heads:
        if not isinstance(head, Segmentation):
            continue
        keys = [*(segment.key for segment in messages[head.name].segments), ""]
        names = [*(segment.name for segment in messages[head.name].segments), ""]
        positions = [int(wanted[head.name][row, 0]) for row in rows]
        found = [answer.segmentations[head.name] for answer in answers]
        assert [one.key for one in found] == [keys[position] for position in positions]
        assert [one.name for one in found] == [names[position] for position in positions]
        assert head.has_outliers or all(one.key for one in found)
    assert any(not answer.segmentations["reach"].key for answer in answers)
    assert all(answer.segmentations["style"].memberships for answer in answers)


def test_paths_are_served(
    manifest: bundle_pb2.Manifest, trained: Trained, answers: Sequence[scoring_pb2.ModelScores]
) -> None:
    """A segment of a hierarchy is answered with the group that it is within; others have no path."""
    head = next(head for head in trained.heads if isinstance(head, Hierarchy) and head.groups)
    message = next(message for message in manifest.heads if message.name == head.name)
    parents = {segment.key: [segment.parent] for segment in message.segments}
    assert {len(message.groups), len(message.segments)} == {2, 4}
    for answer in answers:
        assert list(answer.segmentations["levels"].path) == parents[answer.segmentations["levels"].key]
        assert not answer.segmentations["value"].path


def test_outcomes_are_served(
    trained: Trained,
    answers: Sequence[scoring_pb2.ModelScores],
    rows: Sequence[int],
    wanted: dict[str, FloatArray],
) -> None:
    """Probabilities, amounts, uplifts and classes are what the estimators say."""
    kinds = {head.name: head.columns[0][0] for head in trained.heads if not isinstance(head, Segmentation)}
    assert set(kinds.values()) == {PROBABILITY, EXPECTED, CLASS}
    for row, answer in zip(rows, answers, strict=True):
        for name, kind in kinds.items():
            expected = wanted[name][row]
            if kind == PROBABILITY:
                np.testing.assert_allclose(
                    answer.propensities[name].probability, expected[0], rtol=_TOLERANCE, atol=_TOLERANCE
                )
            elif kind == EXPECTED:
                np.testing.assert_allclose(answer.values[name].expected, expected[0], rtol=_TOLERANCE, atol=_TOLERANCE)
            else:
                _assert_classes(answer.classes[name], expected)


def _assert_classes(answer: scoring_pb2.Classes, expected: FloatArray) -> None:
    classes = ["none", "basic", "plus"]
    assert answer.most_likely == classes[int(expected.argmax())]
    given = [answer.probabilities.get(name, 0.0) for name in classes]
    np.testing.assert_allclose(given, expected, atol=1.1e-3)  # the contract leaves out below 0.001
    np.testing.assert_allclose(sum(given), 1, atol=1e-5)


def test_the_report_names_every_head(trained: Trained) -> None:
    """The page has a part for each head, by its title, and each segment's name."""
    page = html.unescape((trained.folder / "report.html").read_text(encoding="utf-8"))
    for head in trained.heads:
        assert head.title in page
    assert "Big in the app" in page
    assert "nan" not in page.lower().split()


def test_the_evaluation_is_whole(trained: Trained) -> None:
    """Each head has its figures, gates hold, groups are compared, and nobody has to agree."""
    text = (trained.folder / "evaluation.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    evaluation = json.loads(text)
    assert set(evaluation["segmentations"]) == set(shop.SEGMENTATIONS)
    assert {name: outcome["kind"] for name, outcome in evaluation["outcomes"].items()} == {
        "buys": "propensity",
        "plan": "classes",
        "amount": "value",
        "alike": "lookalike",
        "helped": "uplift",
    }
    assert evaluation["outcomes"]["buys"]["figures"]["roc_auc"] > 0.7
    assert evaluation["outcomes"]["plan"]["figures"]["accuracy"] > 0.5
    assert evaluation["outcomes"]["amount"]["figures"]["spearman"] > 0.5
    assert [one["column"] for one in evaluation["outcomes"]["buys"]["fairness"]] == ["gender"]
    assert evaluation["outcomes"]["buys"]["without"][0]["features"] == ["is_app"]
    gates = {(gate["gate"], gate["head"]): gate["holds"] for gate in evaluation["gates"]}
    assert gates["minimum_auc", "buys"]
    assert all(gates.values())
    assert evaluation["approval"] is None


def test_every_method_finds_the_kinds(trained: Trained) -> None:
    """All learnt methods find the four kinds of visitors that there are, and put them apart in the same way."""
    features = trained.material.newest.features
    labels = {head.name: head.assign(features) for head in trained.heads if isinstance(head, Segmentation)}
    for name in ("quick", "style", "levels", "crowds", "cores"):
        inside = labels[name] >= 0
        assert inside.mean() > 0.95
        assert adjusted_rand_score(labels["value"][inside], labels[name][inside]) > 0.95


def test_segments_without_visitors(manifest: bundle_pb2.Manifest) -> None:
    """A rule that nobody satisfies today is a segment all the same, without traits that are no numbers."""
    rfm = next(message for message in manifest.heads if message.name == "rfm")
    empty = [segment for segment in rfm.segments if segment.share == 0]
    assert empty
    assert not any(segment.traits for segment in empty)
    assert all(np.isfinite(trait.mean) for head in manifest.heads for one in head.segments for trait in one.traits)
