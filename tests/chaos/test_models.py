from pathlib import Path

from tests.benchmarks.graph import Recipe
from tests.chaos import models
from tests.chaos.cases import Case, Seen, cases
from tests.chaos.scene import Missed, Scene

RECIPES = (Recipe("small", 10, 400), Recipe("small", 10, 400, 1), Recipe("small", 40, 400, 2))
# One of each kind, and not the slowest.
NAMES = (
    "one bit of the graph is another",
    "the graph has other scores, with right hashes",
    "nobody signed it",
    "policy.json is none: text",
    "a version is removed while it loads, 1",
    "a publisher is killed, 1",
)


def _that_misses(_: Scene) -> Seen:
    raise Missed("nothing happened")


def test_damaged_models_disturb_nobody(tmp_path: Path) -> None:
    """Under load every case is met as it should be, without a failed request; one that is not met is told."""
    chosen = [case for case in cases(1) if case.name in NAMES]
    said: list[str] = []

    *good, bad = models.run(
        [*chosen, Case("nothing", _that_misses)], said.append, tmp_path, rate_hz=100, recipes=RECIPES
    )

    assert [line.name for line in good] == [case.name for case in chosen]
    assert [line for line in good if not line.is_good] == []
    assert (bad.is_good, bad.text) == (False, "nothing happened")


def test_line_is_bad_for_every_reason() -> None:
    """A failed request, a version that should not answer, silence, and what did not happen each are enough."""
    good = {"name": "x", "text": "", "answered": 9, "failed": 0, "strangers": (), "pause_ms": 1.0, "is_missed": False}

    assert models.Line(**good).is_good  # type: ignore[arg-type]
    for wrong in ({"failed": 1}, {"strangers": (3,)}, {"answered": 0}, {"is_missed": True}):
        assert not models.Line(**{**good, **wrong}).is_good  # type: ignore[arg-type]
