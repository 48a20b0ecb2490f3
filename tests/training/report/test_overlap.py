from tests.training.report.samples import evaluation
from training.report.overlap import overlap
from training.report.part import Part


def test_each_pair_is_there_once() -> None:
    """Below the diagonal stands what two audiences have in common; nobody is compared with itself."""
    heat = overlap(Part(evaluation()["overlap"]))
    assert heat is not None
    assert heat.across == ["1", "2"]
    assert heat.rows == [(1, "Regulars", []), (2, "Lapsed", [0.25]), (3, "New", [0.0, 0.125])]


def test_one_audience_overlaps_with_nobody() -> None:
    """Fewer than two audiences, or a matrix of another size, are no table."""
    assert overlap(Part({"audiences": [{"key": "a"}], "jaccard": [[1.0]]})) is None
    assert overlap(Part({"audiences": [{"key": "a"}, {"key": "b"}], "jaccard": [[1.0]]})) is None
