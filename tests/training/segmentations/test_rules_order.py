import tomllib

import numpy as np
import pytest

from tests.training.segmentations.tables import SPECS, shoppers
from training.configuration.section import BadConfig, Section
from training.segmentations.rules_order import RulesOrder, check_rules, fit_rules, read_rules

WRITTEN = """
name = "moments"
title = "when"
method = "rules"
otherwise = "Others"
otherwise_key = "moments-rest"
[[segments]]
name = "Rich"
key = "moments-rich"
when = "spend > top(10%)"
[[segments]]
name = "Evening"
when = 'daypart == "evening"'
"""
RFM = """
name = "rfm"
title = "value"
method = "rfm"
features = ["recency_days", "baskets", "spend"]
"""
LIFECYCLE = """
name = "stage"
title = "stage"
method = "lifecycle"
recency = "recency_days"
tenure = "tenure_days"
new_days = 28
"""


def _read(text: str) -> RulesOrder:
    content = tomllib.loads(text)
    section = Section(content, "segmentations[0]")
    return read_rules(section, content["name"], content["title"], content["method"])


def test_written_rules() -> None:
    """Names, keys and the rest are as in the file, and thresholds are of the table's visitors."""
    order = _read(WRITTEN)
    table = shoppers()
    head = fit_rules(order, table, seed=0)
    assert (head.name, head.title, head.count) == ("moments", "when", 3)
    assert list(head.names) == ["Rich", "Evening", "Others"]
    assert list(head.keys) == ["moments-rich", "", "moments-rest"]
    assert np.bincount(head.assign(table.features)).tolist()[0] == 50
    assert (
        fit_rules(_read(WRITTEN.replace('otherwise = "Others"\notherwise_key = "moments-rest"', "")), table, 0).count
        == 2
    )


def test_described_by_other_features() -> None:
    """A file may say by which features the segments are described."""
    order = _read('features = ["tenure_days", "baskets"]\n' + WRITTEN)
    assert fit_rules(order, shoppers(), 0).shaping.columns.tolist() == [1, 2]
    with pytest.raises(BadConfig, match="there is no feature 'tenur'; did you mean tenure_days"):
        check_rules(_read('features = ["tenur"]\n' + WRITTEN), SPECS)


def test_rfm() -> None:
    """Without further keys, RFM is the customary map of five bands, whose segments keep their keys for good."""
    head = fit_rules(_read(RFM), shoppers(), 0)
    assert head.count == 10
    assert list(head.keys)[:3] == ["rfm-champions", "rfm-loyal", "rfm-potential_loyalists"]
    assert "band(-recency_days, 5) == 5" in head.rules[0].when
    own = RFM + 'bands = 3\notherwise = "Rest"\nsegments = [{name = "Best", recency = [3], money = [2, 3]}]'
    order = _read(own)
    assert [rule.when for rule in order.rules] == ["band(-recency_days, 3) == 3 and band(spend, 3) >= 2", ""]


