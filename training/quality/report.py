"""What was found of the records, for the evaluation and for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from training.quality.checks import REFUSE, WARN, Finding
from training.quality.refusal import BadData

_STYLES = {WARN: "yellow", REFUSE: "red"}


@dataclass(frozen=True, slots=True)
class Quality:
    """What was found of the records.

    Attributes:
        row_count: rows that were read.
        kept_count: rows that are used.
        findings: in the order that they were found.
    """

    row_count: int
    kept_count: int
    findings: Sequence[Finding]

    def refuse(self) -> None:
        """Refuses the records when a finding does.

        Raises:
            BadData: with a sentence for each finding that refuses.
        """
        texts = [finding.text for finding in self.findings if finding.severity == REFUSE]
        if texts:
            raise BadData("the records are refused: " + "; ".join(texts))

    def with_findings(self, findings: Sequence[Finding]) -> "Quality":
        """With further findings."""
        return Quality(self.row_count, self.kept_count, (*self.findings, *findings))

    def to_evaluation(self) -> dict[str, object]:
        """The part "quality" of evaluation.json."""
        return {
            "row_count": self.row_count,
            "kept_count": self.kept_count,
            "checks": [asdict(finding) for finding in self.findings],
        }

    def to_table(self) -> Table:
        """The findings as a table for a terminal, what refuses and warns first."""
        title = f"Records: {self.kept_count:,} of {self.row_count:,} rows are used"
        table = Table(title=title, title_justify="left", min_width=len(title))
        table.add_column("check")
        table.add_column("found")
        ranks = {REFUSE: 0, WARN: 1}
        for finding in sorted(self.findings, key=lambda finding: ranks.get(finding.severity, 2)):
            table.add_row(finding.check, finding.text, style=_STYLES.get(finding.severity, ""))
        return table
