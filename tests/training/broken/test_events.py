"""Mistakes in what is said of a log of events, and in the log."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.training.broken.conftest import Refusal
from training.__main__ import main

_START = datetime(2026, 1, 1)  # noqa: DTZ001  # the file's own time
_WHOLE = """[model]
name = "orders"
[data]
shape = "events"
title = "made up"
query = "SELECT visitor, time, kind, spend FROM log"
[data.files]
log = "log.csv"
[dates]
every_days = 7
window_days = 28
[[features]]
name = "visits_28d"
description = "visits"
function = "count"
window_days = 28
[[features]]
name = "spend_28d"
description = "spend"
function = "sum"
of = "spend"
window_days = 28
[[segmentations]]
name = "value"
method = "kmeans"
count = 3
[[outcomes]]
name = "buys"
kind = "propensity"
label = { function = "any", where = "kind = 'order'", within_days = 7 }
horizon_days = 7
methods = ["logistic"]
folds = 2
[judging]
bootstraps = 0
refits = 0
importance_rows = 0
"""


def _log() -> str:
    generator = np.random.default_rng(1)
    lines = ["visitor,time,kind,spend"]
    for visitor in range(80):
        rate = generator.choice([0.1, 0.3, 0.6])
        for day in generator.uniform(0, 100, generator.poisson(rate * 100)):
            is_order = generator.random() < 0.25
            moment = (_START + timedelta(days=float(day))).isoformat(sep=" ", timespec="seconds")
            kind, spend = ("order", round(float(generator.gamma(2, 20)), 2)) if is_order else ("visit", 0)
            lines.append(f"v{visitor},{moment},{kind},{spend}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def log(folder: Path) -> Path:
    """The events."""
    path = folder / "log.csv"
    path.write_text(_log())
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"log.csv"', '"absent.csv"', "data.files: log is 'absent.csv', and there is no such file; looked for was"),
        ("[dates]\nevery_days = 7\nwindow_days = 28\n", "", "shop.toml: dates is needed, a table [dates] with every_d"),
        ("every_days = 7", "every_days = 0", "shop.toml, line 10: dates: every_days is needed, a whole number of days"),
        ("window_days = 28", "window_days = -28", "line 11: dates: window_days is needed, a number of days above 0"),
        ("window_days = 28", "window_days = 2800", "there is no date; needed are records longer than window_days"),
        ("every_days = 7", 'every_days = 7\nwhere = "kind ="', "line 11: dates: where: 'kind =' is no SQL expression"),
        ("SELECT", "SELEC", 'data: query does not run: Parser Error: syntax error at or near "SELEC"'),
        ("visitor, time", "visitr, time", 'query does not run: Binder Error: Referenced column "visitr" not found'),
        ("visitor, time,", "visitor, time AS t,", "the events have no column time; needed are visitor and time"),
        ("visitor, time,", "visitor, 'soon' AS time,", "the column time of the events is VARCHAR; needed are moments"),
        ("FROM log", "FROM logs", "query does not run: Catalog Error: Table with name logs does not exist"),
        ("FROM log", "FROM log; DROP VIEW log", "data: query is no single SELECT; needed is one"),
        ("FROM log", "FROM read_csv('/etc/passwd')", "query does not run: Permission Error"),
        (
            'title = "made up"',
            'title = "made up"\ntime_zone = "Moon"',
            "time_zone is 'Moon'; needed is one such as 'Eu",
        ),
        (
            'title = "made up"',
            'title = "made up"\nsince = 2027-01-01T00:00:00Z',
            "there is no date; needed are records",
        ),
        (
            'title = "made up"',
            'title = "made up"\nuntil = 2025-01-01T00:00:00Z',
            "there is no event; needed is at least",
        ),
        ('"count"', '"cuont"', "line 15: features[0] ('visits_28d'): function is 'cuont'; needed is one of count, sum"),
        ('of = "spend"\n', "", "line 17: features[1] ('spend_28d'): sum needs of"),
        ('of = "spend"', 'of = "spent"', "features ('spend_28d'): spent is no column of the events; there are kind"),
        ('of = "spend"', 'of = "spend +"', "line 21: features[1] ('spend_28d'): of: 'spend +' is no SQL expression"),
        ('of = "spend"', 'of = "(SELECT 1)"', "of: '(SELECT 1)' has (SELECT 1); allowed are columns, numbers"),
        ('of = "spend"', 'of = "kind"', "the events cannot be read: Conversion Error: Could not convert string"),
        ('"visits_28d"', '"spend_28d"', "features: spend_28d is there twice; needed are distinct names"),
        (
            "count = 3",
            'features = ["visits"]',
            "line 26: segmentations[0] ('value'): features has 'visits', which is no",
        ),
        ("kind = 'order'", "kin = 'order'", "outcomes ('buys'): kin is no column of the events; there are kind, spend"),
        ("kind = 'order'", "kind = = 'order'", "outcomes[0] ('buys').label: where: \"kind = = 'order'\" is no SQL"),
        ("kind = 'order'", "kind = 'refund'", "outcome 'buys': of "),
        ("within_days = 7", "within_days = -7", "outcomes[0] ('buys').label: within_days is needed, a number of days"),
        ("within_days = 7", "within_days = 700", "outcome 'buys': of none of "),
        ("horizon_days = 7", "horizon_days = 700", "needed are at least 700 days before the last 4 moments"),
        ("refits = 0", 'refits = 0\nfairness = ["kind"]', "kind is asked for as a column that is no feature"),
        ("refits = 0", 'refits = 0\nknown_at = { spend_28d = "time" }', "needed is time in [data], of rows"),
    ],
)
@pytest.mark.usefixtures("log")
def test_one_mistake(old: str, new: str, says: str, refusal: Refusal) -> None:
    """Each mistake ends training with a sentence that says what is wrong, and the line where it has one."""
    assert old in _WHOLE
    assert says in refusal(_WHOLE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: "", "data: query does not run: Binder Error: "),
        (lambda lines: lines[0], "the column time of the events is VARCHAR; needed are moments"),
        (lambda lines: "\n".join(lines[:2]), "there is no date; needed are records longer than window_days"),
        (lambda lines: "\n".join(lines).replace("2026-", "soon-"), "the column time of the events is VARCHAR"),
        (lambda lines: "\n".join([*lines, '"x']), "data.files: log cannot be read: Invalid Input Error: "),
    ],
)
def test_logs_of_no_use(change: Callable[[Sequence[str]], str], says: str, log: Path, refusal: Refusal) -> None:
    """A log that holds no events is refused, with what it lacks."""
    log.write_text(change(log.read_text().splitlines()))
    assert says in refusal(_WHOLE)


@pytest.mark.usefixtures("log")
def test_too_early(refusal: Refusal) -> None:
    """Before the first event nothing is known."""
    assert "there is no event; needed is at least one" in refusal(_WHOLE, "--until", "2025-06-01")


def test_a_file_of_any_name(log: Path, folder: Path) -> None:
    """A log is trained on whatever its file is called in the query, also as the tables that are made of it."""
    lines = len(log.read_text().splitlines()) - 1
    (folder / "shop.toml").write_text(_WHOLE)
    repository = folder / "repository"
    arguments = ["--config", str(folder / "shop.toml"), "--repository", str(repository), "--work", str(folder / "work")]
    assert main(["train", *arguments]) == 0
    evaluation = (repository / "orders" / "1" / "evaluation.json").read_text()
    assert f'"row_count":{lines},' in evaluation.replace(" ", "")
