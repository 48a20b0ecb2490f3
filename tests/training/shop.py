"""A small shop whose visitors are made up: its records as a file, and what to train on them, as tables of TOML."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

COUNT = 600
# Recency, visits and spend of each kind of visitor: two pairs, each far apart, so that every method finds the same.
_KINDS = ((3.0, 30.0, 900.0), (8.0, 15.0, 300.0), (50.0, 4.0, 40.0), (90.0, 2.0, 12.0))
_COUNTRIES = ("DE", "FR", "PL")

MODEL = '[model]\nname = "shop"\ntitle = "A small shop"\nseed = 5\n'
DATA = (
    '[data]\nshape = "rows"\ntitle = "made up"\npath = "shop.csv"\nentity = "customer"\n'
    'columns = ["gender", "leaflet"]\n'
)
FEATURES: Mapping[str, str] = {
    "recency_days": 'kind = "number"\nunit = "days"\nmaximum = 400\nhigh = "Long away"\nlow = "Here lately"',
    "visits": 'kind = "number"\nunit = "visits"\nskewed = true\nhigh = "Frequent"\nlow = "Rare"',
    "spend": 'kind = "number"\nunit = "USD"\nskewed = true\nhigh = "Big spenders"\nlow = "Small spenders"',
    "tenure_days": 'kind = "number"\nunit = "days"\nhigh = "Old friends"\nlow = "New here"',
    "is_app": 'kind = "truth"\nhigh = "In the app"\nlow = "On the web"',
    "country": f"kind = \"category\"\nvocabulary = {list(_COUNTRIES)}\ndescription = 'where the visitor lives'",
}
_THREE = '["recency_days", "visits", "spend"]'
SEGMENTATIONS: Mapping[str, str] = {
    "value": f'method = "kmeans"\ncount = 4\nfeatures = {_THREE}',
    "quick": f'method = "minibatch_kmeans"\ncount = 4\nfeatures = {_THREE}',
    "style": f'method = "gaussian_mixture"\ncount = 4\nfeatures = {_THREE}',
    "levels": f'method = "hierarchy"\nlevels = [2, 4]\nfeatures = {_THREE}',
    "crowds": f'method = "dbscan"\neps = 0.3\nfeatures = {_THREE}',
    "cores": f'method = "hdbscan"\nmin_samples = 10\nfeatures = {_THREE}',
    "reach": 'method = "rules"\n'
    '[[segmentations.segments]]\nname = "Big in the app"\nkey = "reach-app"\nwhen = "spend > 150 and is_app == 1"\n'
    '[[segmentations.segments]]\nname = "Old friends"\nwhen = "tenure_days > top(20%)"',
    "rfm": f'method = "rfm"\nfeatures = {_THREE}',
    "stage": 'method = "lifecycle"\nrecency = "recency_days"\ntenure = "tenure_days"\nnew_days = 60\n'
    "at_risk_days = 30\nlapsed_days = 70",
}
OUTCOMES: Mapping[str, str] = {
    "buys": 'kind = "propensity"\nlabel = "bought"\nhorizon_days = 7\nmethods = ["logistic", "boosting"]\nfolds = 2\n'
    'without = ["is_app"]',
    "plan": 'kind = "classes"\nlabel = "plan"\nclasses = ["none", "basic", "plus"]\nmethods = ["logistic"]\nfolds = 2',
    "amount": 'kind = "value"\nlabel = "amount"\nunit = "USD"\nhorizon_days = 30\nmethods = ["linear"]\nfolds = 2',
    "alike": 'kind = "lookalike"\nlabel = "member"\nmethods = ["logistic"]',
    "helped": 'kind = "uplift"\nlabel = "came"\ntreatment = "leaflet"\nhorizon_days = 7\nlearner = "logistic"\n'
    'methods = ["two_models"]',
}
JUDGING = "[judging]\nbootstraps = 5\nrefits = 2\nimportance_rows = 100\nimportance_repeats = 1\n"
FACTS = ("customer", "gender", "leaflet", "bought", "plan", "amount", "member", "came")


def records(seed: int = 1, count: int = COUNT) -> list[dict[str, object]]:
    """Visitors of four kinds, as rows of the file; what comes of them depends on the kind and on chance."""
    generator = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number in range(count):
        kind = int(generator.choice(4, p=(0.4, 0.3, 0.2, 0.1)))
        recency, visits, spend = np.array(_KINDS[kind]) * generator.lognormal(0, 0.1, 3)
        likely = (0.85, 0.55, 0.3, 0.1)[kind]
        leaflet = int(generator.random() < 0.5)
        rows.append(
            {
                "customer": f"v{number:04}",
                "recency_days": round(float(recency), 2),
                "visits": max(1, round(float(visits))),
                "spend": round(float(spend), 2),
                "tenure_days": round(float(recency + generator.exponential(300)), 1),
                "is_app": int(generator.random() < 0.4),
                "country": str(generator.choice(_COUNTRIES)),
                "gender": str(generator.choice(["f", "m"])),
                "leaflet": leaflet,
                "bought": int(generator.random() < likely),
                "plan": str(generator.choice(["none", "basic", "plus"], p=_plan(kind))),
                "amount": round(float(spend * generator.gamma(2, 0.2) * (generator.random() < likely)), 2),
                "member": int(generator.random() < likely / 2),
                "came": int(generator.random() < 0.2 + 0.3 * leaflet * (kind < 2)),
            }
        )
    return rows


def _plan(kind: int) -> tuple[float, float, float]:
    return ((0.1, 0.2, 0.7), (0.2, 0.6, 0.2), (0.6, 0.3, 0.1), (0.8, 0.1, 0.1))[kind]


def write_records(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """The rows as CSV with a header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def tables(kind: str, content: Mapping[str, str]) -> str:
    """Tables of an array, each with its name and a title."""
    return "".join(f'[[{kind}]]\nname = "{name}"\n{_titled(kind, name)}{text}\n' for name, text in content.items())


def _titled(kind: str, name: str) -> str:
    return (
        f'description = "{name} of the visitor"\n'
        if kind == "features" and name != "country"
        else ("" if kind == "features" else f'title = "The {name} of a visitor"\n')
    )


def configuration(
    segmentations: Mapping[str, str], outcomes: Mapping[str, str], more: str = JUDGING, *, model: str = MODEL
) -> str:
    """A whole configuration with these heads."""
    heads = tables("segmentations", segmentations) + tables("outcomes", outcomes)
    return model + DATA + tables("features", FEATURES) + heads + more
