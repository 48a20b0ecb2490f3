"""The graphs that every server here runs, as versions in repositories; made once, by the project's own training code.

The stated graph has 40 features, a Gaussian mixture of 8, a logistic regression and a random forest of 200 trees of
depth 8. The heavy one is the same with many more trees, so that a row costs half a millisecond.
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf import json_format
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from protos.audience.v1 import bundle_pb2
from server.bundle import MODEL_FILE
from tests.benchmarks.population import SEED, SEGMENT_COUNT, Population, draw, specs
from tests.heads import Propensity
from training.export.graph import build_graph
from training.export.parity import ABSOLUTE_TOLERANCE, prove
from training.features import Features
from training.heads import Head, Question
from training.keys import issue_keys
from training.manifest import Identity, build_manifest
from training.names import traits
from training.naming import Segments
from training.publish import bundle_files, publish
from training.segmentations.mixture import Mixture
from training.segmentations.shaping import Shaping

VERSION = 1
ROW_COUNT = 1024  # so many that no processor learns their ways through the trees
_PROVED_COUNT = 2_000
_DEPTH = 8
_ROWS_FILE = "rows.npz"
_STAMP_FILE = "made-of"
_MADE_MS = 1_700_000_000_000
_SOURCES = (*sorted((Path(__file__).parents[2] / "training").rglob("*.py")), Path(__file__))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which graph.

    Attributes:
        model: its name.
        trees: of its forest.
        visitors: of how many it is made.
        variant: of another one every head is fitted to another sample of them, so that it has other scores.
    """

    model: str
    trees: int
    visitors: int
    variant: int = 0

    @property
    def folder(self) -> str:
        """Name of the folder that has it."""
        return f"{self.model}-{self.variant}" if self.variant else self.model


STATED = Recipe("bench", 200, 12_000)
HEAVY = Recipe("heavy", 8_000, 4_000)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A published version, and rows that the estimators scored.

    Attributes:
        repository: what a server is given.
        graph: path of model.onnx.
        manifest: of the version.
        features: shape (m, 40), float32, visitors that training did not see.
        scores: shape (m, score_count), float32, of the estimators.
    """

    repository: Path
    graph: Path
    manifest: bundle_pb2.Manifest
    features: Features
    scores: Features


def made(recipe: Recipe, folder: Path) -> Bundle:
    """The recipe's version in a repository of its own under `folder`; made when it is not there or out of date."""
    place = folder / recipe.folder
    stamp = _stamp(recipe)
    stamp_file = place / _STAMP_FILE
    if not stamp_file.is_file() or stamp_file.read_text(encoding="utf-8") != stamp:
        shutil.rmtree(place, ignore_errors=True)
        _make(recipe, place)
        stamp_file.write_text(stamp, encoding="utf-8")
    return _read(recipe, place)


def _stamp(recipe: Recipe) -> str:
    digest = hashlib.sha256(repr((recipe, SEED, ROW_COUNT)).encode())
    for path in (*_SOURCES, Path(__file__).with_name("population.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(recipe: Recipe, place: Path) -> Bundle:
    version = place / "repository" / recipe.model / str(VERSION)
    text = (version / "manifest.json").read_text(encoding="utf-8")
    with np.load(place / _ROWS_FILE) as rows:
        return Bundle(
            repository=place / "repository",
            graph=version / MODEL_FILE,
            manifest=json_format.Parse(text, bundle_pb2.Manifest()),
            features=rows["features"],
            scores=rows["scores"],
        )


def _make(recipe: Recipe, place: Path) -> None:
    population = draw(recipe.visitors)
    heads = _fit(recipe, population)
    graph = build_graph(heads, len(specs()), population.features)
    evidence = prove(graph, heads, population.features[:_PROVED_COUNT], specs())
    identity = Identity(recipe.model, VERSION, 0, _MADE_MS, "drawn", _MADE_MS)
    segments = {head.name: _segments(head, population.features) for head in heads if isinstance(head, Mixture)}
    manifest = build_manifest(identity, specs(), heads, segments, population.features, evidence)
    reference = (evidence.reference_features, evidence.reference_scores)
    files = dict(bundle_files(manifest, graph, reference, {"made": "for the benchmark"}))
    (place / "repository").mkdir(parents=True)
    publish(place / "repository", recipe.model, VERSION, files)
    features, scores = _rows(heads)
    np.savez(place / _ROWS_FILE, features=features, scores=scores)


def _fit(recipe: Recipe, population: Population) -> list[Head]:
    sample, seed = _sample(population, recipe.variant), recipe.variant
    features = sample.features
    shaping = Shaping.fit(features, specs(), [spec.name for spec in specs()])
    mixture = GaussianMixture(SEGMENT_COUNT, reg_covar=0.1, random_state=seed).fit(shaping.apply(features))
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    forest = RandomForestClassifier(recipe.trees, max_depth=_DEPTH, random_state=seed)
    return [
        Mixture("style", "how they buy", shaping, mixture, []),
        Propensity(Question("buys_7d", "buys within 7 days", 7), logistic.fit(features, sample.buys), {}),
        Propensity(Question("churns_30d", "stays away 30 days", 30), forest.fit(features, sample.churns), {}),
    ]


def _sample(population: Population, variant: int) -> Population:
    """All visitors for variant 0; for another one as many, drawn with replacement."""
    if not variant:
        return population
    count = len(population.features)
    drawn = np.random.default_rng(variant).integers(0, count, count)
    return Population(population.features[drawn], population.buys[drawn], population.churns[drawn])


def _segments(head: Mixture, features: Features) -> Segments:
    labels = head.assign(features)
    return Segments(
        keys=issue_keys(head.name, VERSION, head.count),
        names=[f"{head.name} {position}" for position in range(head.count)],
        traits=[traits(features, labels, position, head.shaping, specs()) for position in range(head.count)],
        labels=labels,
        retired=[],
    )


def _rows(heads: Sequence[Head]) -> tuple[Features, Features]:
    """Visitors that training did not see with their scores, none between two segments, where either answer is right."""
    features = draw(2 * ROW_COUNT, SEED + 1).features
    scores = np.concatenate([head.scores(features) for head in heads], axis=1).astype(np.float32)
    is_sure = scores[:, 1] > 100 * ABSOLUTE_TOLERANCE  # the margin of the mixture, the first head
    return features[is_sure][:ROW_COUNT], scores[is_sure][:ROW_COUNT]
