"""python -m training import MODEL.onnx --config MODEL.toml --repository DIR: publishes a model from elsewhere."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from server.errors import AudienceError
from server.settings import read_repository
from training.arguments import natural
from training.configuration.section import BadConfig
from training.imports.draft import draft
from training.imports.order import read_order
from training.imports.original import NotImportable
from training.imports.version import Imported, import_model
from training.publish import NotPublished
from training.remote import published_at
from training.signature import read_signing_key

_KINDS = {1: "segmentation", 2: "propensity", 3: "value"}  # bundle.proto, HeadKind


def main(arguments: Sequence[str]) -> int:
    """Imports and publishes. Exit status 0: published, or described; 1: not, and the last line says why."""
    parser = _parser()
    given = parser.parse_args(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        if given.describe:
            console.print(draft(given.file), end="")
            return 0
        if given.config is None or given.repository is None:
            parser.error("--config and --repository are needed, or --describe")
        imported = _import(given)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted; nothing was published\n")
    except (AudienceError, BadConfig, NotImportable, NotPublished, OSError) as error:
        parser.exit(1, f"nothing was published: {error}\n")
    console.print(f"Published {given.repository}/{imported.manifest.model}/{imported.manifest.version}")
    for line in _lines(imported):
        console.print(line)
    return 0


def _import(given: argparse.Namespace) -> Imported:
    order = read_order(given.config)
    signing_key = None if given.signing_key is None else read_signing_key(given.signing_key)
    with published_at(given.repository, order.model) as repository:
        return import_model(given.file, order, repository, given.seed, signing_key)


def _lines(imported: Imported) -> Iterator[str]:
    findings, manifest = imported.findings, imported.manifest
    rows, evidence = findings.rows, findings.evidence
    if rows.real_count:
        tried = f"{rows.real_count:,} rows and {evidence.edge_row_count} at the edges"
    else:
        tried = f"{evidence.edge_row_count} rows drawn within the features' ranges"
    largest = max(evidence.largest_difference.values())
    yield f"  compared with the original on {tried}: largest difference {largest:.2g}"
    for name, count in rows.replaced.items():
        yield f"  {name}: missing or out of range in {count:,} rows, where the default stands, as in a request"
    if not findings.is_population:
        yield "  too few rows for percentiles, shares and traits: name a file of 100 or more with rows = …"
    for head in manifest.heads:
        yield f"  {head.name} ({_KINDS[head.kind]})" + (f": {head.title}" if head.title else "")
        for segment in head.segments:
            kept = " kept" if segment.issued_in_version < manifest.version else " new"
            share = f", {segment.share:.0%} of the rows" if findings.is_population else ""
            apart = "".join(f"; {t.feature} {t.mean:.3g} (all {t.population_mean:.3g})" for t in segment.traits[:2])
            yield f"    {segment.key}{kept}: {segment.name}{share}{apart}"
        if head.retired_keys:
            yield f"    retired: {', '.join(head.retired_keys)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training import",
        description="Publishes a model that was made elsewhere, an ONNX file from PyTorch, LightGBM, XGBoost, "
        "scikit-learn or anything else, as the next version of a model.",
        epilog="Example: python -m training import churn.onnx --config churn.toml --repository build/repository. "
        "docs/import.md says what stands in the TOML file.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="MODEL.onnx", help="the graph; weights may lie in files beside it")
    add("--config", type=Path, metavar="MODEL.toml", help="what its inputs and outputs mean")
    add(
        "--repository",
        type=read_repository,
        metavar="DIR",
        help="where versions are published: a folder, made if absent, or an address such as s3://bucket/prefix",
    )
    add(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="Ed25519 private key, PEM, that signs the version, for servers with --public-key (default: no signature)",
    )
    add("--describe", action="store_true", help="print what the graph takes and gives, and a TOML file to begin with")
    add(
        "--seed",
        type=natural,
        default=0,
        help="seed of the rows that are drawn without real ones (default: %(default)s)",
    )
    return parser
