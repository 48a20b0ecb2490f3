"""The version before this one: where its segments are now, on the same visitors."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from protos.audience.v1 import bundle_pb2, scoring_pb2
from server.bundle import read_bundle
from server.errors import BadBundle
from server.heads import FloatMatrix, Segmentation
from server.model import Model, load_model
from server.repository import scan
from server.rows import RowReader
from server.schema import read_schema
from training.features import Features
from training.heads import Labels
from training.keys import Known
from training.publish import last_version

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Previous:
    """The newest version in the repository that can be read, and its scores of today's visitors.

    Attributes:
        model: the version.
        scores: shape (n, score_count).
    """

    model: Model
    scores: FloatMatrix

    def segmentation(self, head: str) -> tuple[Labels, list[Known], dict[str, str]] | None:
        """Each visitor's position, the segments by position, and their names by key; None without such a head."""
        served = self.model.description.heads.get(head)
        if not isinstance(served, Segmentation):
            return None
        message = next(message for message in self.model.description.manifest.heads if message.name == head)
        known = [Known(segment.key, segment.issued_in_version) for segment in message.segments]
        labels = self.scores[:, served.segment].astype(np.int64)
        return labels, known, dict(zip(served.keys, served.names, strict=True))


def next_version(repository: Path, model: str) -> int:
    """The version after every one that is or was in the repository, from 1."""
    return max([last_version(repository, model), *scan(repository).get(model, {})]) + 1


def find_previous(
    repository: Path, model: str, schema: bundle_pb2.FeatureSchema, visitors: Features
) -> Previous | None:
    """The newest readable version, asked about today's visitors.

    Args:
        repository: where versions are.
        model: name of the model.
        schema: what the visitors' features are now; the version reads them by names.
        visitors: shape (n, width).
    """
    for version in sorted(scan(repository).get(model, {}), reverse=True):
        try:
            loaded = load_model(read_bundle(repository / model / str(version)), largest_batch=1)
        except BadBundle as error:
            _log.warning("version %d of %s is passed over: %s", version, model, error)
            continue
        return Previous(loaded, loaded.run(_read_by_names(loaded, schema, visitors)))
    return None


def _read_by_names(model: Model, schema: bundle_pb2.FeatureSchema, visitors: Features) -> FloatMatrix:
    reader = RowReader(model.description.schema, {schema.fingerprint: read_schema(schema)})
    given = [scoring_pb2.Features(vector=row, schema_fingerprint=schema.fingerprint) for row in visitors]
    return reader.complete([reader.read(one.SerializeToString()) for one in given]).rows
