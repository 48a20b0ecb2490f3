"""What a configuration asks of a lookalike."""

from dataclasses import dataclass
from pathlib import Path

from training.configuration.section import Section
from training.learners import FITS


@dataclass(frozen=True, slots=True)
class LookalikeOrder:
    """A lookalike to fit.

    Attributes:
        audience: visitors of the audience, none where it is given otherwise.
        audience_file: file with a visitor of the audience in each line, "" where it is given otherwise.
        labelled_share: which share of all who belong to the audience is in it, None: to be estimated.
        methods: names of learners to choose from.
    """

    audience: tuple[str, ...]
    audience_file: str
    labelled_share: float | None
    methods: tuple[str, ...]


def read_lookalike(section: Section, *, has_label: bool) -> LookalikeOrder:
    """The keys of an outcome of the kind lookalike; the caller reads the others and finishes the section.

    Args:
        section: the table.
        has_label: whether the records say who is in the audience.

    Raises:
        BadConfig: they cannot be used.
    """
    order = LookalikeOrder(
        audience=section.texts("audience"),
        audience_file=section.text("audience_file", ""),
        labelled_share=section.number("labelled_share"),
        methods=read_methods(section, tuple(FITS)),
    )
    given = [has_label, bool(order.audience), bool(order.audience_file)]
    if sum(given) != 1:
        raise section.fault(
            'a lookalike needs exactly one of label = "column", audience = ["visitor", …] and '
            'audience_file = "file with a visitor in each line"'
        )
    if order.labelled_share is not None and not 0 < order.labelled_share <= 1:
        raise section.fault(f"labelled_share is {order.labelled_share:g}; needed is a share above 0, at most 1")
    return order


def read_methods(section: Section, known: tuple[str, ...]) -> tuple[str, ...]:
    """Methods to choose from, in the order of their simplicity, whatever the order in the file.

    Raises:
        BadConfig: one is not known.
    """
    methods = section.texts("methods") or known
    unknown = [method for method in methods if method not in known]
    if unknown:
        raise section.fault(f"methods has {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(method for method in known if method in methods)


def read_audience(path: Path) -> tuple[str, ...]:
    """The visitors in a file with one in each line; empty lines and spaces around a name are nothing.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it is no text in UTF-8.
    """
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    return tuple(line for line in lines if line)