def test_lifecycle() -> None:
    """Stages by days or by gaps, with their defaults, have keys for good."""
    days = fit_rules(_read(LIFECYCLE + "at_risk_days = 30\nlapsed_days = 90.5"), shoppers(), 0)
    assert list(days.keys) == ["stage-new", "stage-lapsed", "stage-at_risk", "stage-active"]
    assert [rule.when for rule in days.rules] == [
        "tenure_days <= 28",
        "recency_days > 90.5",
        "recency_days > 30",
        "",
    ]
    gaps = _read(LIFECYCLE + 'gap = "gap_days"\nabsence = "gap_days"\nlapsed_gaps = 5')
    assert [rule.when for rule in gaps.rules] == [
        "tenure_days <= 28",
        "recency_days > 5 * max(gap_days, 1)",
        "recency_days > 2 * max(gap_days, 1)",
        "gap_days > 5 * max(gap_days, 1)",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WRITTEN.replace("[[segments]]", "[[segment]]"), "needs segments, each of which begins with"),
        (WRITTEN.replace('when = "spend > top(10%)"\n', ""), r"segments\[0\]: when is needed"),
        (WRITTEN.replace("spend > top", "spend > > top"), r"segments\[0\]: when of 'Rich': this is not understood"),
        (WRITTEN.replace("top(10%)", "3 AND 4"), r"(?s)write and instead of AND\n  spend > 3 AND 4\n            \^"),
        (WRITTEN.replace('"Evening"', '"Rich"'), "two segments have the name 'Rich'; each needs its own"),
        (WRITTEN.replace("moments-rest", "moments-rich"), "two segments have the key 'moments-rich'"),
        (
            WRITTEN.replace('key = "moments-rich"', "keyy = 1"),
            r"segments\[0\]: keyy means nothing here; did you mean key",
        ),
        (WRITTEN.replace("otherwise =", "otherwize ="), "otherwize means nothing here; did you mean otherwise"),
        (WRITTEN.replace('otherwise = "Others"\n', ""), "otherwise_key means nothing here"),
        (RFM.replace(', "spend"', ""), "recency, frequency and money, in this order"),
        (RFM + "bands = 6", "bands is 6; there can be 3, 4 or 5"),
        (RFM + "segments = []", "segments has none; leave it out for the customary map"),
        (RFM + 'segments = [{name = "A", money = [0, 3]}]', "needed are a first and a last band from 1 to 5"),
        (RFM + 'segments = [{name = "A", money = [3, 2]}]', "needed are a first and a last band from 1 to 5"),
        (RFM + 'segments = [{name = "A", monney = [3, 2]}]', "monney means nothing here; did you mean money"),
        (LIFECYCLE, "at_risk_days is needed, a number more than 0"),
        (LIFECYCLE.replace("28", "0") + "at_risk_days = 3\nlapsed_days = 4", "new_days is 0; needed is more than 0"),
        (
            LIFECYCLE + "at_risk_days = 30\nlapsed_days = 30",
            "lapsed_days is 30; it has to be more than at_risk_days, 30",
        ),
        (LIFECYCLE + "at_risk_gaps = 2", "at_risk_gaps means nothing here: limits in gaps need gap"),
        (LIFECYCLE + 'gap = "g"\nlapsed_days = 2', "lapsed_days means nothing here: with gap, limits are in gaps"),
        (LIFECYCLE.replace('recency = "recency_days"', "") + "at_risk_days = 3\nlapsed_days = 4", "recency is needed"),
    ],
)
def test_mistakes(text: str, reason: str) -> None:
    """A mistake in the file is said by its place, and with what would be right."""
    with pytest.raises(BadConfig, match=reason) as caught:
        _read(text)
    assert str(caught.value).startswith("segmentations[0]")


def test_too_many() -> None:
    """There is an end to segments, for a page renders meanwhile."""
    segments = "".join(f'[[segments]]\nname = "S{i}"\nwhen = "spend > {i}"\n' for i in range(101))
    with pytest.raises(BadConfig, match="there are 101 segments; there can be 100"):
        _read('name = "a"\ntitle = "a"\nmethod = "rules"\n' + segments)


def test_features_are_checked_without_records() -> None:
    """What a rule says of unknown features or words is found out before any record is read."""
    check_rules(_read(WRITTEN), SPECS)
    for text, reason in (
        (WRITTEN.replace("evening", "evning"), "segment 'Evening': daypart has no word 'evning'"),
        (RFM.replace("spend", "spent"), "segment 'Champions': there is no feature 'spent'; did you mean spend"),
        (LIFECYCLE.replace("tenure_days", "daypart") + "at_risk_days = 3\nlapsed_days = 4", "daypart is a category"),
    ):
        with pytest.raises(BadConfig, match=reason):
            check_rules(_read(text), SPECS)
