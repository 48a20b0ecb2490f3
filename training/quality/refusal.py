"""The one error of records."""

from training.errors import NotTrained


class BadData(NotTrained):
    """Records cannot be learned from. The text says what is wrong with them, and what would be right."""


class AbsentColumn(BadData):
    """The records have no such column.

    Attributes:
        column: its name.
    """

    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column
