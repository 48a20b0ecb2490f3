"""An evaluation with everything in it that a page shows, of invented numbers."""

import math
from typing import Any

DAY_MS = 86_400_000
UNTIL_MS = 1_764_547_200_000  # 1 December 2025


def segment(position: int, name: str, share: float, jaccard: float, *, kept: bool) -> dict[str, Any]:
    """One of the segments of the segmentation "worth"."""
    return {
        "key": f"worth-1-{position}",
        "name": name,
        "size": round(share * 2000),
        "share": share,
        "parent": "worth-1-a" if position < 3 else None,
        "jaccard": jaccard,
        "kept": kept,
        "traits": [
            {
                "feature": "spend",
                "description": "dollars spent in 84 days",
                "unit": "USD",
                "mean": 512.0,
                "population_mean": 331.0,
                "effect": 1.5 - position,
            }
        ],
        "outcomes": [
            {
                "outcome": "buys",
                "title": "buys within 7 days",
                "rate": 0.25,
                "mean": None,
                "low": 0.2,
                "high": 0.3,
                "population": 0.125,
                "unit": "",
            }
        ],
    }


def evaluation() -> dict[str, Any]:
    """A whole one: a segmentation of three segments, a propensity, a value and an uplift, gates that hold or not."""
    return {
        "format": 1,
        "model": {
            "name": "shop",
            "title": "The shop's visitors",
            "version": 3,
            "created_ms": UNTIL_MS + DAY_MS,
            "data": "a year of the shop's records",
            "row_count": 20_000,
            "visitor_count": 2000,
            "until_ms": UNTIL_MS,
            "previous_version": 2,
            "features": [
                {
                    "name": "spend",
                    "kind": "number",
                    "unit": "USD",
                    "description": "dollars spent in 84 days",
                    "default": 310.0,
                    "missing_share": 0.31,
                    "drift": 0.02,
                },
                {"name": "visits", "kind": "number", "unit": "count", "description": "visits", "default": 4.0},
            ],
        },
        "quality": {
            "row_count": 20_100,
            "kept_count": 20_000,
            "checks": [
                {"check": "duplicates", "column": "", "count": 100, "share": 0.005, "text": "100 rows repeated"}
            ],
        },
        "leakage": [
            {
                "outcome": "buys",
                "check": "single",
                "feature": "order_id",
                "figure": 0.99,
                "text": "order_id alone nearly decides it",
                "severity": "warn",
            }
        ],
        "parity": {"rows": 2000, "edge_rows": 200, "largest_difference": {"worth": 3e-7, "spends": 2.4e-5}},
        "segmentations": {"worth": _worth()},
        "overlap": {
            "audiences": [
                {"key": f"worth-1-{i}", "name": name, "segmentation": "worth", "size": 10}
                for i, name in enumerate(("Regulars", "Lapsed", "New"), 1)
            ],
            "jaccard": [[1.0, 0.25, 0.0], [0.25, 1.0, 0.125], [0.0, 0.125, 1.0]],
            "left_out": 2,
        },
        "outcomes": {"buys": _buys(), "spends": _spends(), "moves": _moves()},
        "journeys": [{"path": ["home", "product", "basket"], "support": 0.125, "lift": 2.5}],
        "texts": {
            "sentiment": {"title": "is it praise?", "figures": {"accuracy": 0.835}},
            "topic": {
                "title": "what is it about?",
                "kind": "topic",
                "method": "logistic regression",
                "sentence_count": 3000,
                "term_count": 5859,
                "split": "5 folds",
                "parity": {"rows": 3000, "edge_rows": 15, "largest_difference": 0.25},
                "figures": {"accuracy": 0.828, "log_loss": 0.44},
                "baseline": {"what": "the most frequent label for all", "figures": {"accuracy": 0.333}},
                "confusion": {"classes": ["films", "food"], "counts": [[9, 1], [3, 7]]},
            },
        },
        "gates": [
            {"gate": "minimum_auc", "head": "buys", "needed": 0.8, "reached": 0.86, "holds": True},
            {"gate": "minimum_fairness_ratio", "head": "buys", "needed": 0.8, "reached": 0.71, "holds": False},
        ],
        "approval": None,
    }


def _worth() -> dict[str, Any]:
    return {
        "title": "how valuable the visitor is",
        "method": "kmeans",
        "count": 3,
        "outlier_share": 0.05,
        "chosen_by": "the largest k whose every segment is stable",
        "tried": [
            {"k": 2, "stability": 0.9, "inertia": 900.0},
            {"k": 3, "stability": 0.8, "inertia": 600.0},
            {"k": 4, "stability": 0.5, "inertia": 500.0},
        ],
        "silhouette": 0.29,
        "davies_bouldin": 1.18,
        "calinski_harabasz": 1011.4,
        "stability": {"adjusted_rand": 0.88, "jaccard": {}, "samples": 20},
        "fidelity": 0.85,
        "surrogate": {
            "fidelity": 0.93,
            "rules": [{"segment": "worth-1-2", "text": "recency_days > 42 and spend <= 20", "share": 0.3}],
        },
        "migration": {
            "from_ms": UNTIL_MS - 84 * DAY_MS,
            "to_ms": UNTIL_MS,
            "visitor_count": 1800,
            "keys": ["worth-1-1", "worth-1-2", "worth-1-3", None],
            "shares": [[0.8, 0.1, 0.1, 0.0], [0.2, 0.7, 0.1, 0.0], [0.3, 0.2, 0.5, 0.0], [None, None, None, None]],
        },
        "segments": [
            segment(1, "Regulars", 0.45, 0.94, kept=True),
            segment(2, "Lapsed", 0.3, 0.69, kept=True),
            segment(3, "New", 0.2, 0.5, kept=False),
        ],
        "groups": [{"key": "worth-1-a", "name": "Known", "size": 1500, "share": 0.75, "parent": None}],
        "retired": ["worth-0-9"],
    }


