import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, log_loss, top_k_accuracy_score

from training.judging.classes import class_figures, judge_classes


def test_figures_are_scikit_learns() -> None:
    """Accuracy, its balanced kin, the three most likely, log loss and confusion are as scikit-learn says."""
    generator = np.random.default_rng(0)
    predicted = generator.dirichlet([1.0, 2.0, 1.0, 0.5, 0.5], 1000)
    actual = np.array([generator.choice(5, p=row) for row in predicted], dtype=float)
    judged = judge_classes(predicted, actual, list("abcde"), np.arange(1000).astype(str), 50, 0)
    found, named = judged["figures"], predicted.argmax(axis=1)
    assert found["accuracy"] == accuracy_score(actual, named)
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(actual, named))
    assert found["top3"] == top_k_accuracy_score(actual, predicted, k=3)
    assert found["log_loss"] == pytest.approx(log_loss(actual, predicted))
    np.testing.assert_array_equal(judged["confusion"]["counts"], confusion_matrix(actual, named))
    low, high = judged["intervals"]["accuracy"]
    assert low < found["accuracy"] < high
    assert found["calibration_error"] < 0.06


def test_a_class_that_never_came() -> None:
    """It is in the confusion, and says nothing of the rest."""
    predicted = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    judged = judge_classes(predicted, np.array([0.0, 1.0]), ["x", "y", "z"], np.array(["1", "2"]), 0, 0)
    assert judged["confusion"]["counts"].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert class_figures(predicted, np.array([0.0, 1.0]))["log_loss_of_shares"] == pytest.approx(np.log(2))
    assert judged["intervals"] == {}
