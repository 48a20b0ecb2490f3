from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.training import shop
from tests.training.broken.cases import WHOLE
from tests.training.broken.conftest import Refusal
from training.__main__ import main

Rows = Sequence[Mapping[str, object]]


def _all(**values: object) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **values} for row in rows]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_all(bought=0), "outcome 'buys': 0 rows say that it happened; needed are at least 20 (least_positives)"),
        (_all(bought=1), "outcome 'buys': 0 rows say that it did not; needed are at least 20 (least_positives)"),
        (_all(bought=""), "outcome 'buys': 0 rows say that it happened"),
        (_all(bought=2), "outcome 'buys': 0 rows say that it happened"),
        (lambda rows: [{**row, "bought": int(i < 5)} for i, row in enumerate(rows)], "5 rows say that it happened"),
        (_all(visits="nan"), "feature 'visits': no value of the column 'visits' is left; leave the feature out"),
        (_all(visits="inf"), "feature 'visits': no value of the column 'visits' is left"),
        (lambda rows: [dict.fromkeys(row, "") for row in rows], "the column 'customer' names no visitor"),
        (_all(visits=1, spend=1, recency_days=1), "no feature differs between any two rows; name features that do"),
        (lambda rows: rows[:10], "10 rows are left; needed are at least 100 (least_rows)"),
        (_all(customer=""), "no row can be used: 300 rows are set aside: the column 'customer' names no visitor"),
        (_all(customer="me"), "of 1 visitors; needed are at least 2 visitors, one for each fold"),
        (
            lambda rows: [{**row, "visits": "many"} if i % 3 == 0 else row for i, row in enumerate(rows)],
            "visits: 100 of 300 (33.3%) values are of another kind, and missing now; at most 5% may be",
        ),
        (lambda rows: [{**rows[0], "bought": i % 2} for i in range(len(rows))], "no feature differs between any two"),
    ],
)
def test_records_of_no_use(
    change: Callable[[Rows], Rows], says: str, folder: Path, rows: Rows, refusal: Refusal
) -> None:
    """Records that nothing can be learnt from are refused, with what is wrong with them and how much of it."""
    shop.write_records(folder / "shop.csv", change(rows))
    assert says in refusal(WHOLE)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "shop.toml, line 8: data: path is 'shop.csv', which is empty; needed are records"),
        (b"customer,visits\n", "the records have no column 'recency_days'; there are customer, visits"),
        (bytes(range(256)) * 100, "shop.toml, line 8: data: path is 'shop.csv', which cannot be read as csv: "),
        (bytes(5000), "but the records have no column 'customer'; there are ????"),
        (b"customer;visits\n1;2\n", "is the delimiter another one?"),
    ],
)
def test_files_of_another_kind(content: bytes, says: str, folder: Path, refusal: Refusal) -> None:
    """A file that holds no such records is named, in a sentence that a terminal can show."""
    (folder / "shop.csv").write_bytes(content)
    said = refusal(WHOLE)
    assert says in said
    assert len(said) < 600
    assert said.strip().isprintable()


def test_no_rows(folder: Path, rows: Rows, refusal: Refusal) -> None:
    """A header alone is no record."""
    (folder / "shop.csv").write_text(",".join(rows[0]) + "\n")
    assert "no row can be used: the records have none" in refusal(WHOLE)


def test_a_quote_that_is_not_closed(folder: Path, refusal: Refusal) -> None:
    """What an open quote swallows is not lost in silence."""
    lines = (folder / "shop.csv").read_text().splitlines()
    (folder / "shop.csv").write_text("\n".join([*lines[:5], '"v9999,1,2', *lines[5:]]))
    assert "see its delimiter and encoding, and that each quote is closed" in refusal(WHOLE)


def test_most_lines_broken(folder: Path, refusal: Refusal) -> None:
    """Where most lines are no rows, the rest is not trained on."""
    header, *lines = (folder / "shop.csv").read_text().splitlines()
    (folder / "shop.csv").write_text(
        "\n".join([header, *(f"{line},1" if i % 4 else line for i, line in enumerate(lines))])
    )
    assert "rows are set aside; at most 50% may be (most_set_aside)" in refusal(WHOLE)


