"""Rows to try a model on: read from a file, or drawn within the features' ranges, and those at the edges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from training.configuration.section import BadConfig
from training.features import Features
from training.imports.columns import Column

_DRAWN = 256
_MOST = 100_000  # a percentile of the top thousandth stands on a hundred of them
_WIDE = 10.0  # how many defaults a feature without limits is drawn around (assumed)
_MATRIX = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as a server reads them: in range, nothing missing.

    Attributes:
        values: shape (n, features), float32; first the real ones, then those drawn and those at the edges.
        real_count: how many were read from the file, 0 when there is none.
        replaced: how many values were missing or out of range there, and took the default, by feature.
    """

    values: Features
    real_count: int
    replaced: Mapping[str, int]

    @property
    def real(self) -> Features:
        """Those from the file."""
        return self.values[: self.real_count]


def make_rows(path: Path | None, columns: Sequence[Column], seed: int) -> tuple[Rows, Features]:
    """Rows to try, and each feature's default, shape (features,).

    Args:
        path: a file of rows, None for none.
        columns: the features.
        seed: of what is drawn where there is no file.

    Raises:
        BadConfig: the file cannot be read or lacks a feature, or there is neither a default nor a file to take it from.
    """
    if path is None:
        defaults = _given_defaults(columns)
        drawn = _draw(columns, defaults, np.random.default_rng(seed))
        return Rows(np.concatenate([drawn, _edges(columns, defaults)]), 0, {}), defaults
    given = _read(path, columns)
    good = _in_range(given, columns)
    defaults = np.array([_default(c, given[good[:, i], i]) for i, c in enumerate(columns)], dtype=np.float32)
    real = np.where(good, given, defaults).astype(np.float32)
    replaced = {c.feature.name: int(n) for c, n in zip(columns, (~good).sum(axis=0), strict=True) if n}
    return Rows(np.concatenate([real, _edges(columns, defaults)]), len(real), replaced), defaults


def _given_defaults(columns: Sequence[Column]) -> Features:
    absent = [column.feature.name for column in columns if not column.has_default]
    if absent:
        raise BadConfig(
            f"feature {absent[0]!r}: default is needed, what a missing value becomes, since there are no rows to take "
            'the median or the most frequent word from; or give rows, such as rows = "rows.csv"'
        )
    return np.array([column.feature.default for column in columns], dtype=np.float32)


def _default(column: Column, values: Features) -> float:
    if column.has_default:
        return column.feature.default
    if not len(values):
        raise BadConfig(f"feature {column.feature.name!r}: no row has a value in range to take the default from")
    return float(np.bincount(values.astype(np.int64)).argmax() if column.is_category else np.median(values))


def _in_range(values: Features, columns: Sequence[Column]) -> npt.NDArray[np.bool_]:
    lowest, highest = (np.array([getattr(c, end) for c in columns]) for end in ("lowest", "highest"))
    within = np.isfinite(values) & (values >= lowest) & (values <= highest)
    positions = np.array([column.is_category for column in columns])
    good: npt.NDArray[np.bool_] = within & (~positions | (values == np.floor(values)))
    return good


def _draw(columns: Sequence[Column], defaults: Features, generator: np.random.Generator) -> Features:
    drawn = []
    for column, default in zip(columns, defaults.tolist(), strict=True):
        if column.is_category:
            drawn.append(generator.integers(0, len(column.feature.vocabulary), _DRAWN).astype(float))
            continue
        span = _WIDE * max(abs(default), 1.0)
        low = column.lowest if np.isfinite(column.lowest) else min(default, column.highest) - span
        high = column.highest if np.isfinite(column.highest) else max(default, column.lowest) + span
        drawn.append(generator.uniform(low, high, _DRAWN))
    return np.column_stack(drawn).astype(np.float32)


def _edges(columns: Sequence[Column], defaults: Features) -> Features:
    """The defaults, and each feature at each of its limits with the others at their defaults."""
    rows = [defaults]
    for position, column in enumerate(columns):
        for end in (column.lowest, column.highest):
            if np.isfinite(end):
                rows.append(defaults.copy())
                rows[-1][position] = end
    return np.array(rows, dtype=np.float32)


def _read(path: Path, columns: Sequence[Column]) -> Features:
    """Shape (n, features), NaN where a value is missing."""
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".npz": _read_npz, ".npy": _read_npy}
    reader = readers.get(path.suffix)
    if reader is None:
        raise BadConfig(f"rows is {path.name!r}; needed is a file of the kind {', '.join(readers)}")
    try:
        by_name = reader(path, columns)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise BadConfig(f"the rows in {path} cannot be read: {error}") from error
    absent = [column.feature.name for column in columns if column.feature.name not in by_name]
    if absent:
        raise BadConfig(f"the rows in {path} lack the feature {', '.join(absent)}; its column must be called like that")
    if not len(next(iter(by_name.values()))):
        raise BadConfig(f"the rows in {path} are none; needed is one at least, or no rows = … at all")
    matrix = np.column_stack([_codes(column, by_name[column.feature.name]) for column in columns])
    return matrix[np.linspace(0, len(matrix) - 1, min(len(matrix), _MOST)).astype(np.intp)]


def _read_csv(path: Path, columns: Sequence[Column]) -> dict[str, npt.NDArray[np.generic]]:
    types = {c.feature.name: pa.string() if c.is_category else pa.float64() for c in columns}
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True)
    return _arrays(pyarrow.csv.read_csv(path, convert_options=options), columns)


def _read_parquet(path: Path, columns: Sequence[Column]) -> dict[str, npt.NDArray[np.generic]]:
    return _arrays(pyarrow.parquet.read_table(path), columns)


def _arrays(table: pa.Table, columns: Sequence[Column]) -> dict[str, npt.NDArray[np.generic]]:
    kinds = {c.feature.name: pa.string() if c.is_category else pa.float64() for c in columns}
    wanted = [name for name in table.column_names if name in kinds]
    return {name: table[name].cast(kinds[name]).to_numpy() for name in wanted}


def _read_npz(path: Path, columns: Sequence[Column]) -> dict[str, npt.NDArray[np.generic]]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name].ravel() for name in arrays.files if name in {c.feature.name for c in columns}}


def _read_npy(path: Path, columns: Sequence[Column]) -> dict[str, npt.NDArray[np.generic]]:
    matrix = np.load(path, allow_pickle=False)
    if matrix.dtype.names:
        return {name: matrix[name] for name in matrix.dtype.names}
    if matrix.ndim != _MATRIX or matrix.shape[1] != len(columns):
        raise ValueError(f"its shape is {matrix.shape}; needed is (rows, {len(columns)}), the features in their order")
    return {column.feature.name: matrix[:, i] for i, column in enumerate(columns)}


def _codes(column: Column, values: npt.NDArray[np.generic]) -> Features:
    """A category's positions from words, or the numbers as they are; NaN for what is missing."""
    if not column.is_category or values.dtype.kind in "iuf":
        return values.astype(np.float32)
    vocabulary = {word: float(code) for code, word in enumerate(column.feature.vocabulary)}
    other = vocabulary.get(column.feature.other)
    codes = [np.nan if word is None else vocabulary.get(str(word), other) for word in values.tolist()]
    if None in codes:
        word = values.tolist()[codes.index(None)]
        raise BadConfig(
            f"the rows have {word!r} as {column.feature.name}; its vocabulary is {list(vocabulary)}, and it has no "
            "`other` for the rest"
        )
    return np.array(codes, dtype=np.float32)
