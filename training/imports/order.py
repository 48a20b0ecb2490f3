"""What is to be imported: the TOML file that says what a model's inputs and outputs mean."""

from dataclasses import dataclass
from pathlib import Path

from protos.audience.v1 import bundle_pb2
from server.errors import BadBundle
from server.repository import is_model_name
from server.schema import fingerprint, read_schema
from training.configuration.file import read_file
from training.configuration.section import Section
from training.imports.columns import Column, read_column
from training.imports.heads import HeadOrder, read_head


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """The whole file.

    Attributes:
        model: name of the model.
        columns: the features, in order.
        heads: in the order of their columns.
        rows: file of rows, None for none.
        facts: what the model was trained on, None when the file does not say.
    """

    model: str
    columns: tuple[Column, ...]
    heads: tuple[HeadOrder, ...]
    rows: Path | None
    facts: bundle_pb2.TrainingFacts | None


def read_order(path: Path) -> ImportOrder:
    """The file's content, checked by itself; whether the graph fits is for others to see.

    Raises:
        BadConfig: it cannot be read, or something in it is absent, wrong or unknown. The text names the key.
    """
    return _read(read_file(path), path.parent)


def _read(table: Section, folder: Path) -> ImportOrder:
    model = table.text("model")
    if not is_model_name(model):
        raise table.fault(f"model is {model!r}; needed is 1 to 64 of a-z, 0-9, - and _, such as 'churn'")
    rows = table.text("rows", "")
    facts = table.table("training")
    order = ImportOrder(
        model,
        tuple(read_column(column) for column in table.tables("features")),
        tuple(read_head(head) for head in table.tables("heads")),
        folder / rows if rows else None,
        _read_facts(facts) if facts else None,
    )
    table.finish()
    _check_schema(table, order.columns)
    _check_heads(table, order.heads)
    return order


def _check_schema(table: Section, columns: tuple[Column, ...]) -> None:
    features = [column.feature for column in columns]
    try:
        read_schema(bundle_pb2.FeatureSchema(fingerprint=fingerprint(features), features=features))
    except BadBundle as error:
        raise table.fault(f"features: {error}") from None


def _check_heads(table: Section, heads: tuple[HeadOrder, ...]) -> None:
    names = [head.name for head in heads]
    if not heads:
        raise table.fault("heads: there is none; needed is at least one [[heads]], which says what an output answers")
    if len(set(names)) != len(names):
        raise table.fault(f"heads: the names {names} are not distinct")


def _read_facts(table: Section) -> bundle_pb2.TrainingFacts:
    until_ms, visitors = table.moment_ms("until"), table.whole("visitors")
    facts = bundle_pb2.TrainingFacts(
        data=table.text("data"),
        until_ms=until_ms or 0,
        visitor_count=visitors or 0,
    )
    libraries = table.table("libraries")
    if until_ms is None or not visitors:
        raise table.fault("until and visitors are needed, such as until = 2026-10-01T00:00:00Z and visitors = 1000")
    if libraries is not None:
        facts.libraries.update({name: libraries.text(name) for name in libraries.names()})
    table.finish()
    return facts
