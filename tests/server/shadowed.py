"""A model with a shadow, and what the shadow counts, without a network."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from protos.audience.v1 import scoring_pb2
from protos.audience.v1.scoring_pb2 import Features, Selector
from server.batches import PreparedBatch
from server.copies import Copies
from server.heads import FloatMatrix
from server.model import Model
from server.registry import Registry
from server.scoring import Prepared, Scoring
from server.traffic import WHOLE, Route, Share, bucket
from server.transport import seam
from tests.server.asking import own, rows
from tests.server.conftest import Measured
from tests.server.literal import model

Score = Callable[[FloatMatrix], FloatMatrix]
ALL = Share("next", WHOLE)
SPLIT = (Share("canary", 5_000),)
INSIDE, OUTSIDE = (
    next(name for name in map(str, range(99)) if (bucket("s", name.encode()) < 5_000) is wanted)
    for wanted in (True, False)
)


def constant(*scores: float) -> Score:
    """A graph that gives everybody these scores: segment, distance, probability, amount."""
    return lambda block: np.tile(np.array(scores, np.float32), (len(block), 1))


ANSWERED, SHADOW = constant(0, 0, 0.25, 10), constant(1, 0, 0.5, 8)


def broken(_rows: FloatMatrix) -> FloatMatrix:
    """A graph that cannot be run."""
    raise RuntimeError("no such graph")


class World:
    """A model with versions 1 for everybody, 2 "canary" and 3 "next", its methods, and what they count."""

    def __init__(self, scoring: Scoring, registry: Registry, measured: Measured) -> None:
        self.scoring = scoring
        self.registry = registry
        self.measured = measured
        self.publish()

    def publish(
        self, *, score: Score = SHADOW, beside: Model | None = None, knows_others: bool = True, **policy: Any
    ) -> None:
        """Serves these; everybody's requests go to the shadow, when the policy says nothing else."""
        settings = {"shadow": ALL, "split_salt": "s", "holdout_salt": "s", **policy}
        route = Route({"": 1, "canary": 2, "next": 3}, **settings)
        answering = [model("shop", version, score=ANSWERED) for version in (1, 2)]
        loaded = [*answering, beside or model("shop", 3, score=score)]
        schemas = {one.description.schema.fingerprint: one.description.schema for one in loaded if knows_others}
        self.registry.publish(loaded, schemas, frozenset(), {"shop": route})

    @property
    def copies(self) -> Copies:
        """Those that wait."""
        return self.scoring.copies

    def ask(self, visitor: str = "", features: Features | None = None, **selector: Any) -> int:
        """The version that answers a request."""
        request = scoring_pb2.ScoreRequest(
            visitor=scoring_pb2.Visitor(id=visitor),
            selectors=[Selector(**selector)] if selector else [],
            features=features or own(1, 2),
        )
        prepared: Prepared = self.scoring.prepare_score(request.SerializeToString())
        seam.score(prepared.runs)
        reply = scoring_pb2.ScoreReply.FromString(self.scoring.finish_score(prepared))
        return reply.results[0].version

    def prepare_batch(self, *given: Features, visitors: Sequence[str] = ()) -> PreparedBatch:
        """A batch that was scored."""
        request = scoring_pb2.ScoreBatchRequest(rows=rows(*given))
        for row, visitor in zip(request.rows, visitors, strict=False):
            row.visitor.id = visitor
        prepared = self.scoring.prepare_batch(request.SerializeToString())
        seam.score(prepared.runs)
        return prepared

    def work(self) -> None:
        """All that there is to do."""
        while self.copies:
            self.copies.work()

    def count(self, name: str, **labels: str) -> float:
        """A metric of the shadow."""
        return self.measured.sample(f"audience_shadow_{name}_total", model="shop", version="3", **labels)

    @property
    def counts(self) -> tuple[float, float, float]:
        """Rows, dropped, failures."""
        return self.count("rows"), self.count("dropped"), self.count("failures")

    def head(self, name: str) -> tuple[float, float, float]:
        """Of a head: compared, differences, deviation."""
        names = ("compared", "differences", "deviation")
        return tuple(self.count(one, head=name) for one in names)  # type: ignore[return-value]  # of three
