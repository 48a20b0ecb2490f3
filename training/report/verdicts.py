"""What a figure means in a word, by published thresholds."""

from dataclasses import dataclass

VALID = 0.75
PATTERN = 0.6
HIGHLY_STABLE = 0.85
SMALL_DRIFT, LARGE_DRIFT = 0.1, 0.25
FAIR_RATIO = 0.8
PARITY_TOLERANCE = 1e-5

GOOD, FAIR, POOR, UNKNOWN = "good", "fair", "poor", "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word, and how good that is: GOOD, FAIR, POOR or UNKNOWN."""

    text: str
    grade: str


def stability(jaccard: float | None) -> Verdict:
    """How far a segment can be trusted, by the mean Jaccard index over bootstrap samples.

    Source: C. Hennig, Cluster-wise assessment of cluster stability, 2007, and clusterboot in the R package fpc: below
    0.6 not to be trusted, to 0.75 a pattern whose members are in doubt, from 0.75 valid, from 0.85 highly stable.
    """
    if jaccard is None:
        return Verdict("stability not known", UNKNOWN)
    if jaccard < PATTERN:
        return Verdict("do not trust", POOR)
    if jaccard < VALID:
        return Verdict("pattern", FAIR)
    return Verdict("valid" if jaccard < HIGHLY_STABLE else "highly stable", GOOD)


def drift(psi: float | None) -> Verdict:
    """Whether a distribution has moved, by the population stability index.

    Source: N. Siddiqi, Credit Risk Scorecards, 2006: below 0.1 none, to 0.25 some, from 0.25 much.
    """
    if psi is None:
        return Verdict("not known", UNKNOWN)
    if psi < SMALL_DRIFT:
        return Verdict("steady", GOOD)
    return Verdict("moves", FAIR) if psi < LARGE_DRIFT else Verdict("has moved", POOR)


def fairness(ratio: float | None) -> Verdict:
    """Whether groups are chosen about as often, by the ratio of the lowest selection rate to the highest.

    Source: Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 (D): the four-fifths rule.
    """
    if ratio is None:
        return Verdict("not known", UNKNOWN)
    return Verdict("four fifths or more", GOOD) if ratio >= FAIR_RATIO else Verdict("below four fifths", POOR)


def gate(holds: bool | None) -> Verdict:  # noqa: FBT001  # the one thing that is judged
    """Whether a gate is passed."""
    if holds is None:
        return Verdict("not judged", UNKNOWN)
    return Verdict("holds", GOOD) if holds else Verdict("does not hold", POOR)
