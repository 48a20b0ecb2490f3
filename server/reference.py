"""The rows of a version with the scores that training's own estimators give them, read from its archive."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from server.errors import BadBundle
from server.heads import FloatMatrix

REFERENCE_FILE = "reference.npz"
_LARGEST_BYTES = 1 << 26  # unpacked


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows, and the scores that training's own estimators give them.

    Attributes:
        features: shape (n, schema width), float32.
        scores: shape (n, score_count), float32.
    """

    features: FloatMatrix
    scores: FloatMatrix


def read_reference(data: bytes, width: int, score_count: int) -> Reference:
    """What reference.npz holds.

    Args:
        data: the file.
        width: number of features.
        score_count: number of scores.

    Raises:
        BadBundle: it holds something else, or another number of columns.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            _check_unpacked(arrays.zip)
            reference = Reference(np.asarray(arrays["features"]), np.asarray(arrays["scores"]))
    except BadBundle:
        raise
    except Exception as error:  # NumPy and zipfile fail on foreign bytes in many ways; their errors share no class
        raise BadBundle(f"{REFERENCE_FILE} does not hold the arrays features and scores: {error}") from error
    count = len(reference.features) if reference.features.ndim else 0
    shapes = (reference.features.shape, reference.scores.shape)
    types = (reference.features.dtype.name, reference.scores.dtype.name)
    if not count or shapes != ((count, width), (count, score_count)) or types != ("float32", "float32"):
        raise BadBundle(
            f"{REFERENCE_FILE} has shapes {shapes} of {types}; needed: (n, {width}) and (n, {score_count}) of float32"
        )
    _check_numbers("features", reference.features)
    _check_numbers("scores", reference.scores)
    return reference


def _check_numbers(name: str, array: FloatMatrix) -> None:
    """Every entry is a number: from an infinite score, every other one would be within the tolerance."""
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        row, column = (int(index) for index in wrong[0])
        raise BadBundle(f"{REFERENCE_FILE} has {array[row, column]} in row {row}, column {column} of {name}")


def _check_unpacked(archive: zipfile.ZipFile) -> None:
    """Few bytes can unpack to more than there is memory; zipfile unpacks no more than the archive says."""
    size = sum(entry.file_size for entry in archive.infolist())
    if size > _LARGEST_BYTES:
        raise BadBundle(f"{REFERENCE_FILE} unpacks to {size:,} bytes; at most {_LARGEST_BYTES:,} are read")