def test_dates_in_the_future(folder: Path, rows: Rows, refusal: Refusal) -> None:
    """Rows that are not before the end of the records are set aside, and records of no others refused."""
    shop.write_records(folder / "shop.csv", _all(day="2031-01-01")(rows))
    text = WHOLE.replace("entity =", 'time = "day"\nuntil = 2026-01-01T00:00:00Z\nentity =')
    assert "no row can be used: 300 rows are set aside: 'day' is not before the end of the records" in refusal(text)


def test_more_segments_than_rows(folder: Path, rows: Rows, refusal: Refusal) -> None:
    """There cannot be more segments than visitors who differ."""
    shop.write_records(folder / "shop.csv", rows[:60])
    text = WHOLE.replace("count = 4", "count = 90") + "[quality]\nleast_rows = 50\nleast_positives = 5\n"
    said = refusal(text)
    assert said.startswith("segmentation 'value': ")
    assert "60" in said


def test_an_outcome_known_beforehand(folder: Path, rows: Rows, refusal: Refusal) -> None:
    """A feature that is made from the outcome is refused by its name; report and evaluation can be looked at."""
    leaky = [{**row, "spend": 1000 * int(str(row["bought"])) + i / 1000} for i, row in enumerate(rows)]
    shop.write_records(folder / "shop.csv", leaky)
    assert refusal(WHOLE).startswith("spend alone nearly decides buys (ROC AUC 1.000): it is made from the outcome")
    assert (folder / "work" / "shop" / "report.html").stat().st_size > 0
    assert '"severity": "refuse"' in (folder / "work" / "shop" / "evaluation.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--without", "shoe_size"], "there is no feature 'shoe_size' to leave out; there are recency_days, visits"),
        (["--without", "visits", "spend", "recency_days"], "'value': --without leaves out all of its features"),
        (["--until", "2026-01-01"], "--until is for records that are events; rows are as they are"),
        (["--names", "absent.toml"], "the names in absent.toml cannot be read: "),
        (["--signing-key", "absent.pem"], "the signing key absent.pem cannot be read: No such file or directory"),
        (["--data", "absent"], "path is 'shop.csv', but there is no file absent/shop.csv; --data DIR says where"),
    ],
)
def test_impossible_orders(arguments: list[str], says: str, refusal: Refusal) -> None:
    """What cannot be done is refused before anything is fitted."""
    assert says in refusal(WHOLE, *arguments)


def test_a_repository_that_is_a_file(folder: Path, refusal: Refusal) -> None:
    """A place where nothing can be published is said at once."""
    (folder / "repository").touch()
    assert "File exists" in refusal(WHOLE)


def test_names_of_another_kind(folder: Path, refusal: Refusal) -> None:
    """A name that is none is refused with its key."""
    (folder / "names.toml").write_text('"value-1-1" = 3\n')
    assert "'value-1-1' needs a name in quotes" in refusal(WHOLE, "--names", str(folder / "names.toml"))


def test_check_says_the_same(folder: Path, rows: Rows, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` refuses what training would refuse of records, and `requests` what it cannot read."""
    shop.write_records(folder / "shop.csv", _all(bought=0)(rows))
    (folder / "shop.toml").write_text(WHOLE)
    for command, opening in (("check", "this cannot be trained: "), ("requests", "no requests were written: ")):
        with pytest.raises(SystemExit) as caught:
            main([command, "--config", str(folder / "shop.toml"), "--data", str(folder / "absent")])
        assert caught.value.code == 1
        assert capsys.readouterr().err.startswith(f"{opening}{folder}/shop.toml, line 8: data: path is 'shop.csv', but")
    with pytest.raises(SystemExit):
        main(["check", "--config", str(folder / "shop.toml")])
    assert "0 rows say that it happened" in capsys.readouterr().err
