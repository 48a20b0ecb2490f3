"""The page's terms in plain words."""

TERMS: tuple[tuple[str, str], ...] = (
    ("AUC (ROC AUC)", "Take one visitor with the outcome and one without: how often does the first have the higher "
     "score? 0.5 is a coin, 1 is always. It judges the order only, not the size of the scores."),
    ("Average precision", "The precision, averaged while ever more visitors are chosen. Chance reaches the base rate, so "
     "it is the stricter figure where the outcome is rare."),
    ("Base rate", "How many have the outcome anyway, without any model."),
    ("Brier score, log loss", "How far probabilities are from what happened. Lower is better; their skill is the share of "
     "the error that is saved against always saying the base rate."),
    ("Calibration", "Whether 20% means 20%: of the visitors with a score of 0.2, two in ten should have the outcome. The "
     "calibration error is the mean gap."),
    ("Confidence interval", "Where the true figure probably lies: of a hundred such intervals, about 95 hold it."),
    ("Drift (PSI)", "How far a distribution has moved, as the population stability index. Below 0.1 it is steady, from "
     "0.25 on it has moved much."),
    ("Effect", "How far a segment's mean is from everybody's, in standard deviations of the feature as the segmentation "
     "reads it. Beyond 0.8 in either direction it is large."),
    ("Fidelity", "How often a simpler rule gives the same answer as what it stands for."),
    ("Gains", "The share of the whole outcome that is reached by addressing the best-scored share of the visitors."),
    ("Gate", "A figure that a version must reach before it is published or takes a label."),
    ("Jaccard index", "Of those in either of two groups, the share in both: 1 is the same group, 0 nobody in common."),
    ("Leakage", "Something in the data gives away the outcome that would not be known when the page renders. Figures look "
     "better than they will be."),
    ("Lift", "How many times the mean the best-scored visitors reach. A lift of 3 in the top tenth: three times as many "
     "of them have the outcome as of all."),
    ("Migration", "Where the visitors of each segment are some time later."),
    ("Parity", "The proof that the file the servers load answers as the estimators did that were judged."),
    ("Precision, recall", "Precision: of those chosen, how many were right. Recall: of those who were right, how many were "
     "chosen."),
    ("Qini", "For uplift: how much more is gained by treating those with the highest scores than by treating as many at "
     "random."),
    ("Segment key", "The permanent name by which campaigns refer to a segment. It stays when the model is trained again "
     "and the segment is found again."),
    ("Selection-rate ratio", "How often the least chosen group is chosen, divided by that of the most chosen. Below 0.8, "
     "four fifths, it is a sign of unequal treatment that needs a reason."),
    ("Silhouette", "How much closer visitors are to their own segment than to the next: 1 far apart, 0 touching."),
    ("Stability", "How well a segment is found again in random samples of the visitors, as a Jaccard index. From 0.85 on "
     "highly stable, from 0.75 valid, from 0.6 a pattern whose members are in doubt, below not to be trusted."),
    ("Surrogate rules", "A few conditions that describe segments approximately. They explain; they are not what is "
     "served."),
    ("Uplift", "How much a treatment, such as a coupon, changes what a visitor does."),
)
