from pathlib import Path

import duckdb
import numpy as np
import pytest

from training.features import FeatureSpec
from training.heads import Question
from training.learners import Sample
from training.outcomes.examples import CannotLearn
from training.uplift.fit import UNIT, fit_uplift

FILE = Path(__file__).parents[4] / "shared" / "data" / "telco_customer_churn.csv"
QUESTION = Question("stays", "stays because of a call", 30, UNIT)


@pytest.fixture(scope="module")
def contracts() -> Sample:
    """7,043 contracts, of which some ended; nobody was treated."""
    if not FILE.exists():
        pytest.skip("the contracts are not there: ../shared/data/telco_customer_churn.csv")
    query = "SELECT customerID, tenure, MonthlyCharges, SeniorCitizen, Churn = 'Yes' FROM read_csv(?)"
    names, *numbers, churned = duckdb.execute(query, [str(FILE)]).fetchnumpy().values()
    specs = [FeatureSpec(name=name, description=name) for name in ("tenure", "charges", "senior")]
    features = np.column_stack(numbers).astype(np.float32)
    return Sample(specs=specs, features=features, happened=churned.astype(np.float64), visitors=names.astype(np.str_))


def test_no_effect_is_found_where_there_is_none(contracts: Sample) -> None:
    """Contracts treated by a coin that changed nothing: the interval of the Qini holds 0."""
    treated = np.random.default_rng(1).random(len(contracts.happened)) < 0.5
    head = fit_uplift(QUESTION, contracts, treated, learner="logistic", treated_share=0.5, seed=0)
    figures = head.evaluation["figures"]
    assert isinstance(figures, dict)
    assert figures["qini_low"] <= 0 <= figures["qini_high"]
    assert head.evaluation["randomization"] == []


def test_treatment_that_was_chosen(contracts: Sample) -> None:
    """Had those been treated who pay much, the campaign would teach nothing, and is refused."""
    charges = contracts.features[:, 1]
    with pytest.raises(CannotLearn, match="the treated differ in "):
        fit_uplift(QUESTION, contracts, charges > np.median(charges), seed=0)
