"""docs/evaluation.md says what stands in evaluation.json and in the configuration."""

import dataclasses
from pathlib import Path

import pytest

from tests.training.judging.tables import events
from training.judging.amounts import amount_figures
from training.judging.classes import class_figures
from training.judging.gates import GATES
from training.judging.order import ApprovalOrder, JudgingOrder
from training.judging.outcome import Asked, judge_outcome
from training.judging.probabilities import event_figures

TEXT = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("gate", GATES)
def test_gates(gate: str) -> None:
    """Every gate is in the table."""
    assert f"`{gate}`" in TEXT


@pytest.mark.parametrize(
    "key", [field.name for order in (JudgingOrder, ApprovalOrder) for field in dataclasses.fields(order)]
)
def test_keys(key: str) -> None:
    """Every key of the configuration is in an example."""
    assert f"\n{key} = " in TEXT


def test_figures_and_parts() -> None:
    """Every figure of every kind, and every part of an outcome, is named."""
    rows, head = events(200, 0)
    scores, actual = head.tested.predicted[:, 0], head.tested.actual
    both = head.tested.predicted.repeat(2, axis=1)
    parts = judge_outcome(head, Asked(kind="propensity"), rows, JudgingOrder(bootstraps=5, importance_rows=0), 0)
    figures = event_figures(scores, actual) | amount_figures(scores, actual) | class_figures(both, actual)
    assert [name for name in (*figures, *parts) if f"`{name}`" not in TEXT] == []
