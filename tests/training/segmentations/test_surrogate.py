import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.cluster import KMeans

from tests.training.segmentations.tables import SPECS, shoppers
from training.export.nodes import Nodes
from training.features import Features
from training.heads import NO_SEGMENT, SEGMENT, Column, FloatArray, Labels
from training.segmentations.expressions import holds
from training.segmentations.language import read_condition
from training.segmentations.rules import Rule, fit_conditions
from training.segmentations.shaping import Shaping
from training.segmentations.surrogate import Surrogate, fit_surrogate, to_evaluation

TABLE = shoppers(1500)
RULES = (Rule("Evening rich", 'spend > 120 and daypart == "evening"'), Rule("Lapsed", "recency_days > 90"))


@dataclasses.dataclass(frozen=True)
class Clusters:
    """As much of a segmentation by k-means as is imitated."""

    shaping: Shaping
    model: KMeans
    name: str = "value"
    title: str = ""
    columns: Sequence[Column] = ((SEGMENT, 1),)
    tried: Sequence[dict[str, float]] = ()

    @property
    def has_outliers(self) -> bool:
        """Nobody is in no segment."""
        return False

    @property
    def count(self) -> int:
        """Number of clusters."""
        return int(self.model.n_clusters)

    def assign(self, features: Features) -> Labels:
        """Which cluster each row is in."""
        labels: Labels = self.model.predict(self.shaping.apply(features)).astype(np.int64)
        return labels

    def scores(self, features: Features) -> FloatArray:
        """The same as a column."""
        return self.assign(features)[:, None].astype(np.float64)

    def emit(self, nodes: Nodes, features: str) -> str:
        """Not needed: what is imitated is the labels."""
        raise NotImplementedError


def _of_rules(*rules: Rule, depth: int = 4) -> Surrogate:
    surrogate = fit_surrogate(fit_conditions("m", "", rules, TABLE), TABLE, seed=0, max_depth=depth)
    assert surrogate is not None
    return surrogate


def _of_clusters(depth: int = 4) -> tuple["Clusters", Surrogate]:
    shaping = Shaping.fit(TABLE.features, SPECS, ["recency_days", "baskets", "spend"])
    model = KMeans(4, n_init=3, random_state=0).fit(shaping.apply(TABLE.features))
    head = Clusters(shaping, model)
    surrogate = fit_surrogate(head, TABLE, seed=0, max_depth=depth)
    assert surrogate is not None
    return head, surrogate


def test_rules_are_found_again() -> None:
    """Of segments that are rules, the tree finds those, with numbers as round as their writer's."""
    surrogate = _of_rules(*RULES)
    assert surrogate.fidelity > 0.98
    evening = next(rule for rule in surrogate.rules if rule.position == 0)  # the one with most visitors
    assert evening.text == 'recency_days <= 90 days and spend > 120 USD and daypart == "evening"'
    assert evening.when == 'recency_days <= 90 and spend > 120 and daypart == "evening"'
    lapsed = [rule for rule in surrogate.rules if rule.position == 1]
    assert all("recency_days > 90 days" in rule.text for rule in lapsed)
    assert {rule.position for rule in surrogate.rules} == {0, 1, NO_SEGMENT}


def test_fidelity_is_what_the_texts_do() -> None:
    """Every visitor satisfies exactly one of the conditions, and the share of the right ones is the stated fidelity."""
    head, surrogate = _of_clusters()
    inside = np.array([holds(read_condition(rule.when, SPECS).truth, TABLE.features) for rule in surrogate.rules])
    assert (inside.sum(axis=0) == 1).all()
    assert [rule.share for rule in surrogate.rules] == pytest.approx(inside.mean(axis=1).tolist())
    said = np.array([rule.position for rule in surrogate.rules])[inside.argmax(axis=0)]
    right = said == head.assign(TABLE.features)
    # Of all visitors, those that the tree was fitted to among them: near the held-out share, and a little above.
    assert right.mean() == pytest.approx(surrogate.fidelity, abs=0.03)
    assert surrogate.fidelity > 0.85 > surrogate.guessing
    assert (surrogate.row_count, surrogate.held_out_count) == (1050, 450)


def test_precision_and_recall_add_up() -> None:
    """The held-out visitors of all segments, times their recall, are the right ones."""
    head, surrogate = _of_clusters()
    assert sum(agreement.count for agreement in surrogate.agreements) == surrogate.held_out_count
    right = sum(agreement.count * (agreement.recall or 0) for agreement in surrogate.agreements)
    assert right / surrogate.held_out_count == pytest.approx(surrogate.fidelity)
    assert [agreement.position for agreement in surrogate.agreements] == list(range(head.count))


def test_deeper_is_nearer() -> None:
    """More questions imitate better, and there are never more rules than so many questions can tell apart."""
    shallow, deep = _of_clusters(1)[1], _of_clusters(5)[1]
    assert shallow.fidelity < deep.fidelity
    assert len(shallow.rules) <= 2
    assert len(deep.rules) <= 32


def test_rounding_costs_little() -> None:
    """No threshold has more digits than it needs, and together they cost at most half a per cent."""
    _, surrogate = _of_clusters()
    numbers = [word for rule in surrogate.rules for word in rule.when.split() if word[0].isdigit()]
    assert numbers
    assert np.mean([len(number.replace(".", "").strip("0")) for number in numbers]) < 3


def test_one_segment() -> None:
    """Where everybody is in one segment there is one rule, for everybody."""
    surrogate = _of_rules(Rule("All", "spend >= 0"))
    assert [(rule.when, rule.text, rule.share, rule.precision) for rule in surrogate.rules] == [("", "everybody", 1, 1)]
    assert surrogate.fidelity == surrogate.guessing == 1


def test_words_are_told_as_words() -> None:
    """Questions about a category become its words, not positions."""
    surrogate = _of_rules(Rule("Late", 'daypart != "morning"'))
    assert sorted(rule.when for rule in surrogate.rules) == ['daypart != "morning"', 'daypart == "morning"']


def test_few_visitors() -> None:
    """Fewer than 20 visitors show nothing."""
    few = TABLE.where(np.arange(19))
    assert fit_surrogate(fit_conditions("m", "", RULES, few), few, seed=0) is None


def test_rules_can_be_served() -> None:
    """The rules are a segmentation by rules that puts visitors where the tree does."""
    head, surrogate = _of_clusters()
    rules = [Rule(str(i), rule.when) for i, rule in enumerate(surrogate.rules)]
    positions = np.array([rule.position for rule in surrogate.rules])
    served = positions[fit_conditions("again", "", rules, TABLE).assign(TABLE.features)]
    assert np.mean(served == head.assign(TABLE.features)) > 0.85


def test_the_seed_decides_all() -> None:
    """The same seed gives the same rules, another one holds out others."""
    assert _of_clusters()[1] == _of_clusters()[1]


def test_evaluation() -> None:
    """The figures for evaluation.json name segments by their keys, and none where visitors are in none."""
    surrogate = _of_rules(*RULES)
    figures = to_evaluation(surrogate, {0: "m-1-1", 1: "m-1-2"})
    assert figures["fidelity"] == surrogate.fidelity
    rules = figures["rules"]
    assert isinstance(rules, list)
    assert {rule["segment"] for rule in rules} == {"m-1-1", "m-1-2", None}
    assert {field.name for field in dataclasses.fields(surrogate)} > {"fidelity", "rules"}
