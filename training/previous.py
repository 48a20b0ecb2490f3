"""The version before this one: where its segments are now, on the same visitors."""

import logging
from collections.abc import Mapping, Sequence
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

    def segmentation(self, head: str) -> "Before | None":
        """Where each visitor was, by the version before; None without such a head."""
        served = self.model.description.heads.get(head)
        if not isinstance(served, Segmentation):
            return None
        message = next(message for message in self.model.description.manifest.heads if message.name == head)
        return Before(served.positions(self.scores), message)


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """A segmentation of the version before, on the same visitors.

    Attributes:
        labels: shape (n,), position of each visitor's segment, -1 for none.
        message: the head in its manifest.
    """

    labels: Labels
    message: bundle_pb2.Head

    @property
    def known(self) -> Sequence[Known]:
        """Its segments, by position."""
        return [Known(segment.key, segment.issued_in_version) for segment in self.message.segments]

    @property
    def names(self) -> Mapping[str, str]:
        """Of the segments and the groups above them, by key."""
        return {one.key: one.name for one in (*self.message.groups, *self.message.segments)}

    def level(self, depth: int) -> "Before | None":
        """The groups at one level as if they were all segments, the coarsest at 0; None where it has no such level."""
        parents = {group.key: group.parent for group in self.message.groups}
        paths = [_path(segment.parent, parents) for segment in self.message.segments]
        if not paths or any(len(path) <= depth for path in paths):
            return None
        groups = [group for group in self.message.groups if len(_path(group.parent, parents)) == depth]
        position = {group.key: i for i, group in enumerate(groups)}
        of_segment = np.array([*(position[path[depth]] for path in paths), -1])
        return Before(of_segment[self.labels], bundle_pb2.Head(name=self.message.name, segments=groups))


def _path(key: str, parents: Mapping[str, str]) -> list[str]:
    """This group and all above it, the coarsest first; nothing for ""."""
    path: list[str] = []
    while key:
        path.insert(0, key)
        key = parents[key]
    return path


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