def _buys() -> dict[str, Any]:
    return {
        "title": "buys within 7 days",
        "kind": "propensity",
        "horizon_days": 7,
        "unit": "",
        "label": "an order within 7 days",
        "method": "boosting",
        "rule": "the simplest within one standard error of the best",
        "methods": [
            {"method": "logistic", "figure": 0.84, "mean": 0.84, "sd": 0.01, "seconds": 0.4},
            {"method": "boosting", "figure": 0.86, "mean": 0.86, "sd": 0.01, "seconds": 130.0},
        ],
        "tested": {
            "row_count": 5000,
            "visitor_count": 1200,
            "split": "tested on later dates",
            "from_ms": UNTIL_MS - 30 * DAY_MS,
            "to_ms": UNTIL_MS,
        },
        "figures": {"base_rate": 0.125, "roc_auc": 0.86, "average_precision": 0.6, "calibration_error": 0.012},
        "intervals": {"roc_auc": [0.85, 0.87]},
        "baseline": {"what": "logistic regression", "figures": {"roc_auc": 0.84}},
        "roc": [[0.0, 0.0], [0.25, 0.75], [1.0, 1.0]],
        "precision_recall": [[0.0, 1.0], [0.5, 0.75], [1.0, 0.125]],
        "calibration": [
            {"predicted": 0.1, "observed": 0.12, "low": 0.08, "high": 0.16, "count": 500},
            {"predicted": 0.5, "observed": 0.45, "low": 0.4, "high": 0.5, "count": 500},
        ],
        "deciles": [
            {"decile": i, "rate": 0.5 / i, "mean": None, "lift": 4.0 / i, "gain": math.sqrt(i / 10), "size": 500}
            for i in range(1, 11)
        ],
        "confusion": None,
        "importance": [
            {"feature": "spend", "mean": 0.11, "sd": 0.004},
            {"feature": "visits", "mean": 0.05, "sd": 0.002},
        ],
        "drift": [{"feature": "visits", "psi": 0.3}, {"feature": "spend", "psi": 0.02}],
        "without": [{"features": ["spend"], "figures": {"roc_auc": 0.8}}],
        "fairness": [
            {
                "column": "age",
                "chosen": "top decile",
                "threshold": 0.5,
                "selection_rate_ratio": 0.71,
                "true_positive_gap": 0.09,
                "groups": [
                    {"value": "to 34", "rows": 1200, "selection_rate": 0.071, "roc_auc": 0.85, "is_small": False},
                    {"value": "from 35", "rows": 3800, "selection_rate": 0.1, "roc_auc": 0.86, "is_small": False},
                    {"value": "unknown", "rows": 12, "selection_rate": 0.3, "roc_auc": None, "is_small": True},
                ],
            }
        ],
        "mitigation": {
            "method": "thresholds",
            "column": "age",
            "text": "a threshold for each group",
            "before": {"selection_rate_ratio": 0.71, "roc_auc": 0.86},
            "after": {"selection_rate_ratio": 0.99, "roc_auc": 0.86},
            "thresholds": [{"value": "to 34", "threshold": 0.4}],
        },
        "qini": None,
    }


def _spends() -> dict[str, Any]:
    return {
        "title": "spend in 90 days",
        "kind": "value",
        "horizon_days": 90,
        "unit": "USD",
        "figures": {"mean": 334.0, "mean_absolute_error": 139.0, "spearman": 0.8, "total_ratio": 1.25},
        "baseline": {"what": "the spend before", "figures": {"mean_absolute_error": 152.0, "spearman": 0.82}},
        "calibration": [{"predicted": 20.0, "observed": 18.0, "low": 16.0, "high": 20.0, "count": 500}],
        "deciles": [{"decile": 1, "rate": None, "mean": 1100.0, "lift": 3.3, "gain": 0.33, "size": 500}],
    }


def _moves() -> dict[str, Any]:
    return {
        "title": "what a coupon changes",
        "kind": "uplift",
        "horizon_days": 30,
        "unit": "probability",
        "tested": {"row_count": 400, "visitor_count": 400},
        "figures": {"qini": 0.02},
        "intervals": {"qini": [-0.01, 0.05]},
        "qini": [[0.0, 0.0, 0.0], [0.5, 0.03, 0.014], [1.0, 0.028, 0.028]],
    }
