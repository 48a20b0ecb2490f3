"""A hierarchy: small segments that are parts of larger groups, by Ward's method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import linkage

from training.export.nodes import Nodes
from training.features import Features
from training.heads import Column, FloatArray, Group, Labels
from training.segmentations.assigner import Assigner
from training.segmentations.population import by_size, draw, possible_counts, silhouette
from training.segmentations.shaping import Shaping

_FITTED_ROWS = 5000  # of which every pair has a distance: 100 MB
LEVELS = (3, 8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """A hierarchy cut at several levels: a visitor is in the smallest segment whose centre is nearest.

    Larger groups are looked up from that, so they never contradict it.

    Attributes: as Hierarchy and Approximation, and
        assigner: the centres of the smallest segments.
    """

    name: str
    title: str
    assigner: Assigner
    tried: Sequence[dict[str, float]]
    groups: Sequence[Group]
    parents: Sequence[int]
    fidelity: float

    @property
    def shaping(self) -> Shaping:
        """See Segmentation."""
        return self.assigner.shaping

    @property
    def count(self) -> int:
        """Number of the smallest segments."""
        return self.assigner.count

    @property
    def has_outliers(self) -> bool:
        """Nobody is in no segment."""
        return False

    @property
    def columns(self) -> Sequence[Column]:
        """See Head."""
        return self.assigner.columns

    def assign(self, features: Features) -> Labels:
        """Position of each visitor's smallest segment, shape (n,)."""
        return self.assigner.assign(features)

    def scores(self, features: Features) -> FloatArray:
        """See Assigner."""
        return self.assigner.scores(features)

    def emit(self, nodes: Nodes, features: str) -> str:
        """See Assigner."""
        return self.assigner.emit(nodes, features)


def fit_tree(  # noqa: PLR0913, PLR0917  # what the head is called, what it is fitted on, and how
    name: str, title: str, shaping: Shaping, features: Features, seed: int, levels: Sequence[int] = LEVELS
) -> Tree:
    """A hierarchy by Ward's method of at most 5,000 visitors chosen by chance, cut into these numbers of segments.

    Args:
        name: of the head.
        title: of the head.
        shaping: of the features.
        features: shape (n, width).
        seed: of the choice of rows.
        levels: numbers of groups, ascending; the last is that of the segments.

    Raises:
        CannotSegment: fewer rows differ than there are to be segments.

    Source: J. H. Ward, Hierarchical grouping to optimize an objective function, 1963, with squared distances
        (F. Murtagh and P. Legendre, 2014: Ward2).
    """
    rows = draw(len(features), _FITTED_ROWS, seed)
    shaped = shaping.apply(features[rows])
    possible_counts(shaped, levels[-1:])
    merges = linkage(shaped, "ward")
    cuts = [_cut(merges, level) for level in levels]
    leaves = cuts[-1]
    centres = np.array([shaped[leaves == leaf].mean(axis=0) for leaf in range(levels[-1])])
    assigner = Assigner(shaping, centres, np.arange(levels[-1]))
    groups, parents = _relations(cuts)
    return Tree(
        name=name,
        title=title,
        assigner=assigner,
        tried=[_judge(cut, shaped, merges, seed) for cut in cuts],
        groups=groups,
        parents=parents,
        fidelity=float((assigner.assign(features[rows]) == leaves).mean()),
    )


def _cut(merges: FloatArray, count: int) -> Labels:
    """The groups of rows before the last count - 1 merges, shape (n,), numbered in the order of their size.

    SciPy's cut_tree can give fewer groups where each row is to be one. (measured)
    """
    row_count = len(merges) + 1
    done = row_count - count
    top = np.arange(row_count + done)
    for merge in reversed(range(done)):  # from what is merged last, down to rows
        top[merges[merge, :2].astype(np.int64)] = top[row_count + merge]
    labels: Labels = np.unique(top[:row_count], return_inverse=True)[1].astype(np.int64)
    rank: Labels = np.argsort(by_size(labels))
    return rank[labels]


def _relations(cuts: Sequence[Labels]) -> tuple[list[Group], list[int]]:
    """The groups of all levels but the last, and the last level's parents among them.

    Args:
        cuts: for each level from the coarsest, shape (n,), each row's group; each group is within one of the level
            above.
    """
    groups: list[Group] = []
    parents: list[int] = []
    first = 0  # position among the groups of the level above
    for level, cut in enumerate(cuts):
        above = cuts[level - 1] if level else None
        members = [int(np.argmax(cut == group)) for group in range(int(cut.max()) + 1)]  # a row of each
        parents = [] if above is None else [first + int(above[member]) for member in members]
        first = len(groups)
        if level < len(cuts) - 1:
            groups += [Group(len(members), parents[i] if parents else None) for i in range(len(members))]
    return groups, parents


def _judge(cut: Labels, shaped: FloatArray, merges: FloatArray, seed: int) -> dict[str, float]:
    """The figures of a level; the height is that of the merge after which this many groups would be one fewer."""
    k = int(cut.max()) + 1
    return {
        "k": k,
        "smallest_share": float(np.bincount(cut).min() / len(cut)),
        **silhouette(shaped, cut, seed),
        "height": float(merges[len(merges) - k + 1, 2]) if k > 1 else float(merges[-1, 2]),
    }
