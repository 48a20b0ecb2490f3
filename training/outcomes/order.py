"""An outcome as the configuration asks for it: one table of [[outcomes]]."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from training.configuration.section import BadConfig, Section
from training.heads import Question
from training.outcomes.methods import OF_AMOUNTS, OF_CLASSES

PROPENSITY: Final = "propensity"
CLASSES: Final = "classes"
VALUE: Final = "value"
SPECIAL: Final = ("lookalike", "uplift")
KINDS: Final = (PROPENSITY, CLASSES, VALUE)

NONE: Final = "none"
BG_NBD: Final = "bg_nbd"  # training.customer_value, of a log of events
BALANCED: Final = "balanced"
_METHODS: Final = {PROPENSITY: tuple(OF_CLASSES), CLASSES: tuple(OF_CLASSES), VALUE: tuple(OF_AMOUNTS)}
_DEFAULT_METHODS: Final = {
    PROPENSITY: ("logistic", "boosting"),
    CLASSES: ("logistic", "boosting"),
    VALUE: ("linear", "boosting"),
}
_CALIBRATION: Final = {PROPENSITY: "sigmoid", CLASSES: "temperature", VALUE: "ratio"}
_FOLDS: Final = 5
_FEWEST_FOLDS, _MOST_FOLDS = 2, 20
_FEWEST_CLASSES: Final = 3

Special = TypeVar("Special")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeOrder:
    """What to learn, and how.

    Attributes:
        name: of the head.
        title: of the head, for people.
        kind: propensity, classes or value.
        label: the column that answers, None where a table says how records do.
        label_table: that table, which who makes the rows reads.
        positive: what the column holds where the event happened, None for what is true or 1.
        classes: the words of the classes, in the order of their positions.
        horizon_days: how long the outcome is waited for, 0 where that is not known.
        unit: of an amount.
        methods: among which is chosen.
        without: features that it is judged without as well.
        calibration: sigmoid, temperature or ratio, as the kind has it, or none.
        weights: none, or balanced: the rows of every class count as much together.
        folds: number of them.
        baseline: the feature that a value is compared with, BG_NBD for what purchases alone say, None for the mean.
    """

    name: str
    title: str
    kind: str
    label: str | None = None
    label_table: Section | None = field(default=None, compare=False)
    positive: int | str | None = None
    classes: tuple[str, ...] = ()
    horizon_days: int = 0
    unit: str = ""
    methods: tuple[str, ...] = ("boosting",)
    without: tuple[str, ...] = ()
    calibration: str = "sigmoid"
    weights: str = NONE
    folds: int = _FOLDS
    baseline: str | None = None

    @property
    def question(self) -> Question:
        """What the head answers."""
        return Question(self.name, self.title, self.horizon_days, self.unit)


def read_outcome(section: Section, read_special: Callable[[Section, str, str, str], Special]) -> OutcomeOrder | Special:
    """The order of one table of [[outcomes]].

    Args:
        section: the table.
        read_special: reads the rest of a lookalike or an uplift, given the table, its name, title and kind.

    Raises:
        BadConfig: a key is missing, wrong, or means nothing.
    """
    name = section.text("name")
    section.called(name)
    title = section.text("title", name)
    kind = section.choice("kind", (*KINDS, *SPECIAL))
    if kind in SPECIAL:
        return read_special(section, name, title, kind)
    label, label_table = _read_label(section)
    order = OutcomeOrder(
        name=name,
        title=title,
        kind=kind,
        label=label,
        label_table=label_table,
        positive=section.label("positive") if kind == PROPENSITY else None,
        classes=_read_classes(section) if kind == CLASSES else (),
        horizon_days=section.whole("horizon_days") or 0,
        unit=section.text("unit") if kind == VALUE else "",
        methods=_read_methods(section, kind),
        without=section.texts("without"),
        calibration=_read_calibration(section, kind),
        weights=section.choice("weights", (NONE, BALANCED), NONE) if kind != VALUE else NONE,
        folds=_read_folds(section),
        baseline=section.text("baseline") if kind == VALUE and section.has("baseline") else None,
    )
    section.finish()
    if order.weights == BALANCED and order.calibration == NONE:
        raise section.fault(
            'weights = "balanced" makes every class as likely as another, which only a calibration undoes; '
            "leave out calibration, or weights"
        )
    return order


def _read_label(section: Section) -> tuple[str | None, Section | None]:
    try:
        table = section.table("label")
    except BadConfig:  # no table, so a text
        return section.text("label"), None
    if table is None:
        raise section.fault('label is needed: the column that answers, such as label = "bought"')
    return None, table


def _read_classes(section: Section) -> tuple[str, ...]:
    classes = section.texts("classes")
    if len(classes) < _FEWEST_CLASSES:
        raise section.fault(
            f"classes are {', '.join(classes) or 'none'}; needed are at least {_FEWEST_CLASSES}: "
            f'whether something is so or not is kind = "{PROPENSITY}"'
        )
    if len(set(classes)) < len(classes):
        raise section.fault("classes has a word twice")
    return classes


def _read_methods(section: Section, kind: str) -> tuple[str, ...]:
    known = _METHODS[kind]
    methods = section.texts("methods") or _DEFAULT_METHODS[kind]
    for method in methods:
        if method not in known:
            raise section.fault(f"methods has {method!r}; for a {kind} there are {', '.join(known)}")
    return tuple(method for method in known if method in methods)


def _read_calibration(section: Section, kind: str) -> str:
    usual = _CALIBRATION[kind]
    calibration = section.text("calibration", usual)
    if calibration == "isotonic":
        raise section.fault(
            "isotonic calibration is not offered: its steps become other probabilities in the exported graph, by up to "
            f"0.06, and give many visitors the same one; {usual} is exported exactly"
        )
    if calibration not in {usual, NONE}:
        raise section.fault(f"calibration is {calibration!r}; for a {kind} there are {usual} and {NONE}")
    return calibration


def _read_folds(section: Section) -> int:
    folds = section.whole("folds")
    if folds is None:
        return _FOLDS
    if not _FEWEST_FOLDS <= folds <= _MOST_FOLDS:
        raise section.fault(f"folds is {folds}; needed is a number from {_FEWEST_FOLDS} to {_MOST_FOLDS}")
    return folds
