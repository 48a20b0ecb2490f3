import tomllib

import pytest

from training.configuration.section import BadConfig, Section
from training.judging.gates import Gates
from training.judging.order import (
    ApprovalOrder,
    JudgingOrder,
    MitigationOrder,
    read_approval,
    read_gates,
    read_judging,
)

WHOLE = """
[judging]
fairness = ["gender", "age"]
threshold = 0.4
smallest_group = 50
bootstraps = 100
refits = 10
importance_rows = 2000
importance_repeats = 3
migration_days = 84
audiences = 12
known_at = { page_values = "page_values_at" }
mitigation = { method = "thresholds", column = "gender" }

[gates]
minimum_auc = 0.8
maximum_drift = 0.25

[gates.buys]
minimum_auc = 0.9

[approval]
labels = ["stable"]
people = ["Ada Lovelace"]
"""


def _read(text: str) -> None:
    read_judging(_section(text, "judging"))
    read_gates(_section(text, "gates"))
    read_approval(_section(text, "approval"))


def _section(text: str, name: str) -> Section | None:
    return Section(tomllib.loads(text)).table(name)


def test_everything_is_read() -> None:
    """Each key is where it belongs."""
    assert read_judging(_section(WHOLE, "judging")) == JudgingOrder(
        fairness=("gender", "age"),
        threshold=0.4,
        smallest_group=50,
        bootstraps=100,
        refits=10,
        importance_rows=2000,
        importance_repeats=3,
        migration_days=84,
        audiences=12,
        known_at={"page_values": "page_values_at"},
        mitigation=MitigationOrder(method="thresholds", column="gender"),
    )
    assert read_gates(_section(WHOLE, "gates")) == Gates(
        {"minimum_auc": 0.8, "maximum_drift": 0.25}, {"buys": {"minimum_auc": 0.9}}
    )
    assert read_approval(_section(WHOLE, "approval")) == ApprovalOrder(
        required=True, labels=("stable",), people=("Ada Lovelace",)
    )


def test_nothing_said() -> None:
    """Without the tables, and with empty ones, all is as usual; an approval is needed only where it is asked for."""
    assert read_judging(None) == read_judging(Section({})) == JudgingOrder()
    assert read_gates(None) == read_gates(Section({})) == Gates({}, {})
    assert read_approval(None) == ApprovalOrder()
    assert read_approval(Section({"required": False})) == ApprovalOrder()
    assert read_approval(Section({})).required


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[judging]\nthreshold = 1.5", "judging: threshold is 1.5; needed is a probability between 0 and 1"),
        ("[judging]\nrefit = 3", "judging: refit means nothing here; did you mean refits?"),
        ("[judging]\nsmallest_group = 0", "judging: smallest_group is 0; needed is a whole number from 1"),
        (
            "[judging]\nmitigation = { method = 'luck', column = 'x' }",
            "judging.mitigation: method is 'luck'; needed is",
        ),
        ("[judging]\nmitigation = { method = 'reweighing' }", "judging.mitigation: column is needed"),
        ("[gates]\nminimum_acu = 0.9", "gates: there is no gate minimum_acu; did you mean minimum_auc?"),
        ("[gates]\nminimum_auc = 'high'", "gates: minimum_auc is 'high'; needed is a number"),
        ("[gates.buys]\nmaximum_auc = 0.9", "gates.buys: maximum_auc means nothing here; did you mean minimum_auc?"),
        ("[approval]\nrequired = 'yes'", "approval: required is 'yes'; needed is true or false"),
        ("[approval]\nlabels = ['Stable']", "approval: labels has 'Stable'; needed is 1 to 64 of a-z"),
        ("[approval]\nby = 'me'", "approval: by means nothing here; there are labels, people, required"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    """By its place and key, with what would be right."""
    with pytest.raises(BadConfig) as caught:
        _read(text)
    assert str(caught.value).startswith(reason)
