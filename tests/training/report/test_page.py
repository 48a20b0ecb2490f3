import copy
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.report.pages import Page
from tests.training.report.samples import evaluation, segment
from training.report.card import Facts
from training.report.page import render

SECTIONS = ("Summary", "Segments", "Overlap between audiences", "Outcomes", "Journeys", "Texts", "Data")
LAST_SECTIONS = ("Gates and parity", "Model card", "Approval", "Glossary")


@pytest.fixture(scope="module")
def html() -> str:
    """The page of the sample."""
    return render(evaluation())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    """The same, parsed."""
    return Page(html)


def test_every_section_is_there_in_order(page: Page) -> None:
    """The page has each section once, as a heading of the second level."""
    assert [heading.text for heading in page.all("h2")] == [*SECTIONS, *LAST_SECTIONS]


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    """One h1, and no level is passed over on the way down, so that readers' aids can follow."""
    levels = [int(e.name[1]) for e in page.elements if re.fullmatch("h[1-6]", e.name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_nothing_is_fetched(html: str, page: Page) -> None:
    """The page needs no network and no script: it refers to places on itself alone."""
    references = [e.attributes[key] for e in page.elements for key in ("href", "src") if key in e.attributes]
    assert references
    assert all(reference.startswith("#") for reference in references)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", html)
    assert not [e.name for e in page.elements if e.name in {"script", "link", "img", "iframe", "object"}]
    assert not [key for e in page.elements for key in e.attributes if key.startswith("on")]


def test_references_lead_somewhere(page: Page) -> None:
    """Every link and label has its place on the page, and no place is there twice."""
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    links = {e.attributes["href"].removeprefix("#") for e in page.all("a")}
    labels = {e.attributes["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attributes}
    assert links | labels <= set(ids)


def test_charts_say_what_they_show(page: Page) -> None:
    """Each chart is an image with a label; a bar beside its number is passed over."""
    pictures = page.all("svg")
    assert len(page.all("svg", role="img")) >= 8
    assert all(e.attributes.get("aria-label") or e.attributes.get("aria-hidden") == "true" for e in pictures)


def test_cells_of_headings_have_a_scope(page: Page) -> None:
    """Every heading of a table says whether it speaks of its row or its column."""
    assert {e.attributes.get("scope") for e in page.all("th")} == {"row", "col"}


def test_each_chart_has_a_line_that_says_how_to_read_it(page: Page) -> None:
    """Under each chart stands a sentence."""
    figures = page.all("figure")
    assert figures
    assert all(e.children[-1].name == "figcaption" and len(e.children[-1].text) > 20 for e in figures)


def test_it_is_fit_for_paper_and_darkness(html: str, page: Page) -> None:
    """There are styles for print, with page breaks, and for dark surroundings; phones do not shrink it."""
    assert "@media print" in html
    assert "break-before: page" in html
    assert "prefers-color-scheme: dark" in html
    assert page.all("meta", name="viewport")[0].attributes["content"] == "width=device-width, initial-scale=1"


def test_the_same_evaluation_gives_the_same_bytes(html: str) -> None:
    """Nothing of the moment or of an order of memory is in the page."""
    assert render(json.loads(json.dumps(evaluation()))) == html


def test_it_stays_small(html: str) -> None:
    """Twelve segments in each of six segmentations, and six outcomes, are less than a megabyte."""
    whole = evaluation()
    worth, buys = whole["segmentations"]["worth"], whole["outcomes"]["buys"]
    worth["segments"] = [segment(i, f"Segment {i}", 1 / 12, 0.8, kept=True) for i in range(1, 13)]
    buys["roc"] = buys["precision_recall"] = [[i / 200, i / 200] for i in range(201)]
    whole["segmentations"] = {f"worth_{i}": worth for i in range(6)}
    whole["outcomes"] = {f"buys_{i}": buys for i in range(6)}
    assert len(html) < len(render(whole)) < 1_000_000


HOSTILE = '<script>alert("1")</script>&\'\u202e{{ 7*7 }}'


def test_names_are_only_text() -> None:
    """Whatever stands in a text of the evaluation is shown as it is, and never becomes an element or an attribute."""
    page = Page(render(_with_texts(evaluation(), HOSTILE)))
    assert not page.all("script")
    assert HOSTILE in "".join(page.all("main")[0].texts)
    assert not {key for e in page.elements for key in e.attributes} - KNOWN_ATTRIBUTES


KNOWN_ATTRIBUTES = {
    *("aria-hidden", "aria-label", "aria-labelledby", "charset", "class", "content", "cx", "cy", "height", "href"),
    *("id", "lang", "name", "points", "preserveaspectratio", "r", "role", "scope", "style", "tabindex", "viewbox"),
    *("width", "x", "x1", "x2", "y", "y1", "y2"),
}


def test_names_of_heads_are_only_text() -> None:
    """The names of heads, which are keys of the file, are escaped too, and so are those of figures."""
    whole = evaluation()
    for part in ("segmentations", "outcomes", "texts"):
        whole[part] = {HOSTILE: next(iter(whole[part].values()))}
    whole["outcomes"][HOSTILE]["figures"] = {HOSTILE: 0.5}
    page = Page(render(whole))
    assert not page.all("script")
    assert not {key for e in page.elements for key in e.attributes} - KNOWN_ATTRIBUTES


def test_texts_of_either_direction_keep_to_themselves(page: Page) -> None:
    """A segment's name may be written from right to left without turning what stands around it."""
    whole = evaluation()
    whole["segmentations"]["worth"]["segments"][0]["name"] = "לקוחות קבועים"
    found = [e for e in Page(render(whole)).all("bdi") if e.text == "לקוחות קבועים"]
    assert found
    assert page.all("bdi")


def test_an_empty_evaluation_gives_a_page_that_says_so() -> None:
    """Without anything, the page says what was not recorded, and shows no empty sections."""
    page = Page(render({}))
    assert [heading.text for heading in page.all("h2")] == ["Summary", "Data", *LAST_SECTIONS]
    assert "No gates were set" in page.text
    assert "No search for leakage was recorded." in page.text
    assert "No checks of the data were recorded." in page.text
    assert "No comparison of the served file with the estimators was recorded." in page.text


def test_what_was_searched_and_not_found_is_said() -> None:
    """A search for leaks that found none reads otherwise than no search."""
    page = Page(render({"leakage": [], "quality": {"row_count": 5, "checks": []}}))
    assert "Nothing was found that gives an outcome away." in page.text
    assert "No check found anything." in page.text


def test_one_segment_reads_as_one() -> None:
    """A single segment is no plural."""
    whole = evaluation()
    whole["segmentations"]["worth"]["segments"] = [segment(1, "Everybody", 1.0, 1.0, kept=True)]
    assert "1 segment by k-means." in Page(render(whole)).text


def test_a_name_of_the_manifest_wins() -> None:
    """A segment that was renamed after the evaluation is called by its new name, on its card and in the rules."""
    page = Page(render(evaluation(), Facts(names={"worth-1-2": "Gone quiet"})))
    assert [e.text for e in page.all("article")[1].children if e.name == "h4"] == ["Gone quiet"]
    assert "2 Gone quiet" in [e.text for e in page.all("th", scope="row")]


def test_the_verdict_is_that_of_the_gates(page: Page) -> None:
    """One gate of two fails: the page begins with it."""
    assert page.all("p", class_="verdict poor")[0].text.endswith("1 of 2 gates do not hold.")


@pytest.mark.parametrize(
    ("holds", "grade", "text"),
    [
        ([], "unknown", "No gates were set: nobody has said what would be good enough."),
        ([True], "good", "The gate holds."),
        ([True, True], "good", "All 2 gates hold."),
        ([True, None], "fair", "1 of 2 gates could not be judged."),
        ([None, False], "poor", "1 of 2 gates do not hold."),
    ],
)
def test_verdicts(holds: list[bool | None], grade: str, text: str) -> None:
    """What the gates say, in a sentence; a gate that nobody judged is not one that holds."""
    page = Page(render({"gates": [{"gate": "minimum_auc", "head": "h", "holds": h} for h in holds]}))
    assert page.all("p", class_=f"verdict {grade}")[0].text.endswith(text)


def test_gates_that_hold_do_not_hide_what_is_grave() -> None:
    """With all gates passed, an untrustworthy segment still qualifies the verdict."""
    whole = evaluation()
    del whole["gates"][1]
    assert Page(render(whole)).all("p", class_="verdict fair")[0].text.endswith("but read the warnings.")


def test_an_approval_is_shown() -> None:
    """Who approved it and when; before that, a place to sign on paper."""
    approved = render({"approval": {"required": True, "by": "Ada Byron", "at_ms": 1_764_547_200_000}})
    assert "Approved by Ada Byron on 1 December 2025, 00:00 UTC." in Page(approved).text
    assert [e.text for e in Page(render({})).all("div", class_="signing")] == ["name date signature"]
    needed = Page(render({"approval": {"required": True, "labels": ["stable", "live"], "by": None}})).text
    assert "Approval is needed before this version takes the label stable or live." in needed


def test_unknown_kinds_of_records_become_tables(page: Page) -> None:
    """Journeys and text heads are shown with whatever figures they have."""
    assert "home \N{RIGHTWARDS ARROW} product \N{RIGHTWARDS ARROW} basket" in [e.text for e in page.all("td")]
    assert "83.5%" in [e.text for e in page.all("td")]


def _with_texts(value: Any, text: str) -> Any:
    """The same with every text but the words that decide something replaced."""
    if isinstance(value, dict):
        return {k: v if k in {"kind", "severity", "gate"} else _with_texts(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_texts(v, text) for v in value]
    return text if isinstance(value, str) else value


def _places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a value stands, for each value inside."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*place, key)
        yield from _places(inner, (*place, key))


PLACES = list(_places(evaluation()))
OTHERS: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "words", 0, -1.5, 10**400, 1e300, True, [], [[]], [None], {}, {"x": None}, [{}]]
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), OTHERS), min_size=1, max_size=8))
def test_what_is_absent_or_of_another_kind_leaves_a_page(changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    """Whatever is null, missing or misplaced, there is a page, well-formed and without NaN."""
    whole = evaluation()
    for place, other in changes:
        _replace(whole, place, copy.deepcopy(other))
    page = Page(render(whole))
    assert [heading.text for heading in page.all("h2")][-4:] == list(LAST_SECTIONS)
    for e in page.elements:
        assert not re.search(
            r"\b(nan|inf)\b", " ".join(e.attributes.get(k, "") for k in ("points", "x", "y", "cx", "cy"))
        )


def _replace(whole: Any, place: tuple[str | int, ...], other: Any) -> None:
    """Puts the other value there, unless the place has gone."""
    for key in place[:-1]:
        whole = whole[key] if _has(whole, key) else None
    if _has(whole, place[-1]):
        whole[place[-1]] = other


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)
