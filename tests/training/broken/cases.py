"""Configurations with one mistake each, and what has to be said of it."""

from dataclasses import dataclass
from typing import Final

from tests.training import shop

SEGMENTATION: Final = shop.tables("segmentations", {"value": shop.SEGMENTATIONS["value"]})
OUTCOME: Final = shop.tables(
    "outcomes",
    {"buys": 'kind = "propensity"\nlabel = "bought"\nhorizon_days = 7\nmethods = ["logistic"]\nfolds = 2'},
)
JUDGING: Final = "[judging]\nbootstraps = 0\nrefits = 0\nimportance_rows = 0\n"
WHOLE: Final = shop.MODEL + shop.DATA + shop.tables("features", shop.FEATURES) + SEGMENTATION + OUTCOME + JUDGING

_METHOD: Final = 'method = "kmeans"\ncount = 4\nfeatures = ["recency_days", "visits", "spend"]'
_KIND: Final = 'kind = "propensity"\nlabel = "bought"\nhorizon_days = 7\nmethods = ["logistic"]\nfolds = 2'
_RULE: Final = 'method = "rules"\n[[segmentations.segments]]\nname = "a"\n'
_LIFE: Final = 'method = "lifecycle"\nrecency = "recency_days"\ntenure = "tenure_days"\nnew_days = 3\n'
_UPLIFT: Final = 'kind = "uplift"\nlabel = "came"\nhorizon_days = 7\nmethods = ["two_models"]\nlearner = "logistic"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mistake.

    Attributes:
        name: of it.
        old: what is right, "" for the end of the file.
        new: what stands there instead.
        at: text in the line that has to be named, "" where the mistake is not in one line of the file.
        says: what has to be said.
    """

    name: str
    old: str
    new: str
    at: str
    says: str

    @property
    def text(self) -> str:
        """The file."""
        if not self.old:
            return WHOLE + self.new
        before, found, after = WHOLE.partition(self.old)
        if not found:
            raise LookupError(self.old)
        return before + self.new + after

    @property
    def line(self) -> int:
        """Of the mistake, from 1."""
        return 1 + self.text[: self.text.index(self.at)].count("\n")


def _case(name: str, old: str, new: str, at: str, says: str) -> Case:
    return Case(name=name, old=old, new=new, at=at, says=says)


def _data(name: str, line: str, says: str) -> Case:
    """A further line of [data]."""
    return _case(name, "entity =", f"{line}\nentity =", line, says)


def _method(name: str, new: str, at: str, says: str) -> Case:
    return _case(name, _METHOD, new, at, says)


def _kind(name: str, new: str, at: str, says: str) -> Case:
    return _case(name, _KIND, new, at, says)


def _end(name: str, new: str, at: str, says: str) -> Case:
    return _case(name, "", new, at, says)


CASES: Final = (
    # the file
    _case("a text without quotes", 'name = "shop"', "name = shop", "name = shop", "this is no TOML: Invalid value"),
    _case("a bracket is open", "[model]", "[model", "[model", "this is no TOML: Expected ']'"),
    _case("a key twice", "seed = 5", "seed = 5\nseed = 6", "seed = 6", "each key stands once"),
    _case("no model", "[model]", "[modell]", "", "[model] is needed, a table that begins with [model]"),
    _case("a model's name", '"shop"', '"My Shop"', 'name = "My', "name is 'My Shop'; needed is 1 to 64 of a-z"),
    _case("a model's key", "seed = 5", "sed = 5", "sed = 5", "sed means nothing here; did you mean seed?"),
    _case("a seed in quotes", "seed = 5", 'seed = "5"', "seed", "seed is '5'; needed is a whole number from 0"),
    _case("a seed below 0", "seed = 5", "seed = -1", "seed", "seed is -1; needed is a whole number from 0"),
    _case("a seed too large", "seed = 5", "seed = 4294967296", "seed", "a whole number from 0 to 4294967295"),
    _end("an unknown table", "[reports]\ncolour = 1\n", "[reports]", "reports means nothing here; there are approval"),
    # its records
    _case("a shape", 'shape = "rows"', 'shape = "columns"', "shape", "shape is 'columns'; needed is one of rows, ev"),
    _case("a key of data", "entity", "entitty", "entitty", "entitty means nothing here; did you mean entity?"),
    _case("no path", 'path = "shop.csv"\n', "", "[data]", "path is needed, such as path ="),
    _case("no file", "shop.csv", "absent.csv", "absent", "there is no file absent.csv; --data DIR says where data are"),
    _case("a folder", '"shop.csv"', '"."', 'path = "."', "path is '.', but there is no file"),
    _case("a zip without member", "shop.csv", "shop.zip", "[data]", "member is needed with a .zip, such as member ="),
    _case("no such visitor", '"customer"', '"client"', "entity", "entity is 'client', but the records have no column"),
    _case(
        "no such column", '"gender", "leaflet"', '"sex"', "columns", "columns has 'sex', but the records have no col"
    ),
    _data("no such time", 'time = "date"', "time is 'date', but the records have no column 'date'; there are customer"),
    _data("no such consent", 'consent = "agree"', "consent is 'agree', but the records have no column 'agree'"),
    _data("no such id", 'id = "order"', "id is 'order', but the records have no column 'order'"),
    _data(
        "a time zone", 'time_zone = "Mars/Base"', "time_zone is 'Mars/Base'; needed is a name such as 'Europe/Berlin'"
    ),
    _data("bad SQL", 'query = "SELEC 1"', 'query cannot be asked: Parser Error: syntax error at or near "SELEC"'),
    _data("two queries", 'query = "SELECT 1; SELECT 2"', "query is no single SELECT; needed is one"),
    _data(
        "another table", 'query = "FROM orders"', "query cannot be asked: Catalog Error: Table with name orders does"
    ),
    _data("another file", "query = \"FROM read_csv('/etc/passwd')\"", "query cannot be asked: Permission Error"),
    _data("a query that writes", "query = \"COPY records TO 'x.csv'\"", "query is no single SELECT"),
    _data("a long delimiter", 'delimiter = ";;"', "delimiter is ';;'; needed is one character"),
    _data("an encoding", 'encoding = "klingon"', "encoding is 'klingon'; needed is one such as 'utf-8'"),
    _data("a format", 'format = "excel"', "format is 'excel'; needed is one of csv, parquet, json, duckdb"),
    _data("a table of a text", 'table = "x"', "table means nothing for a file of the format csv"),
    _data("duplicates", 'duplicates = "maybe"', "duplicates is 'maybe'; needed is one of keep, drop"),
    _data("an end without a zone", "until = 2026-01-01T00:00:00", "needed is a date and time with its offset"),
    _case("another format", "entity =", 'format = "parquet"\nentity =', "path =", "cannot be read as parquet"),
    # its features
    _case("a feature's key", "skewed", "skewd", "skewd", "skewd means nothing here; did you mean skewed?"),
    _case("a feature's kind", '"number"', '"numeric"', "numeric", "kind is 'numeric'; needed is one of number, truth"),
    _case("a feature's name", '"visits"', '"Visits!"', "Visits!", "name is 'Visits!'; needed is 1 to 64 of a-z, 0-9"),
    _case("a feature twice", '"visits"', '"spend"', "[[features]]", "'spend' is the name of two; each needs a name of"),
    _case("a range", "maximum = 400", "maximum = 4\nminimum = 5", "minimum", "minimum is 5, above maximum, 4"),
    _case("a word twice", "'FR'", "'DE'", "vocabulary", "vocabulary has a word twice"),
    _case("words in no brackets", "['DE', 'FR', 'PL']", '"DE"', "vocabulary", "vocabulary is 'DE'; needed is an array"),
    _case("no such feature", 'name = "visits"', 'name = "visitz"\ncolumn = "visitz"', "features = [", "has 'visits'"),
    _case(
        "a feature without a column",
        'name = "visits"',
        'name = "visits"\ncolumn = "visitz"',
        "",
        "features[1] ('visits'): the records have no column 'visitz'; did you mean 'visits'?",
    ),
    _case(
        "a text as a number",
        'name = "visits"',
        'name = "visits"\ncolumn = "gender"',
        "",
        "feature 'visits': no value of the column 'gender' is left; leave the feature out, or look at its kind",
    ),
    _case("words that nobody has", "['DE', 'FR', 'PL']", '["UK"]', "", "feature 'country': no value of the column"),
    _case(
        "a range that nobody has", "maximum = 400", "maximum = 0.01", "", "feature 'recency_days': no value of the c"
    ),
    # its segmentations
    _case("a method", '"kmeans"', '"kmean"', '"kmean"', "method is 'kmean'; needed is one of kmeans, minibatch_kmeans"),
    _case("a segmentation's key", "count = 4", "cuont = 4", "cuont", "cuont means nothing here; did you mean count?"),
    _case(
        "a count of one", "count = 4", "count = 1", "count = 1", "count is needed as a number of segments, such as 5"
    ),
    _case("a count backwards", "count = 4", "count = [8, 3]", "count =", "or as a range, such as [3, 8]"),
    _case("a count in words", "count = 4", 'count = "four"', "count =", "count is needed as a number of segments"),
    _case("a share", "count = 4", "count = 4\nsmallest_share = 2", "smallest_share", "from 0 to below 1, such as 0.05"),
    _case("another method's key", "count = 4", "eps = 4", "eps", "eps means nothing here; there are count, features"),
    _method("an unknown feature", 'method = "kmeans"\nfeatures = ["spent"]', "spent", "did you mean spend?"),
    _method(
        "the same twice", 'method = "kmeans"\nfeatures = ["visits", "visits"]', "features =", "'visits' twice; each"
    ),
    _method(
        "a category", 'method = "kmeans"\nfeatures = ["country", "visits"]', "", "country is a category, and distances"
    ),
    _method(
        "falling levels", 'method = "hierarchy"\nlevels = [8, 3]', "levels", "levels is needed as ascending numbers"
    ),
    _method("a radius of 0", 'method = "dbscan"\neps = 0', "eps", "eps is in standard deviations of the features"),
    _method("no neighbours", 'method = "dbscan"\nmin_samples = 0', "min_samples", "it is needed from 2 on"),
    _method("a tiny radius", 'method = "dbscan"\neps = 0.001', "", "raise eps, lower min_samples or smallest_share"),
    _method("a crowd", 'method = "hdbscan"\nmin_samples = 400', "", "lower smallest_share or min_samples"),
    _method("no rules", 'method = "rules"', "method =", "method rules needs segments, each of which begins with [[seg"),
    _method("half a rule", f'{_RULE}when = "spend >"', "when", "when of 'a': this is not understood: invalid syntax"),
    _method("a rule's feature", f'{_RULE}when = "spent > 3"', "", "segment 'a': there is no feature 'spent'; did you"),
    _method("a rule's word", f"{_RULE}when = 'country == \"UK\"'", "", "country has no word 'UK'; its words are DE"),
    _method("a rule's function", f"{_RULE}when = \"exec('x') > 1\"", "", "there is no function 'exec'; the functions"),
    _method(
        "two rules of one name",
        f'{_RULE}when = "spend > 3"\n[[segmentations.segments]]\nname = "a"\nwhen = "spend > 1"',
        "[[segmentations]]",
        "two segments have the name 'a'; each needs its own",
    ),
    _method(
        "two of three", 'method = "rfm"\nfeatures = ["visits", "spend"]', "method =", "recency, frequency and money"
    ),
    _method("seven bands", 'method = "rfm"\nbands = 7\nfeatures = ["a", "b", "c"]', "bands", "there can be 3, 4 or 5"),
    _method(
        "an unknown recency",
        'method = "rfm"\nfeatures = ["recency", "visits", "spend"]',
        "",
        "there is no feature 'recency'; did you mean recency_days?",
    ),
    _method("stages", f"{_LIFE}at_risk_days = 9\nlapsed_days = 8", "lapsed_days = 8", "it has to be more than at_risk"),
    # its outcomes
    _case(
        "a head twice", 'name = "value"', 'name = "buys"', 'name = "buys"\ntitle = "The buys', "another head has alr"
    ),
    _case("a kind", '"propensity"', '"propensty"', 'kind = "propensty"', "kind is 'propensty'; needed is one of"),
    _case("an outcome's key", "folds", "fold", "fold =", "fold means nothing here; did you mean folds?"),
    _case("no label", 'label = "bought"\n', "", "[[outcomes]]", "label is needed: the column that answers"),
    _case("no such label", '"bought"', '"bougt"', "bougt", "label is 'bougt', but the records have no column 'bougt'"),
    _case("a label of events", '"bought"', '{ function = "any" }', "label =", 'which is for shape = "events"'),
    _case("a feature as label", '"bought"', '"is_app"', "label =", "it would foretell itself; leave the feature out"),
    _case("a label of words", '"bought"', '"gender"', "", "(least_positives)"),
    _case("a horizon", "horizon_days = 7", "horizon_days = -7", "horizon", "horizon_days is -7; needed is a whole num"),
    _case("a learner", '["logistic"]', '["oracle"]', "methods", "methods has 'oracle'; for a propensity there are log"),
    _case("one fold", "folds = 2", "folds = 1", "folds", "folds is 1; needed is a number from 2 to 20"),
    _case("a word nobody has", '"bought"', '"bought"\npositive = "yes"', "positive", "there are '0', '1'"),
    _case("a calibration", "folds = 2", 'calibration = "isotonic"', "", "isotonic calibration is not offered"),
    _case(
        "weights", "folds = 2", 'weights = "heavy"', "weights", "weights is 'heavy'; needed is one of none, balanced"
    ),
    _case(
        "without what", "folds = 2", 'without = ["shoe_size"]', "", "outcome 'buys': 'shoe_size' is no feature; there"
    ),
    _kind(
        "two classes", 'kind = "classes"\nlabel = "plan"\nclasses = ["a", "b"]', "classes =", "needed are at least 3"
    ),
    _kind(
        "a class nobody is in",
        'kind = "classes"\nlabel = "plan"\nclasses = ["none", "basic", "gold"]',
        "classes =",
        "classes has 'gold', which no row has as 'plan'; there are 'basic', 'none', 'plus'",
    ),
    _kind("an amount of what", 'kind = "value"\nlabel = "amount"', "[[outcomes]]", "unit is needed, such as unit ="),
    _kind(
        "a baseline",
        'kind = "value"\nlabel = "amount"\nunit = "x"\nbaseline = "luck"',
        "",
        "'luck' is no feature; there",
    ),
    _kind("nobody's audience", 'kind = "lookalike"', "[[outcomes]]", "a lookalike needs exactly one of label ="),
    _kind(
        "no audience file", 'kind = "lookalike"\naudience_file = "absent.txt"', "", "absent.txt cannot be read: No such"
    ),
    _kind("strangers", 'kind = "lookalike"\naudience = ["stranger"]', "", "a lookalike needs 10 of them"),
    _kind("no treatment", f'{_UPLIFT}treatment = "coupon"', "", "the records have no column 'coupon'"),
    _kind("which treatment", f'{_UPLIFT}treatment = "gender"', "", "or treated = the word for who was"),
    _kind(
        "nobody treated", f'{_UPLIFT}treatment = "gender"\ntreated = "x"', "", "nobody is treated by the column gender"
    ),
    # how it is judged, what it has to reach, and who has to agree
    _case("a key of judging", "refits", "refit", "refit", "refit means nothing here; did you mean refits?"),
    _end("a threshold", "threshold = 3\n", "threshold", "threshold is 3; needed is a probability between 0 and 1"),
    _end("fairness by what", 'fairness = ["sex"]\n', "", "the records have no column 'sex'; there are"),
    _end("fairness in no brackets", 'fairness = "gender"\n', "fairness", "fairness is 'gender'; needed is an array"),
    _end("a mitigation", 'mitigation = { method = "magic", column = "gender" }\n', "mitigation", "method is 'magic'"),
    _end(
        "known of what", 'known_at = { vizits = "tenure_days" }\n', "known_at", "'vizits', which is no feature; did you"
    ),
    _end("known when", 'known_at = { visits = "tenure_days" }\n', "known_at", "needed is time in [data], of rows"),
    _end(
        "a gate", "[gates]\nminimum_acu = 0.5\n", "[gates]", "there is no gate minimum_acu; did you mean minimum_auc?"
    ),
    _end(
        "a gate in words", '[gates]\nminimum_auc = "high"\n', "minimum_auc", "minimum_auc is 'high'; needed is a number"
    ),
    _end("a gate of nobody", "[gates.buy]\nminimum_auc = 0.5\n", "[gates.buy]", "is of no head; there are value, buys"),
    _end("another's gate", "[gates.value]\nminimum_auc = 0.5\n", "[gates.value]", "means nothing for value, a segment"),
    _end("nobody's gate", "[gates]\nminimum_qini = 0.5\n", "minimum_qini", "minimum_qini means nothing for any head"),
    _end("a head's gate", "[gates.buys]\nminimum_acu = 1\n", "minimum_acu", "did you mean minimum_auc?"),
    _end("a key of approval", "[approval]\nrequire = true\n", "require =", "did you mean required?"),
    _end("an approval in words", '[approval]\nrequired = "yes"\n', "required", "needed is true or false"),
    _end(
        "a limit", "[quality]\nmost_missing = 2\n", "most_missing", "needed is a share from 0 to 1, such as most_missi"
    ),
    _end("too few rows", "[quality]\nleast_rows = 9999\n", "", "needed are at least 9,999 (least_rows)"),
    _end(
        "an attribute", '[[attributes]]\nname = "crm"\npath = "crm.csv"\n', "[[attributes]]", "entity is needed, such"
    ),
)
