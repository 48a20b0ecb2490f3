"""Keys of imported segments."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.imports.conftest import Import, visitors
from tests.training.imports.graphs import NUMBERS, passed_on, segments
from training.imports.original import NotImportable

PICK = 'segment = {output = "y", column = 2}'


def _keys(imported: Import, path: Path, text: str) -> list[str]:
    head = imported(path, NUMBERS + text).manifest.heads[0]
    return [segment.key for segment in head.segments]


def test_kept_by_name(imported: Import, tmp_path: Path) -> None:
    """A segment of the same name keeps its key, whatever its position; others get new ones; what went is retired."""
    path = passed_on(tmp_path / "same.onnx")
    assert _keys(imported, path, segments(PICK)) == ["stage-1-1", "stage-1-2", "stage-1-3"]
    again = segments(PICK).replace('"Loyal"', '"Lost"').replace('"Lapsed"', '"Loyal"')
    head = imported(path, NUMBERS + again).manifest.heads[0]
    assert [segment.key for segment in head.segments] == ["stage-1-1", "stage-2-2", "stage-1-2"]
    assert [segment.issued_in_version for segment in head.segments] == [1, 2, 1]
    assert list(head.retired_keys) == ["stage-1-3"]


def test_overlap(imported: Import, tmp_path: Path) -> None:
    """With real rows a kept segment says how far it is the same one; half or more, as the contract has it."""
    rows = visitors(200)
    np.save(tmp_path / "rows.npy", rows)
    path = passed_on(tmp_path / "same.onnx")
    text = 'rows = "rows.npy"\n' + NUMBERS
    imported(path, text + segments(PICK))
    same = imported(path, text + segments(PICK)).manifest.heads[0].segments
    assert [segment.overlap for segment in same] == [1, 1, 1]
    swapped = segments(PICK).replace("New", "?").replace("Loyal", "New").replace("?", "Loyal")
    one = imported(path, text + swapped)
    assert [segment.HasField("overlap") for segment in one.manifest.heads[0].segments] == [False, False, True]
    assert one.findings.keyed["stage"].overlaps == {"stage-1-2": 0, "stage-1-1": 0, "stage-1-3": 1}


def test_given(imported: Import, tmp_path: Path) -> None:
    """Keys may be given, and go before names."""
    path = passed_on(tmp_path / "same.onnx")
    assert _keys(imported, path, segments(PICK, 'key = "fresh"')) == ["fresh", "stage-1-2", "stage-1-3"]
    renamed = segments(PICK, "", 'key = "fresh"').replace('"New"', '"Newest"')
    assert _keys(imported, path, renamed) == ["stage-2-1", "fresh", "stage-1-3"]


@pytest.mark.parametrize(
    ("key", "message"),
    [("stage-1-2", "two segments would have the key 'stage-1-2'"), ("gone", "'gone' was retired, and is never issued")],
)
def test_refused(imported: Import, tmp_path: Path, key: str, message: str) -> None:
    """A key that another segment has, or that was retired, is refused."""
    path = passed_on(tmp_path / "same.onnx")
    imported(path, NUMBERS + segments(PICK, "", "", 'key = "gone"'))
    imported(path, NUMBERS + segments(PICK, "", "", 'key = "other"'))
    with pytest.raises(NotImportable, match=message):
        imported(path, NUMBERS + segments(PICK, f'key = "{key}"'))
