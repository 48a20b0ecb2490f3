"""How models of outcomes are fitted, method by method, the simplest first."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import lightgbm
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from training.heads import FloatArray
from training.outcomes.encoding import Encoding
from training.outcomes.examples import Examples
from training.outcomes.models import Amounts, Boosted, Linear, Model, Network, Shares

Fit = Callable[[Examples, int], Model]

# Small trees with much shrinkage: the rows of one visitor repeat, so there are fewer facts than rows. (assumed)
_RATE: Final = 0.05
_TREES: Final = 150
_LEAVES: Final = 15
_SMALLEST_LEAVES: Final = (5, 100)  # rows: a hundredth of all within these
_FOREST: Final = 100
_FOREST_DEPTH: Final = 10
_FOREST_LEAF: Final = 10
_UNITS: Final = 16
_EPOCHS: Final = 40
_POWER: Final = 1.5  # of the Tweedie distribution's variance


def _leaf(examples: Examples) -> int:
    low, high = _SMALLEST_LEAVES
    return min(high, max(low, len(examples) // 100))


def _boosting(examples: Examples, seed: int) -> dict[str, Any]:
    return {
        "learning_rate": _RATE,
        "max_iter": _TREES,
        "max_leaf_nodes": _LEAVES,
        "min_samples_leaf": _leaf(examples),
        "early_stopping": False,  # it would hold back random rows, whose visitors are in the other rows too
        "random_state": seed,
    }


def _lightgbm(examples: Examples, seed: int) -> dict[str, Any]:
    return {
        "learning_rate": _RATE,
        "n_estimators": _TREES,
        "num_leaves": _LEAVES,
        "min_child_samples": _leaf(examples),
        "deterministic": True,
        "force_row_wise": True,  # else it tries which is faster, and rounds by what it took
        "n_jobs": 1,
        "random_state": seed,
        "verbosity": -1,
    }


def _forest(seed: int) -> dict[str, Any]:
    return {
        "n_estimators": _FOREST,
        "max_depth": _FOREST_DEPTH,
        "min_samples_leaf": _FOREST_LEAF,
        "random_state": seed,
    }


def _fit(model: Any, examples: Examples) -> Any:  # noqa: ANN401  # estimators of libraries without types
    return model.fit(examples.features, examples.actual, sample_weight=examples.sample_weight)


def _logistic(examples: Examples, _: int) -> Model:
    encoding = Encoding.fit(examples.features, examples.specs)
    model = LogisticRegression(max_iter=1000)
    return Linear(
        encoding, model.fit(encoding.apply(examples.features), examples.actual, sample_weight=examples.sample_weight)
    )


def _network(examples: Examples, seed: int) -> Model:
    """Stopped after some epochs, which keeps it from learning rows by heart, as its weights' decay does."""
    encoding = Encoding.fit(examples.features, examples.specs)
    model = MLPClassifier((_UNITS,), alpha=0.01, max_iter=_EPOCHS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(encoding.apply(examples.features), examples.actual, sample_weight=examples.sample_weight)
    return Network(encoding, model)


def _tree_of_classes(examples: Examples, seed: int) -> Model:
    model = DecisionTreeClassifier(max_leaf_nodes=2 * _LEAVES, min_samples_leaf=_leaf(examples), random_state=seed)
    return Shares(_fit(model, examples))


def _forest_of_classes(examples: Examples, seed: int) -> Model:
    return Shares(_fit(RandomForestClassifier(**_forest(seed)), examples))


def _boosting_of_classes(examples: Examples, seed: int) -> Model:
    return Boosted(_fit(HistGradientBoostingClassifier(**_boosting(examples, seed)), examples))


def _lightgbm_of_classes(examples: Examples, seed: int) -> Model:
    return Boosted(_fit(lightgbm.LGBMClassifier(**_lightgbm(examples, seed)), examples))


def _linear(examples: Examples, _: int) -> Model:
    """Poisson regression: the logarithm of the mean is linear."""
    encoding = Encoding.fit(examples.features, examples.specs)
    unit, amounts = _in_units(examples)
    model = PoissonRegressor(alpha=1e-3, max_iter=1000, solver="newton-cholesky")
    model.fit(encoding.apply(examples.features), amounts, sample_weight=examples.sample_weight)
    return Linear(encoding, model, unit)


def _in_units(examples: Examples) -> tuple[float, FloatArray]:
    """The mean amount, and the amounts in units of it: the same whatever the currency.

    Their logarithms are near 0, where the sums of float32 in the graph are most exact.
    """
    unit = float(examples.actual.mean()) or 1.0
    return unit, examples.actual / unit


def _amounts(model: Any, examples: Examples, *, is_logarithm: bool) -> Model:  # noqa: ANN401  # as in _fit
    unit, amounts = _in_units(examples)
    fitted = model.fit(examples.features, amounts, sample_weight=examples.sample_weight)
    return Amounts(fitted, is_logarithm, unit)


def _tree_of_amounts(examples: Examples, seed: int) -> Model:
    model = DecisionTreeRegressor(max_leaf_nodes=2 * _LEAVES, min_samples_leaf=_leaf(examples), random_state=seed)
    return _amounts(model, examples, is_logarithm=False)


def _forest_of_amounts(examples: Examples, seed: int) -> Model:
    model = RandomForestRegressor(**_forest(seed), max_features=1 / 3)
    return _amounts(model, examples, is_logarithm=False)


def _boosting_of_amounts(examples: Examples, seed: int) -> Model:
    model = HistGradientBoostingRegressor(loss="poisson", **_boosting(examples, seed))
    return _amounts(model, examples, is_logarithm=True)


def _gamma(examples: Examples, seed: int) -> Model:
    model = HistGradientBoostingRegressor(loss="gamma", **_boosting(examples, seed))
    return _amounts(model, examples, is_logarithm=True)


def _lightgbm_of_amounts(examples: Examples, seed: int) -> Model:
    model = lightgbm.LGBMRegressor(objective="poisson", **_lightgbm(examples, seed))
    return _amounts(model, examples, is_logarithm=True)


def _tweedie(examples: Examples, seed: int) -> Model:
    """The distribution of what is nothing, or else of gamma distribution."""
    model = lightgbm.LGBMRegressor(objective="tweedie", tweedie_variance_power=_POWER, **_lightgbm(examples, seed))
    return _amounts(model, examples, is_logarithm=True)


# In the order of simplicity: what a person can read whole, then what a person can read a tree of, then neither.
OF_CLASSES: Final[Mapping[str, Fit]] = {
    "logistic": _logistic,
    "tree": _tree_of_classes,
    "forest": _forest_of_classes,
    "boosting": _boosting_of_classes,
    "lightgbm": _lightgbm_of_classes,
    "network": _network,
}
OF_AMOUNTS: Final[Mapping[str, Fit]] = {
    "linear": _linear,
    "tree": _tree_of_amounts,
    "forest": _forest_of_amounts,
    "boosting": _boosting_of_amounts,
    "gamma": _gamma,
    "lightgbm": _lightgbm_of_amounts,
    "tweedie": _tweedie,
}
NEEDS_POSITIVE: Final = frozenset({"gamma"})  # its deviance of an amount of 0 is infinite
