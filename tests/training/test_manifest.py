import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from protos.audience.v1 import bundle_pb2
from server.head_reader import read_heads
from server.schema import read_schema
from tests.bundles import SPECS, Made
from training.features import FeatureSpec, to_schema, typical
from training.judging.order import ApprovalOrder
from training.manifest import Identity, build_manifest, distribution


def test_columns_tile_the_scores(made: Made) -> None:
    """Every column of the scores is of exactly one head and role."""
    taken = [
        column
        for head in made.manifest.heads
        for columns in head.columns
        for column in range(columns.first, columns.first + columns.count)
    ]
    assert taken == list(range(made.manifest.graph.score_count))
    assert made.manifest.graph.score_count == made.evidence.reference_scores.shape[1] == 3 + (2 + 2) + 1 + 1


def test_columns_hold_what_they_say(made: Made) -> None:
    """The columns by role are those of the estimators: positions, rising distances, memberships and so on."""
    scores = np.concatenate([head.scores(made.population) for head in made.heads], axis=1)
    value, style, buys, spend = made.manifest.heads
    by_role = {
        (head.name, bundle_pb2.ColumnRole.Name(c.role)): scores[:, c.first : c.first + c.count]
        for head in (value, style, buys, spend)
        for c in head.columns
    }
    assert set(np.unique(by_role["value", "COLUMN_ROLE_SEGMENT"])) == {0, 1, 2}
    assert set(np.unique(by_role["style", "COLUMN_ROLE_SEGMENT"])) == {0, 1}
    np.testing.assert_allclose(by_role["style", "COLUMN_ROLE_MEMBERSHIP"].sum(axis=1), 1)
    assert (by_role["value", "COLUMN_ROLE_MARGIN"] >= 0).all()
    assert 0 < by_role["buys_7d", "COLUMN_ROLE_PROBABILITY"].max() <= 1
    assert by_role["spend_30d", "COLUMN_ROLE_EXPECTED"].max() > 1


def test_json_round_trip(made: Made) -> None:
    """The manifest survives JSON, number for number."""
    text = json_format.MessageToJson(made.manifest, preserving_proto_field_name=True)
    assert json_format.Parse(text, bundle_pb2.Manifest()) == made.manifest


def test_a_server_reads_it(made: Made) -> None:
    """The server finds the heads and the features that training had, in their order."""
    assert list(read_heads(made.manifest)) == [head.name for head in made.heads]
    schema = read_schema(made.manifest.schema)
    assert [feature.name for feature in schema.features] == [spec.name for spec in SPECS]
    np.testing.assert_array_equal(schema.defaults, typical(made.population, SPECS))


def test_segments(made: Made) -> None:
    """Shares are those of the population and sum to 1; a first version issues every key itself, without overlap."""
    for message, head in zip(made.manifest.heads[:2], made.heads[:2], strict=True):
        labels = head.scores(made.population)[:, 0]
        assert [s.share for s in message.segments] == pytest.approx(
            [(labels == position).mean() for position in range(len(message.segments))]
        )
        assert [s.key for s in message.segments] == [f"{head.name}-1-{i + 1}" for i in range(len(message.segments))]
        assert {s.issued_in_version for s in message.segments} == {1}
        assert not any(s.HasField("overlap") for s in message.segments)


def test_facts(made: Made) -> None:
    """The manifest says what was compared and with what; features have a distribution each."""
    assert (made.manifest.parity.row_count, made.manifest.parity.edge_row_count) == (400, 14)
    assert set(made.manifest.parity.largest_difference) == {head.name for head in made.heads}
    assert made.manifest.training.visitor_count == 400
    assert "scikit-learn" in made.manifest.training.libraries
    assert [round(d.quantiles[50], 3) for d in made.manifest.feature_distributions[:3]] == pytest.approx(
        np.median(made.population[:, :3], axis=0), abs=1e-3
    )


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=50))
def test_distribution(values: list[float]) -> None:
    """101 quantiles that never fall, from the smallest to the largest."""
    quantiles = list(distribution(np.array(values), 101).quantiles)
    assert len(quantiles) == 101
    assert quantiles == sorted(quantiles)
    assert quantiles[0] == np.float32(min(values))
    assert quantiles[-1] == np.float32(max(values))


def test_default_is_typical() -> None:
    """A missing number becomes the median, a missing word the most frequent one; limits are as declared."""
    specs = [
        FeatureSpec(name="spend", description="money", unit="USD"),
        FeatureSpec(name="trend", description="trend", minimum=None, maximum=3.0),
        FeatureSpec(name="device", description="device", vocabulary=("phone", "tablet")),
    ]
    rows = np.array([[1, -1, 0], [2, 0, 1], [90, 1, 1]], dtype=np.float32)
    spend, trend, device = to_schema(specs, typical(rows, specs)).features
    assert (spend.default, trend.default, device.default) == (2, 0, 1)
    assert (spend.minimum, spend.HasField("maximum"), trend.HasField("minimum"), trend.maximum) == (0, False, False, 3)
    assert list(device.vocabulary) == ["phone", "tablet"]


def test_who_has_to_agree(made: Made) -> None:
    """The manifest says it where the configuration asks for it, and says nothing otherwise."""
    identity = Identity("shop", 1, 0, 0, "made for tests", 0)

    def build(order: ApprovalOrder) -> bundle_pb2.Manifest:
        return build_manifest(identity, [], [], {}, np.empty((0, 0), np.float32), made.evidence, approval=order)

    manifest = build(ApprovalOrder(required=True, labels=("stable",), people=("Ada",)))
    assert manifest.approvals == bundle_pb2.Approvals(required=True, labels=["stable"], people=["Ada"])
    assert not build(ApprovalOrder(people=("Ada",))).HasField("approvals")
    assert not made.manifest.HasField("approvals")
