"""The one error of records."""

from training.errors import NotTrained


class BadData(NotTrained):
    """Records cannot be learned from. The text says what is wrong with them, and what would be right."""
